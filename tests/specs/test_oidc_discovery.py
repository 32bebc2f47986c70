"""The metadata tells the truth – OIDC Discovery §3, RFC 8414 §2: what is listed works, what is not listed fails."""

from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from idp.domain.client import BadClient
from tests.support.client_auth import Proof, by_assertion
from tests.support.html_browser import HtmlBrowser
from tests.support.jose import forge, parts
from tests.support.provider import Person, Provider, ask, at_once
from tests.support.relying_party import RelyingParty

KEYS = {
    "RS256": RSAKey.generate_key(2048),
    "ES256": ECKey.generate_key("P-256"),
    "EdDSA": OKPKey.generate_key("Ed25519"),
}
KEYS |= {"PS256": KEYS["RS256"], "Ed25519": KEYS["EdDSA"]}
LOA1 = "urn:idp:loa:1"
ELSEWHERE = {
    "urn:ietf:params:oauth:grant-type:device_code": "invalid_request",
    "urn:openid:params:grant-type:ciba": "invalid_request",
}


async def listed(provider: Provider, member: str) -> list[str]:
    """Return what the metadata lists."""
    values: list[str] = (await provider.metadata())[member]
    return values


async def test_what_must_be_listed_is(provider: Provider) -> None:
    """OIDC Discovery §3: required members, and RS256; RFC 9207 §3; none stands among no algorithms."""
    metadata = await provider.metadata()

    assert "RS256" in metadata["id_token_signing_alg_values_supported"]
    assert "openid" in metadata["scopes_supported"]
    assert metadata["subject_types_supported"] == ["public", "pairwise"]
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert metadata["request_uri_parameter_supported"] is False  # its absence would mean true
    assert not any("none" in value for name, value in metadata.items() if "alg_values" in name)


async def test_every_scope_works(provider: Provider, rp: RelyingParty, browser: HtmlBrowser) -> None:
    """scopes_supported."""
    scopes = await listed(provider, "scopes_supported")

    tokens = await rp.redeem(await browser.authorize(rp, scope=" ".join(scopes)))

    assert tokens.body["scope"].split() == scopes


async def test_a_scope_that_is_not_listed_is_not_granted(
    provider: Provider, browser: HtmlBrowser, rp: RelyingParty
) -> None:
    """scopes_supported."""
    tokens = await rp.redeem(await browser.authorize(rp, scope="openid groups admin"))

    assert tokens.body["scope"] == "openid"
    assert not {"groups", "admin"} & set(await listed(provider, "scopes_supported"))


async def test_the_response_type_works_and_no_other(provider: Provider, rp: RelyingParty, browser: HtmlBrowser) -> None:
    """response_types_supported."""
    assert await listed(provider, "response_types_supported") == ["code"]
    assert (await browser.answer(rp, response_type="code")).code
    for other in ("token", "id_token", "id_token token", "code id_token", "code token", "code id_token token", "none"):
        assert (await at_once(browser, rp, response_type=other, nonce="n")).error == "unsupported_response_type"


async def test_every_response_mode_works_and_no_other(
    provider: Provider, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """response_modes_supported."""
    modes = await listed(provider, "response_modes_supported")

    shown = [(await browser.answer(rp, response_mode=mode)).mode for mode in modes]
    assert shown == ["query.jwt" if mode == "jwt" else mode for mode in modes]  # jwt: that of the default mode
    for other in ("web_message", "QUERY", "form_post form_post", "jwt.query", "QUERY.JWT"):
        assert (await at_once(browser, rp, response_mode=other)).error == "invalid_request"


async def test_every_grant_type_works_and_no_other(provider: Provider, browser: HtmlBrowser) -> None:
    """grant_types_supported: each leads to its own checks; those that need a person answer on another device."""
    grant_types = await listed(provider, "grant_types_supported")
    rp = await provider.client(grant_types=grant_types, backchannel_token_delivery_mode="poll")

    tokens = await rp.redeem(await browser.authorize(rp))

    assert set(grant_types) == {"authorization_code", "refresh_token", "client_credentials", *ELSEWHERE}
    assert (await rp.refresh(tokens.refresh_token)).status == 200
    assert (await rp.token(grant_type="client_credentials")).status == 200
    for name, error in ELSEWHERE.items():
        assert (await rp.token(grant_type=name)).error == error
    for other in ("password", "implicit", "urn:ietf:params:oauth:grant-type:saml2-bearer"):
        assert (await rp.token(grant_type=other)).error == "unsupported_grant_type"
        with pytest.raises(BadClient):
            await provider.client(grant_types=["authorization_code", other])


async def test_every_signing_algorithm_works_and_no_other(provider: Provider, browser: HtmlBrowser) -> None:
    """id_token_signing_alg_values_supported."""
    for alg in await listed(provider, "id_token_signing_alg_values_supported"):
        rp = await provider.client(id_token_signed_response_alg=alg, is_first_party=True)
        tokens = await rp.redeem(await browser.authorize(rp))

        assert (await rp.decode(tokens.id_token)).header["alg"] == alg
    for other in ("none", "HS256", "RS384", "ES512", "RSA-OAEP"):
        with pytest.raises(BadClient):
            await provider.client(id_token_signed_response_alg=other)


@pytest.mark.parametrize("endpoint", ["token", "revocation", "introspection"])
async def test_every_authentication_method_works_and_no_other(provider: Provider, endpoint: str) -> None:
    """token_, revocation_ and introspection_endpoint_auth_methods_supported."""
    methods = await listed(provider, f"{endpoint}_endpoint_auth_methods_supported")
    fields = {"grant_type": "refresh_token", "refresh_token": "x", "token": "x"}

    statuses = {}
    for method in ("client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"):
        rp = await provider.client(method=method, key=KEYS["ES256"] if method == "private_key_jwt" else None)
        statuses[method] = (await rp.post(f"{endpoint}_endpoint", fields)).status

    assert {method for method, status in statuses.items() if status != 401} == set(methods)
    with pytest.raises(BadClient):
        await provider.site.clients.create(
            {
                "client_name": "x",
                "redirect_uris": ["https://rp.example/"],
                "token_endpoint_auth_method": "tls_client_auth",
            }
        )


@pytest.mark.parametrize("endpoint", ["token", "revocation", "introspection"])
async def test_every_assertion_algorithm_works(provider: Provider, endpoint: str) -> None:
    """…_endpoint_auth_signing_alg_values_supported; those not listed: test_rfc7523_client_assertions.py."""
    for alg in await listed(provider, f"{endpoint}_endpoint_auth_signing_alg_values_supported"):
        method = "client_secret_jwt" if alg == "HS256" else "private_key_jwt"
        rp = await provider.client(method=method, key=KEYS.get(alg))
        fields: dict[str, str | None] = {"grant_type": "refresh_token", "refresh_token": "x", "token": "x"}
        if alg == "HS256":
            answer = await rp.post(f"{endpoint}_endpoint", fields)
        else:
            answer = await rp.post(f"{endpoint}_endpoint", fields, auth=signed(rp, alg))

        assert answer.status != 401, alg


def signed(rp: RelyingParty, alg: str) -> Proof:
    """Return an assertion by any algorithm."""
    now = int(rp.now())
    claims: dict[str, Any] = {"iss": rp.client_id, "sub": rp.client_id, "aud": rp.issuer, "jti": alg, "exp": now + 60}
    return by_assertion(forge({"alg": alg}, claims, KEYS[alg], alg))


async def test_only_s256_is_listed_and_only_s256_works(
    provider: Provider, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """code_challenge_methods_supported."""
    assert await listed(provider, "code_challenge_methods_supported") == ["S256"]
    assert (await browser.answer(rp)).code
    assert (await at_once(browser, rp, code_challenge_method="plain")).error == "invalid_request"


async def test_every_claim_can_be_given(provider: Provider) -> None:
    """claims_supported: for a person who has them all."""
    values: dict[str, Any] = dict.fromkeys(
        ("name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture",
         "website", "gender", "birthdate", "zoneinfo", "locale", "phone_number"), "x"
    )  # fmt: skip
    person = await provider.person(**values, address={"country": "x"}, phone_number_verified=True)
    rp = await provider.client()
    async with provider.browser(person) as browser:
        tokens = await rp.redeem(await browser.authorize(rp, scope="openid profile email address phone"))

    given = parts(tokens.id_token)[1].keys() | (await rp.userinfo(tokens.access_token)).body.keys()

    assert set(await listed(provider, "claims_supported")) == given


async def test_every_acr_can_be_reached(provider: Provider, rp: RelyingParty, browser: HtmlBrowser) -> None:
    """acr_values_supported: as an essential claim each leads to a page that reaches it; test_lg_factors.py goes on."""
    pages = {"phr": "enrol", "urn:idp:loa:2": "enrol", "urn:idp:loa:1v": "step-up", "urn:idp:loa:1": None}
    await browser.authorize(rp)

    assert await listed(provider, "acr_values_supported") == list(pages)  # phrh needs the operator's roots
    for acr, page in pages.items():
        shown = await ask(browser, rp, claims=f'{{"id_token":{{"acr":{{"essential":true,"value":"{acr}"}}}}}}')

        assert shown.name == page, acr


async def test_every_prompt_works(provider: Provider, rp: RelyingParty, browser: HtmlBrowser) -> None:
    """prompt_values_supported; others: test_oidc_core_prompt.py."""
    shown = {"none": None, "login": "login", "consent": "consent", "select_account": "accounts", "create": "signup"}
    await browser.authorize(rp)

    for prompt in await listed(provider, "prompt_values_supported"):
        assert (await ask(browser, rp, prompt=prompt)).name == shown[prompt]


async def test_every_language_is_spoken(provider: Provider, rp: RelyingParty, browser: HtmlBrowser) -> None:
    """ui_locales_supported: BCP 47 tags in their usual case."""
    languages = await listed(provider, "ui_locales_supported")

    assert len(languages) >= 2
    for language in languages:
        assert (await ask(browser, rp, ui_locales=language)).document.language == language


async def test_request_objects_are_taken_by_value_as_the_document_says(
    provider: Provider, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """request_parameter_supported: true; request_uri_parameter_supported: false; neither is ignored (RFC 9101)."""
    metadata = await provider.metadata()

    assert (metadata["request_parameter_supported"], metadata["request_uri_parameter_supported"]) == (True, False)
    assert "none" not in metadata["request_object_signing_alg_values_supported"]
    assert (await at_once(browser, rp, request="x.y.z")).error == "invalid_request_object"
    assert (await at_once(browser, rp, request_uri="https://rp.example/r")).error == "request_uri_not_supported"


async def test_the_claims_parameter_works_as_the_document_says(
    provider: Provider, person: Person, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """claims_parameter_supported, claim_types_supported."""
    metadata = await provider.metadata()
    tokens = await rp.redeem(await browser.authorize(rp, claims='{"id_token":{"name":null}}'))

    assert metadata["claims_parameter_supported"] is True
    assert metadata["claim_types_supported"] == ["normal"]
    assert parts(tokens.id_token)[1]["name"] == "Ada Lovelace"
    assert person.id
