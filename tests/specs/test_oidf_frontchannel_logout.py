"""OpenID Foundation, Front-Channel OP: one test per module of `oidcc-frontchannel-rp-initiated-logout-…`.

Each test is named after its module; what it asks is said in our own words.
"""

import secrets
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from idp.domain.client import Profile
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import SIGNED_OUT, Provider, at_once
from tests.support.relying_party import Answer, RelyingParty
from tests.support.signals import claims_of

FRAME = "https://rp.example/frontchannel_logout"


@pytest.fixture
async def rp(provider: Provider) -> RelyingParty:
    """The suite's client."""
    return await provider.client(
        profile=Profile.OIDC, post_logout_redirect_uris=[SIGNED_OUT], frontchannel_logout_uri=FRAME,
        frontchannel_logout_session_required=True,
    )  # fmt: skip


async def test_oidcc_frontchannel_logout_discovery_endpoint_verification(provider: Provider) -> None:
    """The metadata says that both are supported, and where sessions are ended."""
    metadata = await provider.metadata()

    assert metadata["frontchannel_logout_supported"] is True
    assert metadata["frontchannel_logout_session_supported"] is True
    assert metadata["end_session_endpoint"].startswith("https://")


async def test_oidcc_frontchannel_rp_initiated_logout(rp: RelyingParty, browser: HtmlBrowser, tokens: Answer) -> None:
    """A frame with exactly `iss` and `sid`, as in the ID token; then back with the state; then nobody is signed in."""
    state = secrets.token_urlsafe(96)
    query = {"id_token_hint": tokens.id_token, "post_logout_redirect_uri": SIGNED_OUT, "state": state}

    page = await browser.open(f"{rp.issuer}/end_session?{urlencode(query)}", came_from_elsewhere=True)

    [frame] = page.document.frames
    address = urlsplit(frame["src"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == FRAME
    assert parse_qs(address.query) == {"iss": [rp.issuer], "sid": [claims_of(tokens.id_token)["sid"]]}
    assert page.document.attributes["logout-continue"]["href"] == f"{SIGNED_OUT}?state={state}"
    assert (await at_once(browser, rp, prompt="none")).error == "login_required"
