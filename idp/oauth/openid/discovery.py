"""Discovery metadata – OIDC Discovery §3, RFC 8414 §2: one document for both well-known URLs.

A member appears only when its feature works. The document is prepared once, as bytes with an ETag.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from idp.domain.authorization import Prompt
from idp.domain.client import CONFIDENTIAL_METHODS, AuthMethod
from idp.domain.definitions import Definitions
from idp.domain.exchange import JWT_BEARER, TOKEN_EXCHANGE
from idp.oauth.extensions import dpop
from idp.oauth.extensions.response_modes import RESPONSE_MODES
from idp.oauth.openid.claims import known_claims
from idp.policy import ciba, encryption
from idp.policy.clients import SCOPES, grant_types
from idp.policy.offers import Offers
from idp.policy.profiles import ASYMMETRIC_ALGS, ID_TOKEN_ALGS
from idp.policy.response_types import offered
from idp.policy.sectors import SUBJECT_TYPES

_BY_CERTIFICATE = (AuthMethod.TLS.value, AuthMethod.SELF_SIGNED_TLS.value)
_BY_SECRET_OR_KEY = [method for method in CONFIDENTIAL_METHODS if method not in _BY_CERTIFICATE]
_ASSERTION_ALGS = [*ASYMMETRIC_ALGS, "HS256"]
_MTLS_ENDPOINTS = {
    "token_endpoint": "/token", "pushed_authorization_request_endpoint": "/par", "userinfo_endpoint": "/userinfo",
    "introspection_endpoint": "/introspect", "revocation_endpoint": "/revoke",
    "device_authorization_endpoint": "/device_authorization", "backchannel_authentication_endpoint": "/ciba",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Prepared:
    """A public document, ready to be sent."""

    body: bytes
    etag: str


def prepare(document: dict[str, Any]) -> Prepared:
    """Encode a document once."""
    body = json.dumps(document, separators=(",", ":")).encode()
    return Prepared(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


@dataclass(frozen=True, slots=True)
class Reading:
    """URLs of what people read who build clients (RFC 8414 §2)."""

    service_documentation: str | None = None
    op_policy_uri: str | None = None
    op_tos_uri: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the metadata depends on: how the process is set up, and what operators registered so far.

    `takes_documents` says whether clients may be known by a document that describes them; `takes_references` whether
    some client may have request objects fetched (OIDC Core §6.2).
    """

    issuer: str
    ui_locales: Sequence[str]
    acrs: Sequence[str]
    offers: Offers
    reading: Reading = field(default_factory=Reading)
    mtls_url: str | None = None
    registers_clients: bool = False
    takes_documents: bool = False
    takes_references: bool = False
    definitions: Definitions = field(default_factory=Definitions)


def metadata(facts: Facts) -> dict[str, Any]:
    """Return the provider's metadata."""
    reading = {name: url for name, url in asdict(facts.reading).items() if url is not None}
    return _endpoints(facts) | _authentication(facts) | _requests(facts) | _answers(facts) | reading


def _endpoints(facts: Facts) -> dict[str, Any]:
    issuer = facts.issuer
    document: dict[str, Any] = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "jwks_uri": f"{issuer}/jwks",
        "end_session_endpoint": f"{issuer}/end_session",
        **{name: issuer + path for name, path in _MTLS_ENDPOINTS.items()},
    }
    if facts.registers_clients:
        document["registration_endpoint"] = f"{issuer}/register"
    if facts.mtls_url is not None:
        aliases = {name: facts.mtls_url + path for name, path in _MTLS_ENDPOINTS.items()}
        document |= {"mtls_endpoint_aliases": aliases, "tls_client_certificate_bound_access_tokens": True}
    return document


def _authentication(facts: Facts) -> dict[str, Any]:
    confidential = [*_BY_SECRET_OR_KEY, *(_BY_CERTIFICATE if facts.offers.mutual_tls else ())]
    return {
        "token_endpoint_auth_methods_supported": [*confidential, "none"],
        "token_endpoint_auth_signing_alg_values_supported": _ASSERTION_ALGS,
        "revocation_endpoint_auth_methods_supported": [*confidential, "none"],
        "revocation_endpoint_auth_signing_alg_values_supported": _ASSERTION_ALGS,
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": _ASSERTION_ALGS,
        "dpop_signing_alg_values_supported": list(dpop.ALGS),
        **({"client_id_metadata_document_supported": True} if facts.takes_documents else {}),
    }


def _requests(facts: Facts) -> dict[str, Any]:
    offers, definitions = facts.offers, facts.definitions
    public = [each for each in definitions.resources.values() if each.is_public]
    document: dict[str, Any] = {
        "scopes_supported": list(dict.fromkeys([*SCOPES, *(name for each in public for name in each.scope_names)])),
        "response_types_supported": list(offered(offers)),
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": _grant_types(facts),
        "code_challenge_methods_supported": ["S256"],
        "request_parameter_supported": True,
        "request_object_signing_alg_values_supported": list(ASYMMETRIC_ALGS),
        "request_uri_parameter_supported": facts.takes_references,  # absence means true (OIDC Discovery §3)
        "require_request_uri_registration": facts.takes_references,
        "claims_parameter_supported": True,
        "acr_values_supported": list(facts.acrs),
        "prompt_values_supported": [each.value for each in Prompt if each.value != "create" or offers.sign_up],
        "display_values_supported": ["page"],
        "ui_locales_supported": list(facts.ui_locales),
        "backchannel_token_delivery_modes_supported": list(ciba.DELIVERY_MODES),
        "backchannel_authentication_request_signing_alg_values_supported": list(ciba.SIGNING_ALGS),
        "backchannel_user_code_parameter_supported": False,
    }
    if definitions.detail_types:
        document["authorization_details_types_supported"] = sorted(definitions.detail_types)
    if public:
        document["protected_resources"] = sorted(each.identifier for each in public)
    return document


def _grant_types(facts: Facts) -> list[str]:
    """Return the grant types that work here; two of them once operators have said for whom."""
    idle = set() if facts.definitions.exchange_rules else {TOKEN_EXCHANGE}
    idle |= set() if facts.definitions.assertion_issuers else {JWT_BEARER}
    return [each for each in grant_types(facts.offers) if each not in idle]


def _answers(facts: Facts) -> dict[str, Any]:
    return {
        "subject_types_supported": list(SUBJECT_TYPES),
        "claims_supported": list(known_claims()),
        "claim_types_supported": ["normal"],
        "id_token_signing_alg_values_supported": list(ID_TOKEN_ALGS),
        "authorization_signing_alg_values_supported": list(ID_TOKEN_ALGS),
        "authorization_response_iss_parameter_supported": True,
        "userinfo_signing_alg_values_supported": list(ID_TOKEN_ALGS),
        "introspection_signing_alg_values_supported": list(ID_TOKEN_ALGS),
        **{
            f"{what}_encryption_{how}_values_supported": list(values)
            for what in encryption.ANSWERS
            for how, values in (("alg", encryption.ALGS), ("enc", encryption.ENCS))
        },
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "frontchannel_logout_supported": True,
        "frontchannel_logout_session_supported": True,
    }
