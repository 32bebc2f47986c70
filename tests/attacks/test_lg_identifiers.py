"""LG68–LG80: names that look alike; passwords that are huge, cut, guessable or padded (ASVS 6.2, SP 800-63B-4 §3.1)."""

import time
import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import bcrypt
import pytest

from idp.domain.refusal import Refusal, Refused
from idp.domain.user import User
from idp.flows.user_administration import NewUser
from tests.support.attacker import FORM, post_form
from tests.support.html_browser import HtmlBrowser, Page
from tests.support.provider import PASSWORD, Person
from tests.support.target import Target, target


async def try_in(provider: Target, username: str, password: str) -> Page:
    browser = provider.browser()
    await browser.open(f"{provider.issuer}/account/sign-in")
    return await browser.submit("login-submit", username=username, password=password)


async def made(provider: Target, *, email: str | None = None, username: str | None = None) -> User | Refusal:
    new = NewUser(email=email, username=username, password=PASSWORD, claims={})
    user = await provider.site.users.create(new)
    return user.reason if isinstance(user, Refused) else user


SAME_EMAIL = {
    "case": "Kim.Miller@Harbour.Example",
    "Kelvin sign": "\u212aim.miller@harbour.example",
    "full-width at": "kim.miller\uff20harbour.example",
    "full-width letters": "\uff4bim.miller@harbour.example",
    "spaces around": "  kim.miller@harbour.example ",
    "decomposed": unicodedata.normalize("NFD", "kim.miller@harbour.example"),
}


@pytest.mark.parametrize("spelling", SAME_EMAIL.values(), ids=SAME_EMAIL)
async def test_lg68_one_address_is_one_account_however_it_is_spelt(fresh: Target, spelling: str) -> None:
    first = await made(fresh, email="kim.miller@harbour.example")

    again = await made(fresh, email=spelling)
    page = await try_in(fresh, spelling, PASSWORD)

    assert isinstance(first, User)
    assert again is Refusal.EMAIL_TAKEN
    assert page.name == "home"
    assert first.email == "kim.miller@harbour.example", "mail goes to the stored spelling only"


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Kim.Miller@Harbour.Example", "Kim.Miller@Harbour.Example"),
        ("\u212aim@harbour.example", "kim@harbour.example"),
        ("kim\uff20harbour.example", "kim@harbour.example"),
        ("kim@b\u00fccher.example", "kim@xn--bcher-kva.example"),
    ],
)
async def test_lg68_mail_goes_to_a_plain_address_never_to_a_look_alike(fresh: Target, typed: str, stored: str) -> None:
    """A Kelvin sign that counts as k when compared must not be a Kelvin sign when mail is sent."""
    user = await made(fresh, email=typed)

    assert isinstance(user, User)
    assert user.email == stored


OTHER_EMAIL = {
    "plus tag": "kim.miller+shop@harbour.example",
    "dots": "kimmiller@harbour.example",
    "dotless i": "k\u0131m.miller@harbour.example",
    "Cyrillic": "k\u0456m.miller@harbour.example",
    "another domain": "kim.miller@harbour.example.org",
    "look-alike domain": "kim.miller@h\u0430rbour.example",
    "A-label of it": "kim.miller@xn--hrbour-5qf.example",
}


@pytest.mark.parametrize("other", OTHER_EMAIL.values(), ids=OTHER_EMAIL)
async def test_lg68_a_look_alike_address_is_somebody_else(fresh: Target, other: str) -> None:
    """Never merged: it is another account, or refused."""
    victim = await made(fresh, email="kim.miller@harbour.example")
    assert isinstance(victim, User)

    stranger = await made(fresh, email=other)

    assert (await try_in(fresh, other, "wrong")).status == 403
    assert stranger is Refusal.EMAIL_INVALID or (isinstance(stranger, User) and stranger.id != victim.id)


async def test_lg68_a_domain_and_its_a_label_are_one(fresh: Target) -> None:
    assert isinstance(await made(fresh, email="kim@b\u00fccher.example"), User)

    assert await made(fresh, email="kim@xn--bcher-kva.example") is Refusal.EMAIL_TAKEN
    assert await made(fresh, email="kim@BU\u0308CHER.example") is Refusal.EMAIL_TAKEN


BAD_EMAIL = {
    "two at signs": "a@b@harbour.example",
    "quoted local part": '"a b"@harbour.example',
    "trailing dot": "a@harbour.example.",
    "zero-width": "a\u200bb@harbour.example",
    "soft hyphen": "a\u00adb@harbour.example",
    "NUL": "a\x00@harbour.example",
    "newline": "a@harbour.example\nBcc: x@y.example",
    "right to left": "a\u202e@harbour.example",
    "no domain": "a@",
    "no local part": "@harbour.example",
    "address literal": "a@[127.0.0.1]",
    "number": "a@127.0.0.1",
    "comment": "a(x)@harbour.example",
    "two addresses": "a@harbour.example,b@harbour.example",
    "name": "A <a@harbour.example>",
    "space inside": "a b@harbour.example",
    "double dot": "a..b@harbour.example",
    "empty label": "a@harbour..example",
    "long local part": "a" * 65 + "@harbour.example",
    "long": "a@" + "b" * 60 + ".c" * 100 + ".example",
    "lone surrogate": "a\ud800@harbour.example",
    "tab": "a\t@harbour.example",
    "line separator": "a\u2028@harbour.example",
    "Hangul filler": "a\u3164@harbour.example",
}


@pytest.mark.parametrize("email", BAD_EMAIL.values(), ids=BAD_EMAIL)
async def test_lg68_what_is_not_one_plain_address_is_refused(fresh: Target, email: str) -> None:
    assert await made(fresh, email=email) is Refusal.EMAIL_INVALID


async def test_lg68_no_username_can_be_somebodys_address(fresh: Target) -> None:
    await made(fresh, email="kim@harbour.example")

    for username in ("kim@harbour.example", "kim\uff20harbour.example", "a@b", "x\u200by", "a b", "", " ", "\x00"):
        refused = await made(fresh, username=username, email=None)
        assert refused in (Refusal.USERNAME_INVALID, Refusal.MISSING_FIELDS), username


@pytest.mark.parametrize("username", ["ADA", "Ada", "\uff21da", "ada "])
async def test_lg68_one_username_is_one_account(fresh: Target, username: str) -> None:
    assert isinstance(await made(fresh, username="ada"), User)

    assert await made(fresh, username=username) is Refusal.USERNAME_TAKEN


@pytest.mark.parametrize("size", [70_000, 1_000_000, 100_000_000])
async def test_lg75_a_giant_password_is_refused_before_it_is_read(
    provider: Target, person: Person, browser: HtmlBrowser, size: int
) -> None:
    page = await browser.open(f"{provider.issuer}/account/sign-in")
    token = page.document.forms[0].hidden["csrf"]
    head = urlencode({"csrf": token, "username": person.username, "password": ""}).encode()
    taken = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal taken
        yield head
        while taken < size:
            taken += 10_000
            yield b"x" * 10_000

    began = time.perf_counter()
    headers = {**FORM, "Origin": provider.issuer, "Sec-Fetch-Site": "same-origin"}
    answer = await browser._http.post(page.url, content=body(), headers=headers)

    assert answer.status_code == 413
    assert taken <= 70_000
    assert time.perf_counter() - began < 0.5


@pytest.mark.parametrize("length", [257, 1000, 60_000])
async def test_lg75_a_long_password_costs_one_hash_and_is_wrong(provider: Target, person: Person, length: int) -> None:
    began = time.perf_counter()

    assert (await try_in(provider, person.username, "x" * length)).status == 403
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize(
    "other",
    [
        "an engine of numbers\x00",
        "an engine of numbers\x00more",
        "an engine of numbers ",
        " an engine of numbers",
        "an engine of number",
        "An engine of numbers",
        "an engine of numbers\n",
        "an engine  of numbers",
        "ａn engine of numbers",
        "an engine of numberſ",
    ],
)
async def test_lg77_only_the_very_password_opens(provider: Target, person: Person, other: str) -> None:
    assert person.password == "an engine of numbers"

    assert (await try_in(provider, person.username, other)).status == 403
    assert (await try_in(provider, person.username, person.password)).name == "home"


async def test_lg77_every_character_of_a_long_password_counts(fresh: Target) -> None:
    """bcrypt reads 72 bytes; the keyed pre-hash reads all of them."""
    long = "0123456789 abcdefghij " * 11
    person = await fresh.account(password=long[:250])

    assert (await try_in(fresh, person.username, long[:249] + "!")).status == 403
    assert (await try_in(fresh, person.username, long[:72])).status == 403
    assert (await try_in(fresh, person.username, long[:250])).name == "home"


async def test_lg77_composed_and_decomposed_are_one_password(fresh: Target) -> None:
    person = await fresh.account(password="crème brûlée à volonté")

    assert (await try_in(fresh, person.username, unicodedata.normalize("NFD", person.password))).name == "home"


@pytest.mark.parametrize("length", [52, 53, 72, 73, 128, 200, 253, 254, 255, 256, 1024, 5000])
async def test_lg78_a_long_name_never_swallows_the_password(fresh: Target, length: int) -> None:
    """A hash or cache key over name and password together would stop reading in the name (the Okta case)."""
    longest = "u" * 64
    person = await fresh.account(username=longest, email=None)

    assert (await try_in(fresh, "u" * length, "wrong")).status == 403
    assert (await try_in(fresh, longest, "wrong")).status == 403
    assert (await try_in(fresh, longest, person.password)).name == "home"


BLOCKED = {
    "7 characters": ("short77", Refusal.PASSWORD_TOO_SHORT),
    "14 characters": ("fourteen chars", Refusal.PASSWORD_TOO_SHORT),
    "top, padded": ("password1234567", Refusal.PASSWORD_BLOCKED),
    "top, twice": ("iloveyou!iloveyou!", Refusal.PASSWORD_BLOCKED),
    "one character": ("aaaaaaaaaaaaaaaaaaaa", Refusal.PASSWORD_BLOCKED),
    "own address": ("ada.lovelace@example.org", Refusal.PASSWORD_BLOCKED),
    "own name": ("Ada Lovelace 1815!", Refusal.PASSWORD_BLOCKED),
    "product": ("Lighthouse Lighthouse", Refusal.PASSWORD_BLOCKED),
    "NUL": ("a quiet harbour\x00 at dusk", Refusal.PASSWORD_INVALID),
    "257 characters": ("ab cd ef gh " * 22, Refusal.PASSWORD_TOO_LONG),
}


async def choose(fresh: Target, password: str) -> tuple[HtmlBrowser, Page]:
    secret = await fresh.site.users.administrator_link()
    browser = fresh.browser()
    page = await browser.open(f"{fresh.issuer}/admin/first/{secret}")
    fields = {
        "csrf": page.document.forms[0].hidden["csrf"], "email": "ada.lovelace@example.org", "name": "Ada Lovelace",
        "new-password": password,
    }  # fmt: skip
    return browser, await post_form(browser, page.url, fields)


@pytest.mark.parametrize(("password", "reason"), BLOCKED.values(), ids=BLOCKED)
async def test_lg80_a_guessable_password_is_refused_with_its_reason(
    tmp_path: Path, password: str, reason: Refusal
) -> None:
    async with target("sqlite", tmp_path, brand_name="Lighthouse") as branded:
        _, page = await choose(branded, password)

        assert page.status == 400
        assert not await branded.rows("users")
        new = NewUser("ada.lovelace@example.org", None, password, {"name": "Ada Lovelace"})
        assert await branded.site.users.create(new) == Refused(reason)


@pytest.mark.parametrize(
    "password",
    [
        "tulips in rain!",
        "correcthorsebatterystaple",
        "пятнадцать слов",
        "🌧🌷🌈🌦🌻🍀🌾🍁🍂🌵🌴🌲🌳🪴🌿",
        "     tulips in rain     ",
    ],
)
async def test_lg80_any_phrase_of_fifteen_characters_is_welcome(fresh: Target, password: str) -> None:
    """No composition rules, paste allowed, nothing trimmed or folded."""
    _, page = await choose(fresh, password)

    assert page.status in (200, 303)
    assert (await try_in(fresh, "ada.lovelace@example.org", password)).name == "home"
    assert (await try_in(fresh, "ada.lovelace@example.org", password.strip() + ".")).status == 403


async def test_lg80_the_field_takes_what_a_password_manager_pastes(fresh: Target) -> None:
    secret = await fresh.site.users.administrator_link()
    page = await fresh.browser().open(f"{fresh.issuer}/admin/first/{secret}")
    field = page.document.attributes["new-password"]

    assert field["autocomplete"] == "new-password"
    assert not {"onpaste", "maxlength", "pattern"} & set(field)


async def test_lg80_what_is_stored_cannot_be_tried_without_the_key(fresh: Target) -> None:
    """bcrypt over a keyed pre-hash: equal passwords look different, and a database alone lets nobody try them."""
    await fresh.account(password=PASSWORD)
    await fresh.account(password=PASSWORD)

    first, second = [row["hash"] for row in await fresh.rows("credentials")]

    assert first != second
    assert PASSWORD not in first
    assert not bcrypt.checkpw(PASSWORD.encode(), first[first.index("$2b$") :].encode())
