"""OpenID Foundation, Back-Channel OP: one test per module of `oidcc-backchannel-rp-initiated-logout-…`.

Each test is named after its module; what it asks is said in our own words.
"""

import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from idp.domain.client import Profile
from tests.support.logouts import Logouts, logouts
from tests.support.provider import SIGNED_OUT, Provider, at_once
from tests.support.signals import claims_of


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Logouts]:
    """A provider that may reach the suite's server."""
    async with logouts("sqlite", tmp_path, ears=1) as made:
        yield made


async def test_oidcc_backchannel_logout_discovery_endpoint_verification(provider: Provider) -> None:
    """The metadata says that both are supported, and where sessions are ended."""
    metadata = await provider.metadata()

    assert metadata["backchannel_logout_supported"] is True
    assert metadata["backchannel_logout_session_supported"] is True
    assert metadata["end_session_endpoint"].startswith("https://")


async def test_oidcc_backchannel_rp_initiated_logout(here: Logouts) -> None:
    """The token alone in a form, with `sid` as in the ID token, also if the browser never follows the redirect."""
    rp = await here.client(profile=Profile.OIDC, backchannel_logout_session_required=True)
    state = secrets.token_urlsafe(96)
    async with here.inside() as (browser, person):
        tokens = await here.visit(browser, rp)
        query = {"id_token_hint": tokens.id_token, "post_logout_redirect_uri": SIGNED_OUT, "state": state}

        page = await browser.open(f"{rp.issuer}/end_session?{urlencode(query)}", came_from_elsewhere=True)

        assert page.location == f"{SIGNED_OUT}?state={state}"
        assert (await at_once(browser, rp, prompt="none")).error == "login_required"
    [claims] = await here.told()
    assert claims["sid"] == claims_of(tokens.id_token)["sid"]
    assert (claims["iss"], claims["aud"], claims["sub"]) == (rp.issuer, rp.client_id, person.id)
    assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert "nonce" not in claims
