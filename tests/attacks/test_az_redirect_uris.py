"""AZ02–AZ09: where an answer of the authorization endpoint may never go (RFC 9700 §2.1, §4.1, §4.11)."""

import pytest

from idp.domain.client import BadClient
from tests.support.attacker import ask, assert_error_page, parameters_of, without_ids
from tests.support.relying_party import RelyingParty
from tests.support.target import Target

REGISTERED = "https://rp.example/callback"


async def assert_never_redirected(provider: Target, rp: RelyingParty, uri: str) -> None:
    assert_error_page(await ask(provider, await parameters_of(rp, redirect_uri=uri)))
    assert_error_page(await ask(provider, await parameters_of(rp, redirect_uri=uri, prompt="none")))


@pytest.mark.parametrize(
    "uri",
    [
        "https://rp.example@evil.example/callback",
        "https://x@rp.example/callback",
        "https://x:y@rp.example/callback",
        "https://a@b@rp.example/callback",
        "https://rp.example:443@evil.example/callback",
        "https://rp.example%40evil.example/callback",
    ],
)
async def test_az02_userinfo_never_reaches_another_host(provider: Target, rp: RelyingParty, uri: str) -> None:
    await assert_never_redirected(provider, rp, uri)


@pytest.mark.parametrize(
    "uri",
    [
        f"{REGISTERED}?x=1&a=1&b=2",
        f"{REGISTERED}?b=2&a=1",
        f"{REGISTERED}?a=1&b=2&",
        f"{REGISTERED}?a=1&b=2#",
        f"{REGISTERED}?a=1&b=2#x",
        f"{REGISTERED}?a=1&b=2%23",
        f"{REGISTERED}?a=1&b=%32",
        REGISTERED,
    ],
)
async def test_az04_another_query_or_a_fragment_is_another_uri(provider: Target, uri: str) -> None:
    rp = await provider.client(redirect_uris=[f"{REGISTERED}?a=1&b=2"])

    await assert_never_redirected(provider, rp, uri)


@pytest.mark.parametrize(
    "uri",
    [
        "https://rp.example/Callback",
        "https://rp.example/callback/",
        "https://rp.example/callback/../evil",
        "https://rp.example/%63allback",
        "HTTPS://rp.example/callback",
        "https://RP.example/callback",
        "https://rр.example/callback",  # a Cyrillic er
        "https://xn--r-jub.example/callback",
        "https://rp.example./callback",
        "https://rp.example:443/callback",
        "https://rp.example:8443/callback",
        "http://rp.example/callback",
        "https://rp.example/callback\t",
        "https://rp.example/\ncallback",
        "https://rp.example/callback\r\nLocation: https://evil.example",
        " https://rp.example/callback",
        "https://rp.example\\callback",
        "https:\\\\rp.example/callback",
        "https://evil.example\\@rp.example/callback",
        "//rp.example/callback",
        "/callback",
    ],
)
async def test_az05_a_look_alike_is_another_uri(provider: Target, rp: RelyingParty, uri: str) -> None:
    await assert_never_redirected(provider, rp, uri)


SCRIPTS = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "javascript://rp.example/%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "file:///etc/passwd",
    "vbscript:x",
    "blob:https://rp.example/1",
]


@pytest.mark.parametrize("uri", SCRIPTS)
@pytest.mark.parametrize("member", ["redirect_uris", "post_logout_redirect_uris", "initiate_login_uri"])
async def test_az07_a_script_is_never_registered(provider: Target, member: str, uri: str) -> None:
    with pytest.raises(BadClient):
        await provider.client(**{member: uri if member == "initiate_login_uri" else [uri]})


@pytest.mark.parametrize("uri", SCRIPTS)
async def test_az07_a_script_is_never_followed_even_if_it_was_stored(fresh: Target, uri: str) -> None:
    """The rule holds at use, too: a row written by an older version or by hand opens nothing."""
    rp = await fresh.client()
    await fresh.execute(f"UPDATE clients SET metadata = replace(metadata, '{REGISTERED}', '{uri}')")

    await assert_never_redirected(fresh, rp, uri)


@pytest.mark.parametrize("uri", [None, "", " "])
async def test_az08_a_missing_redirect_uri_is_never_guessed(provider: Target, uri: str | None) -> None:
    rp = await provider.client(redirect_uris=[REGISTERED, "https://rp.example/other"])

    assert_error_page(await ask(provider, await parameters_of(rp, redirect_uri=uri)))


async def test_az08_even_a_client_with_one_uri_must_name_it(provider: Target, rp: RelyingParty) -> None:
    assert_error_page(await ask(provider, await parameters_of(rp, redirect_uri=None)))


async def test_az08_query_and_body_may_not_name_different_uris(provider: Target) -> None:
    rp = await provider.client(redirect_uris=[REGISTERED, "https://rp.example/other"])
    browser = provider.browser()
    sent = await parameters_of(rp)
    endpoint = f"{provider.issuer}/authorize?redirect_uri=https%3A%2F%2Frp.example%2Fother"

    page = await browser.post_from_elsewhere(endpoint, sent)

    assert_error_page(page.response)


async def test_az09_an_unknown_and_a_disabled_client_get_the_same_page(provider: Target, rp: RelyingParty) -> None:
    disabled = await provider.client()
    await provider.site.clients.set_active(await provider.registration(disabled), is_active=False)
    requests = [
        await parameters_of(rp, client_id="c-nobody"),
        await parameters_of(rp, client_id=None),
        await parameters_of(rp, client_id="x\0"),
        await parameters_of(rp, redirect_uri="https://evil.example/callback"),
        await parameters_of(disabled),
        await parameters_of(disabled, prompt="none"),
    ]

    answers = [await ask(provider, request) for request in requests]

    for answer in answers:
        assert_error_page(answer)
    assert len({without_ids(answer) for answer in answers}) == 1
