"""What happens once something was proved: the proof is stored, and when all is proved the session opens.

Later steps read only what stands on the interaction; cookies, forms and URLs carry no progress. Before the whole set is
proved there is no session and no code.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from idp.domain import assurance
from idp.domain.assurance import Proof, Trait
from idp.domain.authorization import Interaction
from idp.domain.event import EventKind
from idp.domain.json import Json
from idp.domain.user import User
from idp.flows import authorization, browser_session, judging, known_device, labels
from idp.flows.alerts import Alerts
from idp.flows.assessment import Assessed
from idp.flows.authorization import Outcome, Standing
from idp.flows.browser_session import Bounds, OpenedSession
from idp.flows.enrolled import browser_digest
from idp.flows.notices import Notices
from idp.flows.visit import Visit
from idp.oauth.context import Context
from idp.policy import lifetimes, prompts, step_up
from idp.risk.signal import Cookie

# Among what an interaction keeps of its judgement: whether its person got a mail, and which decision began it.
TOLD, ASKED_BY = "told", "asked_by"
#: What a proof may show that makes its attempt riskier than it looked before.
DOUBTFUL = frozenset({Trait.REVOKED, Trait.COUNTER_STOOD})


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The person proved all that was asked; cookies to set."""

    user: User
    opened: OpenedSession
    device: str | None


@dataclass(frozen=True, slots=True)
class Proceeded:
    """Where to go now, and the session that was opened on the way, if one was."""

    outcome: Outcome | str
    signed_in: SignedIn | None = None


class SignIn:
    """Stores proofs and opens sessions."""

    def __init__(self, notices: Notices, alerts: Alerts) -> None:
        """Tell people of new devices and of unusual attempts by these."""
        self._notices = notices
        self._alerts = alerts

    async def record(
        self,
        context: Context,
        visit: Visit,
        standing: Standing,
        user: User,
        *proofs: Proof,
        remember: bool = False,
        assessed: Assessed | None = None,
    ) -> Proceeded:
        """Store proofs on their interaction and go on: to the next factor, or into the session.

        A proof of another person starts anew: what was proved before for somebody else counts for nothing. With the
        first proof the attempt is judged, by `assessed` or by what the local engine says now.
        """
        before = standing.interaction
        own = before.proofs if before.user_id == user.id else ()
        after = replace(before, user_id=user.id, proofs=assurance.merge(own, proofs))
        for proof in proofs:
            if Trait.COUNTER_STOOD in proof.traits and proof.credential_id is not None:
                await self._notices.passkey_copied(context, user, proof.credential_id)
        if not own or any(proof.traits & DOUBTFUL for proof in proofs):
            after = await self._judge(context, visit, standing, user, after, assessed)
        signed_in = None
        if await context.stores.interactions.note_proofs(before, after):
            factors = " ".join(proof.factor.value for proof in proofs)
            await context.record(EventKind.FACTOR_PROVED, user_id=user.id, factor=factors)
            situation = await authorization.situate(context, visit, before.request, after, standing.session)
            if prompts.missing_proof(before.request, standing.client, situation) is None:
                was_spared = situation.facts is not None and situation.facts.is_remembered
                bounds = await judging.conclude(context, visit, standing, situation, user)
                signed_in = await self._open(
                    context, visit, standing, user, after, was_spared=was_spared, bounds=bounds
                )
                await judging.teach(
                    context, replace(visit, device=signed_in.device), situation, user, signed_in.opened.session
                )
                await self._settle(context, user, after, signed_in.opened)
                if remember and prompts.may_remember(before.request, situation):
                    await self._remember(context, visit, user)
        if signed_in is not None:
            visit = replace(visit, session=signed_in.opened.secret)
        return Proceeded(await authorization.resume(context, visit, before.id), signed_in)

    async def _judge(
        self,
        context: Context,
        visit: Visit,
        standing: Standing,
        user: User,
        after: Interaction,
        assessed: Assessed | None,
    ) -> Interaction:
        """Have the attempt judged, tell whoever must know, and note on the interaction that the person was told."""
        before = after.judgement or {}
        asked_by = before.get("decision")
        after, judged = await judging.with_judgement(context, visit, standing, user, after, assessed)
        if judged is None:
            return after
        was_told = isinstance(asked_by, str) and after.request is not None  # at /authorize, by their session
        told = await self._alerts.of_attempt(context, visit, user, judged, was_told=was_told)
        more: dict[str, Json] = {TOLD: True} if told or TOLD in before else {}
        return replace(after, judgement={**(after.judgement or {}), **more, ASKED_BY: asked_by})

    async def _settle(self, context: Context, user: User, after: Interaction, opened: OpenedSession) -> None:
        """Note that what a signed-in browser was asked for was given in this interaction."""
        asked_by = (after.judgement or {}).get(ASKED_BY)
        decision = await labels.find(context, user.id, asked_by) if isinstance(asked_by, str) else None
        if decision is not None:
            await context.stores.decisions.conclude(
                decision.id, "passed", session_id=opened.session.id, taught=None, now=context.now
            )

    async def _open(
        self,
        context: Context,
        visit: Visit,
        standing: Standing,
        user: User,
        after: Interaction,
        *,
        was_spared: bool,
        bounds: Bounds,
    ) -> SignedIn:
        stores, digester, now = context.stores, context.engine.digester, context.now
        proofs, kept = after.proofs, after.judgement
        opened = await browser_session.open_or_raise(
            stores, digester, visit, user=user, proofs=proofs, now=now, bounds=bounds
        )
        await stores.interactions.note_sign_in(standing.interaction.id, opened.session.id, now)
        factors = " ".join(proof.factor.value for proof in proofs)
        device, is_new = await self._device(context, visit, user, kept or {})
        await context.record(
            EventKind.SIGNED_IN,
            user_id=user.id,
            session_id=opened.session.id,
            factors=factors,
            new_device=is_new,  # what follows is judged by these two (risk/behaviour.py)
            strong_proof=step_up.is_aal2(proofs),
        )
        if was_spared:
            await stores.remembered_browsers.touch(user.id, browser_digest(digester, visit, user.id), now)
        return SignedIn(user, opened, device)

    async def _device(self, context: Context, visit: Visit, user: User, kept: Mapping[str, Json]) -> tuple[str, bool]:
        """Note the browser as one that this person uses, and tell them if it is new and they do not know yet."""
        stores, now = context.stores, context.now
        cookie, found = await known_device.remember(
            stores, visit, user_id=user.id, digester=context.engine.digester, now=now
        )
        is_new = found.cookie is not Cookie.KNOWN
        if is_new and TOLD not in kept:
            decision = kept.get("decision")
            await self._notices.new_device(
                stores, user, visit, now, decision=decision if isinstance(decision, str) else ""
            )
        return cookie, is_new

    async def _remember(self, context: Context, visit: Visit, user: User) -> None:
        await context.stores.remembered_browsers.remember(
            user.id,
            browser_digest(context.engine.digester, visit, user.id),
            device=visit.user_agent[: browser_session.MAX_DEVICE_TEXT],
            now=context.now,
            expires_at=context.now + lifetimes.REMEMBERED_BROWSER,
            keep=lifetimes.REMEMBERED_BROWSERS,
        )
        await context.record(EventKind.BROWSER_REMEMBERED, user_id=user.id)
