"""ID tokens – OIDC Core §2, §3.1.3.6, §12.2.

Protocol claims are written last, so nothing a person or operator stored can replace them. auth_time, acr and amr
come from the grant, which keeps what was proved when; a refresh repeats them and has no nonce.
Not here: encryption → tokens/encryption.py.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from idp.domain.client import Client
from idp.domain.json import Json
from idp.domain.secret import Digester, base64url, make_id
from idp.domain.tokens import Grant
from idp.domain.user import User
from idp.oauth.keyring import Keyring
from idp.oauth.openid.claims import id_token_claims
from idp.policy import lifetimes

TYP = "JWT"
_HASHES = {
    "RS256": "sha256", "PS256": "sha256", "ES256": "sha256", "HS256": "sha256", "EdDSA": "sha512", "Ed25519": "sha512",
}  # fmt: skip


def half_hash(value: str, alg: str) -> str:
    """Return at_hash or c_hash: the left half of the hash that goes with `alg` (OIDC Core §3.1.3.6)."""
    digest = hashlib.new(_HASHES[alg], value.encode("ascii")).digest()
    return base64url(digest[: len(digest) // 2])


def session_identifier(digester: Digester, session_id: str, client_id: str) -> str:
    """Return `sid`: random to others, one per session and client (Front-Channel Logout §3)."""
    return digester.tag("sid", f"{session_id}|{client_id}")[:32]


@dataclass(frozen=True, slots=True)
class Beside:
    """What travels in the same answer as an ID token, and is named in it (OIDC Core §3.1.3.6, §3.3.2.11)."""

    access_token: str | None = None
    code: str | None = None


def sign_id_token(
    keyring: Keyring,
    digester: Digester,
    *,
    issuer: str,
    client: Client,
    grant: Grant,
    subject: str,
    user: User,
    beside: Beside,
    nonce: str | None,
    now: datetime,
    scopes: tuple[str, ...] = (),
) -> str:
    """Return the signed ID token of an answer.

    `scopes` are those whose claims it carries because no access token can ask for them (OIDC Core §5.4).
    """
    alg = client.id_token_alg
    protocol: dict[str, Json] = {
        "iss": issuer,
        "sub": subject,
        "aud": client.id,
        "azp": client.id,
        "exp": int((now + lifetimes.ID_TOKEN).timestamp()),
        "iat": int(now.timestamp()),
        "jti": make_id(),
        **authentication_claims(grant),
    }
    if beside.access_token is not None:
        protocol["at_hash"] = half_hash(beside.access_token, alg)
    if beside.code is not None:
        protocol["c_hash"] = half_hash(beside.code, alg)
    if grant.session_id is not None:
        protocol["sid"] = session_identifier(digester, grant.session_id, client.id)
    if nonce is not None:
        protocol["nonce"] = nonce
    return keyring.sign({**id_token_claims(user, scopes, grant.id_token_claims), **protocol}, alg=alg, typ=TYP)


def authentication_claims(grant: Grant) -> Mapping[str, Json]:
    """Return auth_time, acr and amr as they were proved, for ID tokens and access tokens alike."""
    claims: dict[str, Json] = {}
    if grant.auth_time is not None:
        claims["auth_time"] = int(grant.auth_time.timestamp())
    if grant.acr is not None:
        claims["acr"] = grant.acr
    if grant.amr:
        claims["amr"] = list(grant.amr)
    return claims
