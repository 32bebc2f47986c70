"""Our public keys – RFC 7517 §4, §5; RFC 7518 §6; OIDC Core §10.1."""

from typing import Any

import jwt as pyjwt
import pytest
from joserfc.jwk import KeySet

from idp.domain.client import BadClient
from tests.support.html_browser import HtmlBrowser
from tests.support.jose import parts, unbase64url
from tests.support.provider import Provider
from tests.support.relying_party import RelyingParty

PUBLIC_MEMBERS = {
    "RSA": {"kty", "kid", "use", "alg", "n", "e"},
    "EC": {"kty", "kid", "use", "alg", "crv", "x", "y"},
    "OKP": {"kty", "kid", "use", "alg", "crv", "x"},
}
STRONG = {"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
          "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}  # fmt: skip
WEAK: list[dict[str, Any]] = [
    {}, {"kty": "oct", "k": "AAAA"}, {**STRONG, "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X5b0M9kyaqI"},
    {**STRONG, "y": STRONG["x"]}, {**STRONG, "crv": "secp256k1"}, {**STRONG, "kid": 1}, {**STRONG, "kid": "x" * 257},
    {"kty": "RSA", "n": "AQAB", "e": "AQAB"}, {"kty": "OKP", "crv": "X25519", "x": STRONG["x"]}, {"kty": "unknown"},
]  # fmt: skip


async def published(provider: Provider) -> list[dict[str, Any]]:
    """Return the keys that everybody can read."""
    response = await provider.http.get(f"{provider.issuer}/jwks")
    keys: list[dict[str, Any]] = response.json()["keys"]
    return keys


async def test_the_set_has_its_media_type(provider: Provider) -> None:
    """RFC 7517 §8.5.2."""
    response = await provider.http.get(f"{provider.issuer}/jwks")

    assert (response.status_code, response.headers["content-type"]) == (200, "application/jwk-set+json")


async def test_only_public_members_are_published(provider: Provider) -> None:
    """RFC 7517 §9.2: never a private or symmetric key; kid, use and alg on each."""
    for key in await published(provider):
        assert key.keys() == PUBLIC_MEMBERS[key["kty"]]
        assert key["use"] == "sig"


async def test_every_kid_is_its_own(provider: Provider) -> None:
    """RFC 7517 §4.5."""
    kids = [key["kid"] for key in await published(provider)]

    assert len(kids) == len(set(kids))


async def test_there_is_a_key_for_every_advertised_algorithm(provider: Provider) -> None:
    """OIDC Discovery §3, id_token_signing_alg_values_supported."""
    advertised = (await provider.metadata())["id_token_signing_alg_values_supported"]

    assert {key["alg"] for key in await published(provider)} == set(advertised)


async def test_the_rsa_key_stands_there_twice(provider: Provider) -> None:
    """RFC 7517 §4.4: one alg each, so one key for RS256 and PS256 has two kids; 3072 bits (RFC 8725 §3.5)."""
    keys = await published(provider)
    moduli = {alg: {key["n"] for key in keys if key["alg"] == alg} for alg in ("RS256", "PS256")}

    assert moduli["RS256"] == moduli["PS256"]
    assert {len(unbase64url(modulus)) * 8 for modulus in moduli["RS256"]} == {3072}


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
async def test_another_library_verifies_what_we_sign(provider: Provider, browser: HtmlBrowser, alg: str) -> None:
    """RFC 7515 §5.2: by kid, with the key and algorithm of the set."""
    rp: RelyingParty = await provider.client(id_token_signed_response_alg=alg, access_token_signed_response_alg=alg)
    tokens = await rp.redeem(await browser.authorize(rp))
    keys = {key["kid"]: key for key in await published(provider)}

    for token, audience in ((tokens.id_token, rp.client_id), (tokens.access_token, rp.issuer)):
        key = pyjwt.PyJWK(keys[parts(token)[0]["kid"]])
        claims = pyjwt.decode(
            token, key, algorithms=[alg], audience=audience, options={"verify_exp": False, "verify_iat": False}
        )

        assert claims["iss"] == rp.issuer


async def test_the_set_is_read_by_another_library_as_it_is(provider: Provider) -> None:
    """RFC 7517 §5."""
    keys = await published(provider)

    assert len(pyjwt.PyJWKSet(keys).keys) == len(keys)
    assert len(KeySet.import_key_set({"keys": keys}).keys) == len(keys)


@pytest.mark.parametrize("key", WEAK, ids=lambda key: f"{key.get('kty')} {sorted(key)}")
async def test_a_clients_weak_or_private_key_is_refused(provider: Provider, key: dict[str, Any]) -> None:
    """RFC 7517 §9, RFC 8725 §3.4, §3.5; RFC 7591 §2: a client registers public keys only."""
    with pytest.raises(BadClient):
        await provider.client(
            method="private_key_jwt", jwks={"keys": [key]}, token_endpoint_auth_method="private_key_jwt"
        )


@pytest.mark.parametrize("jwks", [{}, {"keys": []}, {"keys": {}}, [], "x", {"keys": [STRONG] * 21}])
async def test_a_clients_set_is_a_set(provider: Provider, jwks: Any) -> None:
    """RFC 7517 §5; how many is ours."""
    with pytest.raises(BadClient):
        await provider.client(method="private_key_jwt", jwks=jwks)
