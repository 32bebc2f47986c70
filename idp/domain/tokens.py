"""Codes, grants and tokens as facts: what was allowed, to whom, on which proof."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from idp.domain.authorization import ClaimRequest
from idp.domain.secret import Digest


@dataclass(frozen=True, slots=True)
class Grant:
    """What a person (or nobody, for client_credentials) allowed a client; every token belongs to one.

    A grant is also the family of its refresh tokens (RFC 9700 §4.14.2).
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

    One that is bound to a key is no bearer token (RFC 7800 §3.1).
    """

    jti: str
    grant_id: str
    client_id: str
    subject: str
    scopes: tuple[str, ...]
    audience: tuple[str, ...]
    issued_at: datetime
    expires_at: datetime
    is_bound: bool = False
