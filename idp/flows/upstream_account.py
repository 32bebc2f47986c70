"""What becomes of an identity at another provider that leads into no account here: linked, or the begin of an account.

Nothing is concluded from its address. It is linked only to the account of whoever signs in with credentials of ours in
this very interaction and then says so; it gets an account of its own only where the operator lets it, and only with an
address that was proved: here, by a code, or there, where the operator trusts that provider for it. Whether an account
has that address changes nothing on the page.
"""

from dataclasses import dataclass

from idp.domain.event import EventKind
from idp.domain.refusal import Refusal, Refused
from idp.domain.secret import Digest
from idp.domain.upstream import Arrival, NewAccounts, Upstream
from idp.flows.authorization import Standing, Step
from idp.flows.sign_in import Proceeded, SignIn
from idp.flows.signup import INVITATION, SignUp, Wish
from idp.flows.upstream_links import UpstreamLinks
from idp.flows.visit import Visit
from idp.oauth.context import Context
from idp.policy.situation import OWN_FIRST_FACTORS

MOST_INVITATIONS = 10_000


@dataclass(frozen=True, slots=True)
class Offer:
    """Who came back, and what they may do; `email` is an address that needs no further proof."""

    upstream: Upstream
    arrival: Arrival
    may_link: bool
    may_create: bool
    email: str | None
    invitation: Digest | None = None


@dataclass(frozen=True, slots=True)
class CodeSent:
    """An address must be proved by a code first."""


class UpstreamAccounts:
    """Links identities that came back, or makes accounts for them."""

    def __init__(self, sign_in: SignIn, signup: SignUp, links: UpstreamLinks) -> None:
        """Keep what the steps need."""
        self._sign_in = sign_in
        self._signup = signup
        self._links = links

    async def offer(self, context: Context, standing: Standing) -> Offer | None:
        """Return what somebody who came back may do in this interaction; None if nobody waits there."""
        arrival = await context.stores.upstream_requests.arrived(standing.interaction.id, context.now)
        upstream = await context.stores.upstreams.find(arrival.upstream_id) if arrival is not None else None
        if arrival is None or upstream is None or not upstream.is_active:
            return None
        is_vouched = arrival.email is not None and arrival.email_verified and upstream.vouches_for(arrival.email)
        email = arrival.email if is_vouched else None
        invitation = await self._invitation(context, email) if email is not None else None
        may_create = upstream.creates_accounts is NewAccounts.ON or (
            upstream.creates_accounts is NewAccounts.INVITED and invitation is not None
        )
        return Offer(upstream, arrival, upstream.offers_linking, may_create, email, invitation)

    async def _invitation(self, context: Context, email: str) -> Digest | None:
        """Return the open invitation of an address."""
        for digest, _end, link in await context.stores.links.open_ones(
            INVITATION, context.now, limit=MOST_INVITATIONS
        ):  # fmt: skip
            if link.text("email").lower() == email.lower():
                return Digest(bytes.fromhex(digest))
        return None

    async def begin_linking(self, context: Context, standing: Standing, offer: Offer) -> bool:
        """Note that the identity is to be linked to whoever signs in here next; False where that is not offered."""
        if not offer.may_link or standing.step is not Step.LOGIN:
            return False
        await context.stores.interactions.note_linking(standing.interaction.id, offer.upstream.id)
        return True

    async def link(self, context: Context, standing: Standing) -> Refused | None:
        """Link the identity that waits to whoever has just signed in with credentials of ours, and said yes."""
        stores, user = context.stores, standing.user
        own = any(proof.factor in OWN_FIRST_FACTORS for proof in standing.interaction.proofs)
        if user is None or standing.step is not Step.LINK or not own or standing.interaction.user_id != user.id:
            return Refused(Refusal.NOT_AVAILABLE)
        await stores.interactions.note_linking(standing.interaction.id, None)
        arrival = await stores.upstream_requests.settle(standing.interaction.id, context.now)
        upstream = await stores.upstreams.find(arrival.upstream_id) if arrival is not None else None
        if arrival is None or upstream is None or not (upstream.is_active and upstream.offers_linking):
            return Refused(Refusal.NOT_AVAILABLE)
        linked = await self._links.link(context, user, upstream, arrival)
        return linked if isinstance(linked, Refused) else None

    async def leave_unlinked(self, context: Context, standing: Standing) -> None:
        """Forget the identity that waits."""
        await context.stores.interactions.note_linking(standing.interaction.id, None)
        await context.stores.upstream_requests.settle(standing.interaction.id, context.now)

    async def create(
        self, context: Context, visit: Visit, standing: Standing, offer: Offer, wish: Wish
    ) -> Proceeded | CodeSent | Refused:
        """Make an account for the identity that waits; an address that nobody vouches for is proved by a code first.

        An address that an account has already, proved or not, never leads into that account.
        """
        if not offer.may_create or standing.step is not Step.LOGIN:
            return Refused(Refusal.NOT_AVAILABLE)
        if offer.email is None:
            email = self._signup.check(wish)
            if isinstance(email, Refused):
                return email
            return await self._signup.start(context, visit, standing, wish, email, None) or CodeSent()
        if await context.stores.users.find_by_name(offer.email) is not None:
            return Refused(Refusal.EMAIL_TAKEN)
        arrival = await context.stores.upstream_requests.settle(standing.interaction.id, context.now)
        if arrival is None or arrival.key != offer.arrival.key:
            return Refused(Refusal.FORM_EXPIRED)
        return await self._begin(context, visit, standing, offer, wish)

    async def _begin(
        self, context: Context, visit: Visit, standing: Standing, offer: Offer, wish: Wish
    ) -> Proceeded | Refused:
        claims = {"name": wish.name, **offer.arrival.claims} if wish.name.strip() else offer.arrival.claims
        user = await self._signup.make(context, offer.email or "", claims, wish.locale, None)
        if isinstance(user, Refused):
            return user
        if offer.invitation is not None:
            await context.stores.links.close(offer.invitation, purpose=INVITATION, now=context.now)
            await context.record(EventKind.INVITED, user_id=user.id, change="used")
        proof = await self._links.begin(context, user, offer.upstream, offer.arrival)
        if isinstance(proof, Refused):
            return proof
        return await self._sign_in.record(context, visit, standing, user, proof)
