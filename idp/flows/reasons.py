"""Why somebody was asked, in words that help no attacker; and what they answer: it was me, or it was not.

Shown are time, coarse place, what was asked and what came of it. An answer from the very session that the attempt
opened or used counts for nothing: whoever made the attempt would give it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from idp.domain.assurance import Factor
from idp.domain.event import EventKind
from idp.domain.json import Json
from idp.domain.risk import Band
from idp.domain.session import Session
from idp.domain.user import User
from idp.flows import labels, verdict
from idp.flows.access import end_elsewhere
from idp.flows.alerts import Alert, Alerts, Code
from idp.flows.labels import Label
from idp.flows.recovery import Recovery
from idp.oauth.context import Context
from idp.policy.facts import Event
from idp.policy.rules import Decision, Mode
from idp.providers.geo.port import Places
from idp.storage.columns import to_micros
from idp.storage.decisions import StoredDecision

AT_ONCE = 20  # more events than one request writes
SIGN_INS = frozenset({Event.LOGIN, Event.AUTHORIZE})


class Why(StrEnum):
    """The one sentence."""

    REFUSED = "refused"
    DIFFERENT = "different"
    GUARDED = "guarded"
    USUAL = "usual"
    NOTHING = "nothing"


class Outcome(StrEnum):
    """What came of an attempt."""

    PASSED = "passed"
    REFUSED = "refused"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Reason:
    """An attempt as its person sees it; `asked` are the factors, empty if nothing was asked."""

    id: str
    at: datetime
    place: str
    why: Why
    asked: tuple[Factor, ...]
    outcome: Outcome
    label: Label | None
    is_this_session: bool


class Answer(StrEnum):
    """What became of a click."""

    NOTED = "noted"
    SECURED = "secured"  # everybody is out, and a link for a new password was sent
    CHANGE_PASSWORD = "change_password"  # no proved address to send a link to: the person chooses a new one here
    UNCHANGED = "unchanged"
    THIS_SESSION = "this_session"


class Reasons:
    """Explains attempts to the people they were about, and takes their answers."""

    def __init__(self, recovery: Recovery, alerts: Alerts, places: Places) -> None:
        """Secure accounts by the same way as the link in a mail."""
        self._recovery = recovery
        self._alerts = alerts
        self._places = places

    async def explain(
        self, context: Context, user: User, session: Session, decision_id: str, *, locale: str
    ) -> Reason | None:  # fmt: skip
        """Return what a person may know of an attempt on their account; None for anybody else's."""
        decision = await labels.find(context, user.id, decision_id)
        if decision is None:
            return None
        address = await self._address(context, decision)
        record = _record(decision)
        return Reason(
            decision.id,
            decision.decided_at,
            self._places.name(address, locale=locale) if address else "",
            _why(decision, record),
            _asked(decision, record),
            _outcome(decision),
            Label(decision.label) if decision.label in set(Label) else None,
            decision.session_id == session.id,
        )

    async def _address(self, context: Context, decision: StoredDecision) -> str:
        """Return where an attempt came from: the trail knows, sealed, and a record does not."""
        after = f"{to_micros(decision.decided_at) + 1:014x}"  # ids of events begin with their moment
        found = await context.stores.events.of_user(decision.user_id, before=after, limit=AT_ONCE)
        return next((each.address for each in found if each.at == decision.decided_at and each.address), "")

    async def was_me(self, context: Context, user: User, session: Session, decision_id: str) -> Answer | None:
        """Take a person's word that an attempt was theirs; None for an attempt on another account."""
        decision = await labels.find(context, user.id, decision_id)
        if decision is None or decision.session_id == session.id:
            return None if decision is None else Answer.THIS_SESSION
        done = await labels.put(context, decision, Label.OWNER, by=user.id)
        return Answer.NOTED if done else Answer.UNCHANGED

    async def was_not_me(self, context: Context, user: User, session: Session, decision_id: str) -> Answer | None:
        """Secure the account of somebody who did not make an attempt; None for an attempt on another account."""
        decision = await labels.find(context, user.id, decision_id)
        if decision is None or decision.session_id == session.id:
            return None if decision is None else Answer.THIS_SESSION
        if not await labels.put(context, decision, Label.ATTACK, by=user.id):
            return Answer.UNCHANGED
        alert = Alert(Code.NOT_ME, await self._address(context, decision), decision.id)
        await self._alerts.raised(context.stores, alert, context.now)
        if user.email is not None and user.email_verified:
            await self._recovery.lock(context, user)
            return Answer.SECURED
        # Without a proved address a link could reach a stranger: this session stays, and is led to a new password.
        await end_elsewhere(context.stores, user.id, context.now, spare=session.id)
        await context.stores.known_devices.forget(user.id)
        await context.record(EventKind.ACCOUNT_SECURED, user_id=user.id)
        return Answer.CHANGE_PASSWORD


def _record(decision: StoredDecision) -> Mapping[str, Json]:
    """Return what the policy said; nothing if the record cannot be read any more."""
    try:
        return verdict.read_record(decision).verdict
    except ValueError:
        return {}


def _why(decision: StoredDecision, record: Mapping[str, Json]) -> Why:
    if decision.decision == Decision.DENY:
        return Why.REFUSED
    if decision.decision == Decision.ALLOW:
        return Why.NOTHING
    if Band(decision.band).at_least(Band.MEDIUM) and _has_rule(record):
        return Why.DIFFERENT
    return Why.USUAL if decision.event in SIGN_INS else Why.GUARDED


def _has_rule(record: Mapping[str, Json]) -> bool:
    """Say whether a rule of the policy took part; without any the account or the client alone has asked."""
    rules = record.get("rules")
    enforced = {"matched": True, "mode": Mode.ENFORCE.value}.items()
    return isinstance(rules, list) and any(isinstance(rule, dict) and enforced <= rule.items() for rule in rules)


def _asked(decision: StoredDecision, record: Mapping[str, Json]) -> tuple[Factor, ...]:
    """Return what was asked: the cheapest set that would do."""
    found = record.get("satisfied_by")
    if decision.decision in (Decision.ALLOW, Decision.DENY) or not isinstance(found, list):
        return ()
    return tuple(Factor(name) for name in found if name in set(Factor))


def _outcome(decision: StoredDecision) -> Outcome:
    if decision.decision == Decision.DENY:
        return Outcome.REFUSED
    return Outcome.PASSED if decision.outcome == "passed" or decision.decision == Decision.ALLOW else Outcome.OPEN
