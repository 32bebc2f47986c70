"""OAuth 2.0 Protected Resource Metadata – RFC 9728: what clients may know of the APIs that are our own.

Each stands at the well-known name put between host and path of its identifier, and its challenges lead there. A token
may be asked for under the identifier (RFC 8707), and is then good at no other of these APIs.
Not here: APIs of others → the kit in `guard/`; which of them stand in our own metadata → oauth/openid/discovery.py.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from idp.domain.permission import Permission, scope_of
from idp.policy.clients import SCOPES
from idp.policy.resources import ADMINISTRATION, SCIM, USERINFO

__all__ = ["APIS", "SCIM", "WELL_KNOWN", "metadata", "metadata_url"]

WELL_KNOWN = "/.well-known/oauth-protected-resource"
_OF_ADMINISTRATION = tuple(scope_of(each) for each in Permission)
#: The APIs by their paths, with the scopes that count there and a name for people (RFC 9728 §2).
APIS: dict[str, tuple[str, tuple[str, ...]]] = {
    ADMINISTRATION: ("Administration", _OF_ADMINISTRATION),
    SCIM: ("SCIM", _OF_ADMINISTRATION),
    USERINFO: ("UserInfo", tuple(scope for scope in SCOPES if scope != "offline_access")),
}


def metadata(issuer: str, path: str, *, proof_algs: Sequence[str], takes_certificates: bool) -> dict[str, Any]:
    """Return the metadata of an API of ours; `proof_algs` are those of DPoP proofs."""
    name, scopes = APIS[path]
    document: dict[str, Any] = {
        "resource": issuer + path,
        "authorization_servers": [issuer],
        "scopes_supported": list(scopes),
        "bearer_methods_supported": ["header", "body"] if path == USERINFO else ["header"],
        "resource_name": name,
        "dpop_signing_alg_values_supported": list(proof_algs),
    }
    return document | ({"tls_client_certificate_bound_access_tokens": True} if takes_certificates else {})


def metadata_url(issuer: str, path: str) -> str:
    """Return where the metadata of an API of ours stands (RFC 9728 §3)."""
    parts = urlsplit(issuer)
    return f"{parts.scheme}://{parts.netloc}{WELL_KNOWN}{parts.path}{path}"
