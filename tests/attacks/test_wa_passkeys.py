"""WA01–WA14: passkeys whose answers are replayed, forged, foreign or malformed (WebAuthn Level 3 §7.1, §7.2)."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from idp.domain.secret import base64url
from tests.support.attacker import FORM, post_form
from tests.support.factors import (
    answer_passkey,
    attempt_of,
    catalog,
    passkey_options,
    to_step_up,
    with_passkey,
    with_totp,
)
from tests.support.html_browser import HtmlBrowser, Page
from tests.support.letters import subjects
from tests.support.passkey import Authenticator, Passkey, altered, copy_of
from tests.support.provider import MINUTE, SECOND, Person, ask
from tests.support.relying_party import RelyingParty
from tests.support.target import Target

SESSION = "__Host-idp_session"


async def at_login(provider: Target) -> HtmlBrowser:
    """Return a browser of nobody at the sign-in page."""
    browser = provider.browser()
    await browser.open(f"{provider.issuer}/account/sign-in")
    return browser


async def prove(browser: HtmlBrowser, device: Authenticator, *, passkey: Passkey | None = None, **lies: Any) -> Page:
    """Answer the dialog of the page that is shown."""
    return await answer_passkey(browser, device.prove(passkey_options(browser.page), passkey, **lies))


def assert_out(browser: HtmlBrowser, page: Page) -> None:
    assert page.name in ("login", "step-up"), page.describe()
    assert 400 <= page.status < 500
    assert SESSION not in browser.cookies


@pytest.fixture
async def device(provider: Target, person: Person) -> Authenticator:
    """The person's device."""
    return await with_passkey(provider, person)


async def test_a_passkey_signs_in_alone_and_says_so(provider: Target, rp: RelyingParty, device: Authenticator) -> None:
    browser = provider.browser()
    await ask(browser, rp)

    page = await prove(browser, device)
    tokens = await rp.redeem((await browser.finish(rp, page)).code)

    claims = (await rp.decode(tokens.id_token)).claims
    assert (claims["acr"], claims["amr"]) == ("phr", ["swk", "user", "mfa"])


async def test_wa01_an_answer_is_good_once(provider: Target, device: Authenticator) -> None:
    browser = await at_login(provider)
    answer = device.prove(passkey_options(browser.page))
    url, token = browser.page.url, browser.page.document.forms[0].hidden["csrf"]
    await answer_passkey(browser, answer)
    assert SESSION in browser.cookies
    thief = await at_login(provider)

    again = await post_form(browser, url, {"csrf": token, "passkey-answer": answer})
    elsewhere = await answer_passkey(thief, answer)

    assert again.status >= 400
    assert_out(thief, elsewhere)


async def test_wa01_of_many_at_once_one_signs_in(either: Target) -> None:
    person = await either.person()
    device = await with_passkey(either, person)
    browser = await at_login(either)
    answer, page = device.prove(passkey_options(browser.page)), browser.page
    fields = {"csrf": page.document.forms[0].hidden["csrf"], "passkey-answer": answer}
    headers = {**FORM, "Origin": either.issuer, "Sec-Fetch-Site": "same-origin"}
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies.jar)
    async with either.reach(headers={**headers, "Cookie": cookies}) as http:
        answers = await asyncio.gather(*(http.post(page.url, data=fields) for _ in range(20)))

    assert sum(SESSION in answer.headers.get("set-cookie", "") for answer in answers) == 1
    assert len(await either.rows("sessions")) == 1


@pytest.mark.parametrize(("later", "works"), [(5 * MINUTE - SECOND, True), (5 * MINUTE, False)])
async def test_wa01_an_answer_is_good_for_five_minutes(
    provider: Target, device: Authenticator, later: Any, works: bool
) -> None:
    browser = await at_login(provider)
    answer = device.prove(passkey_options(browser.page))
    provider.clock.advance(later)

    await answer_passkey(browser, answer)

    assert (SESSION in browser.cookies) is works


async def test_wa01_an_answer_to_another_sessions_question_is_refused(provider: Target, device: Authenticator) -> None:
    first, second = await at_login(provider), await at_login(provider)
    answer = device.prove(passkey_options(first.page))

    assert_out(second, await answer_passkey(second, answer))


async def test_wa03_everybody_is_asked_alike(provider: Target, rp: RelyingParty, person: Person) -> None:
    """Case LG03: with a name, without one, with one that nobody has; only the challenge differs."""
    await with_passkey(provider, person)
    asked = []
    for hint in (None, person.username, "nobody-at-all", person.user.email):
        options = passkey_options(await ask(provider.browser(), rp, login_hint=hint))
        asked.append({name: value for name, value in options.items() if name != "challenge"})
    wrong = provider.browser()
    await ask(wrong, rp)
    page = await wrong.submit("login-submit", username=person.username, password="wrong")
    again = {name: value for name, value in passkey_options(page).items() if name != "challenge"}

    assert asked == [again] * 4
    assert again["allowCredentials"] == []


LIES: dict[str, dict[str, Any]] = {
    "WA02 other origin": {"origin": "https://evil.example"},
    "WA04 other RP id": {"rp_id": "evil.example"},
    "WA04 made as if proved": {"type": "webauthn.create"},
    "WA05 nobody present": {"user_present": False},
    "WA05 nobody verified": {"user_verified": False},
    "WA07 eligibility changed": {"eligible": False},
    "WA09 somebody's handle": {"user_handle": b"x" * 32},
    "WA09 no handle": {"user_handle": None},
    "WA13 in a foreign frame": {"cross_origin": True},
    "WA13 below another origin": {"top_origin": "https://evil.example"},
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
async def test_wa04_a_lie_signs_nobody_in(provider: Target, device: Authenticator, lie: dict[str, Any]) -> None:
    browser = await at_login(provider)

    assert_out(browser, await prove(browser, device, **lie))
    assert SESSION not in browser.cookies
    await prove(browser, device)  # the page carries a new question
    assert SESSION in browser.cookies


async def test_wa04_what_was_made_proves_nothing(provider: Target, device: Authenticator) -> None:
    """create and get swapped."""
    browser = await at_login(provider)
    options = passkey_options(browser.page)
    made = device.make({"challenge": options["challenge"], "rp": {"id": "id.example"}, "user": {"id": "AAAA"}})

    assert_out(browser, await answer_passkey(browser, made))


async def test_wa09_a_key_of_somebody_else_is_no_second_factor(
    provider: Target, rp: RelyingParty, device: Authenticator, browser: HtmlBrowser
) -> None:
    theirs = await with_passkey(provider, await provider.person())
    await to_step_up(browser, (await rp.authorization_request()).url)
    options = passkey_options(browser.page)

    page = await answer_passkey(browser, theirs.prove(options, theirs.passkeys[0]))

    assert_out(browser, page)


async def test_wa09_a_key_signs_its_owner_in_and_nobody_else(provider: Target, device: Authenticator) -> None:
    other = await provider.person()
    theirs = await with_passkey(provider, other)
    browser = await at_login(provider)

    page = await prove(browser, device, user_handle=theirs.passkeys[0].user_handle)

    assert_out(browser, page)


async def test_wa10_a_key_that_is_not_allowed_or_was_removed_is_refused(
    provider: Target, rp: RelyingParty, person: Person, device: Authenticator, browser: HtmlBrowser
) -> None:
    await with_totp(provider, person)
    unknown = Authenticator()
    unknown.make({"challenge": "AAAA", "rp": {"id": "id.example"}, "user": {"id": base64url(b"x" * 32)}})
    await to_step_up(browser, (await rp.authorization_request()).url)
    first = await answer_passkey(browser, unknown.prove(passkey_options(browser.page), unknown.passkeys[0]))
    options = passkey_options(browser.page)
    async with provider.site.transactions.open(write=True) as stores:
        await stores.credentials.remove_all(person.id, factor=catalog(provider.site.digester).webauthn.factor)

    second = await answer_passkey(browser, device.prove(options))
    alone = await at_login(provider)

    assert_out(browser, first)
    assert_out(browser, second)
    assert_out(alone, await prove(alone, device))


async def test_wa08_a_copied_key_is_noted_told_and_raises_the_risk(fresh: Target) -> None:
    """A counter that does not grow: an audit row and a notice to the owner, whoever holds the key now."""
    person = await fresh.person()
    device = await with_passkey(fresh, person, counts=True)
    clone = copy_of(device.passkeys[0])
    await prove(await at_login(fresh), device)
    assert await fresh.events("passkey_copied") == []

    await prove(thief := await at_login(fresh), device, passkey=clone)

    assert SESSION in thief.cookies  # what it takes is for the policy to say
    assert len(await fresh.events("passkey_copied")) == 1
    assert len([each for each in await subjects(fresh, person.user.email or "") if "passkey" in each.lower()]) == 1


def bottomless(answer: str) -> str:
    return altered(answer, response_authenticatorData=base64url(bytes(37) + b"\x81" * 20_000))


BOMBS: dict[str, Any] = {
    "id of 1024 bytes": lambda answer: altered(answer, id="A" * 1368, rawId="A" * 1368),
    "deep CBOR": bottomless,
    "endless CBOR": lambda answer: altered(
        answer, response_authenticatorData=base64url(bytes(32) + b"\xc5" + bytes(4) + b"\x9b" + b"\xff" * 8)
    ),
    "BOM": lambda answer: "\ufeff" + answer,
    "a key twice": lambda answer: answer[:-1] + ', "type": "public-key"}',
    "deep JSON": lambda answer: answer[:-1] + ', "x": ' + "[" * 10_000 + "]" * 10_000 + "}",
    "no JSON": lambda _: "x" * 30_000,
    "60 kB": lambda answer: answer[:-1] + ', "x": "' + "x" * 58_000 + '"}',
    "surrogates": lambda answer: altered(answer, id="\ud800"),
    "null": lambda _: "null",
    "a list": lambda _: "[]",
    "signature null": lambda answer: altered(answer, response_signature=None),
    "response a number": lambda answer: altered(answer, response=5),
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
async def test_wa14_a_malformed_answer_is_refused_at_once(provider: Target, device: Authenticator, bomb: Any) -> None:
    """400 within 100 ms of our own work, nothing stored, and the page is still there."""
    browser = await at_login(provider)
    await prove(browser, device, origin="https://evil.example")  # everything is loaded
    answer = bomb(device.prove(passkey_options(browser.page)))
    sessions = len(await provider.rows("sessions"))
    began = time.process_time()

    page = await answer_passkey(browser, answer)

    assert time.process_time() - began < 0.2  # the test's own browser included
    assert (page.status, page.name) in ((400, "login"), (403, "login"))
    assert len(await provider.rows("sessions")) == sessions


async def test_wa17_what_a_device_learns_tells_nothing(provider: Target, person: Person) -> None:
    device = await with_passkey(provider, person)
    handle = device.passkeys[0].user_handle

    assert 16 <= len(handle) <= 64
    assert not any(str(told).encode() in handle for told in (person.id, person.username, person.user.email))


async def test_wa11_the_operators_policy_is_enforced_by_the_server(provider: Target, tmp_path: Path) -> None:
    """fmt none where the make must be told: what the browser was asked for changes nothing."""
    person = await provider.person()
    strict = catalog(provider.site.digester, wants_attestation=True)
    async with provider.site.transactions.open(write=True) as stores:
        attempt = attempt_of(stores, person.user, provider.clock.now())
        challenge = await strict.webauthn.begin(attempt)
        options: Any = json.loads(json.dumps(getattr(challenge, "options", None)))
        outcome = await strict.webauthn.confirm(attempt, Authenticator().make(options))

    assert options["attestation"] == "direct"
    assert getattr(outcome, "reason", None) == "passkey_not_allowed"
