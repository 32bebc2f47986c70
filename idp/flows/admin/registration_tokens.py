"""Initial access tokens: what lets others register some clients of their own (RFC 7591 §3)."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from idp.domain.client import BadClient, Profile
from idp.domain.permission import Permission as P
from idp.flows.admin.operation import Input, Nothing, Operation, Output, Work
from idp.flows.admin.problem import Code, Problem, invalid, missing
from idp.flows.admin.provider import Everything
from idp.flows.admin.values import Id
from idp.flows.registration_tokens import LONGEST, MOST, RegistrationTokens, Wanted
from idp.policy.clients import SCOPES, grant_types
from idp.storage.initial_access_tokens import InitialAccessToken

Words = Annotated[list[Annotated[str, Field(min_length=1, max_length=128)]], Field(max_length=50)]


class TokenShown(Output):
    """An initial access token; its secret only when it was made just now."""

    id: str
    profile: str
    scopes: list[str]
    grant_types: list[str]
    remaining: int
    made_by: str
    created_at: datetime
    expires_at: datetime
    secret: str | None = None


class Tokens(Output):
    """All tokens, the newest first."""

    items: list[TokenShown]


class TokenMade(Input):
    """What a new token shall allow, for how many clients, and for how many days."""

    profile: Annotated[str, Field(max_length=20)] = Profile.OAUTH21.value
    scopes: Words = Field(default_factory=lambda: list(SCOPES))
    grant_types: Words = Field(default_factory=lambda: ["authorization_code", "refresh_token"])
    uses: Annotated[int, Field(ge=1, le=MOST)] = 1
    days: Annotated[int, Field(ge=1, le=LONGEST.days)] = 30


class TokenWanted(Input):
    """One token."""

    id: Id


def _shown(token: InitialAccessToken, secret: str | None = None) -> TokenShown:
    return TokenShown(
        id=token.id, profile=token.profile.value, scopes=list(token.scopes), grant_types=list(token.grant_types),
        remaining=token.remaining, made_by=token.made_by, created_at=token.created_at, expires_at=token.expires_at,
        secret=secret,
    )  # fmt: skip


def _tokens(work: Work) -> RegistrationTokens:
    transactions = work.tools.transactions.acting(work.caller.actor)
    return RegistrationTokens(transactions, work.tools.engine.digester, work.tools.clock)


async def _list(work: Work, _wanted: Everything) -> Tokens:
    return Tokens(items=[_shown(each) for each in await _tokens(work).list()])


async def _create(work: Work, made: TokenMade) -> TokenShown:
    if made.profile not in set(Profile):
        raise invalid("profile", f"is one of {', '.join(Profile)}")
    if not set(made.grant_types) <= set(grant_types()) or not made.grant_types:
        raise invalid("grant_types", f"are some of {', '.join(grant_types())}")
    wanted = Wanted(
        Profile(made.profile), tuple(dict.fromkeys(made.scopes)), tuple(dict.fromkeys(made.grant_types)), made.uses,
        timedelta(days=made.days),
    )  # fmt: skip
    actor = work.caller.actor
    try:
        token, secret = await _tokens(work).create(wanted, made_by=f"{actor.kind.value} {actor.id}")
    except BadClient as error:
        raise Problem(Code.INVALID, str(error)) from None
    return _shown(token, secret)


async def _revoke(work: Work, wanted: TokenWanted) -> Nothing:
    if not await _tokens(work).revoke(wanted.id):
        raise missing("registration token")
    return Nothing()


LIST = Operation(
    "registration_tokens.list", "List initial access tokens", P.REGISTRATION_WRITE, Everything, Tokens, _list, "GET",
    "/registration-tokens", opens_its_own=True,
)  # fmt: skip
CREATE = Operation(
    "registration_tokens.create", "Make an initial access token; its secret is shown this once", P.REGISTRATION_WRITE,
    TokenMade, TokenShown, _create, "POST", "/registration-tokens", status=201, opens_its_own=True,
)  # fmt: skip
REVOKE = Operation(
    "registration_tokens.revoke", "End an initial access token; clients that it registered stay", P.REGISTRATION_WRITE,
    TokenWanted, Nothing, _revoke, "DELETE", "/registration-tokens/{id}", status=204, opens_its_own=True,
)  # fmt: skip
OPERATIONS = (LIST, CREATE, REVOKE)
