"""The device cookie: a generation for each sign-in, bound to person and browser; a copy gives itself away."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from idp.domain.user import UserStatus
from idp.flows.new_password import Accepted
from idp.storage.known_devices import KnownDevice
from tests.support.careful import FIREFOX, Visitor, careful_provider, last_record, settled
from tests.support.provider import DAY, MINUTE, SECOND, Provider
from tests.support.relying_party import RelyingParty

DEVICE, SESSION = "__Host-idp_device", "__Host-idp_session"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    async with careful_provider(tmp_path_factory.mktemp("devices")) as provider:
        await settled(provider, await provider.client(is_first_party=True), 2)
        assert provider.site.engine.risk is not None
        provider.site.engine.risk.scorer._population = None  # it is kept for a while: from now on devices count
        yield provider


@pytest.fixture
async def rp(provider: Provider) -> RelyingParty:
    return await provider.client(is_first_party=True)


def cookie_of(visitor: Visitor) -> str:
    return str(visitor.browser.cookies[DEVICE])


def with_cookie(visitor: Visitor, cookie: str, **changes: str) -> Visitor:
    """Return another browser of this network that holds a copy of a cookie."""
    other = Visitor(visitor.provider, visitor.person, **{"address": visitor.address, "agent": visitor.agent} | changes)
    other.browser.cookies.set(DEVICE, cookie, domain="id.example", path="/")
    return other


async def signed_in(visitor: Visitor, rp: RelyingParty, *, after: timedelta = DAY) -> set[str]:
    """Sign in some time later; return what the decision's record says of the device."""
    visitor.provider.clock.advance(after)
    if SESSION in visitor.browser.cookies:
        visitor.browser.cookies.delete(SESSION)
    page = await visitor.sign_in(rp)
    assert page.location is not None, page.describe()
    return await found_of(visitor)


async def found_of(visitor: Visitor) -> set[str]:
    record = await last_record(visitor.provider, visitor.person)
    parts = [str(part["code"]) for part in record.assessed["parts"] + record.assessed["floors"]]  # type: ignore[operator, index, union-attr, call-overload]
    return {code for part in parts for code in part.split("+") if code.startswith("DEV_") and code != "DEV_HABIT"}


async def test_every_sign_in_brings_a_new_generation_and_keeps_the_device(provider: Provider, rp: RelyingParty) -> None:
    visitor = await settled(provider, rp, 2)
    first = cookie_of(visitor)
    assert await signed_in(visitor, rp) == {"DEV_KNOWN"}
    second = cookie_of(visitor)

    assert second != first
    assert second.split(".")[0] == first.split(".")[0]
    assert await signed_in(visitor, rp) == {"DEV_KNOWN"}


async def test_a_generation_whose_successor_got_lost_works_once(provider: Provider, rp: RelyingParty) -> None:
    visitor = await settled(provider, rp, 2)
    before = cookie_of(visitor)
    await signed_in(visitor, rp)
    visitor.browser.cookies.set(DEVICE, before, domain="id.example", path="/")

    assert await signed_in(visitor, rp) == {"DEV_KNOWN"}
    assert await signed_in(visitor, rp) == {"DEV_KNOWN"}, "and with what came then all is well again"


async def test_an_old_generation_used_twice_is_a_copied_cookie(provider: Provider, rp: RelyingParty) -> None:
    visitor = await settled(provider, rp, 4)
    copied = cookie_of(visitor)
    await signed_in(visitor, rp)
    assert await signed_in(with_cookie(visitor, copied), rp) == {"DEV_KNOWN"}, "it might be a lost answer"

    assert "DEV_COOKIE_REPLAY" in await signed_in(visitor, rp), "the owner comes back with what is now an old one"

    record = await last_record(provider, visitor.person)
    assert record.verdict["decision"] in ("step_up", "verify_email")
    assert record.assessed["band"] in ("high", "critical")


async def test_a_thief_who_comes_second_is_asked_for_more(provider: Provider, rp: RelyingParty) -> None:
    visitor = await settled(provider, rp, 4)
    copied = cookie_of(visitor)
    await signed_in(visitor, rp)
    await signed_in(with_cookie(visitor, copied), rp)
    provider.clock.advance(DAY)

    thief = with_cookie(visitor, copied)
    assert (await thief.arrive(rp)).name == "step-up"

    assert "DEV_COOKIE_REPLAY" in await found_of(thief)


async def test_after_a_copy_was_found_both_copies_are_worth_nothing(provider: Provider, rp: RelyingParty) -> None:
    visitor = await settled(provider, rp, 4)
    copied = cookie_of(visitor)
    await signed_in(visitor, rp)
    thief = with_cookie(visitor, copied)
    await signed_in(thief, rp)
    await signed_in(visitor, rp)  # found

    assert await signed_in(thief, rp) == {"DEV_NO_COOKIE"}
    assert await signed_in(visitor, rp) == {"DEV_KNOWN"}, "the owner's browser began anew, under another id"
    assert cookie_of(visitor).split(".")[0] != copied.split(".")[0]


@pytest.mark.parametrize(("later", "is_stale"), [(2 * MINUTE - SECOND, False), (2 * MINUTE, True)])
async def test_two_tabs_that_sign_in_together_are_no_copy(
    provider: Provider, rp: RelyingParty, later: timedelta, is_stale: bool
) -> None:
    visitor = await settled(provider, rp, 2)
    before = cookie_of(visitor)
    await signed_in(visitor, rp)
    tab = with_cookie(visitor, before)

    assert await signed_in(tab, rp, after=later) == {"DEV_KNOWN"}

    device = await the_device(provider, visitor)
    assert (device.stale_at is not None) is is_stale
    assert device.generation == (4 if is_stale else 3)


async def test_an_old_generation_is_forgiven_after_a_month(provider: Provider, rp: RelyingParty) -> None:
    visitor = await settled(provider, rp, 4)
    for after, found in ((DAY, "DEV_KNOWN"), (30 * DAY, "DEV_KNOWN"), (30 * DAY - SECOND, "DEV_COOKIE_REPLAY")):
        before = cookie_of(visitor)
        await signed_in(visitor, rp, after=3 * MINUTE)
        visitor.browser.cookies.set(DEVICE, before, domain="id.example", path="/")
        assert found in await signed_in(visitor, rp, after=after - 3 * MINUTE), after


async def test_a_cookie_in_another_kind_of_browser_is_none(provider: Provider, rp: RelyingParty) -> None:
    visitor = await settled(provider, rp, 2)
    elsewhere = with_cookie(visitor, cookie_of(visitor), agent=CHROME)

    assert await signed_in(elsewhere, rp) == {"DEV_NO_COOKIE"}


async def test_a_browser_that_was_updated_is_still_known(provider: Provider, rp: RelyingParty) -> None:
    visitor = await settled(provider, rp, 2)
    updated = with_cookie(visitor, cookie_of(visitor), agent=FIREFOX.replace("140", "141"))

    assert await signed_in(updated, rp) == {"DEV_KNOWN"}


async def test_a_device_that_was_not_seen_for_a_year_is_unknown(provider: Provider, rp: RelyingParty) -> None:
    visitor = await settled(provider, rp, 2)
    held = cookie_of(visitor)

    assert await signed_in(with_cookie(visitor, held), rp, after=364 * DAY) == {"DEV_NO_COOKIE"}


async def test_an_account_that_was_secured_knows_no_browser_any_more(provider: Provider, rp: RelyingParty) -> None:
    visitor = await settled(provider, rp, 2)
    held = cookie_of(visitor)
    for status in (UserStatus.DISABLED, UserStatus.ACTIVE):
        await provider.site.users.set_status(visitor.person.user, status)

    assert await signed_in(with_cookie(visitor, held), rp) == {"DEV_NO_COOKIE"}


async def test_a_new_password_takes_the_counter_of_guesses_and_leaves_the_browser_known(
    provider: Provider, rp: RelyingParty
) -> None:
    visitor = await settled(provider, rp, 2)
    provider.clock.advance(DAY)
    await change_password(visitor, "another engine of numbers")
    again = with_cookie(visitor, cookie_of(visitor))

    for _ in range(5):
        await again.browser.open(f"{provider.issuer}/account/sign-in")
        page = await again.browser.submit("login-submit", username=visitor.person.username, password="wrong")
    assert page.status == 403
    stranger = Visitor(provider, visitor.person)
    await stranger.browser.open(f"{provider.issuer}/account/sign-in")
    guess = await stranger.browser.submit("login-submit", username=visitor.person.username, password="wrong")
    assert guess.status == 429, "they share the account's counter"

    assert "DEV_KNOWN" in await signed_in(again, rp)


async def test_what_is_no_cookie_of_ours_is_no_device(provider: Provider, rp: RelyingParty) -> None:
    visitor = await settled(provider, rp, 2)
    device_id, since, generation, tag = cookie_of(visitor).split(".")
    for cookie in (
        f"{device_id}.{since}.{int(generation) + 1}.{tag}",
        f"{device_id}.{since}.{tag}",
        f"{device_id}.{since}.{generation}.{'A' * len(tag)}",
        f"{device_id}.{since}..{tag}",
        "...",
        "~~~",
    ):
        thief = with_cookie(visitor, cookie)
        await thief.arrive(rp)
        assert await found_of(thief) == {"DEV_NO_COOKIE"}, cookie


async def change_password(visitor: Visitor, password: str) -> None:
    """Give somebody another password, as the account page does."""
    profile, user, provider = visitor.provider.site.accounts.profile, visitor.person.user, visitor.provider
    accepted = await profile.new_password.accept(password, email=user.email, name=None, user=user)
    assert isinstance(accepted, Accepted)
    async with provider.site.transactions.open(write=True) as stores:
        await profile.new_password.store(stores, user.id, accepted, provider.clock.now())
    visitor.person = replace(visitor.person, password=password)


async def the_device(provider: Provider, visitor: Visitor) -> KnownDevice:
    async with provider.site.transactions.open(write=False) as stores:
        device_id = cookie_of(visitor).split(".")[0]
        found = await stores.known_devices.find(device_id, visitor.person.id, provider.clock.now())
    assert found is not None
    return found


async def test_a_person_keeps_their_latest_browsers_only(provider: Provider, rp: RelyingParty) -> None:
    visitor = await settled(provider, rp, 1)
    person, now = visitor.person.id, provider.clock.now()
    names = [f"{person[:20]}{number}" for number in range(30)]
    async with provider.site.transactions.open(write=True) as stores:
        for number, name in enumerate(names):
            await stores.known_devices.add(name, person, now + number * MINUTE, life=DAY, keep=24)

        found = [name for name in names if await stores.known_devices.find(name, person, now) is not None]
        first = await stores.known_devices.find(cookie_of(visitor).split(".")[0], person, now)
    assert found == names[-24:]
    assert first is None
