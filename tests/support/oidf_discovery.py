"""What the OpenID Foundation's plans look at in the metadata and the keys of a provider."""

import re
from typing import Any

from tests.support.provider import Provider

ENDPOINTS = (
    "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "end_session_endpoint",
    "revocation_endpoint", "introspection_endpoint", "registration_endpoint",
)  # fmt: skip
_LISTS = re.compile(r".*_(supported|resources)$")
_FLAGS = re.compile(
    r"(claims|request|request_uri|authorization_response_iss|backchannel_user_code)_parameter_supported"
    r"|require_.*|(back|front)channel_logout(_session)?_supported|client_id_metadata_document_supported"
)
_TAG = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?")  # BCP 47 as it is usually written


async def verify(provider: Provider) -> dict[str, Any]:
    """Fetch metadata and keys, check each member as every plan does, and return the metadata."""
    response = await provider.http.get(f"{provider.issuer}/.well-known/openid-configuration")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("application/json")
    metadata: dict[str, Any] = response.json()
    assert metadata["issuer"] == provider.issuer
    for name in ENDPOINTS:
        assert metadata[name].startswith("https://"), name
    for name, value in metadata.items():
        if _FLAGS.fullmatch(name):
            assert isinstance(value, bool), name
        elif _LISTS.fullmatch(name):
            assert isinstance(value, list), name
            assert value, name  # an empty list is left out (OIDC Discovery §3)
            assert all(isinstance(each, str) for each in value), name
            assert len(set(value)) == len(value), name
    assert {"openid"} <= set(metadata["scopes_supported"])
    assert {"RS256"} <= set(metadata["id_token_signing_alg_values_supported"])
    assert {"code"} <= set(metadata["response_types_supported"])
    assert {"authorization_code"} <= set(metadata["grant_types_supported"])
    assert set(metadata["subject_types_supported"]) <= {"public", "pairwise"}
    assert "sub" in metadata["claims_supported"]
    assert all(_TAG.fullmatch(tag) for tag in metadata["ui_locales_supported"])
    await _verify_keys(provider, metadata["jwks_uri"])
    return metadata


async def _verify_keys(provider: Provider, url: str) -> None:
    keys = (await provider.http.get(url)).json()["keys"]
    kids = [key["kid"] for key in keys]
    assert len(set(kids)) == len(kids)
    assert {key["kty"] for key in keys} <= {"RSA", "EC", "OKP"}
    assert not any(key.keys() & {"d", "p", "q", "dp", "dq", "qi", "k"} for key in keys)
