"""Gathers what is known of an attempt and has the local engine score it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from idp.domain.assurance import Trait
from idp.domain.authorization import AuthorizationRequest
from idp.domain.client import Client
from idp.domain.permission import is_of_administration
from idp.domain.secret import make_id
from idp.domain.session import Session
from idp.domain.user import User
from idp.flows import known_device, throttle
from idp.flows.visit import Visit
from idp.oauth.context import Context
from idp.policy.facts import Event
from idp.risk import watch
from idp.risk.active_policies import Chosen
from idp.risk.consultation import Record as Advice
from idp.risk.profile import Observation
from idp.risk.scorer import Scored
from idp.risk.signal import Circumstances, Failures, Hints

NOBODY = ""
#: What can be guessed at; failures say nothing of somebody who is signed in.
COUNTED = frozenset({Event.LOGIN, Event.RECOVERY})


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody is doing, and by which way they came."""

    event: Event
    request: AuthorizationRequest | None = None
    client: Client | None = None
    session: Session | None = None
    is_breached: bool | None = None
    shown: frozenset[Trait] | None = None  # by the passkey that was proved, if one was


@dataclass(frozen=True, slots=True)
class Assessed:
    """An attempt and its score: of the local engine, and after an adviser if one was asked in time."""

    scored: Scored
    chosen: Chosen
    decision_id: str  # under which a decision about it is stored
    advice: Advice | None = None
    user_risk: int = 0
    sequences: frozenset[str] = frozenset()  # of what the person did lately

    @property
    def score(self) -> int:
        """Return the score that counts for this attempt alone."""
        return self.scored.assessment.score if self.advice is None else self.advice.final

    def with_breach(self, *, found: bool) -> "Assessed":
        """Return the same, after the password was at hand and looked up among leaked ones."""
        circumstances = replace(self.scored.circumstances, breached=found)
        return replace(self, scored=replace(self.scored, circumstances=circumstances))


async def assess(context: Context, visit: Visit, user: User | None, attempt: Attempt) -> Assessed | None:
    """Score an attempt; somebody unknown costs the same statements. None where risk is not weighed at all."""
    desk = context.engine.risk
    if desk is None:
        return None
    user_id = user.id if user is not None else NOBODY
    circumstances = await _circumstances(context, visit, user, attempt)
    scored = await desk.scorer.score(context.stores, user_id, circumstances)
    # Ids grow with time, so that pages of decisions read in the order in which they were made.
    decision_id = f"{int(context.now.timestamp() * 1_000_000):014x}{make_id()}"
    chosen = await desk.policies.of(context.stores, user_id)
    if attempt.event is Event.AUTHORIZE:  # what happened since the sign-in has raised the session itself
        return Assessed(scored, chosen, decision_id)
    acts = await watch.risk_of(context.stores, user_id, context.now)
    codes = frozenset(floor.code for floor in acts.floors)
    return Assessed(scored, chosen, decision_id, user_risk=acts.score, sequences=codes)


async def _circumstances(context: Context, visit: Visit, user: User | None, attempt: Attempt) -> Circumstances:
    stores, digester, now = context.stores, context.engine.digester, context.now
    password = await stores.credentials.password_of(user.id if user is not None else NOBODY)
    device = known_device.ABSENT
    if user is not None:
        device = await known_device.recognise(stores, visit, user_id=user.id, digester=digester, now=now)
    failures = Failures()
    if attempt.event in COUNTED:
        account = (user.id if user is not None else NOBODY).encode()
        counts = await throttle.failures_of(stores, digester, account=account, address=visit.address, now=now)
        desk = context.engine.risk
        surge = await desk.surges.z(stores, now) if desk is not None else None
        failures = Failures(counts.network, counts.account, counts.share, surge, counts.is_spraying)
    return Circumstances(
        at=now,
        address=visit.address,
        agent=visit.user_agent,
        hints=Hints(visit.accept_language, visit.platform, visit.is_mobile),
        device=device.device_id,
        cookie=device.cookie,
        hour=_hour(user, now),
        failures=failures,
        breached=attempt.is_breached,
        webauthn_counter=None if attempt.shown is None else Trait.COUNTER_STOOD in attempt.shown,
        webauthn_revoked=None if attempt.shown is None else Trait.REVOKED in attempt.shown,
        credential_age=_credential_age(user, password.created_at, now) if password is not None else None,
        ja4=visit.ja4,
        ja4h=visit.ja4h,
        rtt_ms=visit.rtt_ms,
        new_client=await _is_new_client(context, user, attempt),
        admin_scope=is_of_administration(attempt.request.scopes) if attempt.request is not None else None,
    )


async def _is_new_client(context: Context, user: User | None, attempt: Attempt) -> bool | None:
    """Say whether a person never allowed this client anything; unknown where nobody is asked."""
    client = attempt.client
    if user is None or client is None or client.is_first_party or attempt.event not in COUNTED:
        return None
    return await context.stores.consents.find(user.id, client.id) is None


def _credential_age(user: User | None, since: datetime, now: datetime) -> timedelta | None:
    """Return how old a changed password is; one that is as old as its account was never changed."""
    if user is None or user.created_at is None or since - user.created_at < timedelta(hours=1):
        return None
    return now - since


def _hour(user: User | None, now: datetime) -> int | None:
    local = local_time(user, now)
    return None if local is None else local.hour


def local_time(user: User | None, now: datetime) -> datetime | None:
    """Return the time where the person says that they live; None if they say nothing, or nothing that exists."""
    zone = user.claims.get("zoneinfo") if user is not None else None
    if not isinstance(zone, str):
        return None
    try:
        return now.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


async def observe(context: Context, visit: Visit, user: User) -> Observation:
    """Return what a sign-in that passed teaches: the same that it was compared by."""
    desk = context.engine.risk
    assert desk is not None, "nobody is judged without"
    circumstances = await _circumstances(context, visit, user, Attempt(Event.AUTHORIZE))
    return desk.scorer.observe(desk.scorer.locate(circumstances))
