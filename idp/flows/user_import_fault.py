"""Why a line of a file of people is refused: the field, a stable word, and a sentence that repeats no value."""

from dataclasses import dataclass
from enum import StrEnum

from idp.domain.refusal import Refusal


class Problem(StrEnum):
    """Stable words for what only an import can find; the rest is said in the words of domain/refusal."""

    NOT_UTF8 = "not_utf8"
    TOO_LONG = "line_too_long"
    NOT_CSV = "not_csv"
    NOT_JSON = "not_json"
    UNKNOWN_FIELD = "unknown_field"
    INVALID = "invalid"
    HASH_UNVERIFIABLE = "hash_unverifiable"
    ID_TAKEN = "id_taken"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a line; `field` is empty where it is the line as a whole."""

    field: str
    reason: Problem | Refusal
    message: str


class Faulty(Exception):
    """The line cannot be a person's account."""

    def __init__(self, field: str, reason: Problem | Refusal, message: str) -> None:
        """Keep what is wrong."""
        super().__init__(message)
        self.fault = Fault(field, reason, message)


def taken(field: str) -> Fault:
    """Return the fault of an identifier that is somebody's already, in the store or further up in the file."""
    reasons: dict[str, Problem | Refusal] = {
        "email": Refusal.EMAIL_TAKEN,
        "username": Refusal.USERNAME_TAKEN,
        "id": Problem.ID_TAKEN,
    }
    return Fault(field, reasons[field], f"an account or an earlier line has this {field}")
