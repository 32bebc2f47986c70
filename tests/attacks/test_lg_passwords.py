"""LG75–LG80: passwords that are huge, cut, guessable or padded (ASVS 6.2, NIST SP 800-63B-4 §3.1.1.2)."""

import secrets
import time
import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import bcrypt
import pytest

from idp.domain.refusal import Refusal, Refused
from idp.factors.breached import FilterWriter, Shape, digest_of
from idp.flows.user_administration import NewUser
from idp.settings import BadSettings, load
from idp.wiring import build
from tests.support.attacker import FORM, post_form, try_in
from tests.support.html_browser import HtmlBrowser, Page
from tests.support.provider import PASSWORD, Person
from tests.support.target import MASTER_KEY, Target, target


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
async def test_lg78_a_long_name_never_swallows_the_password(provider: Target, length: int) -> None:
    """A hash or cache key over name and password together would stop reading somewhere in the name."""
    longest = secrets.token_hex(32)
    person = await provider.account(username=longest, email=None)

    assert (await try_in(provider, (longest * 80)[:length], "wrong")).status == 403
    assert (await try_in(provider, longest, "wrong")).status == 403
    assert (await try_in(provider, longest, person.password)).name == "home"


BLOCKED = {
    "7 characters": ("short77", Refusal.PASSWORD_TOO_SHORT),
    "14 characters": ("fourteen chars", Refusal.PASSWORD_TOO_SHORT),
    "top, padded": ("password1234567", Refusal.PASSWORD_BLOCKED),
    "top, twice": ("iloveyou!iloveyou!", Refusal.PASSWORD_BLOCKED),
    "one character": ("aaaaaaaaaaaaaaaaaaaa", Refusal.PASSWORD_GUESSABLE),
    "own address": ("ada.lovelace@example.org", Refusal.PASSWORD_PERSONAL),
    "own name": ("Ada Lovelace 1815!", Refusal.PASSWORD_PERSONAL),
    "product": ("id.example id.example", Refusal.PASSWORD_PERSONAL),
    "breached": ("a phrase that somebody lost", Refusal.PASSWORD_BREACHED),
    "rows of keys": ("qwertyuiop[]asdf", Refusal.PASSWORD_GUESSABLE),
    "NUL": ("a quiet harbour\x00 at dusk", Refusal.PASSWORD_INVALID),
    "257 characters": ("ab cd ef gh " * 22, Refusal.PASSWORD_TOO_LONG),
}


async def choose(provider: Target, password: str) -> Page:
    """Choose a password where the first administrator does."""
    secret = await provider.site.users.administrator_link()
    browser = provider.browser()
    page = await browser.open(f"{provider.issuer}/admin/first/{secret}")
    fields = {
        "csrf": page.document.forms[0].hidden["csrf"], "email": "ada.lovelace@example.org", "name": "Ada Lovelace",
        "new-password": password,
    }  # fmt: skip
    return await post_form(browser, page.url, fields)


@pytest.fixture(scope="module")
async def careful(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    """A provider that knows a breached password."""
    folder = tmp_path_factory.mktemp("careful")
    with FilterWriter(folder / "breached.bloom", Shape.fitting(1, 1e-6)) as writer:
        writer.add_all([digest_of("a phrase that somebody lost")])
        writer.finish()
    async with target("sqlite", folder, breached_passwords_file=str(folder / "breached.bloom")) as running:
        yield running


@pytest.mark.parametrize(("password", "reason"), BLOCKED.values(), ids=BLOCKED)
async def test_lg80_a_guessable_password_is_refused_with_its_reason(
    careful: Target, password: str, reason: Refusal
) -> None:
    page = await choose(careful, password)

    new = NewUser("ada.lovelace@example.org", None, password, {"name": "Ada Lovelace"})
    assert page.status == 400
    assert await careful.site.users.create(new) == Refused(reason)
    assert await careful.site.users.find("ada.lovelace@example.org") is None


async def test_lg80_a_filter_that_was_cut_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "cut.bloom").write_bytes(b"idpbloom")

    environment = {
        "IDP_MODE": "test", "IDP_MASTER_KEY": MASTER_KEY, "IDP_BREACHED_PASSWORDS_FILE": str(tmp_path / "cut.bloom"),
    }  # fmt: skip

    with pytest.raises(BadSettings, match=r"IDP_BREACHED_PASSWORDS_FILE: .*cut\.bloom: it ends within its header"):
        await build(load(environment=environment))


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
    page = await choose(fresh, password)

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
