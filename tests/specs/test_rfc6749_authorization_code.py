"""Authorization code grant – RFC 6749 §4.1, tightened by RFC 9700 §2.1.1 and §4.5."""

import asyncio
from datetime import timedelta

import pytest

from idp.domain.user import UserStatus
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import CALLBACK, SECOND, HandClock, Person, Provider, ask
from tests.support.relying_party import Answer, RelyingParty

CODE_LIFE = timedelta(seconds=60)
TICK = timedelta(microseconds=1)


async def test_a_person_signs_in_and_the_client_gets_its_tokens(each_provider: Provider) -> None:
    """RFC 6749 §4.1, §5.1; OIDC Core §3.1.3.3: the whole main job, on both databases."""
    person, rp = await each_provider.person(name="Ada Lovelace"), await each_provider.client()

    async with each_provider.browser(person) as browser:
        code = await browser.authorize(rp)
    tokens = await rp.redeem(code)

    claims = await rp.check_id_token(tokens, rp.codes[code])
    assert claims["sub"] == person.id
    assert tokens.body.keys() == {"access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token"}
    assert (tokens.body["token_type"], tokens.body["expires_in"]) == ("Bearer", 300)
    assert tokens.body["scope"] == rp.scope
    assert (await rp.userinfo(tokens.access_token)).body["name"] == "Ada Lovelace"


async def test_codes_are_long_and_never_the_same(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 6749 §10.10: 128 bits at least; ours have 256."""
    codes = [await browser.authorize(rp) for _ in range(3)]

    assert len(set(codes)) == 3
    assert all(len(code) == 43 for code in codes)


async def test_a_spent_code_is_refused_and_its_tokens_die(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 6749 §4.1.2: a client must not use a code more than once."""
    code = await browser.authorize(rp)
    tokens = await rp.redeem(code)

    replay = await rp.redeem(code)

    assert (replay.status, replay.error) == (400, "invalid_grant")
    assert not await rp.is_active(tokens.access_token)
    assert (await rp.userinfo(tokens.access_token)).status == 401
    assert (await rp.refresh(tokens.refresh_token)).error == "invalid_grant"


async def test_of_many_redemptions_at_once_one_succeeds(each_provider: Provider) -> None:
    """RFC 6749 §4.1.2: the store decides the race, on both databases."""
    person, rp = await each_provider.person(), await each_provider.client()
    async with each_provider.browser(person) as browser:
        code = await browser.authorize(rp)

    answers = await asyncio.gather(*(rp.redeem(code) for _ in range(8)))

    assert sorted(answer.status for answer in answers) == [200] + [400] * 7
    assert {answer.error for answer in answers} == {None, "invalid_grant"}


async def test_a_code_works_until_its_last_moment(rp: RelyingParty, browser: HtmlBrowser, clock: HandClock) -> None:
    """RFC 6749 §4.1.2: short-lived; 60 seconds, no skew."""
    code = await browser.authorize(rp)

    clock.advance(CODE_LIFE - TICK)

    assert (await rp.redeem(code)).status == 200


async def test_a_code_of_sixty_seconds_is_too_old(rp: RelyingParty, browser: HtmlBrowser, clock: HandClock) -> None:
    """RFC 6749 §4.1.2."""
    code = await browser.authorize(rp)

    clock.advance(CODE_LIFE)

    assert (await rp.redeem(code)).error == "invalid_grant"


async def test_a_code_is_bound_to_its_client(provider: Provider, rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 6749 §4.1.3: another client gets nothing, and the owner loses nothing."""
    thief = await provider.client()
    code = await browser.authorize(rp)
    thief.codes = rp.codes

    stolen = [await thief.redeem(code) for _ in range(6)]

    assert {answer.error for answer in stolen} == {"invalid_grant"}
    assert (await rp.redeem(code)).status == 200


async def test_a_spent_code_in_other_hands_ends_nothing(
    provider: Provider, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """RFC 6749 §10.5: only the owner's own replay, with every proof right, tells of a theft."""
    thief = await provider.client()
    code = await browser.authorize(rp)
    thief.codes = rp.codes
    tokens = await rp.redeem(code)

    replays = [await thief.redeem(code), await rp.redeem(code, code_verifier="w" * 43)]
    replays.append(await rp.redeem(code, redirect_uri="https://rp.example/other"))

    assert {answer.error for answer in replays} == {"invalid_grant"}
    assert await rp.is_active(tokens.access_token)


@pytest.mark.parametrize(
    "uri", [None, "", "https://rp.example/other", CALLBACK + "/", CALLBACK + "?", "HTTPS" + CALLBACK[5:]]
)
async def test_the_redirect_uri_must_be_repeated_exactly(
    rp: RelyingParty, browser: HtmlBrowser, uri: str | None
) -> None:
    """RFC 6749 §4.1.3; required always, which is stricter."""
    code = await browser.authorize(rp)

    refused = await rp.redeem(code, redirect_uri=uri)

    assert (refused.status, refused.error) == (400, "invalid_grant")
    assert (await rp.redeem(code)).status == 200


async def test_the_fifth_failed_redemption_burns_the_code(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 9700 §4.5: guesses at what a code is bound to are counted."""
    burnt, spared = await browser.authorize(rp), await browser.authorize(rp)

    for _ in range(5):
        await rp.redeem(burnt, code_verifier="w" * 43)
    for _ in range(4):
        await rp.redeem(spared, redirect_uri="https://rp.example/other")

    assert (await rp.redeem(burnt)).error == "invalid_grant"
    assert (await rp.redeem(spared)).status == 200


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (None, "invalid_request"),
        ("", "invalid_request"),
        ("x" * 43, "invalid_grant"),
        ("ä" * 43, "invalid_grant"),
        ("\0", "invalid_grant"),
    ],
)
async def test_a_code_that_nobody_issued_is_refused(rp: RelyingParty, code: str | None, error: str) -> None:
    """RFC 6749 §5.2."""
    refused = await rp.token(grant_type="authorization_code", code=code, redirect_uri=CALLBACK, code_verifier="v" * 43)

    assert (refused.status, refused.error) == (400, error)


async def test_other_tokens_are_no_codes(rp: RelyingParty, tokens: Answer) -> None:
    """RFC 8725 §3.11: kinds never cross."""
    for other in (tokens.access_token, tokens.refresh_token, tokens.id_token):
        assert (await rp.redeem(other)).error == "invalid_grant"


async def test_a_client_without_the_grant_may_not_redeem(
    provider: Provider, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """RFC 6749 §5.2, unauthorized_client."""
    machine = await provider.client(grant_types=["client_credentials"], redirect_uris=None)
    code = await browser.authorize(rp)

    refused = await machine.redeem(code, redirect_uri=CALLBACK)

    assert (refused.status, refused.error) == (400, "unauthorized_client")


async def test_a_code_in_flight_dies_when_the_person_signs_out(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RP-Initiated Logout §2: nothing that was under way outlives the session."""
    code = await browser.authorize(rp)
    await browser.open(f"{rp.issuer}/end_session")
    await browser.submit("logout-yes")

    assert (await rp.redeem(code)).error == "invalid_grant"


async def test_a_code_in_flight_dies_with_the_account(
    provider: Provider, person: Person, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """RFC 6749 §4.1.3: whoever was disabled since is not let in."""
    code = await browser.authorize(rp)

    await provider.site.users.set_status(person.user, UserStatus.DISABLED)

    assert (await rp.redeem(code)).error == "invalid_grant"


async def test_a_code_in_flight_dies_with_a_new_password(
    provider: Provider, person: Person, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """OWASP ASVS 7.4.3: who changes the password ends what was begun with the old one."""
    code = await browser.authorize(rp)

    await provider.site.users.set_password(person.user, "another engine of numbers")

    assert (await rp.redeem(code)).error == "invalid_grant"


async def test_a_failed_request_leaves_no_code_behind(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 6749 §4.1.2.1: cancelling gives an error, and no code with it."""
    await ask(browser, rp)

    page = await browser.submit("login-cancel")

    assert page.location is not None
    assert "error=access_denied" in page.location
    assert "code=" not in page.location


async def test_unknown_parameters_are_ignored(rp: RelyingParty, browser: HtmlBrowser, clock: HandClock) -> None:
    """RFC 6749 §3.2."""
    code = await browser.authorize(rp)
    clock.advance(SECOND)

    assert (await rp.redeem(code, extra="yes", client_metadata="{}")).status == 200
