"""What is asked of an adviser, what is recorded of it, and what is shared between processes.

A record is enough to show and to replay what an adviser did; a replay never calls anybody.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from idp.domain.advice import Advice, Payload, read_payload
from idp.providers.adviser.port import RawAnswer
from idp.risk.advice import GREY_ZONE, Bounds, Mode, NoAdvice, Why, accept, bound


class State(StrEnum):
    """What became of a question; recorded and shown, never a fact of a policy."""

    OK = "ok"
    CACHED = "cached"
    LATE = "late"
    MUTED = "muted"
    DEGRADED = "degraded"
    OFF = "off"


class Occasion(StrEnum):
    """What an answer is for."""

    NONE = "none"
    RECORD = "record"  # nobody waits, nothing changes
    DECIDE = "decide"


def occasion(local: int, *, is_sampled: bool, is_review: bool, is_at_top: bool) -> Occasion:
    """Say whether to ask: in the grey zone and on a behaviour review; else for a sample of low scores only.

    Where the top requirement applies already, an answer can only explain.
    """
    if local in GREY_ZONE or is_review:
        return Occasion.RECORD if is_at_top else Occasion.DECIDE
    return Occasion.RECORD if is_sampled and local < GREY_ZONE.start else Occasion.NONE


class Consequence(StrEnum):
    """What a raised score would do that the local one does not."""

    NONE = "none"
    STRICTER = "stricter"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose calls are counted, by keyed digests; an adviser never sees them."""

    tenant: bytes
    user: bytes
    prefix: bytes


@dataclass(frozen=True, slots=True)
class Question:
    """One attempt to be judged; `weigh` says what a score would lead to, and is pure."""

    payload: Payload
    caller: Caller
    bounds: Bounds
    weigh: Callable[[int], Consequence]
    occasion: Occasion = Occasion.DECIDE

    @property
    def local(self) -> int:
        """Return the score of the local engine."""
        return self.payload.local_score


@dataclass(frozen=True, slots=True)
class Record:
    """All that is needed to show and to replay what an adviser did; `payload` is byte for byte what was sent."""

    payload: bytes
    payload_hash: str
    model: str
    prompt_hash: str
    bounds: Bounds
    occasion: Occasion
    local: int
    state: State
    final: int
    proposed: int | None = None  # what the bounds would allow, whether or not it took effect
    raw: RawAnswer | None = None
    advice: Advice | None = None
    why: Why | None = None

    @property
    def effect(self) -> int:
        """Return by how much the score was raised."""
        return self.final - self.local


def replay(record: Record) -> int:
    """Return the score that a record led to, from what it holds alone."""
    if record.raw is None:
        return record.local
    verdict = accept(record.raw, read_payload(record.payload))
    if isinstance(verdict, NoAdvice) or not binds(record.occasion, record.bounds) or record.state is State.MUTED:
        return record.local
    return bound(record.local, verdict, record.bounds)


def binds(occasion: Occasion, bounds: Bounds) -> bool:
    """Say whether an answer may change anything at all."""
    return occasion is Occasion.DECIDE and bounds.mode is Mode.RAISE_ONLY


class Answers(Protocol):
    """Accepted answers by key, for all processes."""

    async def find(self, key: str, now: datetime) -> RawAnswer | None:
        """Return the answer unless it is unknown or expired."""
        ...

    async def keep(self, key: str, answer: RawAnswer, expires_at: datetime) -> None:
        """Store an answer; the first one stands."""
        ...


class Allowances(Protocol):
    """Counts calls and money, for all processes; never part of the caller's transaction."""

    async def take(self, caller: Caller, now: datetime) -> Why | None:
        """Count one call of this person and network, and its reckoned tokens; else say which limit is reached."""
        ...

    async def settle(self, tokens_in: int, tokens_out: int, now: datetime) -> None:
        """Put a call's own tokens in place of the reckoned ones; 0, 0 if they are unknown."""
        ...

    async def pay(self, tenant: bytes) -> bool:
        """Take one prompt from the tenant's friction budget; False if it does not hold one."""
        ...


class Health(Protocol):
    """The breaker, for all processes."""

    async def is_resting(self, now: datetime) -> bool:
        """Say whether no question may go out now; changes nothing."""
        ...

    async def admit(self, now: datetime) -> bool:
        """Say whether a question may go out; while open, to one probe at a time."""
        ...

    async def report(self, now: datetime, *, is_good: bool) -> None:
        """Count an answer or a failure."""
        ...


@dataclass(frozen=True, slots=True)
class Stores:
    """What is shared between processes."""

    answers: Answers
    allowances: Allowances
    health: Health
