"""Where risk and policy meet a journey: when an attempt is judged, what an interaction keeps of it, what came of it.

An attempt is judged with its first proof, and a signed-in browser whenever it asks for something. Only a sign-in that
gave every demanded proof teaches; one of medium risk or more that gave a password alone teaches nothing.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from idp.domain import assurance
from idp.domain.assurance import Factor, Requirement, Trait
from idp.domain.authorization import AuthorizationRequest, Interaction
from idp.domain.client import Client
from idp.domain.risk import Band
from idp.domain.session import Session
from idp.domain.user import User
from idp.flows import assessment, throttle, verdict
from idp.flows.advising import tenant_of
from idp.flows.assessment import Assessed, Attempt
from idp.flows.browser_session import Bounds
from idp.flows.enrolled import facts_of
from idp.flows.fact_snapshot import facts_for
from idp.flows.verdict import Judged
from idp.flows.visit import Visit
from idp.oauth.context import Context
from idp.policy import judgement as judgements
from idp.policy import prompts, step_up
from idp.policy.approval import event_of
from idp.policy.facts import Event
from idp.policy.judgement import Account, Judgement
from idp.policy.rules import Decision, EffectKind
from idp.policy.situation import Situation
from idp.risk.shared_advice import earn

#: Tells people and administrators of a judged attempt; says whether its person was to be told.
Tell = Callable[[Context, Visit, User, Judged], Awaitable[bool]]

if TYPE_CHECKING:
    from idp.flows.authorization import Standing


async def kept(context: Context, interaction: Interaction | None, user_id: str) -> Judgement | None:
    """Return the judgement that an interaction keeps, before the policy that decides about this person now."""
    desk = context.engine.risk
    if desk is None or interaction is None or interaction.judgement is None:
        return None
    chosen = await desk.policies.of(context.stores, user_id)
    return judgements.from_json(interaction.judgement, chosen.policy)


async def of_session(
    context: Context,
    visit: Visit,
    situation: Situation,
    request: AuthorizationRequest | None,
    client: Client | None,
    event: Event,
    *,
    tell: Tell | None = None,
) -> Situation:
    """Judge somebody who is signed in and asks for something: the same policy as at the sign-in.

    What they could prove is read only when something is asked of them. A decision that lets them pass needs no record:
    nothing happened. Of any other `tell` tells whoever must know.
    """
    session = situation.session
    if context.engine.risk is None or session is None:
        return situation
    user = await context.stores.users.find(session.user_id)
    if user is None or not user.is_active:
        return situation
    attempt = Attempt(event, request, client, session)
    assessed = await assessment.assess(context, visit, user, attempt)
    assert assessed is not None
    if (
        situation.facts is None
        and event is Event.AUTHORIZE
        and _asks_nothing(context, user, attempt, assessed, situation)
    ):
        return situation
    if situation.facts is None:
        facts = await facts_of(context.stores, context.engine, visit, user, context.now)
        situation = replace(situation, facts=facts)
    base, proofs = prompts.asked(request, client, situation)
    account = _account(context, situation, base)
    judged = verdict.judge(context, user, attempt, assessed, account, proofs)
    if judged.verdict.decision is not Decision.ALLOW and proofs:
        await verdict.keep(context, user, attempt, judged, account, proofs)
        if tell is not None:
            await tell(context, visit, user, judged)
        return replace(situation, judgement=judged.judgement)
    return replace(situation, judgement=replace(judged.judgement, decision_id=None))


def _asks_nothing(context: Context, user: User, attempt: Attempt, assessed: Assessed, situation: Situation) -> bool:
    """Say whether the policy lets somebody pass whatever they could prove: then that is not even looked up."""
    assert attempt.request is not None
    assert attempt.client is not None
    base, proofs = prompts.asked(attempt.request, attempt.client, situation)
    account = Account(step_up.Facts(), context.engine.rules, base or Requirement(), context.now)
    score = verdict.score_of(attempt, assessed)
    facts = facts_for(context.now, user, attempt, assessed, None, score)
    judgement = Judgement(assessed.chosen.policy, facts, score, assessed.chosen.denies)
    resolution = judgements.weigh(judgement, account, proofs)
    return bool(proofs) and resolution.decision is Decision.ALLOW and not resolution.asks


class Leave(StrEnum):
    """Whether a session may do something that matters: yes, after proving more, or not for now."""

    YES = "yes"
    PROVE = "prove"
    NO = "no"


#: What a policy forbids to a session of high risk although it proved enough.
FORBIDDING = frozenset({EffectKind.NO_ENROLMENT, EffectKind.NO_RECOVERY_CHANGE})
GUARDED = frozenset({Event.CREDENTIAL_CHANGE, Event.EMAIL_CHANGE})


async def leave_for(
    context: Context, visit: Visit, user: User, session: Session, facts: step_up.Facts, event: Event,
    *, within: timedelta | None = None,
) -> Leave:  # fmt: skip
    """Say whether a session may do this at once, by the account's own rules and by the policy.

    What was proved counts for five minutes, or as long as `within` says.
    """
    base = step_up.of_sensitive_page(facts)
    base = replace(base, max_age=within) if within is not None else base
    assert base.max_age is not None
    recent = assurance.fresh(session.proofs, context.now - base.max_age)
    if not any(proof.factor in assurance.PRIMARY for proof in recent) or not base.is_met(recent):
        return Leave.PROVE
    attempt = Attempt(event, session=session)
    assessed = await assessment.assess(context, visit, user, attempt)
    if assessed is None:
        return Leave.YES
    account = Account(facts, context.engine.rules, base, context.now)
    resolution = verdict.judge(context, user, attempt, assessed, account, recent).verdict.resolution
    if resolution.decision is Decision.DENY:
        return Leave.NO
    if resolution.decision is not Decision.ALLOW:
        return Leave.PROVE
    forbids = event in GUARDED and any(effect.kind in FORBIDDING for effect in resolution.effects)
    return Leave.NO if forbids else Leave.YES


async def with_judgement(
    context: Context, visit: Visit, standing: "Standing", user: User, after: Interaction, assessed: Assessed | None
) -> tuple[Interaction, Judged | None]:
    """Judge an attempt with its first proof; the risk is never less than what this interaction saw before."""
    if context.engine.risk is None:
        return after, None
    event = _event_of(after)
    session = standing.session if standing.session is not None and standing.session.user_id == user.id else None
    attempt = Attempt(event, after.request, standing.client, session, _was_breached(standing, user), _shown(after))
    found = assessed or await assessment.assess(context, visit, user, attempt)
    assert found is not None
    attempt = replace(attempt, is_breached=found.scored.circumstances.breached)
    facts = await facts_of(context.stores, context.engine, visit, user, context.now)
    situation = Situation(after, standing.session, context.now, facts, context.engine.rules)
    base, proofs = prompts.asked(after.request, standing.client, situation)
    account = _account(context, situation, base)
    judged = verdict.judge(context, user, attempt, found, account, proofs, at_least=_score_before(standing.interaction))
    await verdict.keep(context, user, attempt, judged, account, proofs)
    await _deny(context, visit, judged)
    return replace(after, judgement=judged.judgement.as_json()), judged


def _shown(interaction: Interaction) -> frozenset[Trait] | None:
    """Return what the passkey that was proved on the way showed, None if none was."""
    return next((proof.traits for proof in interaction.proofs if proof.factor is Factor.WEBAUTHN), None)


def _was_breached(standing: "Standing", user: User) -> bool | None:
    """Say whether the password that this person typed on the way has leaked; None if they typed none yet."""
    if standing.interaction.user_id != user.id:
        return None
    facts = (standing.interaction.judgement or {}).get("facts")
    signals = facts.get("signals") if isinstance(facts, dict) else None
    return "CRED_BREACHED" in signals if isinstance(signals, list) else None


async def _deny(context: Context, visit: Visit, judged: Judged) -> None:
    """Keep the source of a denied attempt away for a while; its account stays open to its owner."""
    length = judged.verdict.resolution.denies_for
    if judged.verdict.decision is Decision.DENY and length is not None:
        await throttle.deny(
            context.stores, context.engine.digester, address=visit.address, agent=visit.user_agent, now=context.now,
            length=length,
        )  # fmt: skip


def _event_of(interaction: Interaction) -> Event:
    """Return what the person is on the way to: a sign-in, an approval, or the change for which our page sent them."""
    if interaction.fresh_within is None:
        return event_of(interaction.request, Event.LOGIN)
    facts = interaction.judgement.get("facts") if interaction.judgement is not None else None
    return Event(facts["event"]) if isinstance(facts, dict) and "event" in facts else Event.CREDENTIAL_CHANGE


def _score_before(interaction: Interaction) -> int:
    score = interaction.judgement.get("score") if interaction.judgement is not None else None
    return score if isinstance(score, int) else 0


def _account(context: Context, situation: Situation, base: Requirement | None) -> Account:
    began = situation.interaction.created_at if situation.interaction is not None else None
    facts = situation.facts
    assert facts is not None
    return Account(facts, context.engine.rules, base or Requirement(), context.now, began)


async def conclude(context: Context, visit: Visit, standing: "Standing", situation: Situation, user: User) -> Bounds:
    """Return what the policy wants of the session that opens now."""
    judgement = situation.judgement
    if judgement is None:
        return Bounds()
    base, proofs = prompts.asked(standing.request, standing.client, situation)
    resolution = prompts.resolution_of(base, proofs, situation)
    gave_more = any(proof.is_checked for proof in situation.own_proofs)
    risk = judgement.local if gave_more else judgement.score
    return Bounds(risk, resolution.session_limit if resolution is not None else None)


async def teach(context: Context, visit: Visit, situation: Situation, user: User, session: Session) -> None:
    """Learn a sign-in that gave every demanded proof, and note what came of its decision."""
    judgement, desk, interaction = situation.judgement, context.engine.risk, situation.interaction
    if judgement is None or desk is None or interaction is None:
        return
    taught = None
    is_doubtful = judgement.policy.band(judgement.score).at_least(Band.MEDIUM)
    gave_more = any(proof.is_checked for proof in interaction.proofs)
    if judgement.facts.known.get("event") == Event.LOGIN.value and (gave_more or not is_doubtful):
        seen = await assessment.observe(context, visit, user)
        taught = await desk.scorer.learn(context.stores, user.id, seen, context.now)
    adviser = judgement.policy.adviser
    await earn(context.stores, tenant_of(context.engine.digester), adviser.friction_budget, context.now)
    if judgement.decision_id is not None:
        await context.stores.decisions.conclude(
            judgement.decision_id, "passed", session_id=session.id, taught=taught, now=context.now
        )
