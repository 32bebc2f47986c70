"""The table of client profiles, row by row, for everybody but banks: how a client proves itself, asks, and is answered.

Not here: relaxations of profile oidc, redirect URIs → test_profiles.py; profile fapi2 → the FAPI tests.
"""

from dataclasses import replace
from typing import Any

import pytest
from joserfc.jwk import Key

from idp.domain.client import BadClient, Profile
from tests.support.client_auth import Assertion
from tests.support.dpop import ProofKey, send
from tests.support.html_browser import HtmlBrowser
from tests.support.jose import fitting_key, parts
from tests.support.provider import SECOND, Provider, ask, at_once
from tests.support.pushed import reference, visit
from tests.support.relying_party import RelyingParty

COLUMNS = [Profile.OAUTH21, Profile.OIDC, Profile.NATIVE]
ALGS = ["RS256", "PS256", "ES256", "Ed25519"]  # EdDSA: test_rfc7523_assertion_signature.py
SECRETS = ["client_secret_basic", "client_secret_post", "client_secret_jwt"]


def key_for(alg: str) -> Key:
    key = fitting_key(alg)
    assert not isinstance(key, bytes)
    return key


async def proves_itself(rp: RelyingParty) -> bool:
    return (await rp.revoke("nothing")).status == 200


@pytest.mark.parametrize("profile", [Profile.OAUTH21, Profile.OIDC])
@pytest.mark.parametrize("method", [*SECRETS, "private_key_jwt"])
async def test_a_confidential_client_proves_itself_in_every_way(
    provider: Provider, profile: Profile, method: str
) -> None:
    """RFC 6749 §2.3.1, OIDC Core §9."""
    key = key_for("ES256") if method == "private_key_jwt" else None

    assert await proves_itself(await provider.client(profile=profile, method=method, key=key))


async def test_a_native_client_proves_itself_by_a_key_or_not_at_all(provider: Provider) -> None:
    """RFC 8252 §8.5."""
    for method, key in (("none", None), ("private_key_jwt", key_for("ES256"))):
        assert await proves_itself(await provider.client(profile=Profile.NATIVE, method=method, key=key))


@pytest.mark.parametrize("profile", COLUMNS)
@pytest.mark.parametrize("alg", ALGS)
async def test_assertions_are_signed_by_each_algorithm(provider: Provider, profile: Profile, alg: str) -> None:
    """RFC 7523 §3, OIDC Registration §2: and by HS256 only where there is a secret."""
    key = key_for(alg)
    rp = await provider.client(profile=profile, method="private_key_jwt", key=key)
    rp.auth = Assertion(key, alg, now=provider.clock.timestamp)

    assert await proves_itself(rp)
    with pytest.raises(BadClient):
        await provider.client(
            profile=profile, method="private_key_jwt", key=key, token_endpoint_auth_signing_alg="HS256"
        )


async def test_a_native_client_has_the_strict_rules_for_assertions(provider: Provider) -> None:
    """RFC 10070: the issuer as the one audience, five minutes at most."""
    rp = await provider.client(profile=Profile.NATIVE, method="private_key_jwt", key=key_for("ES256"))
    assert isinstance(rp.auth, Assertion)
    now, plain = int(rp.now()), rp.auth

    for claims in ({"aud": f"{rp.issuer}/token"}, {"aud": [rp.issuer]}, {"exp": now + 3600}):
        rp.auth = replace(plain, changes=claims)
        assert not await proves_itself(rp), claims
    rp.auth = replace(plain, changes={"exp": now + 300})
    assert await proves_itself(rp)


@pytest.mark.parametrize("profile", COLUMNS)
@pytest.mark.parametrize(
    "mode", ["query", "fragment", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"]
)
async def test_every_response_mode_answers_at_an_https_address(
    provider: Provider, browser: HtmlBrowser, profile: Profile, mode: str
) -> None:
    """OAuth 2.0 Multiple Response Types §2.1, JARM §2.3."""
    rp = await provider.client(profile=profile)

    assert (await browser.answer(rp, response_mode=mode)).mode == ("query.jwt" if mode == "jwt" else mode)


@pytest.mark.parametrize("mode", ["form_post", "form_post.jwt"])
@pytest.mark.parametrize("uri", ["com.example.app:/cb", "http://127.0.0.1:49152/cb", "http://localhost/cb"])
async def test_nobody_posts_a_form_to_an_application_on_a_device(
    provider: Provider, browser: HtmlBrowser, uri: str, mode: str
) -> None:
    """RFC 8252 §7: a form would show the code to whatever listens there in the clear; told in the query."""
    rp = await provider.client(profile=Profile.NATIVE, redirect_uris=[uri])

    answer = await at_once(browser, rp, response_mode=mode)

    assert (answer.mode, answer.error) == ("query", "invalid_request")
    assert (await browser.answer(rp, response_mode="fragment")).code


@pytest.mark.parametrize("profile", COLUMNS)
async def test_pushed_requests_are_taken_and_not_demanded(
    provider: Provider, browser: HtmlBrowser, profile: Profile
) -> None:
    """RFC 9126 §2: by everybody; and whoever registered to push is held to it (§6)."""
    rp = await provider.client(profile=profile)
    strict = await provider.client(profile=profile, require_pushed_authorization_requests=True)

    assert (await visit(browser, rp, await reference(rp))).code
    assert (await browser.answer(rp)).code
    assert (await at_once(browser, strict)).error == "invalid_request"
    assert (await visit(browser, strict, await reference(strict))).code


@pytest.mark.parametrize("profile", COLUMNS)
async def test_request_objects_by_reference_are_for_profile_oidc(provider: Provider, profile: Profile) -> None:
    """OIDC Core §6.2: nobody else has anything fetched."""
    members: dict[str, Any] = {"profile": profile, "request_uris": ["https://rp.example/request"]}

    if profile is Profile.OIDC:
        assert (await provider.client(**members)).client_id
    else:
        with pytest.raises(BadClient):
            await provider.client(**members)


@pytest.mark.parametrize("profile", COLUMNS)
async def test_the_only_response_type_without_a_switch_is_code(
    provider: Provider, browser: HtmlBrowser, profile: Profile
) -> None:
    """RFC 9700 §2.1.2."""
    rp = await provider.client(profile=profile)

    for response_type in ("token", "id_token", "id_token token", "code id_token", "code token", "code id_token token"):
        answer = await at_once(browser, rp, response_type=response_type)
        assert answer.error == "unsupported_response_type"


@pytest.mark.parametrize("profile", COLUMNS)
async def test_what_tokens_look_like_unless_registered_otherwise(
    provider: Provider, browser: HtmlBrowser, profile: Profile
) -> None:
    """OIDC Registration §2: ID tokens by RS256; RFC 9068: access tokens are JWTs by ES256."""
    rp = await provider.client(profile=profile)

    tokens = await rp.redeem(await browser.authorize(rp))

    assert parts(tokens.id_token)[0]["alg"] == "RS256"
    assert {"alg": "ES256", "typ": "at+jwt"}.items() <= parts(tokens.access_token)[0].items()
    assert tokens.body["token_type"] == "Bearer"


@pytest.mark.parametrize("profile", COLUMNS)
async def test_a_key_that_was_proved_binds_the_tokens(
    provider: Provider, browser: HtmlBrowser, profile: Profile
) -> None:
    """RFC 9449 §5: honoured for everybody, demanded of whoever registered it."""
    rp = await provider.client(profile=profile)
    strict = await provider.client(profile=profile, dpop_bound_access_tokens=True)
    key = ProofKey(now=provider.clock.timestamp)

    tokens = await redeemed_with(rp, await browser.authorize(rp), key)
    refused = await strict.redeem(await browser.authorize(strict))

    assert tokens["token_type"] == "DPoP"
    assert parts(str(tokens["access_token"]))[1]["cnf"] == {"jkt": key.thumbprint}
    assert (refused.status, refused.error) == (400, "invalid_request")


async def redeemed_with(rp: RelyingParty, code: str, key: ProofKey) -> dict[str, Any]:
    """Redeem a code with a proof."""
    request = rp.codes[code]
    answer = await send(
        rp, "token_endpoint", key.proof("POST", f"{rp.issuer}/token"), grant_type="authorization_code", code=code,
        redirect_uri=rp.redirect_uri, code_verifier=request.verifier,
    )  # fmt: skip
    assert answer.status == 200, answer.text
    return answer.body


@pytest.mark.parametrize(("profile", "grace"), [(Profile.OAUTH21, 60), (Profile.OIDC, 60), (Profile.NATIVE, 10)])
async def test_refresh_tokens_rotate_with_a_grace(
    provider: Provider, browser: HtmlBrowser, profile: Profile, grace: int
) -> None:
    """RFC 9700 §4.14.2: on both sides of the moment when the predecessor is reuse."""
    rp = await provider.client(profile=profile)
    first = (await rp.redeem(await browser.authorize(rp))).refresh_token
    second = (await rp.refresh(first)).refresh_token
    provider.clock.advance(grace * SECOND)

    again = await rp.refresh(first)
    provider.clock.advance(SECOND)
    reused = await rp.refresh(first)

    assert second != first
    assert again.refresh_token == second
    assert (reused.status, reused.error) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("profile", "uri", "is_remembered"),
    [
        (Profile.OAUTH21, "https://rp.example/callback", True), (Profile.OIDC, "https://rp.example/callback", True),
        (Profile.NATIVE, "https://rp.example/callback", True), (Profile.NATIVE, "com.example.app:/cb", False),
        (Profile.NATIVE, "http://127.0.0.1/cb", False), (Profile.NATIVE, "http://localhost:8000/cb", False),
    ],
)  # fmt: skip
async def test_a_yes_is_remembered_only_where_the_address_says_who_asks(
    provider: Provider, browser: HtmlBrowser, profile: Profile, uri: str, is_remembered: bool
) -> None:
    """RFC 8252 §8.6: another application on the device could take the same address."""
    rp = await provider.client(profile=profile, redirect_uris=[uri])
    await browser.authorize(rp)

    page = await ask(browser, rp)

    assert (page.name != "consent") is is_remembered
