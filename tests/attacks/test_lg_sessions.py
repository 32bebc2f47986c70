"""LG38–LG54: sessions that are planted, replayed, mixed up, or outlive their person (ASVS 7.2, 7.4)."""

import asyncio

import pytest

from idp.domain.user import UserStatus
from tests.support.attacker import FORM, is_signed_in, signed_in, tokens_for
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import DAY, MINUTE, SECOND, HandClock, Person
from tests.support.relying_party import RelyingParty
from tests.support.target import ELSEWHERE, Target

SESSION, BROWSER, DEVICE = "__Host-idp_session", "__Host-idp_browser", "__Host-idp_device"


async def test_lg38_a_disabled_person_is_refused_at_every_door(provider: Target, rp: RelyingParty) -> None:
    person = await provider.person()
    inside = await signed_in(provider, person)
    tokens = await tokens_for(provider, rp, person)
    await provider.site.users.set_status(person.user, UserStatus.DISABLED)

    fresh = provider.browser(person)
    await fresh.open(f"{provider.issuer}/account/sign-in")

    assert (await fresh.sign_in()).status == 403
    assert (await inside.answer(rp, prompt="none")).error == "login_required"
    assert (await rp.refresh(tokens.refresh_token)).error == "invalid_grant"
    assert (await rp.userinfo(tokens.access_token)).status == 401
    assert not await is_signed_in(inside)


async def test_lg38_enabling_a_person_again_revives_nothing(provider: Target, rp: RelyingParty) -> None:
    person = await provider.person()
    inside = await signed_in(provider, person)
    tokens = await tokens_for(provider, rp, person)
    await provider.site.users.set_status(person.user, UserStatus.DISABLED)
    await provider.site.users.set_status(person.user, UserStatus.ACTIVE)

    assert not await is_signed_in(inside)
    assert (await rp.refresh(tokens.refresh_token)).error == "invalid_grant"
    assert (await (await signed_in(provider, person)).answer(rp, prompt="none")).code


async def test_lg45_a_planted_cookie_is_worthless_after_the_sign_in(
    provider: Target, rp: RelyingParty, person: Person
) -> None:
    attacker = await signed_in(provider, await provider.person())
    planted = attacker.cookies[SESSION]
    victim = provider.browser(person)
    victim.cookies.set(SESSION, planted, domain="id.example", path="/")

    await victim.open((await rp.authorization_request(prompt="login")).url)
    await victim.submit("login-submit", username=person.username, password=person.password)

    assert victim.cookies[SESSION] != planted
    assert not await is_signed_in(attacker)


async def test_lg45_every_proof_changes_the_secret(rp: RelyingParty, browser: HtmlBrowser) -> None:
    await browser.authorize(rp)
    before = browser.cookies[SESSION]
    await browser.authorize(rp, prompt="login")
    after = browser.cookies[SESSION]

    old = HtmlBrowser(rp.issuer, transport=browser._http._transport)
    old.cookies.set(SESSION, before, domain="id.example", path="/")

    assert before != after
    assert not await is_signed_in(old)
    assert await is_signed_in(browser)


async def test_lg47_cookies_are_bound_to_this_host_and_hidden_from_scripts(
    provider: Target, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    request = await rp.authorization_request()
    first = await browser.open(request.url)
    begun = first.response.headers.get_list("set-cookie")
    headers = {**FORM, "Origin": provider.issuer, "Sec-Fetch-Site": "same-origin"}
    fields = {
        "csrf": first.document.forms[0].hidden["csrf"], "username": browser.username, "password": browser.password,
    }  # fmt: skip
    done = await browser._http.post(first.url, data=fields, headers=headers)

    cookies = [*begun, *done.headers.get_list("set-cookie")]

    assert {cookie.partition("=")[0] for cookie in cookies} == {SESSION, DEVICE} | {
        cookie.partition("=")[0] for cookie in begun
    }
    for cookie in cookies:
        value, *attributes = [part.strip() for part in cookie.split(";")]
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(attributes)
        assert not [each for each in attributes if each.startswith("Domain")]
        assert len(cookie) < 4096
        assert len(value.partition("=")[2]) >= 43


@pytest.mark.parametrize("change", ["twice", "cut", "longer", "other", "quoted", "8 kB", "empty", "control", "case"])
@pytest.mark.parametrize("name", [SESSION, BROWSER, DEVICE])
async def test_lg48_a_cookie_that_is_not_as_we_set_it_counts_as_none(
    provider: Target, rp: RelyingParty, person: Person, name: str, change: str
) -> None:
    browser = await signed_in(provider, person)
    await browser.authorize(rp)  # so that a request of this person needs no page
    jar = {cookie.name: str(cookie.value) for cookie in browser.cookies.jar}
    value = jar[name]
    jar[name] = {
        "twice": value, "cut": value[:-1], "longer": value + "A", "other": value[::-1], "quoted": f'"{value}"',
        "8 kB": value * 200, "empty": "", "control": value + "\x01", "case": value.swapcase(),
    }[change]  # fmt: skip
    header = "; ".join(f"{key}={text}" for key, text in jar.items())
    if change == "twice":
        header += f"; {name}={value[::-1]}"

    request = await rp.authorization_request()
    async with provider.reach() as http:
        answer = await http.get(request.url, headers={"Cookie": header})

    assert answer.status_code == 303
    nobody = name == SESSION or change == "8 kB"
    assert ("/login/" in answer.headers["location"]) is nobody


async def test_lg49_a_cookie_is_dead_after_the_sign_out(provider: Target, rp: RelyingParty, person: Person) -> None:
    browser = await signed_in(provider, person)
    kept = browser.cookies[SESSION]
    await browser.open(f"{provider.issuer}/end_session")
    page = await browser.submit("logout-yes")

    assert SESSION not in browser.cookies
    assert "storage" in page.response.headers["clear-site-data"]
    browser.cookies.set(SESSION, kept, domain="id.example", path="/")
    assert not await is_signed_in(browser)
    assert (await browser.answer(rp, prompt="none")).error == "login_required"


async def test_lg49_a_session_ends_by_itself(provider: Target, rp: RelyingParty, person: Person) -> None:
    browser = await signed_in(provider, person)
    await browser.authorize(rp)

    provider.clock.advance(30 * DAY - SECOND)
    assert (await browser.answer(rp, prompt="none")).code
    provider.clock.advance(SECOND)

    assert (await browser.answer(rp, prompt="none")).error == "login_required"


async def test_lg50_a_new_password_ends_every_session_and_refresh_token(provider: Target, rp: RelyingParty) -> None:
    person = await provider.person()
    browsers = [await signed_in(provider, person) for _ in range(3)]
    tokens = [await tokens_for(provider, rp, person) for _ in range(3)]

    await provider.site.users.set_password(person.user, "another harbour at dawn")

    assert not any([await is_signed_in(browser) for browser in browsers])
    assert {(await rp.refresh(each.refresh_token)).error for each in tokens} == {"invalid_grant"}
    old = provider.browser(person)
    await old.open(f"{provider.issuer}/account/sign-in")
    assert (await old.sign_in()).status == 403


async def test_lg50_a_person_has_at_most_twenty_sessions(fresh: Target) -> None:
    person = await fresh.person()
    browsers = []
    for _ in range(22):
        browsers.append(await signed_in(fresh, person))
        fresh.clock.advance(SECOND)

    assert [await is_signed_in(browser) for browser in browsers] == [False] * 2 + [True] * 20


async def test_lg50_the_session_that_was_just_opened_is_never_the_surplus_one(fresh: Target) -> None:
    """Even at a worker whose clock is behind all others."""
    person = await fresh.person()
    others = [await signed_in(fresh, person) for _ in range(20)]

    async with fresh.twin(clock=HandClock(fresh.clock.now() - MINUTE)) as behind:
        newest = await signed_in(behind, person)
        assert await is_signed_in(newest)

    assert sum([await is_signed_in(browser) for browser in others]) == 19


@pytest.mark.timeout(60)
async def test_lg54_many_people_at_once_see_only_themselves(either: Target) -> None:
    rp = await either.client(is_first_party=True)
    people = [await either.person(name=f"Person {number}") for number in range(12)]

    async def live(person: Person) -> None:
        browser = either.browser(person)
        for _ in range(4):
            tokens = await rp.redeem(await browser.authorize(rp))
            info = (await rp.userinfo(tokens.access_token)).body
            assert (info["sub"], info["email"], info["name"]) == (
                person.id, person.user.email, person.user.claims["name"],
            )  # fmt: skip
            home = await browser.open(f"{either.issuer}/account")
            assert [other.user.label for other in people if other.user.label in home.response.text] == [
                person.user.label
            ]

    await asyncio.gather(*(live(person) for person in people))


async def test_lg54_tokens_of_forms_differ_from_browser_to_browser(provider: Target, rp: RelyingParty) -> None:
    pages = [await provider.browser().open((await rp.authorization_request()).url) for _ in range(10)]

    assert len({page.document.forms[0].hidden["csrf"] for page in pages}) == 10


async def test_lg54_a_known_device_is_bound_to_its_person(fresh: Target) -> None:
    """A device cookie that was copied to another account's sign-in gives no second budget of guesses."""
    owner, victim = await fresh.person(), await fresh.person()
    device = (await signed_in(fresh, owner)).cookies[DEVICE]
    for _ in range(5):
        last = await _guess(fresh, victim, None)

    assert last == 403
    assert await _guess(fresh, victim, device) == 429


async def _guess(provider: Target, victim: Person, device: str | None) -> int:
    browser = provider.browser_at(victim, ELSEWHERE)
    if device is not None:
        browser.cookies.set(DEVICE, device, domain="id.example", path="/")
    await browser.open(f"{provider.issuer}/account/sign-in")
    return (await browser.submit("login-submit", username=victim.username, password="wrong")).status
