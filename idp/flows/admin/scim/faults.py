"""Refusals as SCIM says them (RFC 7644 §3.12), from those of operations and of the models."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum

from pydantic import ValidationError
from scim2_models import Error, SCIMException

from idp.domain.json import Json, JsonObject
from idp.flows.admin.problem import Code, Problem

SCHEMA = "urn:ietf:params:scim:api:messages:2.0:Error"
_LONGEST = 300


class Kind(StrEnum):
    """The names that SCIM has for refusals."""

    INVALID_FILTER = "invalidFilter"
    TOO_MANY = "tooMany"
    UNIQUENESS = "uniqueness"
    MUTABILITY = "mutability"
    INVALID_SYNTAX = "invalidSyntax"
    INVALID_PATH = "invalidPath"
    NO_TARGET = "noTarget"
    INVALID_VALUE = "invalidValue"
    INVALID_VERSION = "invalidVers"
    SENSITIVE = "sensitive"


class ScimProblem(Problem):
    """A refusal that SCIM has a name for."""

    def __init__(self, kind: Kind, detail: str) -> None:
        """Keep the name, and a sentence for people."""
        super().__init__(Code.INVALID, detail)
        self.kind = kind


_OF_CODE: Mapping[Code, Kind] = {Code.INVALID: Kind.INVALID_VALUE, Code.TAKEN: Kind.UNIQUENESS}


def kind_of(problem: Problem) -> Kind | None:
    """Return SCIM's name for a refusal, None if its status says it all."""
    return problem.kind if isinstance(problem, ScimProblem) else _OF_CODE.get(problem.code)


def document(status: int, detail: str, kind: Kind | None = None) -> JsonObject:
    """Return the body of a refusal."""
    body: dict[str, Json] = {"schemas": [SCHEMA], "status": str(status), "detail": detail}
    return body if kind is None else {**body, "scimType": kind.value}


@contextmanager
def reading() -> Iterator[None]:
    """Turn what the models refuse within the block into a refusal of ours; values are cut short and made visible."""
    try:
        yield
    except SCIMException as error:
        raise _problem(error.to_error()) from None
    except ValidationError as error:
        raise _problem(Error.from_validation_errors(error)[0]) from None


def _problem(error: Error) -> ScimProblem:
    known = [each for each in Kind if each.value == error.scim_type]
    text = "".join(letter for letter in (error.detail or "cannot be taken")[:_LONGEST] if letter.isprintable())
    return ScimProblem(known[0] if known else Kind.INVALID_SYNTAX, text)
