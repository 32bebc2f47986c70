"""Client profiles – the strict one is everybody's, and each relaxation of the other stands where an operator put it."""

from dataclasses import replace

import pytest
from joserfc.jwk import ECKey

from idp.domain.client import BadClient, Profile
from tests.support.client_auth import Assertion
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import Provider, at_once
from tests.support.relying_party import RelyingParty

COLUMNS = [Profile.OAUTH21, Profile.OIDC, Profile.NATIVE]
KEY = ECKey.generate_key("P-256", {"kid": "k", "alg": "ES256"})


async def get_through_without_pkce(rp: RelyingParty, browser: HtmlBrowser) -> bool:
    answer = await browser.answer(rp, code_challenge=None, code_challenge_method=None)
    return answer.error is None and (await rp.redeem(answer.code, code_verifier=None)).status == 200


async def is_accepted(rp: RelyingParty, **claims: object) -> bool:
    assert isinstance(rp.auth, Assertion)
    answer = await rp.post("revocation_endpoint", {"token": "x"}, auth=replace(rp.auth, changes=claims))
    return answer.status == 200


async def gets_a_refresh_token(rp: RelyingParty, browser: HtmlBrowser, scope: str) -> bool:
    return "refresh_token" in (await rp.redeem(await browser.authorize(rp, scope=scope))).body


@pytest.mark.parametrize(("profile", "is_relaxed"), [(Profile.OAUTH21, False), (Profile.OIDC, True)])
async def test_what_oidc_relaxes_and_nothing_else_does(
    provider: Provider, browser: HtmlBrowser, profile: Profile, is_relaxed: bool
) -> None:
    """OAuth 2.1 against OIDC Core §3.1.2.1, §9: PKCE, and audience and life of assertions."""
    rp = await provider.client(profile=profile)
    keyed = await provider.client(profile=profile, method="private_key_jwt", key=KEY)
    in_an_hour = int(provider.clock.timestamp()) + 3600

    assert await get_through_without_pkce(rp, browser) is is_relaxed
    assert await is_accepted(keyed, aud=f"{rp.issuer}/token") is is_relaxed
    assert await is_accepted(keyed, aud=[rp.issuer]) is is_relaxed
    assert await is_accepted(keyed, exp=in_an_hour) is is_relaxed
    assert await is_accepted(keyed)


@pytest.mark.parametrize(
    ("profile", "without"), [(Profile.OAUTH21, True), (Profile.OIDC, False), (Profile.NATIVE, True)]
)
async def test_where_refresh_tokens_need_offline_access(
    provider: Provider, browser: HtmlBrowser, profile: Profile, without: bool
) -> None:
    """OIDC Core §11 against RFC 6749 §6."""
    rp = await provider.client(profile=profile)

    assert await gets_a_refresh_token(rp, browser, "openid") is without
    assert await gets_a_refresh_token(rp, browser, "openid offline_access")


@pytest.mark.parametrize("profile", COLUMNS)
async def test_what_is_relaxed_for_nobody(provider: Provider, browser: HtmlBrowser, profile: Profile) -> None:
    """RFC 9700 §2.1: exact redirect URIs, S256, iss, single-use codes, no password grant, no token in a URL."""
    rp = await provider.client(profile=profile)
    code = await browser.authorize(rp)
    tokens = await rp.redeem(code)
    page = await browser.open((await rp.authorization_request(redirect_uri=rp.redirect_uri + "/")).url)
    in_url = await rp.http.get(f"{rp.issuer}/userinfo", params={"access_token": tokens.access_token})

    assert (page.status, page.location) == (400, None)
    assert (await at_once(browser, rp, code_challenge_method="plain")).error == "invalid_request"
    assert (await at_once(browser, rp, response_type="token")).error == "unsupported_response_type"
    assert (await rp.token(grant_type="password", username="a", password="b")).error == "unsupported_grant_type"
    assert in_url.status_code == 401
    assert (await rp.redeem(code)).error == "invalid_grant"


@pytest.mark.parametrize("profile", COLUMNS)
async def test_public_clients_always_prove_possession_of_the_request(
    provider: Provider, browser: HtmlBrowser, profile: Profile
) -> None:
    """RFC 9700 §2.1.1: PKCE for whoever has no secret."""
    public = await provider.client(profile=profile, method="none")

    assert not await get_through_without_pkce(public, browser)


@pytest.mark.parametrize("profile", list(Profile))
@pytest.mark.parametrize(
    "uri",
    [
        "http://rp.example/callback", "https://rp.example/cb#fragment", "https://rp.example/*", "https://*.example/cb",
        "https://user@rp.example/cb", "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//rp.example",
        "https://rp.example/\\cb", "https://rp.example/c\tb", "https://rp.example/a b", "https:rp.example", "", "cb",
        "https://rp.example:99999/cb", "https://RP.example/cb", "https://", "http://127.0.0.1.evil.example/cb",
        "example:/cb",
    ],
)  # fmt: skip
async def test_a_redirect_uri_that_could_be_misread_is_not_registered(
    provider: Provider, profile: Profile, uri: str
) -> None:
    """RFC 6749 §3.1.2, RFC 8252 §8.3: https, or http on a loopback host; no fragment, user or wildcard."""
    with pytest.raises(BadClient) as refused:
        await provider.client(profile=profile, redirect_uris=[uri])

    assert refused.value.code == "invalid_redirect_uri"


@pytest.mark.parametrize(
    "uri", ["https://rp.example", "https://rp.example:8443/cb?a=b&c=%20", "http://127.0.0.1:8080/cb", "http://[::1]/cb",
            "http://localhost:3000/cb"]
)  # fmt: skip
async def test_a_clear_redirect_uri_is_registered_and_used(provider: Provider, browser: HtmlBrowser, uri: str) -> None:
    """RFC 8252 §7.3 for loopback hosts; compared as strings all the same."""
    rp = await provider.client(redirect_uris=[uri])

    answer = await browser.answer(rp)

    assert (await rp.redeem(answer.code)).status == 200


@pytest.mark.parametrize("uri", ["com.example.app:/cb", "org.example:/"])
async def test_only_native_applications_have_a_scheme_of_their_own(
    provider: Provider, browser: HtmlBrowser, uri: str
) -> None:
    """RFC 8252 §7.1: a reversed domain name; a page's policy lets its form lead there."""
    for profile in (Profile.OAUTH21, Profile.OIDC):
        with pytest.raises(BadClient) as refused:
            await provider.client(profile=profile, redirect_uris=[uri])
        assert refused.value.code == "invalid_redirect_uri"
    rp = await provider.client(profile=Profile.NATIVE, redirect_uris=[uri])

    answer = await browser.answer(rp)

    assert (await rp.redeem(answer.code)).status == 200
    assert (await at_once(browser, rp, response_mode="form_post")).error == "invalid_request"


@pytest.mark.parametrize(
    "uri", ["com.example.app:cb", "com.example.app://host/cb", "COM.example:/cb", "com.example:/c b", "com..x:/cb",
            "com.example:/cb#x", "com.example:/*", "javascript.x:alert(1)", "data:/x", "file:/x", "com.example.:/cb"]
)  # fmt: skip
async def test_a_scheme_of_ones_own_is_spelt_in_one_way(provider: Provider, uri: str) -> None:
    """RFC 8252 §7.1, §8.4."""
    with pytest.raises(BadClient) as refused:
        await provider.client(profile=Profile.NATIVE, redirect_uris=[uri])

    assert refused.value.code == "invalid_redirect_uri"


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
async def test_a_native_application_listens_on_any_port_of_its_loopback_host(
    provider: Provider, browser: HtmlBrowser, host: str
) -> None:
    """RFC 8252 §7.3, RFC 9700 §4.1.3: the port may vary; host, path and query may not."""
    rp = await provider.client(profile=Profile.NATIVE, redirect_uris=[f"http://{host}/cb?a=1"])
    rp.redirect_uri = f"http://{host}:49152/cb?a=1"

    answer = await browser.answer(rp)

    assert (await rp.redeem(answer.code, redirect_uri=f"http://{host}:49153/cb?a=1")).error == "invalid_grant"
    assert (await rp.redeem((await browser.answer(rp)).code)).status == 200
    for other in (f"http://{host}:49152/cb", f"http://{host}:49152/", f"https://{host}:49152/cb?a=1",
                  "http://127.0.0.2:49152/cb?a=1", f"http://{host}:99999/cb?a=1"):  # fmt: skip
        page = await browser.open((await rp.authorization_request(redirect_uri=other)).url)
        assert (page.status, page.location) == (400, None), other


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "client_secret_jwt"])
async def test_a_native_application_has_no_secret(provider: Provider, method: str) -> None:
    """RFC 8252 §8.5: what is on everybody's device is none."""
    with pytest.raises(BadClient):
        await provider.client(profile=Profile.NATIVE, method=method)
    assert (await provider.client(profile=Profile.NATIVE, method="private_key_jwt", key=KEY)).client_id
