"""Request objects by reference – RFC 9101 §5.2, §10.4; OIDC Core §6.2: what is fetched, how, and what comes of it."""

import json

import pytest

from idp.domain.client import Profile
from tests.support.hosted import Hosted
from tests.support.html_browser import HtmlBrowser
from tests.support.jose import fitting_key, forge
from tests.support.provider import CALLBACK, Provider
from tests.support.pushed import url_of
from tests.support.relying_party import AuthorizationAnswer, RelyingParty

KEY = fitting_key("RS256")


@pytest.fixture
async def remote(open_provider: Provider, website: Hosted) -> RelyingParty:
    """A client of profile oidc that keeps its objects at its own server."""
    assert not isinstance(KEY, bytes)
    uris = [website.url(path) for path in ("/kept#1", "/gone", "/moved")]
    return await open_provider.client(profile=Profile.OIDC, key=KEY, request_uris=uris)


async def object_of(rp: RelyingParty, **changes: object) -> bytes:
    """Return an object as it would be kept."""
    claims = {**(await rp.authorization_request()).parameters, **changes}
    return forge({"alg": "RS256"}, claims, KEY, "RS256").encode()


async def arrive(browser: HtmlBrowser, rp: RelyingParty, uri: str) -> AuthorizationAnswer:
    """Send a reference through the browser, with a redirect URI outside for errors."""
    rp.requests[""] = rp.requests["outside"] = await rp.authorization_request()
    given = {"client_id": rp.client_id, "response_type": "code", "scope": "openid", "redirect_uri": CALLBACK,
             "state": "outside", "request_uri": uri}  # fmt: skip
    return await browser.finish(rp, await browser.open(url_of(rp, given), came_from_elsewhere=True))


async def test_every_visit_fetches_anew(open_provider: Provider, remote: RelyingParty, website: Hosted) -> None:
    """OIDC Core §6.2: what the client changed counts at once; nothing is kept."""
    website.asked.clear()
    async with open_provider.browser(await open_provider.person()) as browser:
        for state in ("first", "second"):
            website.put("/kept", await object_of(remote, state=state), "application/jwt")
            remote.requests[state] = await remote.authorization_request()
            assert (await arrive(browser, remote, website.url("/kept#1"))).state == state

    assert website.asked.count("/kept") == 2


async def test_what_is_missing_or_moved_is_refused_and_nothing_else_is_asked(
    open_provider: Provider, remote: RelyingParty, website: Hosted
) -> None:
    """RFC 9101 §7, §10.4.1: no redirect is followed, so nobody is led anywhere else."""
    website.put("/elsewhere", await object_of(remote), "application/jwt")
    website.documents.pop("/gone", None)
    website.documents.pop("/moved", None)
    website.headers["location"] = website.url("/elsewhere")
    website.asked.clear()
    try:
        async with open_provider.browser() as browser:
            answers = [await arrive(browser, remote, website.url(path)) for path in ("/gone", "/moved")]
    finally:
        website.headers.clear()

    assert [(answer.error, answer.state) for answer in answers] == [("invalid_request_uri", "outside")] * 2
    assert website.asked == ["/gone", "/moved"]


@pytest.mark.parametrize("body", [b"", b"x.y.z", b"{}", b"\xff\xfe", json.dumps({"request": "x"}).encode()])
async def test_what_is_no_signed_object_is_refused(
    open_provider: Provider, remote: RelyingParty, website: Hosted, body: bytes
) -> None:
    """RFC 9101 §6.2: never taken for parameters."""
    website.put("/kept", body, "application/jwt")

    async with open_provider.browser() as browser:
        answer = await arrive(browser, remote, website.url("/kept#1"))

    assert answer.error in ("invalid_request_object", "invalid_request_uri")


async def test_an_unsigned_object_is_refused(open_provider: Provider, remote: RelyingParty, website: Hosted) -> None:
    """OIDC Core §6.1: `none` is not listed."""
    claims = (await remote.authorization_request()).parameters
    website.put("/kept", forge({"alg": "none"}, dict(claims), None, "none").encode(), "application/jwt")

    async with open_provider.browser() as browser:
        answer = await arrive(browser, remote, website.url("/kept#1"))

    assert answer.error == "invalid_request_object"


async def test_a_server_that_does_not_answer_is_told_as_such(
    open_provider: Provider, remote: RelyingParty, website: Hosted
) -> None:
    """RFC 9101 §7: the person is not left waiting."""
    website.down = True
    try:
        async with open_provider.browser() as browser:
            answer = await arrive(browser, remote, website.url("/kept#1"))
    finally:
        website.down = False

    assert answer.error == "invalid_request_uri"
