"""Issuer identification – RFC 9207 §2, §2.4, §3: every authorization response says whose it is, against mix-up."""

from collections.abc import Mapping

import pytest

from tests.support.html_browser import HtmlBrowser
from tests.support.provider import Provider, ask, at_once
from tests.support.relying_party import AuthorizationAnswer, RelyingParty

MODES = ["query", "fragment", "form_post"]


@pytest.mark.parametrize("mode", MODES)
async def test_a_success_names_the_issuer(rp: RelyingParty, browser: HtmlBrowser, mode: str) -> None:
    """RFC 9207 §2: in every response mode."""
    answer = await browser.answer(rp, response_mode=mode)

    assert (answer.mode, answer.parameters["iss"]) == (mode, rp.issuer)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "changes", [{"scope": "unknown"}, {"prompt": "none"}, {"code_challenge": None}, {"claims": "x"}], ids=str
)
async def test_an_error_names_the_issuer(
    provider: Provider, rp: RelyingParty, mode: str, changes: Mapping[str, str | None]
) -> None:
    """RFC 9207 §2: errors included."""
    async with provider.browser() as nobody:
        answer = await nobody.answer(rp, response_mode=mode, **changes)

    assert answer.error is not None
    assert (answer.mode, answer.parameters["iss"]) == (mode, rp.issuer)


async def test_a_cancelled_request_names_the_issuer(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 9207 §2: what a person refuses is an answer too."""
    await ask(browser, rp)
    page = await browser.submit("login-cancel")

    answer = AuthorizationAnswer.from_url(page.location or "")

    assert (answer.error, answer.parameters["iss"]) == ("access_denied", rp.issuer)


async def test_it_is_the_issuer_of_the_metadata_byte_for_byte(
    provider: Provider, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """RFC 9207 §2.4, §3: clients compare strings."""
    metadata = await provider.metadata()

    answer = await browser.answer(rp)

    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert answer.parameters["iss"] == metadata["issuer"]


async def test_a_client_cannot_choose_it(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 9207 §2: ours, once, whatever the request says."""
    page = await ask(browser, rp, iss="https://evil.example", prompt="none")

    assert (page.location or "").count("iss=") == 1
    assert (await at_once(browser, rp, iss="https://evil.example", prompt="none")).parameters["iss"] == rp.issuer
