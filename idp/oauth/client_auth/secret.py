"""Client authentication by secret or by nothing – RFC 6749 §2.3.1, OIDC Core §9 (client_secret_basic, _post, none).

Basic is decoded strictly here: both halves are form-encoded inside the base64. Unknown clients and wrong secrets
look and cost alike. Two secrets may be valid while one is being replaced.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote_plus

from idp.domain.client import Client
from idp.domain.secret import Digester, equal
from idp.oauth.authlib_models import RegisteredClient
from idp.oauth.request import ProtocolRequest

PURPOSE = "client_secret"
MAX_BASIC = 4096
Query = Callable[[str], RegisteredClient | None]
_NOBODY = b"\0" * 32


@dataclass(frozen=True, slots=True)
class BasicCredentials:
    """What an Authorization header of the Basic scheme carried."""

    client_id: str
    secret: str


def read_basic(header: str) -> BasicCredentials | None:
    """Read a Basic header (RFC 7617 §2, RFC 6749 §2.3.1); None if it is malformed."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic" or len(encoded) > MAX_BASIC:
        return None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    client_id, colon, secret = decoded.partition(":")
    if not colon:
        return None
    try:
        return BasicCredentials(unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict"))
    except UnicodeDecodeError:
        return None


def has_secret(client: Client | None, secret: str, digester: Digester, now: datetime) -> bool:
    """Say whether the secret is one of the client's; the same work is done for a client that does not exist."""
    digest = digester.digest(PURPOSE, secret)
    known = (client.live_secrets(now) if client else ()) or (_NOBODY,)
    return any([equal(digest, each) for each in known])  # a list: every comparison is made


class SecretAuthentication:
    """client_secret_basic and client_secret_post for Authlib's registry of methods."""

    def __init__(self, digester: Digester, now: datetime) -> None:
        """Digest presented secrets with this key."""
        self._digester = digester
        self._now = now

    def basic(self, query_client: Query, request: ProtocolRequest) -> RegisteredClient | None:
        """Authenticate by the Authorization header."""
        credentials = read_basic(request.http.headers.get("authorization", ""))
        if credentials is None:
            return None
        body_id = request.form.get("client_id")
        if body_id is not None and body_id != credentials.client_id:
            return None
        return self._check(query_client, credentials.client_id, credentials.secret)

    def post(self, query_client: Query, request: ProtocolRequest) -> RegisteredClient | None:
        """Authenticate by the body."""
        return self._check(query_client, request.form.get("client_id", ""), request.form.get("client_secret", ""))

    def _check(self, query_client: Query, client_id: str, secret: str) -> RegisteredClient | None:
        client = query_client(client_id)
        return client if has_secret(client.noun if client else None, secret, self._digester, self._now) else None


def no_authentication(query_client: Query, request: ProtocolRequest) -> RegisteredClient | None:
    """Identify a public client by the client_id in the body (RFC 6749 §3.2.1)."""
    return query_client(request.form.get("client_id", ""))
