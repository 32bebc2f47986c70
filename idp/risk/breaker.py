"""When an adviser that fails is left alone, and when it is tried again; a state machine without a clock.

It opens after five failures in a row or more than ten among the last twenty answers. After a pause of a minute one
question may go as a probe; an answer closes it, a failure doubles the pause, up to a quarter of an hour.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

IN_A_ROW = 5
WINDOW = 20
FIRST_PAUSE = timedelta(seconds=60)
LONGEST_PAUSE = timedelta(minutes=15)
PROBE_LASTS = timedelta(seconds=30)  # a probe whose process died is given up, longer than any answer may take


@dataclass(frozen=True, slots=True)
class Breaker:
    """What is known of an adviser's health; every change makes a new one, to be stored for all processes."""

    recent: tuple[bool, ...] = ()  # the last answers, oldest first; True for a good one
    open_until: datetime | None = None  # None while closed
    pause: timedelta = FIRST_PAUSE
    probing_since: datetime | None = None

    @property
    def is_closed(self) -> bool:
        """Say whether questions go out freely."""
        return self.open_until is None

    def admit(self, now: datetime) -> "Breaker | None":
        """Return the state in which a question may go out now; None if it may not.

        Whoever stores the state does so before asking, and only if nobody changed it meanwhile: one probe at a time.
        """
        if self.open_until is None:
            return self
        if now < self.open_until or self._is_probing(now):
            return None
        return replace(self, probing_since=now)

    def after(self, now: datetime, *, is_good: bool) -> "Breaker":
        """Return the state after an answer or a failure."""
        if self.open_until is not None:
            return self._after_probe(now, is_good=is_good)
        recent = (*self.recent, is_good)[-WINDOW:]
        if (not any(recent[-IN_A_ROW:]) and len(recent) >= IN_A_ROW) or recent.count(False) * 2 > WINDOW:
            return Breaker(open_until=now + FIRST_PAUSE)
        return Breaker(recent)

    def _is_probing(self, now: datetime) -> bool:
        return self.probing_since is not None and now < self.probing_since + PROBE_LASTS

    def _after_probe(self, now: datetime, *, is_good: bool) -> "Breaker":
        if self.probing_since is None:  # asked before it opened; says nothing about now
            return self
        if is_good:
            return Breaker()
        pause = min(self.pause * 2, LONGEST_PAUSE)
        return Breaker(open_until=now + pause, pause=pause)
