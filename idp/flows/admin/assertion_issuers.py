"""Trusted issuers: whose signed word about a person gets tokens (RFC 7523 §2.1). There are none unless defined here."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, JsonValue

from idp.domain.client import BadClient
from idp.domain.exchange import AssertionIssuer, SubjectMatch
from idp.flows.admin.definitions import Noun
from idp.flows.admin.operation import Input, Output, Work
from idp.flows.admin.problem import invalid
from idp.flows.admin.values import Id, Version, version_of
from idp.oauth.client_keys import check_jwks
from idp.policy.definitions import check_assertion_issuer
from idp.storage.definitions import ASSERTION_ISSUER, LONGEST_KEY, content_of

Scopes = Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=100)]
Words = Annotated[list[Annotated[str, Field(min_length=1, max_length=128)]], Field(max_length=100)]


class AssertionIssuerTold(Input):
    """An issuer as it is to be: by which keys it signs, and how it names people, for these clients and scopes."""

    issuer: Annotated[str, Field(min_length=3, max_length=LONGEST_KEY)]
    clients: Words
    scopes: Scopes
    algs: Words = Field(default_factory=lambda: ["ES256"])
    jwks: dict[str, JsonValue] | None = None
    jwks_uri: Annotated[str, Field(max_length=2048)] | None = None
    subject_claim: Annotated[str, Field(min_length=1, max_length=100)] = "sub"
    subject_match: Annotated[str, Field(pattern="^(id|username|email)$")] = SubjectMatch.ID.value


class AssertionIssuerChanged(AssertionIssuerTold):
    """What is to stand in the place of an issuer."""

    id: Id
    version: Version | None = None


class AssertionIssuerShown(Output):
    """A trusted issuer."""

    id: str
    issuer: str
    clients: list[str]
    scopes: list[str]
    algs: list[str]
    jwks: dict[str, JsonValue] | None
    jwks_uri: str | None
    subject_claim: str
    subject_match: str
    version: str


class AssertionIssuers(Output):
    """All trusted issuers by their names."""

    items: list[AssertionIssuerShown]


def told_of(trusted: AssertionIssuer) -> AssertionIssuerTold:
    """Return an issuer as an input that would make it."""
    return AssertionIssuerTold.model_validate(
        {
            "issuer": trusted.issuer, "clients": list(trusted.clients), "scopes": list(trusted.scopes),
            "algs": list(trusted.algs), "jwks": trusted.jwks, "jwks_uri": trusted.jwks_uri,
            "subject_claim": trusted.subject_claim, "subject_match": trusted.subject_match.value,
        }
    )  # fmt: skip


async def _build(work: Work, told: AssertionIssuerTold, issuer_id: str) -> AssertionIssuer:
    try:
        jwks = check_jwks(told.jwks) if told.jwks is not None else None
    except BadClient as error:
        raise invalid("jwks", str(error).removeprefix("jwks ")) from None
    trusted = AssertionIssuer(
        issuer_id, told.issuer, tuple(told.clients), tuple(told.scopes), tuple(told.algs), jwks, told.jwks_uri,
        told.subject_claim, SubjectMatch(told.subject_match),
    )  # fmt: skip
    check_assertion_issuer(trusted, issuer=work.tools.engine.issuer)
    return trusted


async def _show(_work: Work, found: Sequence[AssertionIssuer]) -> list[AssertionIssuerShown]:
    return [
        AssertionIssuerShown(id=each.id, version=version_of(content_of(each)), **told_of(each).model_dump())
        for each in found
    ]  # fmt: skip


ASSERTION_ISSUERS = Noun(
    ASSERTION_ISSUER, "assertion_issuers", "/assertion-issuers", AssertionIssuerTold, AssertionIssuerChanged,
    AssertionIssuerShown, AssertionIssuers, _build, _show,
)  # fmt: skip
OPERATIONS = ASSERTION_ISSUERS.operations
