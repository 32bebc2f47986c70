"""Access to the administrators' API by our own access tokens – RFC 6750 §2.1, RFC 9449 §7, RFC 9470 §3.

The token comes in the one Authorization header and nowhere else; one that is bound to a key needs that key, and grant,
person, session and client are looked at live, as userinfo does.
Not here: what its scopes allow → flows/admin/callers.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from idp.domain.assurance import LOA2, PHR, PHRH
from idp.domain.client import Client
from idp.domain.tokens import Grant
from idp.domain.user import User
from idp.oauth import presented
from idp.oauth.context import Context
from idp.oauth.presented import BEARER, Presented, TokenRefused, challenge, credentials
from idp.policy import lifetimes
from idp.policy.resources import ADMINISTRATION, SCIM
from idp.policy.step_up import SECOND_FACTORS

ROOT = ADMINISTRATION
MAX_AGE = int(lifetimes.REAUTHENTICATION.total_seconds())


class Denied(Exception):
    """No access, and the challenge that says why; without an error if no credentials came (RFC 6750 §3.1)."""

    scheme = BEARER
    nonce: str | None = None  # for the next DPoP proof
    metadata: str | None = None

    def __init__(self, status: int, error: str | None = None, description: str = "a token is needed", **asked: str):
        """Keep the status, the error of the challenge, and what it asks for: scope, acr_values, max_age."""
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description
        self.asked = asked

    def challenge(self, realm: str) -> str:
        """Return the value of WWW-Authenticate."""
        parts = {"realm": realm}
        if self.error is not None:
            parts |= {"error": self.error, "error_description": self.description, **self.asked}
        if self.metadata is not None:
            parts["resource_metadata"] = self.metadata
        return challenge(self.scheme, **parts)

    def headers(self, realm: str = "administration", *, metadata: str | None = None) -> dict[str, str]:
        """Return the headers of the answer; `metadata` is where the API describes itself (RFC 9728 §5.1)."""
        if metadata is not None:
            self.metadata = metadata
        headers = {"www-authenticate": self.challenge(realm)}
        return headers if self.nonce is None else headers | {"dpop-nonce": self.nonce}

    def by(self, scheme: str, nonce: str | None = None) -> "Denied":
        """Return this, as told to whoever presents tokens by a scheme."""
        self.scheme, self.nonce = scheme, nonce
        return self


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whose access token came: a person's by a client, or a client's own; and what a fresh proof would have to be."""

    client: Client
    user: User | None
    scopes: tuple[str, ...]
    is_fresh: bool
    fresher: Mapping[str, str] = field(default_factory=dict)
    scheme: str = BEARER
    next_nonce: str | None = None

    @property
    def id(self) -> str:
        """Return what calls are counted and remembered by."""
        return f"{self.client.id}|{self.user.id if self.user is not None else ''}"

    def must_prove(self) -> Denied:
        """Return the challenge for what needs a fresher or stronger proof (RFC 9470 §3)."""
        description = "a more recent or stronger sign-in is needed"
        return Denied(401, "insufficient_user_authentication", description, **self.fresher).by(self.scheme)

    def lacks(self, scope: str) -> Denied:
        """Return the challenge for what the token's scopes do not carry (RFC 6750 §3.1)."""
        description = "the access token does not carry this scope"
        return Denied(403, "insufficient_scope", description, scope=scope).by(self.scheme)


async def read(context: Context, *, was_proved: bool = False) -> Bearer:
    """Return whose token came, and raise Denied unless it is good here and now; see `presented.read`."""
    found = credentials(context.http.headers.get("authorization"))
    if found is None:
        raise Denied(401)
    audiences = (context.engine.issuer, context.engine.url(_api_of(context)))
    try:
        good = await presented.read(context, *found, audiences=audiences, was_proved=was_proved)
    except TokenRefused as refused:
        raise Denied(401, refused.error, refused.description).by(refused.scheme, refused.nonce) from refused
    # Nobody gives power to an application that nobody here knows, whatever its registration came to say.
    scopes = () if good.client.is_self_registered else good.token.scopes
    if good.live.user is None:
        is_fresh = context.now - good.token.issued_at <= lifetimes.REAUTHENTICATION
        return Bearer(good.client, None, scopes, is_fresh, {"max_age": str(MAX_AGE)}, good.scheme, good.next_nonce)
    return await _of_person(context, good, good.live.user, scopes)


def _api_of(context: Context) -> str:
    """Return which of the two APIs for administration is called: a token may be for one of them only."""
    return SCIM if context.http.path.startswith(SCIM) else ROOT


async def _of_person(context: Context, good: Presented, user: User, scopes: tuple[str, ...]) -> Bearer:
    """Return a person's token, fresh if they proved all kinds that they have, the first within five minutes."""
    grant = good.live.grant
    longest = lifetimes.SESSION_ADMINISTRATOR[0]  # as at the pages, whatever a refresh token of theirs is good for
    if grant.auth_time is None or context.now - grant.auth_time > longest:
        description = "the sign-in is too long ago for administration"
        asked = {"max_age": str(int(longest.total_seconds()))}
        raise Denied(401, "insufficient_user_authentication", description, **asked).by(good.scheme)
    has_second = bool(SECOND_FACTORS & await context.stores.credentials.factors_of(user.id))
    is_recent = grant.auth_time is not None and context.now - grant.auth_time <= lifetimes.REAUTHENTICATION
    fresher = {"acr_values": LOA2, "max_age": str(MAX_AGE)} if has_second else {"max_age": str(MAX_AGE)}
    is_fresh = is_recent and (not has_second or _is_loa2(grant))
    return Bearer(good.client, user, scopes, is_fresh, fresher, good.scheme, good.next_nonce)


def _is_loa2(grant: Grant) -> bool:
    """Say whether two kinds of factor were proved; a passkey that verified its user is told by a name of its own."""
    return grant.acr == LOA2 or (grant.acr in (PHR, PHRH) and "mfa" in grant.amr)
