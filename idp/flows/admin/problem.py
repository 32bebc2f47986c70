"""Why an operation was refused, in a form that pages, the API (RFC 9457) and commands can all show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from pydantic import ValidationError

_LONGEST_NAME = 64


class Code(StrEnum):
    """Stable names of every refusal of an operation."""

    INVALID = "invalid"
    NOT_FOUND = "not_found"
    FORBIDDEN = "forbidden"
    STEP_UP_REQUIRED = "step_up_required"
    CHANGED_MEANWHILE = "changed_meanwhile"
    TAKEN = "taken"
    CONFLICT = "conflict"
    LAST_OWNER = "last_owner"
    TOO_MANY = "too_many"
    KEY_REUSED = "key_reused"
    UNDER_WAY = "under_way"


STATUS = {
    Code.INVALID: 400, Code.NOT_FOUND: 404, Code.FORBIDDEN: 403, Code.STEP_UP_REQUIRED: 403,
    Code.CHANGED_MEANWHILE: 412, Code.TAKEN: 409, Code.CONFLICT: 409, Code.LAST_OWNER: 409, Code.TOO_MANY: 429,
    Code.KEY_REUSED: 422, Code.UNDER_WAY: 409,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """One member of the input that cannot be taken, and why; `member` is a path with dots."""

    member: str
    detail: str


class Problem(Exception):
    """An operation was refused and nothing of it was done."""

    def __init__(self, code: Code, detail: str, faults: Sequence[Fault] = (), *, wait: timedelta | None = None) -> None:
        """Keep the code, a sentence for people, the members that are at fault, and how long to wait before another."""
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.faults = tuple(faults)
        self.wait = wait

    @property
    def status(self) -> int:
        """Return the HTTP status that says this."""
        return STATUS[self.code]


def invalid(member: str, detail: str) -> Problem:
    """Return the refusal of one member."""
    return Problem(Code.INVALID, f"{member}: {detail}", (Fault(member, detail),))


def missing(what: str) -> Problem:
    """Return the refusal for what does not exist, or not within the caller's reach: the two look alike."""
    return Problem(Code.NOT_FOUND, f"there is no such {what}")


def of_validation(error: ValidationError) -> Problem:
    """Return the refusal of an input that its model did not take; the values themselves are never repeated."""
    faults = [Fault(_path(each["loc"]), each["msg"]) for each in error.errors()]
    return Problem(Code.INVALID, "; ".join(f"{each.member}: {each.detail}" for each in faults[:10]), faults[:100])


def _path(steps: Sequence[int | str]) -> str:
    """Return where a member is; names that the caller made up are cut short, and shown only where they can be seen."""
    words = ["".join(letter for letter in str(step)[:_LONGEST_NAME] if letter.isprintable()) for step in steps]
    return ".".join(words) or "input"
