"""The states of a version, from draft to retired, and the words about its moves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from idp.storage.policies import StoredPolicy

SHADOW_LASTS = timedelta(days=28)


class State(StrEnum):
    """How far a version has come."""

    DRAFT = "draft"
    CHECKED = "checked"
    SIMULATED = "simulated"
    SHADOW = "shadow"
    CANARY = "canary"
    ENFORCED = "enforced"
    RETIRED = "retired"


class RolloutRefused(Exception):
    """A version may not go where it was sent; `reasons` has one line for each thing that is wrong."""

    def __init__(self, reasons: Sequence[str], *, may_override: bool = False) -> None:
        """Keep the reasons, and whether typing the tenant's name would do."""
        super().__init__("\n".join(reasons))
        self.reasons = tuple(reasons)
        self.may_override = may_override


class RolloutRaced(Exception):
    """Somebody else moved the policy meanwhile; nothing was changed."""


class NoSuchVersion(Exception):
    """There is no such version, or nothing to take back."""


@dataclass(frozen=True, slots=True)
class Mover:
    """Who moves a version, and why; neither names a person who signs in here."""

    by: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Reverted:
    """What was taken back, how long it ran, and what decides again; None is the operator's own file."""

    version: int
    ran: timedelta
    to: int | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides now; None for both is the operator's own file alone."""

    enforced: StoredPolicy | None
    canary: StoredPolicy | None
