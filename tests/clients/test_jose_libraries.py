"""Tokens that we sign verify in JOSE libraries that share no code with ours."""

import json
from typing import Any

import httpx2
import jwt as pyjwt
import pytest
from jwcrypto.jwk import JWK, JWKSet
from jwcrypto.jwt import JWT

from tests.support.back_office import BackOffice, Person
from tests.support.client_auth import Basic
from tests.support.html_browser import HtmlBrowser
from tests.support.relying_party import Answer, RelyingParty

pytestmark = pytest.mark.xdist_group("foreign-clients")

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
REDIRECT_URI = "https://rp.example/callback"
Json = dict[str, Any]


async def signed_with(alg: str, office: BackOffice, browser: HtmlBrowser) -> tuple[Answer, RelyingParty, Json]:
    """Sign the person in at a client that wants this algorithm; return the tokens, the client and the JWKS."""
    registration = await office.client(
        [REDIRECT_URI], id_token_signed_response_alg=alg, access_token_signed_response_alg=alg
    )
    async with httpx2.AsyncClient(trust_env=False) as http:
        auth = Basic(registration.client_secret or "")
        rp = RelyingParty(http, office.server.issuer, registration.client_id, auth)
        tokens = await rp.redeem(await browser.authorize(rp))
        jwks = (await http.get((await rp.metadata())["jwks_uri"])).json()
    return tokens, rp, jwks


@pytest.mark.parametrize("alg", ALGORITHMS)
async def test_pyjwt_verifies_our_tokens(alg: str, office: BackOffice, browser: HtmlBrowser, person: Person) -> None:
    tokens, rp, jwks = await signed_with(alg, office, browser)
    keys = {key.key_id: key for key in pyjwt.PyJWKSet.from_dict(jwks).keys}

    for token, audience, typ in (
        (tokens.id_token, rp.client_id, "JWT"),
        (tokens.access_token, rp.issuer, "at+jwt"),
    ):
        header = pyjwt.get_unverified_header(token)
        claims = pyjwt.decode(token, keys[header["kid"]], algorithms=[alg], audience=audience, issuer=rp.issuer)
        assert (header["alg"], header["typ"], claims["sub"]) == (alg, typ, person.sub)


@pytest.mark.parametrize("alg", ALGORITHMS)
async def test_jwcrypto_verifies_our_tokens(alg: str, office: BackOffice, browser: HtmlBrowser, person: Person) -> None:
    tokens, rp, jwks = await signed_with(alg, office, browser)
    keys = JWKSet.from_json(json.dumps(jwks))

    for token, audience in ((tokens.id_token, rp.client_id), (tokens.access_token, rp.issuer)):
        verified = JWT(
            jwt=token, key=keys, algs=[alg], check_claims={"iss": rp.issuer, "aud": audience, "sub": person.sub}
        )
        assert json.loads(verified.claims)["sub"] == person.sub


@pytest.mark.parametrize("enc", ["A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM"])
@pytest.mark.parametrize("alg", ["RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"])
async def test_jwcrypto_opens_what_we_encrypt(
    alg: str, enc: str, office: BackOffice, browser: HtmlBrowser, person: Person
) -> None:
    """OIDC Core §16.14: signed, then encrypted; and userinfo alike."""
    key = JWK.generate(kty="RSA", size=2048) if alg.startswith("RSA") else JWK.generate(kty="EC", crv="P-384")
    jwks = {"keys": [{**key.export_public(as_dict=True), "use": "enc"}]}
    members = {f"{what}_encrypted_response_{how}": value for what in ("id_token", "userinfo")
               for how, value in (("alg", alg), ("enc", enc))}  # fmt: skip
    registration = await office.client([REDIRECT_URI], jwks=jwks, **members)
    async with httpx2.AsyncClient(trust_env=False) as http:
        rp = RelyingParty(http, office.server.issuer, registration.client_id, Basic(registration.client_secret or ""))
        tokens = await rp.redeem(await browser.authorize(rp))
        told = await rp.userinfo(tokens.access_token)
        keys = JWKSet.from_json((await http.get((await rp.metadata())["jwks_uri"])).text)

    nested = JWT(jwt=tokens.id_token, key=key, algs=[alg, enc], expected_type="JWE")
    inner = JWT(jwt=nested.claims, key=keys, algs=["RS256"], check_claims={"iss": rp.issuer, "aud": rp.client_id})
    assert json.loads(inner.claims)["sub"] == person.sub
    assert json.loads(JWT(jwt=told.text, key=key, algs=[alg, enc], expected_type="JWE").claims)["sub"] == person.sub


@pytest.mark.parametrize("alg", ALGORITHMS)
async def test_a_changed_token_verifies_nowhere(alg: str, office: BackOffice, browser: HtmlBrowser) -> None:
    tokens, rp, jwks = await signed_with(alg, office, browser)
    header, payload, signature = tokens.id_token.split(".")
    forged = ".".join((header, payload, signature[:-5] + ("AAAAA" if signature[-5:] != "AAAAA" else "BBBBB")))
    keys = {key.key_id: key for key in pyjwt.PyJWKSet.from_dict(jwks).keys}
    key = keys[pyjwt.get_unverified_header(forged)["kid"]]

    with pytest.raises(pyjwt.InvalidSignatureError):
        pyjwt.decode(forged, key, algorithms=[alg], audience=rp.client_id)
