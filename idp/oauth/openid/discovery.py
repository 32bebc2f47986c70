"""Discovery metadata – OIDC Discovery §3, RFC 8414 §2: one document for both well-known URLs.

A member appears only when its feature works. The document is prepared once, as bytes with an ETag.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from idp.domain.authorization import Prompt
from idp.oauth.extensions import dpop
from idp.oauth.extensions.response_modes import RESPONSE_MODES
from idp.oauth.openid.claims import known_claims
from idp.policy import ciba
from idp.policy.clients import SCOPES, grant_types
from idp.policy.offers import Offers
from idp.policy.profiles import ASYMMETRIC_ALGS, ID_TOKEN_ALGS
from idp.policy.response_types import offered
from idp.policy.sectors import SUBJECT_TYPES

_AUTH_METHODS = ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"]
_CONFIDENTIAL_METHODS = _AUTH_METHODS[:-1]
_ASSERTION_ALGS = [*ASYMMETRIC_ALGS, "HS256"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A public document, ready to be sent."""

    body: bytes
    etag: str


def prepare(document: dict[str, Any]) -> Prepared:
    """Encode a document once."""
    body = json.dumps(document, separators=(",", ":")).encode()
    return Prepared(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def metadata(
    issuer: str,
    *,
    ui_locales: Sequence[str],
    docs_url: str | None,
    acrs: Sequence[str],
    offers: Offers,
    registers_clients: bool = False,
) -> dict[str, Any]:
    """Return the provider's metadata."""
    document: dict[str, Any] = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/jwks",
        "end_session_endpoint": f"{issuer}/end_session",
        "revocation_endpoint": f"{issuer}/revoke",
        "introspection_endpoint": f"{issuer}/introspect",
        "pushed_authorization_request_endpoint": f"{issuer}/par",
        "dpop_signing_alg_values_supported": list(dpop.ALGS),
        "device_authorization_endpoint": f"{issuer}/device_authorization",
        "backchannel_authentication_endpoint": f"{issuer}/ciba",
        "scopes_supported": list(SCOPES),
        "response_types_supported": list(offered(offers)),
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": list(grant_types(offers)),
        "subject_types_supported": list(SUBJECT_TYPES),
        "id_token_signing_alg_values_supported": list(ID_TOKEN_ALGS),
        "authorization_signing_alg_values_supported": list(ID_TOKEN_ALGS),
        "token_endpoint_auth_methods_supported": _AUTH_METHODS,
        "token_endpoint_auth_signing_alg_values_supported": _ASSERTION_ALGS,
        "revocation_endpoint_auth_methods_supported": _AUTH_METHODS,
        "revocation_endpoint_auth_signing_alg_values_supported": _ASSERTION_ALGS,
        "introspection_endpoint_auth_methods_supported": _CONFIDENTIAL_METHODS,
        "introspection_endpoint_auth_signing_alg_values_supported": _ASSERTION_ALGS,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "request_parameter_supported": True,
        "request_object_signing_alg_values_supported": list(ASYMMETRIC_ALGS),
        "request_uri_parameter_supported": False,  # written out: absence means true (OIDC Discovery §3)
        "require_request_uri_registration": False,
        "claims_supported": list(known_claims()),
        "claim_types_supported": ["normal"],
        "claims_parameter_supported": True,
        "acr_values_supported": list(acrs),
        "prompt_values_supported": [prompt.value for prompt in Prompt],
        "display_values_supported": ["page"],
        "backchannel_token_delivery_modes_supported": list(ciba.DELIVERY_MODES),
        "backchannel_authentication_request_signing_alg_values_supported": list(ciba.SIGNING_ALGS),
        "backchannel_user_code_parameter_supported": False,
        "ui_locales_supported": list(ui_locales),
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "frontchannel_logout_supported": True,
        "frontchannel_logout_session_supported": True,
    }
    if registers_clients:
        document["registration_endpoint"] = f"{issuer}/register"
    if docs_url is not None:
        document["service_documentation"] = docs_url
    return document
