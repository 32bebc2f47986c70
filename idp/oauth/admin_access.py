"""Access to the administrators' API by our own access tokens – RFC 6750 §2.1, §3, and RFC 9470 §3 for its challenge.

The token comes in the one Authorization header and nowhere else. Grant, person, session and client are looked at live,
as userinfo does. A token that is bound to a key is refused: as a mere bearer token it would be weaker than it is.
Not here: what its scopes allow → flows/admin/callers.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from idp.domain.assurance import LOA2, PHR, PHRH
from idp.domain.client import Client
from idp.domain.tokens import Grant
from idp.domain.user import User
from idp.oauth.context import Context
from idp.oauth.request import bearer_token
from idp.oauth.tokens import access_token
from idp.policy import lifetimes
from idp.policy.step_up import SECOND_FACTORS

ROOT = "/api/admin/v1"
MAX_AGE = int(lifetimes.REAUTHENTICATION.total_seconds())
_REFUSED = "the access token is unknown, expired, revoked or not for this"


class Denied(Exception):
    """No access, and the challenge that says why; without an error if no credentials came (RFC 6750 §3.1)."""

    def __init__(self, status: int, error: str | None = None, description: str = "a token is needed", **asked: str):
        """Keep the status, the error of the challenge, and what it asks for: scope, acr_values, max_age."""
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description
        self.asked = asked

    @property
    def challenge(self) -> str:
        """Return the value of WWW-Authenticate."""
        parts = {"realm": "administration"}
        if self.error is not None:
            parts |= {"error": self.error, "error_description": self.description, **self.asked}
        return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in parts.items())


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whose access token came: a person's by a client, or a client's own; and what a fresh proof would have to be."""

    client: Client
    user: User | None
    scopes: tuple[str, ...]
    is_fresh: bool
    fresher: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Return what calls are counted and remembered by."""
        return f"{self.client.id}|{self.user.id if self.user is not None else ''}"

    def must_prove(self) -> Denied:
        """Return the challenge for what needs a fresher or stronger proof (RFC 9470 §3)."""
        description = "a more recent or stronger sign-in is needed"
        return Denied(401, "insufficient_user_authentication", description, **self.fresher)

    def lacks(self, scope: str) -> Denied:
        """Return the challenge for what the token's scopes do not carry (RFC 6750 §3.1)."""
        return Denied(403, "insufficient_scope", "the access token does not carry this scope", scope=scope)


async def read(context: Context) -> Bearer:
    """Return whose token came, and raise Denied unless it is good here and now."""
    text = bearer_token(context.http.headers.get("authorization"))
    if not text:
        raise Denied(401)
    engine, stores = context.engine, context.stores
    token = await access_token.read(
        text, keyring=engine.keyring, store=stores.access_tokens, digester=engine.digester, issuer=engine.issuer,
        now=context.now,
    )  # fmt: skip
    if token is None or token.confirmation is not None or not {engine.issuer, engine.url(ROOT)} & set(token.audience):
        raise Denied(401, "invalid_token", _REFUSED)
    client = await context.client(token.client_id)
    live = await stores.grants.find_live(token.grant_id, context.now, jti=token.jti)
    if client is None or live is None:
        raise Denied(401, "invalid_token", _REFUSED)
    # Nobody gives power to an application that nobody here knows, whatever its registration came to say.
    scopes = () if client.is_self_registered else token.scopes
    if live.user is None:
        is_fresh = context.now - token.issued_at <= lifetimes.REAUTHENTICATION
        return Bearer(client, None, scopes, is_fresh, {"max_age": str(MAX_AGE)})
    return await _of_person(context, client, live.user, live.grant, scopes)


async def _of_person(context: Context, client: Client, user: User, grant: Grant, scopes: tuple[str, ...]) -> Bearer:
    """Return a person's token, fresh if they proved all kinds that they have, the first within five minutes."""
    longest = lifetimes.SESSION_ADMINISTRATOR[0]  # as at the pages, whatever a refresh token of theirs is good for
    if grant.auth_time is None or context.now - grant.auth_time > longest:
        description = "the sign-in is too long ago for administration"
        asked = {"max_age": str(int(longest.total_seconds()))}
        raise Denied(401, "insufficient_user_authentication", description, **asked)
    has_second = bool(SECOND_FACTORS & await context.stores.credentials.factors_of(user.id))
    is_recent = grant.auth_time is not None and context.now - grant.auth_time <= lifetimes.REAUTHENTICATION
    fresher = {"acr_values": LOA2, "max_age": str(MAX_AGE)} if has_second else {"max_age": str(MAX_AGE)}
    return Bearer(client, user, scopes, is_recent and (not has_second or _is_loa2(grant)), fresher)


def _is_loa2(grant: Grant) -> bool:
    """Say whether two kinds of factor were proved; a passkey that verified its user is told by a name of its own."""
    return grant.acr == LOA2 or (grant.acr in (PHR, PHRH) and "mfa" in grant.amr)
