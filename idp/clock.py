"""Says what time it is; the only caller of now()."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """A source of wall-clock time that tests can replace."""

    def now(self) -> datetime:
        """Return the time as an aware UTC value."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the machine's time as an aware UTC value."""
        return datetime.now(UTC)
