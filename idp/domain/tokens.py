"""Codes, grants and tokens as facts: what was allowed, to whom, on which proof."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from idp.domain.authorization import ClaimRequest
from idp.domain.json import Json, JsonObject
from idp.domain.secret import Digest

JKT = "jkt"
X5T = "x5t#S256"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The key that a token is bound to: a confirmation method and its value (RFC 7800 §3.1).

    `jkt` is the thumbprint of a DPoP key (RFC 9449 §6.1), `x5t#S256` that of a client certificate (RFC 8705 §3.1).
    """

    method: str
    thumbprint: str

    def as_claim(self) -> dict[str, Json]:
        """Return the value of `cnf`."""
        return {self.method: self.thumbprint}


def read_confirmation(claim: Json) -> Confirmation | None:
    """Return what a `cnf` that we wrote says; None if there is none."""
    if not isinstance(claim, Mapping):
        return None
    known = [(name, claim[name]) for name in (JKT, X5T) if name in claim]
    return Confirmation(known[0][0], str(known[0][1])) if known else None


@dataclass(frozen=True, slots=True)
class Grant:
    """What a person (or nobody, for client_credentials) allowed a client; every token belongs to one.

    A grant is also the family of its refresh tokens (RFC 9700 §4.14.2). `confirmation` is the key that its first tokens
    were bound to, of a code the key that may redeem it. `details` are the authorization details that were granted
    (RFC 9396 §7). A grant by token exchange has a `parent_id`, the grant it dies with, and may have an `actor`: the
    claim `act` (RFC 8693 §4.1).
    """

    id: str
    client_id: str
    user_id: str | None
    session_id: str | None
    scopes: tuple[str, ...]
    audience: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    auth_time: datetime | None = None
    acr: str | None = None
    amr: tuple[str, ...] = ()
    userinfo_claims: Mapping[str, ClaimRequest] | None = None
    id_token_claims: Mapping[str, ClaimRequest] | None = None
    is_offline: bool = False
    confirmation: Confirmation | None = None
    details: tuple[JsonObject, ...] = ()
    actor: JsonObject | None = None
    parent_id: str | None = None


@dataclass(frozen=True, slots=True)
class RefreshState:
    """The live end of a family: the current token's digest, its predecessor's, and the sealed successor."""

    current: Digest
    expires_at: datetime
    predecessor: Digest | None
    rotated_at: datetime | None
    sealed_successor: bytes | None


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """A code that was sent to a client, with everything that was decided when it was made."""

    digest: Digest
    grant: Grant
    redirect_uri: str
    nonce: str | None
    code_challenge: str | None
    expires_at: datetime
    is_spent: bool
    failures: int


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What an access token says about itself, whatever its format; `jti` begins with its grant's id.

    One with a `confirmation` is bound to that key and is no bearer token (RFC 7800 §3.1).
    """

    jti: str
    grant_id: str
    client_id: str
    subject: str
    scopes: tuple[str, ...]
    audience: tuple[str, ...]
    issued_at: datetime
    expires_at: datetime
    confirmation: Confirmation | None = None
    details: tuple[JsonObject, ...] = ()

    @property
    def token_type(self) -> str:
        """Return how the token is presented: DPoP with a proof, else Bearer (RFC 9449 §5, RFC 6750)."""
        return "DPoP" if self.confirmation is not None and self.confirmation.method == JKT else "Bearer"
