"""A registration as operators see it, and the secret that a client gets."""

from dataclasses import replace
from typing import Any

from idp.domain.client import SECRET_METHODS, AuthMethod, Client
from idp.domain.secret import Digester, make_secret
from idp.oauth.client_auth.secret import PURPOSE
from idp.oauth.registration_members import write_members

_MAX_SECRETS = 2


def to_members(client: Client) -> dict[str, Any]:
    """Return a registration as an operator sees it, by the member names of RFC 7591, without secrets."""
    return write_members(client) | {
        "profile": client.profile.value,
        "first_party": client.is_first_party,
        "self_registered": client.is_self_registered,
        "active": client.is_active,
    }


def with_secret(digester: Digester, client: Client, secret: str | None = None) -> tuple[Client, str | None]:
    """Return the client with a new secret and the secret itself, if its way to authenticate needs one."""
    if client.auth_method not in SECRET_METHODS:
        return replace(client, secret_digests=(), hmac_secret=None), None
    plain = secret or make_secret()
    digests = (digester.digest(PURPOSE, plain), *client.secret_digests)[:_MAX_SECRETS]
    hmac_secret = plain if client.auth_method is AuthMethod.SECRET_JWT else None
    return replace(client, secret_digests=digests, hmac_secret=hmac_secret), plain
