"""What a person does after sign-in, and what it says about who is doing it; pure.

A sign-in cannot see a stolen device cookie on the victim's own network; what follows the sign-in can show it. User risk
is a sum of points that fade, and sequences are floors for a day. Nothing here refuses.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from idp.domain.event import EventKind
from idp.domain.json import Json
from idp.domain.risk import Band, Floor, band_of

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
HALF_LIFE = DAY
MOST = Band.CRITICAL.start - 1  # behaviour alone never reaches the band in which a policy may deny
LONG_KNOWN_DAYS = 30
FLOOR_LASTS = DAY
LOOK_BACK = timedelta(days=30)  # older events change nothing that can be seen
HABIT = "ACT_UNUSUALLY_MANY"
# First judgements: what is too many for a person, and what they are used to.
HABIT_POINTS, HABIT_TIMES, USUAL_AT_LEAST, USUAL_HALF_LIFE = 15, 3, 1.0, timedelta(days=7)


class Mark(StrEnum):
    """What must be said of an event beside its kind, by whoever records it."""

    NEW_DEVICE = "new_device"  # a sign-in from a browser that nobody had signed in from as this person
    STRONG_PROOF = "strong_proof"  # a fresh proof of loa:2 or better
    FIRST_ADMIN_SCOPE = "first_admin_scope"  # the first admin scope for a client that is new to the person
    TOKEN_EXPORT = "token_export"


class Act(StrEnum):
    """A sensitive thing a person did; the value is its code in an explanation."""

    CONTACT_CHANGED = "ACT_CONTACT_CHANGED"
    FACTOR_REMOVED = "ACT_FACTOR_REMOVED"
    FACTOR_ADDED = "ACT_FACTOR_ADDED"
    RECOVERY_STARTED = "ACT_RECOVERY_STARTED"
    RECOVERY_FINISHED = "ACT_RECOVERY_FINISHED"
    CODES_VIEWED = "ACT_CODES_VIEWED"
    ADMIN_SCOPE = "ACT_ADMIN_SCOPE"
    TOKEN_EXPORTED = "ACT_TOKEN_EXPORTED"


#: Points of each act, on the scale of scores; first judgements.
POINTS: Mapping[Act, int] = {
    Act.CONTACT_CHANGED: 25,
    Act.FACTOR_REMOVED: 30,
    Act.FACTOR_ADDED: 15,
    Act.RECOVERY_STARTED: 10,
    Act.RECOVERY_FINISHED: 20,
    Act.CODES_VIEWED: 15,
    Act.ADMIN_SCOPE: 20,
    Act.TOKEN_EXPORTED: 15,
}
# A reset that was only asked for is no act: a stranger can ask for it.
_ACTS: Mapping[EventKind, Act] = {
    EventKind.EMAIL_CHANGED: Act.CONTACT_CHANGED,
    EventKind.PHONE_CHANGED: Act.CONTACT_CHANGED,
    EventKind.FACTOR_REMOVED: Act.FACTOR_REMOVED,
    EventKind.FACTOR_ADDED: Act.FACTOR_ADDED,
    EventKind.RECOVERY_STARTED: Act.RECOVERY_STARTED,
    EventKind.RECOVERY_DONE: Act.RECOVERY_FINISHED,
    EventKind.PASSWORD_RESET: Act.RECOVERY_FINISHED,
    EventKind.RECOVERY_CODES_MADE: Act.CODES_VIEWED,
}
_MARKED: Mapping[Mark, Act] = {
    Mark.FIRST_ADMIN_SCOPE: Act.ADMIN_SCOPE,
    Mark.TOKEN_EXPORT: Act.TOKEN_EXPORTED,
}
#: The kinds of events that matter here, for whoever reads the audit trail; a mark on another kind is not looked for.
KINDS = frozenset(_ACTS) | {
    EventKind.SIGNED_IN,
    EventKind.FACTOR_PROVED,
    EventKind.CONSENT_GIVEN,
    EventKind.TOKENS_ISSUED,
}


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of a person's audit trail; `device_known_days` is None where no device is known to have acted."""

    kind: EventKind
    at: datetime
    device_known_days: int | None = None
    marks: frozenset[Mark] = frozenset()

    @property
    def act(self) -> Act | None:
        """Return the sensitive thing that this event was, if it was one."""
        return _ACTS.get(self.kind) or next((act for mark, act in _MARKED.items() if mark in self.marks), None)

    @property
    def is_long_known(self) -> bool:
        """Say whether the acting device is known for so long that it counts half."""
        return self.device_known_days is not None and self.device_known_days > LONG_KNOWN_DAYS


def detail_of(*, device_known_days: int | None, marks: Iterable[Mark] = ()) -> dict[str, str | int | bool | None]:
    """Return what an event's detail must hold for `read_event` to find it again."""
    detail: dict[str, str | int | bool | None] = {mark.value: True for mark in marks}
    return detail if device_known_days is None else detail | {"device_days": device_known_days}


def read_event(kind: str, at: datetime, detail: Mapping[str, Json]) -> Happened | None:
    """Return a row of the audit trail as it matters here; None if its kind does not."""
    if kind not in KINDS:
        return None
    days = detail.get("device_days")
    marks = frozenset(mark for mark in Mark if detail.get(mark.value) is True)
    return Happened(EventKind(kind), at, days if type(days) is int else None, marks)


@dataclass(frozen=True, slots=True)
class Points:
    """One named addend of user risk, faded as it is now."""

    code: str
    points: float


@dataclass(frozen=True, slots=True)
class UserRisk:
    """How likely somebody else acts for a person, on the scale of scores, with what it is made of."""

    points: int
    parts: tuple[Points, ...]
    floors: tuple[Floor, ...]

    @property
    def score(self) -> int:
        """Return the points, lifted by sequences; never critical."""
        return max([self.points, *(floor.band.start for floor in self.floors)])

    @property
    def band(self) -> Band:
        """Return the band of the score."""
        return band_of(self.score)


def user_risk(events: Iterable[Happened], now: datetime) -> UserRisk:
    """Return the user risk from the events of the past `LOOK_BACK`, in any order.

    A strong proof zeroes all points before it, but lifts no sequence: whoever took an account over can prove, too.
    """
    known = sorted(events, key=lambda event: event.at)
    acts = [event for event in known if event.act is not None]
    proved = max((event.at for event in known if Mark.STRONG_PROOF in event.marks), default=None)
    counted = acts if proved is None else [event for event in acts if event.at > proved]
    parts = [Points(act.value, _sum_of(act, counted, now)) for act in Act]
    parts.append(Points(HABIT, _unusually_many(acts, counted, now)))
    total = math.fsum(part.points for part in parts)
    return UserRisk(min(MOST, round(total)), tuple(part for part in parts if part.points > 0), floors_of(known, now))


def _sum_of(act: Act, counted: Sequence[Happened], now: datetime) -> float:
    return math.fsum(
        POINTS[act] * _share(event.is_long_known) * _faded(now - event.at, HALF_LIFE)
        for event in counted
        if event.act is act
    )


def _unusually_many(acts: Sequence[Happened], counted: Sequence[Happened], now: datetime) -> float:
    """Return the points for the day that had three times as many acts as the person's own days have.

    Judged at each act, with what was known then, so that it fades like all others and no later quiet brings it back.
    """
    found = 0.0
    for last in counted:
        day = [event for event in counted if last.at - DAY < event.at <= last.at]
        if len(day) < HABIT_TIMES * USUAL_AT_LEAST or len(day) < HABIT_TIMES * _usual(acts, last.at):
            continue
        share = _share(all(event.is_long_known for event in day))
        found = max(found, HABIT_POINTS * share * _faded(now - last.at, HALF_LIFE))
    return found


def _usual(acts: Iterable[Happened], at: datetime) -> float:
    """Return how many acts a day are usual: a mean over the time before the day that ends `at`, older days fading."""
    weights = (_faded(at - DAY - event.at, USUAL_HALF_LIFE) for event in acts if event.at <= at - DAY)
    return math.fsum(weights) * math.log(2) / (USUAL_HALF_LIFE / DAY)


def _share(is_long_known: bool) -> float:
    return 0.5 if is_long_known else 1.0


def _faded(age: timedelta, half_life: timedelta) -> float:
    """Return what is left of one; what another process's clock puts into the future is as of now."""
    return math.exp2(-max(0.0, age / half_life))


Step = Callable[[Happened], bool]


@dataclass(frozen=True, slots=True)
class Chain:
    """Steps that, one after the other within a time, are how accounts are taken over."""

    code: str
    band: Band
    within: timedelta
    steps: tuple[Step, ...]

    def ends_at(self, events: Sequence[Happened], last: Happened) -> bool:
        """Say whether this event is the last step of the chain; events oldest first."""
        if not self.steps[-1](last):
            return False
        until = last.at
        for step in reversed(self.steps[:-1]):
            times = [event.at for event in events if event.at <= until and step(event)]
            if not times:
                return False
            until = max(times)
        return last.at - until <= self.within


def _kind(*kinds: EventKind) -> Step:
    return lambda event: event.kind in kinds


def _is_new_device(event: Happened) -> bool:
    return event.kind is EventKind.SIGNED_IN and Mark.NEW_DEVICE in event.marks


_recovery = _kind(EventKind.RECOVERY_STARTED, EventKind.RECOVERY_DONE, EventKind.PASSWORD_RESET)
_email_change, _added = _kind(EventKind.EMAIL_CHANGED), _kind(EventKind.FACTOR_ADDED)
_removed = _kind(EventKind.FACTOR_REMOVED)

CHAINS = (
    Chain("SEQ_TAKEOVER", Band.HIGH, HOUR, (_is_new_device, _email_change, _removed)),
    Chain("SEQ_RESET_ENROL", Band.HIGH, DAY, (_recovery, _added, _removed)),
    Chain("SEQ_NEW_ADMIN", Band.MEDIUM, HOUR, (_is_new_device, lambda event: event.act is Act.ADMIN_SCOPE)),
)


def floors_of(events: Iterable[Happened], now: datetime) -> tuple[Floor, ...]:
    """Return the floors of all sequences that ended within the past day: for the person and all their sessions."""
    known = tuple(events)
    recent = [event for event in known if now < event.at + FLOOR_LASTS]
    return tuple(
        Floor(chain.code, chain.band) for chain in CHAINS if any(chain.ends_at(known, event) for event in recent)
    )
