"""LG02–LG11, FT25: guessing, spraying, locking others out, and learning who has an account (ASVS 6.1, 6.3)."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from idp.domain.user import UserStatus
from tests.support.attacker import without_ids
from tests.support.html_browser import HtmlBrowser, Page
from tests.support.provider import DAY, HOUR, SECOND, Person
from tests.support.target import ELSEWHERE, HOME, Target, target


@pytest.fixture
async def limited(tmp_path: Path) -> AsyncIterator[Target]:
    """A provider with flood limits, behind a proxy in 192.0.2.0/24."""
    async with target("sqlite", tmp_path, rate_limits="on", trusted_proxies="192.0.2.0/24") as running:
        yield running


async def guess(browser: HtmlBrowser, username: str, password: str) -> Page:
    """Try a password on a fresh sign-in page."""
    await browser.open(f"{browser._origin}/account/sign-in")
    return await browser.submit("login-submit", username=username, password=password)


def refused(page: Page) -> bool:
    return page.status == 403 and page.name == "login"


def throttled(page: Page) -> bool:
    return page.status == 429 and page.name == "login" and 0 < int(page.response.headers["retry-after"]) <= 24 * 3600


async def test_lg02_nothing_but_time_could_tell_accounts_apart(fresh: Target) -> None:
    known, disabled, locked = await fresh.person(), await fresh.person(), await fresh.person()
    without_password = await fresh.account(password=None)  # type: ignore[arg-type]
    await fresh.site.users.set_status(disabled.user, UserStatus.DISABLED)
    for _ in range(5):
        await guess(fresh.browser(), locked.username, "x")
    fresh.clock.advance(31 * SECOND)

    names = [known.username, disabled.username, locked.username, without_password.username, "nobody99", "n@example.org"]
    pages = [await guess(fresh.browser(), name, "wrong") for name in names]
    right_but_disabled = await guess(fresh.browser(), disabled.username, disabled.password)

    texts = {without_ids(page.response).replace(name, "NAME") for page, name in zip(pages, names, strict=True)}
    assert len(texts) == 1
    assert without_ids(right_but_disabled.response).replace(disabled.username, "NAME") in texts
    assert all(map(refused, [*pages, right_but_disabled]))
    headers = [sorted(name for name in page.response.headers if name != "x-request-id") for page in pages]
    assert all(each == headers[0] for each in headers)


@pytest.mark.timeout(60)
async def test_lg02_known_and_unknown_names_take_equally_long(tmp_path: Path) -> None:
    """Interleaved: medians closer than 5 ms, a classifier hardly better than a coin (few samples: 0.7).

    What is measured is the work done, which a busy machine changes little.
    """
    async with target("sqlite", tmp_path, bcrypt_rounds="7") as fresh:
        person, samples = await fresh.person(), 100
        browser = fresh.browser()
        await fresh.http.get(f"{fresh.issuer}/account/sign-in")
        known, unknown = [], []
        for number in range(samples):
            pair = ((person.username, known), (f"stranger{number}", unknown))
            for username, times in pair[:: (-1) ** number]:
                await browser.open(f"{fresh.issuer}/account/sign-in")
                began = time.process_time()
                await browser.submit("login-submit", username=username, password="wrong")
                times.append(time.process_time() - began)
            await fresh.execute("DELETE FROM attempts")

    wins = sum((slow > fast) + (slow == fast) / 2 for slow in known for fast in unknown)
    assert abs(statistics.median(known) - statistics.median(unknown)) < 0.005
    assert 0.3 < wins / samples**2 < 0.7


async def test_lg05_one_account_is_throttled_after_five_guesses(fresh: Target) -> None:
    person = await fresh.person()
    browser = fresh.browser()

    pages = [await guess(browser, person.username, f"wrong {n}") for n in range(8)]
    right = await guess(browser, person.username, person.password)

    assert [page.status for page in pages] == [403] * 5 + [429] * 3
    assert throttled(right), "while throttled, right and wrong look the same"
    assert "__Host-idp_session" not in browser.cookies


async def test_lg05_the_wait_doubles_up_to_a_quarter_of_an_hour(fresh: Target) -> None:
    person, browser = await fresh.person(), fresh.browser()
    for _ in range(5):
        await guess(browser, person.username, "wrong")

    for wait in (30, 60, 120, 240, 480, 900, 900):
        fresh.clock.advance(timedelta(seconds=wait, microseconds=-1))
        assert throttled(await guess(browser, person.username, person.password))
        fresh.clock.advance(timedelta(microseconds=1))
        assert refused(await guess(browser, person.username, "wrong"))
    fresh.clock.advance(timedelta(seconds=900))
    assert (await guess(browser, person.username, person.password)).name == "home"


async def test_lg05_after_a_hundred_in_a_row_the_password_is_off_until_it_is_reset(fresh: Target) -> None:
    """NIST SP 800-63B-4 §3.2.2."""
    person, browser = await fresh.person(), fresh.browser()
    verified = 0
    for _ in range(120):
        verified += refused(await guess(browser, person.username, "wrong"))
        fresh.clock.advance(timedelta(minutes=15))

    fresh.clock.advance(400 * DAY)
    assert verified == 100
    assert throttled(await guess(browser, person.username, person.password))


async def test_lg06_two_hundred_addresses_are_one_account(limited: Target) -> None:
    person = await limited.person()
    pages = []
    for number in range(30):
        browser = limited.browser_at(person, "192.0.2.1", **{"X-Forwarded-For": f"198.51.100.{number}"})
        pages.append(await guess(browser, person.username, "wrong"))

    assert [page.status for page in pages] == [403] * 5 + [429] * 25


async def test_lg06_one_account_is_one_however_its_name_is_spelt(fresh: Target) -> None:
    person = await fresh.account(email="ada.lovelace@example.org", username="ada")
    spellings = ["ada", "ADA", " ada ", "ada.lovelace@example.org", "Ada.Lovelace@EXAMPLE.org", "ａｄａ"]

    pages = [await guess(fresh.browser(), name, "wrong") for name in spellings]

    assert [page.status for page in pages] == [403] * 5 + [429]
    assert (await guess(fresh.browser(), person.username, person.password)).status == 429


async def test_lg07_a_network_that_sprays_many_accounts_is_stopped_and_known_devices_are_not(limited: Target) -> None:
    owner = await limited.person()
    at_home = limited.browser(owner)
    assert (await guess(at_home, owner.username, owner.password)).name == "home"
    await limited.execute("DELETE FROM network_accounts")

    pages = [await guess(limited.browser(), f"account{number}", "Spring2030!") for number in range(25)]
    leaked = await guess(limited.browser(), owner.username, owner.password)
    known = await guess(at_home, owner.username, owner.password)
    elsewhere = await guess(limited.browser_at(owner, ELSEWHERE), owner.username, owner.password)

    assert [page.status for page in pages] == [403] * 20 + [429] * 5
    assert throttled(leaked)
    assert (known.name, elsewhere.name) == ("home", "home")
    assert len(await limited.events("throttled")) == 6, "the alert that operators watch"
    limited.clock.advance(3 * HOUR)
    assert (await guess(limited.browser(), owner.username, owner.password)).name == "home"


async def test_lg07_fifty_failures_an_hour_close_a_network(limited: Target) -> None:
    people = [await limited.person() for _ in range(15)]
    statuses = [
        (await guess(limited.browser(), person.username, "wrong")).status for _ in range(4) for person in people
    ]

    assert statuses == [403] * 50 + [429] * 10
    limited.clock.advance(HOUR)
    assert refused(await guess(limited.browser(), people[0].username, "wrong"))


async def test_lg07_strangers_cannot_lock_the_owner_out_of_a_known_device(fresh: Target) -> None:
    person = await fresh.person()
    at_home = fresh.browser(person)
    await guess(at_home, person.username, person.password)
    for _ in range(6):
        last = await guess(fresh.browser_at(person, ELSEWHERE), person.username, "wrong")

    assert throttled(last)
    assert (await guess(at_home, person.username, person.password)).name == "home"
    assert throttled(await guess(fresh.browser_at(person, ELSEWHERE), person.username, person.password))


async def test_lg08_parallel_guesses_are_all_counted(either: Target) -> None:
    """FT25: 50 guesses at once, at two workers: five are verified, and the counter knows of every one."""
    person = await either.person()
    async with either.twin() as twin:
        browsers = [worker.browser() for worker in (either, twin) for _ in range(25)]
        for browser in browsers:
            await browser.open(f"{either.issuer}/account/sign-in")

        pages = await asyncio.gather(
            *(browser.submit("login-submit", username=person.username, password="wrong") for browser in browsers)
        )

    assert sorted(page.status for page in pages) == [403] * 5 + [429] * 45
    counter = max(await either.rows("attempts"), key=lambda row: row["refused"])
    assert (counter["failures"], counter["refused"]) == (5, 45)
    assert len(await either.events("sign_in_refused")) == 5
    assert len(await either.events("throttled")) == 45


async def test_ft25_parallel_sign_ins_of_one_person_all_come_in(either: Target) -> None:
    person = await either.person()
    async with either.twin() as twin:
        browsers = [worker.browser(person) for worker in (either, twin) for _ in range(10)]
        for browser in browsers:
            await browser.open(f"{either.issuer}/account/sign-in")

        pages = await asyncio.gather(*(browser.sign_in() for browser in browsers))

    statuses = sorted(page.status for page in pages)
    assert set(statuses) <= {200, 429}  # more than four in flight look like guesses until one has come in
    assert statuses.count(200) >= 5
    assert len(await either.events("signed_in")) == statuses.count(200)
    live = [row for row in await either.rows("sessions") if row["ended_at"] is None]
    assert len(live) == statuses.count(200)


FORGED = ("X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "X-Real-IP", "True-Client-IP", "CF-Connecting-IP",
          "X-Client-IP", "X_Forwarded_For")  # fmt: skip


@pytest.mark.parametrize("header", FORGED)
async def test_lg10_a_forged_address_changes_nothing(limited: Target, header: str) -> None:
    statuses = []
    for number in range(23):
        value = f"for=198.51.100.{number}" if header == "Forwarded" else f"198.51.100.{number}"
        browser = limited.browser_at(Person(None, ""), HOME, **{header: value})  # type: ignore[arg-type]
        statuses.append((await guess(browser, f"account{number}", "wrong")).status)

    assert statuses == [403] * 20 + [429] * 3


@pytest.mark.parametrize(
    ("chain", "counted"),
    [
        ("198.51.100.1", "198.51.100.1"),
        ("10.0.0.1, 198.51.100.1", "198.51.100.1"),
        ("198.51.100.1, 192.0.2.9", "198.51.100.1"),
        ("evil, 198.51.100.1", "198.51.100.1"),
        ("198.51.100.1, evil", "192.0.2.1"),
        ("", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("2001:db8::2:3", "2001:db8::1"),
    ],
)
async def test_lg10_behind_a_proxy_the_right_most_untrusted_hop_counts(
    limited: Target, chain: str, counted: str
) -> None:
    """IPv6 counts by /64."""
    through_proxy = {"X-Forwarded-For": chain} if chain else {}
    for number in range(20):
        browser = limited.browser_at(Person(None, ""), "192.0.2.1", **through_proxy)  # type: ignore[arg-type]
        await guess(browser, f"account{number}", "wrong")

    same = {"X-Forwarded-For": counted} if counted != "192.0.2.1" else {}
    one_more = limited.browser_at(Person(None, ""), "192.0.2.1", **same)  # type: ignore[arg-type]

    assert throttled(await guess(one_more, "one-more", "wrong"))


async def test_lg11_ones_own_sign_in_clears_no_network(limited: Target) -> None:
    own = await limited.person()
    victims = [await limited.person() for _ in range(13)]
    statuses = []
    for _ in range(4):
        statuses += [(await guess(limited.browser(), victim.username, "wrong")).status for victim in victims]
        await guess(limited.browser(), own.username, own.password)

    assert statuses.count(403) == 50
    assert statuses[-2:] == [429, 429]


async def test_lg11_success_clears_the_counter_it_was_charged_to(fresh: Target) -> None:
    person, browser = await fresh.person(), fresh.browser()
    for _ in range(3):
        for _ in range(4):
            assert refused(await guess(fresh.browser(), person.username, "wrong"))
        assert (await guess(browser, person.username, person.password)).name == "home"
        browser.cookies.clear()
