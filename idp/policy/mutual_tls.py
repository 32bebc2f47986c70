"""Clients that prove themselves by a certificate – RFC 8705 §2: what they register, and which certificate is theirs."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from idp.domain.client import AuthMethod, BadClient, Client

METHODS = frozenset({AuthMethod.TLS, AuthMethod.SELF_SIGNED_TLS})
MEMBERS = (
    "tls_client_auth_subject_dn", "tls_client_auth_san_dns", "tls_client_auth_san_uri", "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
)  # fmt: skip
LONGEST = 1024


@dataclass(frozen=True, slots=True)
class Names:
    """What a certificate names: its subject by RFC 4514, and its alternative names by kind."""

    subject: str
    dns: frozenset[str]
    uris: frozenset[str]
    addresses: frozenset[str]
    emails: frozenset[str]


def check(client: Client) -> None:
    """Raise BadClient unless the one name that the client's certificate has is registered, and no more (§2.1.2)."""
    given = [name for name in MEMBERS if getattr(client, name) is not None]
    if client.auth_method is AuthMethod.TLS and len(given) != 1:
        raise BadClient(f"tls_client_auth needs exactly one of {', '.join(MEMBERS)}")
    if client.auth_method is not AuthMethod.TLS and given:
        raise BadClient(f"{given[0]} is for tls_client_auth")
    if any(len(getattr(client, name)) > LONGEST for name in given):
        raise BadClient(f"{given[0]} is longer than {LONGEST} characters")
    if client.tls_client_auth_san_ip is not None and _address(client.tls_client_auth_san_ip) is None:
        raise BadClient("tls_client_auth_san_ip is an IPv4 or IPv6 address")
    if client.auth_method is AuthMethod.SELF_SIGNED_TLS and not client.jwks and not client.jwks_uri:
        raise BadClient("self_signed_tls_client_auth needs the client's certificate: x5c in jwks or jwks_uri")
    if client.auth_method is AuthMethod.SELF_SIGNED_TLS and client.jwks and not certificates(client.jwks):
        raise BadClient("self_signed_tls_client_auth needs a key with x5c in jwks")


def _address(text: str) -> str | None:
    """Return an address in its one spelling, None if it is none."""
    try:
        return str(ip_address(text))
    except ValueError:
        return None


def certificates(jwks: Mapping[str, Any]) -> list[str]:
    """Return the certificates of a key set as it spells them, base64 of DER (RFC 7517 §4.7)."""
    chains = [key.get("x5c") for key in jwks.get("keys", ())]
    return [chain[0] for chain in chains if isinstance(chain, list) and chain and isinstance(chain[0], str)]


def fits(client: Client, names: Names) -> bool:
    """Say whether a certificate with a verified chain is the client's: by the name that it registered (§2.1.2)."""
    if client.tls_client_auth_subject_dn is not None:
        return client.tls_client_auth_subject_dn == names.subject
    if client.tls_client_auth_san_dns is not None:
        return client.tls_client_auth_san_dns.lower() in names.dns
    if client.tls_client_auth_san_uri is not None:
        return client.tls_client_auth_san_uri in names.uris
    if client.tls_client_auth_san_ip is not None:
        return _address(client.tls_client_auth_san_ip) in names.addresses
    return client.tls_client_auth_san_email in names.emails
