"""`proof_of_work`: while passwords are sprayed from a network, unknown browsers calculate before they may guess."""

import itertools
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from idp.flows.work import LIFE, WAIT, answers
from idp.policy import lockout
from idp.risk.surge import KEPT, hour_of
from tests.support.careful import HOME, Visitor, careful_provider, settled
from tests.support.html_browser import Page
from tests.support.provider import MINUTE, SECOND, Provider
from tests.support.relying_party import RelyingParty

WORK = "work-challenge"


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    async with careful_provider(tmp_path_factory.mktemp("work"), IDP_RATE_LIMITS="on") as provider:
        await settled(provider, await provider.client(is_first_party=True), 2)
        assert provider.site.engine.risk is not None
        provider.site.engine.risk.scorer._population = None  # it is kept for a while: from now on devices count
        yield provider


@pytest.fixture
async def rp(provider: Provider) -> RelyingParty:
    provider.clock.advance(timedelta(hours=4))  # what was tried before is forgotten
    return await provider.client(is_first_party=True)


FRESH = itertools.count(1)


def address() -> str:
    """Return a network in which nothing was tried yet."""
    return f"203.0.113.{next(FRESH)}"


async def spray(provider: Provider, at: str, times: int = lockout.SPRAYED_ACCOUNTS) -> None:
    """Try one password at many accounts from a network."""
    for number in range(times):
        stranger = Visitor(provider, await provider.person(), at)
        await stranger.browser.open(f"{provider.issuer}/account/sign-in")
        await stranger.browser.submit("login-submit", username=f"nobody{number}", password="Spring2030!")


def challenge_of(page: Page) -> str | None:
    return page.document.forms[0].hidden.get(WORK)


def solve(challenge: str, username: str) -> str:
    return next(str(number) for number in itertools.count() if answers(challenge, username, str(number)))


async def sign_in(
    visitor: Visitor, *, answer: str = "", password: str | None = None, challenge: str | None = None
) -> Page:
    """Submit the sign-in page that is shown, as its script does."""
    fields = {"username": visitor.person.username, "password": password or visitor.person.password}
    if answer:
        fields["work_answer"] = answer
    if challenge is not None:
        fields["work_challenge"] = challenge
    return await visitor.browser.submit("login-submit", **fields)


async def opened(provider: Provider, rp: RelyingParty, at: str, visitor: Visitor | None = None) -> Visitor:
    """Return somebody at the sign-in page, in a network that was sprayed from."""
    visitor = visitor or Visitor(provider, await provider.person(), at)
    await visitor.browser.open((await rp.authorization_request()).url, came_from_elsewhere=True)
    return visitor


async def test_without_a_spray_nobody_calculates(provider: Provider, rp: RelyingParty) -> None:
    at = address()
    await spray(provider, at, lockout.SPRAYED_ACCOUNTS - 2)
    visitor = await opened(provider, rp, at)

    assert challenge_of(visitor.browser.page) is None
    assert (await sign_in(visitor)).name != "login"


async def test_a_form_without_the_calculation_is_not_looked_at(provider: Provider, rp: RelyingParty) -> None:
    at = address()
    await spray(provider, at)
    visitor = await opened(provider, rp, at)

    page = await sign_in(visitor)

    assert (page.name, page.status) == ("login", 403)
    assert "calculation" in page.text("login-error")
    assert "wait 20 seconds" in page.text("work-status")
    assert page.document.forms[0].button("login-submit") is not None


async def test_the_right_and_the_wrong_password_look_the_same_without_it(provider: Provider, rp: RelyingParty) -> None:
    at = address()
    await spray(provider, at)
    seen = []
    for password in (None, "wrong"):
        visitor = await opened(provider, rp, at)
        page = await sign_in(visitor, password=password)
        seen.append((page.status, page.text("login-error")))

    assert seen[0] == seen[1]


async def test_the_page_brings_a_challenge_and_its_answer_lets_the_password_count(
    provider: Provider, rp: RelyingParty
) -> None:
    at = address()
    await spray(provider, at)
    visitor = await opened(provider, rp, at)
    challenge = challenge_of(visitor.browser.page)
    assert challenge is not None

    page = await sign_in(visitor, answer=solve(challenge, visitor.person.username))

    assert page.name != "login"


async def test_a_wrong_password_costs_a_new_calculation(provider: Provider, rp: RelyingParty) -> None:
    at = address()
    await spray(provider, at)
    visitor = await opened(provider, rp, at)
    first = challenge_of(visitor.browser.page) or ""

    page = await sign_in(visitor, answer=solve(first, visitor.person.username), password="wrong")
    assert "do not match" in page.text("login-error")
    assert challenge_of(page) not in (None, first)

    again = await sign_in(visitor, challenge=first, answer=solve(first, visitor.person.username))
    assert "calculation" in again.text("login-error"), "an answer works once"


async def test_an_answer_for_another_name_or_another_sign_in_is_none(provider: Provider, rp: RelyingParty) -> None:
    at = address()
    await spray(provider, at)
    visitor, other = await opened(provider, rp, at), await opened(provider, rp, at)
    challenge = challenge_of(visitor.browser.page) or ""

    page = await sign_in(visitor, answer=solve(challenge, "somebody else"))
    assert "calculation" in page.text("login-error")

    page = await sign_in(other, challenge=challenge, answer=solve(challenge, other.person.username))
    assert "calculation" in page.text("login-error")


@pytest.mark.parametrize(
    ("later", "passes"), [(WAIT - SECOND, False), (WAIT, True), (LIFE - SECOND, True), (LIFE, False)]
)
async def test_who_runs_no_scripts_waits_instead(
    provider: Provider, rp: RelyingParty, later: timedelta, passes: bool
) -> None:
    at = address()
    await spray(provider, at)
    visitor = await opened(provider, rp, at)
    provider.clock.advance(later)

    page = await sign_in(visitor)

    assert (page.name != "login") is passes


async def test_a_known_browser_never_calculates(provider: Provider, rp: RelyingParty) -> None:
    visitor = await settled(provider, rp, 2)
    await spray(provider, HOME)
    await opened(provider, rp, HOME, visitor)

    assert challenge_of(visitor.browser.page) is None
    assert (await sign_in(visitor)).name != "login"


@pytest.mark.parametrize("challenge", ["", "1.2.3", "٣.x.y", "9999999999999.x.y", ".." * 300, "0.a.b"])
async def test_what_is_no_challenge_of_ours_is_worth_nothing(
    provider: Provider, rp: RelyingParty, challenge: str
) -> None:
    at = address()
    await spray(provider, at)
    visitor = await opened(provider, rp, at)
    provider.clock.advance(MINUTE)

    page = await sign_in(visitor, challenge=challenge)

    assert (page.name, page.status) == ("login", 403)


async def test_a_surge_of_failures_from_everywhere_is_a_spray_too(provider: Provider, rp: RelyingParty) -> None:
    """A botnet that tries each network once is seen by the number of failures alone (docs/risk.md)."""
    now = provider.clock.now()
    async with provider.site.transactions.open(write=True) as stores:
        for back, count in ((1, 2), *((hours, 5) for hours in range(2, 40))):
            for _ in range(count):
                await stores.failure_hours.add(hour_of(now) - back, 0, expires_at=now + KEPT)
        for shard in range(60):
            await stores.failure_hours.add(hour_of(now), shard % 8, expires_at=now + KEPT)
    provider.clock.advance(MINUTE)
    visitor = await opened(provider, rp, address())

    assert challenge_of(visitor.browser.page) is not None
    assert "calculation" in (await sign_in(visitor)).text("login-error")
    provider.clock.advance(timedelta(days=9))
