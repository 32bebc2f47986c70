"""Proof Key for Code Exchange – RFC 7636, tightened by RFC 9700 §2.1.1: S256 only, required of every new client."""

from collections.abc import Mapping

import pytest

from idp.domain.client import Profile
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import Provider, at_once
from tests.support.relying_party import RelyingParty, s256

NO_PKCE: Mapping[str, str | None] = {"code_challenge": None, "code_challenge_method": None}


@pytest.fixture
async def relaxed(provider: Provider) -> RelyingParty:
    """A confidential client of profile oidc, which may leave PKCE out."""
    return await provider.client(profile=Profile.OIDC)


@pytest.mark.parametrize(
    "changes",
    [
        NO_PKCE,
        {"code_challenge": ""},
        {"code_challenge": None},
        {"code_challenge_method": None},  # which would mean plain
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "s256"},
        {"code_challenge_method": "S512"},
        {"code_challenge": "x" * 42},
        {"code_challenge": "x" * 129},
        {"code_challenge": "x" * 42 + "="},
        {"code_challenge": "x" * 42 + "ä"},
        {"code_challenge": "x" * 43 + "\n"},
    ],
)
async def test_a_request_without_a_proper_s256_challenge_is_refused(
    rp: RelyingParty, browser: HtmlBrowser, changes: Mapping[str, str | None]
) -> None:
    """RFC 7636 §4.2, §4.3, §4.4.1; RFC 9700 §2.1.1."""
    answer = await at_once(browser, rp, **changes)

    assert answer.error == "invalid_request"


async def test_a_public_client_must_always_send_a_challenge(provider: Provider, browser: HtmlBrowser) -> None:
    """RFC 9700 §2.1.1: no profile frees a client without a secret."""
    public = await provider.client(profile=Profile.OIDC, method="none")

    assert (await at_once(browser, public, **NO_PKCE)).error == "invalid_request"


@pytest.mark.parametrize("length", [43, 128])
async def test_a_verifier_of_every_allowed_length_is_accepted(
    rp: RelyingParty, browser: HtmlBrowser, length: int
) -> None:
    """RFC 7636 §4.1: 43 to 128 unreserved characters."""
    verifier = ("aZ09-._~" * 16)[:length]
    request = await rp.authorization_request(verifier=verifier)

    answer = await browser.finish(rp, await browser.open(request.url))

    assert (await rp.redeem(answer.code)).status == 200


@pytest.mark.parametrize("verifier", [None, "", "w" * 43, "w" * 42, "w" * 129, "ä" * 43, "w" * 42 + " "])
async def test_a_missing_malformed_or_wrong_verifier_is_refused(
    rp: RelyingParty, browser: HtmlBrowser, verifier: str | None
) -> None:
    """RFC 7636 §4.6: invalid_grant; and the code still works for whoever has the right one."""
    code = await browser.authorize(rp)

    refused = await rp.redeem(code, code_verifier=verifier)

    assert (refused.status, refused.error) == (400, "invalid_grant")
    assert (await rp.redeem(code)).status == 200


@pytest.mark.parametrize("length", [42, 129])
async def test_a_verifier_of_another_length_is_refused_even_if_it_fits(
    rp: RelyingParty, browser: HtmlBrowser, length: int
) -> None:
    """RFC 7636 §4.1."""
    verifier = "v" * length
    request = await rp.authorization_request(verifier=verifier)
    answer = await browser.finish(rp, await browser.open(request.url))

    assert (await rp.redeem(answer.code)).error == "invalid_grant"


async def test_the_challenge_itself_is_no_verifier(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 7636 §7.2: what was seen in the front channel opens nothing."""
    code = await browser.authorize(rp)

    assert (await rp.redeem(code, code_verifier=s256(rp.codes[code].verifier))).error == "invalid_grant"


async def test_the_verifier_of_another_request_is_refused(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 9700 §4.5.3: a code injected into another session of the same client."""
    stolen, own = await browser.authorize(rp), await browser.authorize(rp)

    assert (await rp.redeem(stolen, code_verifier=rp.codes[own].verifier)).error == "invalid_grant"


async def test_a_client_of_profile_oidc_may_leave_it_out(relaxed: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §3.1.2.1 knows no PKCE; the code is bound to an authenticated client."""
    code = await browser.authorize(relaxed, **NO_PKCE)

    assert (await relaxed.redeem(code, code_verifier=None)).status == 200


async def test_a_verifier_without_a_challenge_is_refused(relaxed: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 9700 §4.8.2: somebody stripped the challenge."""
    code = await browser.authorize(relaxed, **NO_PKCE)

    refused = await relaxed.redeem(code)

    assert (refused.status, refused.error) == (400, "invalid_grant")


async def test_once_sent_it_is_enforced_for_every_profile(relaxed: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 9700 §2.1.1: a challenge that was sent counts."""
    code = await browser.authorize(relaxed)

    assert (await relaxed.redeem(code, code_verifier=None)).error == "invalid_grant"
    assert (await relaxed.redeem(code)).status == 200


@pytest.mark.parametrize(
    "changes",
    [{"code_challenge": None}, {"code_challenge_method": "plain"}, {"code_challenge_method": None}],
)
async def test_half_a_challenge_is_refused_for_every_profile(
    relaxed: RelyingParty, browser: HtmlBrowser, changes: Mapping[str, str | None]
) -> None:
    """RFC 7636 §4.3: a method without a challenge, or a challenge that is not S256."""
    assert (await at_once(browser, relaxed, **changes)).error == "invalid_request"
