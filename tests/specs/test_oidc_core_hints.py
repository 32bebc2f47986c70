"""id_token_hint, login_hint, ui_locales, claims_locales, display, acr_values – OIDC Core §3.1.2.1."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from tests.support.html_browser import HtmlBrowser
from tests.support.jose import base64url, forge, parts
from tests.support.provider import HandClock, Person, Provider, ask, at_once
from tests.support.relying_party import Answer, AuthorizationAnswer, RelyingParty

LOA1 = "urn:idp:loa:1"


@pytest.mark.parametrize("waited", [timedelta(), timedelta(days=2)], ids=["fresh", "expired"])
async def test_a_hint_of_whoever_is_signed_in_changes_nothing(
    rp: RelyingParty, browser: HtmlBrowser, tokens: Answer, clock: HandClock, waited: timedelta
) -> None:
    """OIDC Core §3.1.2.1: it may be expired."""
    clock.advance(waited)

    assert (await at_once(browser, rp, prompt="none", id_token_hint=tokens.id_token)).code


async def test_a_hint_of_somebody_else_is_login_required(
    provider: Provider, rp: RelyingParty, browser: HtmlBrowser, tokens: Answer
) -> None:
    """OIDC Core §3.1.2.1: an error, without a page, and nobody is signed out."""
    async with provider.browser(await provider.person()) as other:
        await other.authorize(rp)

        assert (await at_once(other, rp, id_token_hint=tokens.id_token)).error == "login_required"
        assert (await at_once(other, rp, prompt="none")).code


async def test_a_hint_signs_nobody_in(rp: RelyingParty, provider: Provider, tokens: Answer) -> None:
    """OIDC Core §3.1.2.1."""
    async with provider.browser() as nobody:
        assert (await at_once(nobody, rp, prompt="none", id_token_hint=tokens.id_token)).error == "login_required"
        assert (await ask(nobody, rp, id_token_hint=tokens.id_token)).name == "login"


async def test_whoever_signs_in_must_be_the_one_of_the_hint(
    provider: Provider, person: Person, rp: RelyingParty, tokens: Answer
) -> None:
    """OIDC Core §3.1.2.1: login_required for anybody else."""
    for signing_in, error in ((person, None), (await provider.person(), "login_required")):
        async with provider.browser(signing_in) as browser:
            assert (await browser.answer(rp, id_token_hint=tokens.id_token)).error == error


async def test_a_hint_that_proves_nothing_is_refused(
    provider: Provider, rp: RelyingParty, browser: HtmlBrowser, tokens: Answer
) -> None:
    """OIDC Core §3.1.2.1: our signature and this client's audience; never unsigned, never another kind of token."""
    header, claims = parts(tokens.id_token)
    head, body, signature = tokens.id_token.split(".")
    stranger = await provider.client()
    foreign = await stranger.redeem(await browser.authorize(stranger))
    changed = base64url(base64url(b"{}").encode())
    bad = [
        "x", "a.b.c", f"{head}.{changed}.{signature}", f"{head}.{body}.", f"{head}.{body}.{signature}x",
        forge({"alg": "none"}, claims, None, "none"), forge({**header, "alg": "none"}, claims, None, "none"),
        forge({**header, "alg": "HS256"}, claims, b"x", "HS256"), foreign.id_token, tokens.access_token,
        tokens.refresh_token,
    ]  # fmt: skip

    assert [(await at_once(browser, rp, id_token_hint=hint)).error for hint in bad] == ["invalid_request"] * len(bad)


@pytest.mark.parametrize("hint", ["ada@example.org", "nobody@nowhere.example", '"><script>alert(1)</script>', "ümläut"])
async def test_a_login_hint_fills_in_the_name_and_no_more(rp: RelyingParty, browser: HtmlBrowser, hint: str) -> None:
    """OIDC Core §3.1.2.1: escaped; and the page is the same for names that exist and names that do not."""
    page = await ask(browser, rp, login_hint=hint)

    assert page.document.attributes["username"]["value"] == hint
    assert not page.has("login-error")


async def test_the_page_does_not_tell_whether_a_hint_is_known(
    person: Person, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """OWASP ASVS 6.3.8."""
    known = await ask(browser, rp, login_hint=person.username)
    unknown = await ask(browser, rp, login_hint="nobody-" + "x" * (len(person.username) - 7))

    assert known.document.texts.keys() == unknown.document.texts.keys()
    assert [form.attributes.keys() for form in known.document.forms] == [
        form.attributes.keys() for form in unknown.document.forms
    ]


async def test_a_login_hint_never_shows_an_internal_id(person: Person, rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §3.1.2.1 lets hints be anything; ids of ours mean nothing to people."""
    page = await ask(browser, rp, login_hint=person.id)

    assert page.document.attributes["username"]["value"] == ""


@pytest.mark.parametrize(
    ("ui_locales", "language"),
    [
        ("de", "de"),
        ("de-CH", "de"),
        ("nl de en", "de"),
        ("en de", "en"),
        ("nl", "en"),
        ("xx-yy ?? 1", "en"),
        ("de" * 500, "en"),
    ],
)
async def test_pages_speak_the_language_that_was_asked_for(
    rp: RelyingParty, browser: HtmlBrowser, ui_locales: str, language: str
) -> None:
    """OIDC Core §3.1.2.1: an unsupported locale is no error."""
    page = await ask(browser, rp, ui_locales=ui_locales)

    assert (page.name, page.document.language) == ("login", language)
    assert page.response.headers["content-language"] == language


async def test_the_language_stays_from_page_to_page(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §3.1.2.1."""
    await ask(browser, rp, ui_locales="de")

    page = await browser.sign_in()

    assert (page.name, page.document.language) == ("consent", "de")


@pytest.mark.parametrize(
    "changes",
    [
        {"display": "page"}, {"display": "popup"}, {"display": "touch"}, {"display": "wap"}, {"display": "nonsense"},
        {"claims_locales": "se"}, {"claims_locales": "nonsense ?? x"}, {"ui_locales": "se"},
    ],
    ids=str,
)  # fmt: skip
async def test_a_wish_that_we_cannot_meet_never_fails(
    rp: RelyingParty, browser: HtmlBrowser, changes: Mapping[str, str]
) -> None:
    """OIDC Core §3.1.2.1: display, ui_locales and claims_locales are preferences."""
    assert (await browser.answer(rp, **changes)).code


@pytest.mark.parametrize("acr_values", [None, LOA1, f"urn:unknown {LOA1}", "urn:unknown", "0", "x" * 1000])
async def test_acr_says_what_happened(rp: RelyingParty, browser: HtmlBrowser, acr_values: str | None) -> None:
    """OIDC Core §3.1.2.1, §2: acr_values are a preference, best effort."""
    code = await browser.authorize(rp, acr_values=acr_values)

    claims = await rp.check_id_token(await rp.redeem(code), rp.codes[code])

    assert (claims["acr"], claims["amr"]) == (LOA1, ["pwd"])


@pytest.mark.parametrize(
    "acr",
    ['{"essential":true,"value":"urn:unknown"}', '{"essential":true,"values":["urn:a","urn:b"]}',
     '{"essential":true,"value":1}'],
)  # fmt: skip
async def test_an_essential_acr_that_nobody_reaches_is_refused(
    rp: RelyingParty, browser: HtmlBrowser, acr: str
) -> None:
    """OIDC Core §5.5.1.1; the error is that of OIDC Unmet Authentication Requirements §2."""
    answer = await at_once(browser, rp, claims=f'{{"id_token":{{"acr":{acr}}}}}')

    assert answer.error == "unmet_authentication_requirements"


@pytest.mark.parametrize(
    "acr",
    ["null", '{"essential":true}', '{"value":"urn:unknown"}', f'{{"essential":true,"values":["urn:a","{LOA1}"]}}',
     f'{{"essential":true,"value":"{LOA1}"}}'],
)  # fmt: skip
async def test_any_other_acr_request_is_answered(rp: RelyingParty, browser: HtmlBrowser, acr: str) -> None:
    """OIDC Core §5.5.1.1: voluntary ones always, essential ones with what was reached."""
    code = await browser.authorize(rp, claims=f'{{"id_token":{{"acr":{acr}}}}}')

    assert (await rp.check_id_token(await rp.redeem(code), rp.codes[code]))["acr"] == LOA1


async def test_default_acr_values_are_a_preference_too(provider: Provider, browser: HtmlBrowser) -> None:
    """OIDC Registration §2, default_acr_values."""
    rp = await provider.client(default_acr_values=["urn:unknown", LOA1])

    answer: AuthorizationAnswer = await browser.answer(rp)

    assert (await rp.check_id_token(await rp.redeem(answer.code), rp.codes[answer.code]))["acr"] == LOA1
