"""Authorization responses that are encrypted – JARM §2.2, §3; OIDC Core §10.2 for ID tokens of the front channel."""

import json
import warnings
from collections.abc import Mapping
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey, Key, RSAKey

from idp.domain.client import BadClient, Profile
from idp.policy.encryption import ALGS, ENCS
from tests.support.hosted import Hosted
from tests.support.html_browser import HtmlBrowser, Page
from tests.support.jose import parts
from tests.support.oidf import RESPONSE_TYPES
from tests.support.provider import Provider, ask
from tests.support.relying_party import RelyingParty, half_hash

RSA = RSAKey.generate_key(2048, {"use": "enc", "kid": "r1"})
EC = ECKey.generate_key("P-256", {"use": "enc", "kid": "e1"})
JWKS = {"keys": [key.as_dict(private=False) for key in (RSA, EC)]}
HYBRID: Mapping[str, Any] = {
    "profile": Profile.OIDC, "response_types": RESPONSE_TYPES,
    "grant_types": ["authorization_code", "implicit", "refresh_token"],
}  # fmt: skip


def opened(text: str, alg: str = "ECDH-ES", enc: str = "A128CBC-HS256") -> tuple[dict[str, Any], str]:
    """Return header and content of a JWE, opened as a client does that expects just this pair."""
    key: Key = RSA if alg.startswith("RSA") else EC
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = jwe.decrypt_compact(text, key, registry=jwe.JWERegistry(algorithms=[alg, enc]))
    return dict(found.headers()), (found.plaintext or b"").decode()


async def left(browser: HtmlBrowser, rp: RelyingParty, **changes: str | None) -> Page:
    """Go through an authorization, and return the page with which the browser leaves."""
    return await browser.leave(await ask(browser, rp, **changes))


async def client(provider: Provider, **members: Any) -> RelyingParty:
    return await provider.client(**{"jwks": JWKS, **members})


@pytest.mark.parametrize("alg", ALGS)
@pytest.mark.parametrize("enc", ENCS)
async def test_a_signed_response_is_encrypted(provider: Provider, browser: HtmlBrowser, alg: str, enc: str) -> None:
    """JARM §2.2: signed, then encrypted, `cty` JWT; with each pair of the metadata."""
    rp = await client(provider, authorization_encrypted_response_alg=alg, authorization_encrypted_response_enc=enc)
    metadata = await provider.metadata()

    answer = (await left(browser, rp, response_mode="jwt")).answer()
    header, inner = opened(answer.parameters["response"], alg, enc)

    assert (header["alg"], header["enc"], header["cty"]) == (alg, enc, "JWT")
    claims = (await rp.decode(inner)).claims
    assert (claims["iss"], claims["aud"]) == (rp.issuer, rp.client_id)
    assert claims["state"] in rp.requests
    assert alg in metadata["authorization_encryption_alg_values_supported"]
    assert enc in metadata["authorization_encryption_enc_values_supported"]


@pytest.mark.parametrize("mode", ["query.jwt", "fragment.jwt", "form_post.jwt"])
async def test_errors_are_encrypted_as_well(provider: Provider, browser: HtmlBrowser, mode: str) -> None:
    """JARM §2.1.1: in every signed mode, and nothing beside it."""
    rp = await client(provider, authorization_encrypted_response_alg="ECDH-ES")

    answer = (await ask(browser, rp, response_mode=mode, prompt="none")).answer()

    assert (f"{answer.mode}.jwt", answer.parameters.keys()) == (mode, {"response"})
    _header, inner = opened(answer.parameters["response"])
    assert parts(inner)[1]["error"] == "login_required"


async def test_the_cookies_of_a_sign_in_come_with_an_encrypted_answer(provider: Provider, browser: HtmlBrowser) -> None:
    """RFC 6265 §4.1: whoever signed in stays so, although the answer is made after the transaction."""
    rp = await client(provider, authorization_encrypted_response_alg="ECDH-ES", is_first_party=True)
    await left(browser, rp, response_mode="jwt")

    again = await ask(browser, rp, response_mode="jwt", prompt="none")

    assert "code" in parts(opened(again.answer().parameters["response"])[1])[1]


async def test_a_plain_mode_is_not_encrypted(provider: Provider, browser: HtmlBrowser) -> None:
    """JARM §2.3: the request says how it wants to be answered."""
    rp = await client(provider, authorization_encrypted_response_alg="ECDH-ES")

    assert (await browser.answer(rp)).code


@pytest.mark.parametrize("mode", [None, "form_post", "fragment.jwt"])
@pytest.mark.parametrize("response_type", ["id_token", "code id_token token"])
async def test_an_id_token_of_the_front_channel_is_encrypted(
    liberal: Provider, response_type: str, mode: str | None
) -> None:
    """OIDC Core §10.2, §3.2.2.9, §3.3.2.11: its hashes are those of what stands beside it."""
    rp = await client(liberal, **HYBRID, id_token_encrypted_response_alg="RSA-OAEP-256")
    async with liberal.browser(await liberal.person()) as browser:
        given = (await left(browser, rp, response_type=response_type, response_mode=mode)).answer().parameters
    if mode == "fragment.jwt":
        given = {name: str(value) for name, value in (await rp.decode(given["response"])).claims.items()}

    claims = (await rp.decode(opened(given["id_token"], "RSA-OAEP-256")[1])).claims

    assert claims["aud"] == rp.client_id
    for name, beside in (("at_hash", given.get("access_token")), ("c_hash", given.get("code"))):
        assert claims.get(name) == (half_hash(beside, "RS256") if beside else None)


async def test_keys_are_fetched_from_where_the_client_has_them(open_provider: Provider, website: Hosted) -> None:
    """OIDC Registration §2: and if they have gone, nobody is answered in the clear."""
    url = website.put("/jarm-keys", json.dumps(JWKS).encode())
    rp = await client(open_provider, jwks=None, jwks_uri=url, authorization_encrypted_response_alg="ECDH-ES")
    async with open_provider.browser(await open_provider.person()) as browser:
        answer = (await left(browser, rp, response_mode="jwt")).answer()
        assert "code" in parts(opened(answer.parameters["response"])[1])[1]

    other = website.put("/jarm-none", json.dumps({"keys": [RSA.as_dict(private=False)]}).encode())
    lost = await client(open_provider, jwks=None, jwks_uri=other, authorization_encrypted_response_alg="ECDH-ES")
    async with open_provider.browser() as nobody:
        page = await ask(nobody, lost, response_mode="jwt", prompt="none")

    assert (page.status, page.name, page.location) == (400, "error", None)
    assert page.text("error-code") == "invalid_request"


@pytest.mark.parametrize(
    "members",
    [
        {"authorization_encrypted_response_alg": "RSA1_5"}, {"authorization_encrypted_response_alg": "dir"},
        {"authorization_encrypted_response_enc": "A128GCM"}, {"authorization_encrypted_response_alg": "none"},
        {"authorization_encrypted_response_alg": "ECDH-ES", "authorization_encrypted_response_enc": "A192GCM"},
        {"authorization_encrypted_response_alg": "ECDH-ES", "jwks": {"keys": [RSA.as_dict(private=False)]}},
        {"authorization_encrypted_response_alg": "ECDH-ES", "jwks": None},
    ],
    ids=["RSA1_5", "dir", "enc alone", "none", "A192GCM", "no fitting key", "no keys"],
)  # fmt: skip
async def test_what_could_not_be_encrypted_is_not_registered(provider: Provider, members: dict[str, Any]) -> None:
    """JARM §3: an algorithm that is offered, enc never without it, and a key that fits."""
    with pytest.raises(BadClient):
        await client(provider, **members)
