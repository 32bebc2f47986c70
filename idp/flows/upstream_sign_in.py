"""Signing in at another provider: away to it, back with an answer that is checked, and then as after any first factor.

What it says is one first factor: the attempt is judged, and a second factor asked for, as after a password. An identity
that leads into no account here waits → upstream_account.py. No transaction is open while others are spoken to.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from idp.domain.event import EventKind
from idp.domain.refusal import Refused
from idp.domain.secret import Digest, make_secret
from idp.domain.upstream import Arrival, Upstream
from idp.domain.user import User
from idp.flows import authorization, browser_session, throttle
from idp.flows.authorization import Step, Stuck, browser_digest
from idp.flows.login import MakeContext
from idp.flows.sign_in import Proceeded, SignIn
from idp.flows.upstream_links import UpstreamLinks
from idp.flows.visit import Visit
from idp.oauth.context import Context
from idp.oauth.upstream.client import Asking, UpstreamClient
from idp.oauth.upstream.fault import UpstreamFault
from idp.policy import lifetimes
from idp.policy import upstreams as policy
from idp.policy.upstreams import Wishes
from idp.storage.stores import Transactions
from idp.storage.upstream_requests import UpstreamRequest

SECONDS = 5.0  # for everything that is asked of another provider while a person waits
LONGEST_PARAMETER = 2048


@dataclass(frozen=True, slots=True)
class Leaving:
    """Where to send the browser, and what it is called."""

    url: str
    name: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody came back who is nobody here yet: they say in this interaction what is to become of it."""

    interaction_id: str


@dataclass(frozen=True, slots=True)
class Linked:
    """A signed-in person's wish to link was done, or refused."""

    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """It did not work out: why, in a stable word, and in which interaction; None for whoever was linking."""

    reason: str
    interaction_id: str | None = None
    fault: UpstreamFault | None = None


Back = Proceeded | Waiting | Linked | Failed | Stuck


class UpstreamSignIn:
    """Leads people to other providers and back."""

    def __init__(
        self, transactions: Transactions, client: UpstreamClient, sign_in: SignIn, links: UpstreamLinks
    ) -> None:  # fmt: skip
        """Keep what the steps need."""
        self._transactions = transactions
        self.client = client
        self._sign_in = sign_in
        self.links = links

    async def leave(
        self, make_context: MakeContext, visit: Visit, interaction_id: str, upstream_id: str,
        check: Callable[[], None],
    ) -> Leaving | Proceeded | Failed | Stuck:  # fmt: skip
        """Begin to sign in at another provider; `check` raises unless the form is ours."""
        async with self._transactions.open(write=True, request_id=visit.request_id) as stores:
            context = make_context(stores)
            standing = await authorization.stand(context, visit, interaction_id)
            if not isinstance(standing, Stuck) or standing.why not in ("foreign", "unknown"):
                check()
            if isinstance(standing, Stuck):
                return standing
            if standing.step is not Step.LOGIN:
                return Proceeded(await authorization.resume(context, visit, interaction_id))
            upstream = await stores.upstreams.find(upstream_id)
        if upstream is None or not upstream.is_active:
            return Failed("unavailable", interaction_id)
        wished = policy.wishes(upstream, standing.request, standing.client, standing.situation)
        locales = standing.request.ui_locales if standing.request is not None else None
        try:
            return await self._leave(make_context, visit, upstream, wished, locales, interaction_id=interaction_id)
        except UpstreamFault as fault:
            return await self._failed(make_context, visit, upstream.id, fault, interaction_id)

    async def leave_to_link(
        self, make_context: MakeContext, visit: Visit, user: User, session_id: str, upstream_id: str
    ) -> Leaving | Failed:
        """Begin to link an identity to the account of somebody who is signed in, and has proved so just now."""
        async with self._transactions.open(write=False) as stores:
            upstream = await stores.upstreams.find(upstream_id)
        if upstream is None or not upstream.is_active:
            return Failed("unavailable")
        whose = (user.id, session_id)
        try:
            return await self._leave(make_context, visit, upstream, Wishes("select_account"), None, whose=whose)
        except UpstreamFault as fault:
            return await self._failed(make_context, visit, upstream.id, fault, None)

    async def _leave(
        self, make_context: MakeContext, visit: Visit, upstream: Upstream, wished: Wishes, locales: str | None, *,
        interaction_id: str | None = None, whose: tuple[str, str] | None = None,
    ) -> Leaving:  # fmt: skip
        metadata = await self.client.directory.metadata(upstream)
        state, nonce, verifier = make_secret(), make_secret(), make_secret()
        async with self._transactions.open(write=True, request_id=visit.request_id) as stores:
            context = make_context(stores)
            request = UpstreamRequest(
                state=_state_digest(context, state), upstream_id=upstream.id,
                browser=browser_digest(context.engine.digester, visit), verifier=verifier, nonce=nonce,
                issuer=upstream.issuer, expires_at=context.now + lifetimes.UPSTREAM_REQUEST,
                interaction_id=interaction_id, user_id=whose[0] if whose else None,
                session_id=whose[1] if whose else None,
            )  # fmt: skip
            await stores.upstream_requests.add(request, context.now)
            asking = Asking(
                callback_url(context, upstream.id), state, nonce, verifier, wished.prompt, wished.max_age,
                wished.login_hint, locales,
            )  # fmt: skip
        return Leaving(self.client.authorization_url(upstream, metadata, asking), upstream.name)

    async def come_back(
        self, make_context: MakeContext, visit: Visit, upstream_id: str, answer: Mapping[str, str]
    ) -> Back:
        """Take the answer of another provider: once, in the browser that left, and of that provider only."""
        async with self._transactions.open(write=True, request_id=visit.request_id) as stores:
            context = make_context(stores)
            upstream = await stores.upstreams.find(upstream_id)
            request = await stores.upstream_requests.spend(
                _state_digest(context, answer.get("state", "")), upstream_id=upstream_id,
                browser=browser_digest(context.engine.digester, visit), now=context.now,
            )  # fmt: skip
        if request is None or upstream is None:
            return Failed("unknown")
        try:
            async with asyncio.timeout(SECONDS):
                arrival = await self._read(make_context, upstream, request, answer)
        except (TimeoutError, UpstreamFault) as error:
            slow = UpstreamFault("slow", "that provider took too long", is_away=True)
            fault = error if isinstance(error, UpstreamFault) else slow
            return await self._failed(make_context, visit, upstream.id, fault, request.interaction_id)
        async with self._transactions.open(write=True, request_id=visit.request_id) as stores:
            context = make_context(stores)
            if request.interaction_id is not None:
                return await self._sign_in_by(context, visit, request.interaction_id, arrival)
            return await self._link_by(context, visit, request, arrival)

    async def _read(
        self, make_context: MakeContext, upstream: Upstream, request: UpstreamRequest, answer: Mapping[str, str]
    ) -> Arrival:
        """Return who is meant by an answer (RFC 6749 §4.1.2, RFC 9207 §2.4, OIDC Core §3.1.3); raise UpstreamFault."""
        if upstream.issuer != request.issuer:
            raise UpstreamFault("issuer", "it was set up anew meanwhile")
        metadata = await self.client.directory.metadata(upstream)
        if (metadata.sends_iss or "iss" in answer) and answer.get("iss") != upstream.issuer:
            raise UpstreamFault("mix_up", "the answer is of another provider")
        if "error" in answer:
            raise UpstreamFault("cancelled" if answer["error"] == "access_denied" else "refused", "it refused")
        if "code" not in answer:
            raise UpstreamFault("code", "there is no code")
        async with self._transactions.open(write=False) as stores:
            context = make_context(stores)
        claims = await self.client.redeem(
            upstream, answer["code"], redirect_uri=callback_url(context, upstream.id), verifier=request.verifier,
            nonce=request.nonce,
        )  # fmt: skip
        return policy.arrival_of(upstream, claims, context.now)

    async def _sign_in_by(self, context: Context, visit: Visit, interaction_id: str, arrival: Arrival) -> Back:
        stores = context.stores
        upstream = await stores.upstreams.find(arrival.upstream_id)  # as it is now
        standing = await authorization.stand(context, visit, interaction_id)
        if isinstance(standing, Stuck):
            return standing
        if standing.step is not Step.LOGIN:
            return Proceeded(await authorization.resume(context, visit, interaction_id))
        if upstream is None or not upstream.is_active:
            return Failed("unavailable", interaction_id)
        denied = await throttle.denied(
            stores, context.engine.digester, address=visit.address, agent=visit.user_agent, now=context.now
        )
        if denied is not None:
            return Failed("refused", interaction_id)
        identity = await self.links.find(context, arrival)
        if identity is None:
            await stores.upstream_requests.arrive(interaction_id, arrival, context.now + lifetimes.UPSTREAM_ARRIVAL)
            return Waiting(interaction_id)
        user = await stores.users.find(identity.user_id)
        if user is None or not user.is_active:
            await context.record(
                EventKind.SIGN_IN_REFUSED, user_id=identity.user_id, reason="disabled", upstream=upstream.id
            )
            return Failed("refused", interaction_id)
        proof = policy.proof_of(upstream, arrival, identity, context.now)
        if not policy.is_fresh_enough(proof, standing.request, standing.client, standing.situation):
            return Failed("not_fresh", interaction_id)
        user = await self.links.used(context, user, upstream, arrival, identity.id)
        return await self._sign_in.record(context, visit, standing, user, proof)

    async def _link_by(self, context: Context, visit: Visit, request: UpstreamRequest, arrival: Arrival) -> Back:
        """Link to the account of whoever began it, while that very session lives."""
        stores = context.stores
        session = await browser_session.find(stores, context.engine.digester, visit, context.now)
        upstream = await stores.upstreams.find(arrival.upstream_id)
        if session is None or session.id != request.session_id or upstream is None or not upstream.is_active:
            return Failed("unavailable")
        user = await stores.users.find(session.user_id)
        if user is None or not user.is_active or user.id != request.user_id:
            return Failed("unavailable")
        linked = await self.links.link(context, user, upstream, arrival)
        return Linked(linked.reason.value if isinstance(linked, Refused) else None)

    async def _failed(
        self, make_context: MakeContext, visit: Visit, upstream_id: str, fault: UpstreamFault,
        interaction_id: str | None,
    ) -> Failed:  # fmt: skip
        """Note in the trail what went wrong there; nobody else is told more than that it did."""
        async with self._transactions.open(write=True, request_id=visit.request_id) as stores:
            await make_context(stores).record(EventKind.UPSTREAM_REFUSED, upstream=upstream_id, reason=fault.reason)
        if fault.reason in ("cancelled", "refused"):
            return Failed(fault.reason, interaction_id)
        return Failed("away" if fault.is_away else "broken", interaction_id, fault)


def callback_url(context: Context, upstream_id: str) -> str:
    """Return the one redirect URI of another provider's answers; what it registers for us."""
    return context.engine.url(f"/upstream/{upstream_id}/callback")


def _state_digest(context: Context, state: str) -> Digest:
    return context.engine.digester.digest("upstream_state", state[:LONGEST_PARAMETER])
