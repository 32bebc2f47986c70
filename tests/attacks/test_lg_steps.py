"""LG30, LG31, LG46: steps that are skipped, left empty, or posted from another site (ASVS 3.5.1, 6.3)."""

import pytest

from tests.support.attacker import FORM, is_signed_in, post_form
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import Person
from tests.support.relying_party import RelyingParty
from tests.support.target import Target

SESSION = "__Host-idp_session"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"username": "", "password": ""},
        {"username": "NAME"},
        {"password": "PASSWORD"},
        {"username": "NAME", "password": ""},
        {"username": " ", "password": "PASSWORD"},
        {"username": "null", "password": "null"},
        {"username": "NAME", "password": "[]"},
        {"username": "NAME", "password": "{}"},
        {"username": "NAME", "password": "0"},
        {"username": "NAME", "password": "true"},
        {"username[]": "NAME", "password[]": "PASSWORD"},
        {"USERNAME": "NAME", "PASSWORD": "PASSWORD"},
    ],
    ids=str,
)
async def test_lg31_a_form_that_is_not_filled_in_stays_on_its_step(
    provider: Target, rp: RelyingParty, person: Person, browser: HtmlBrowser, fields: dict[str, str]
) -> None:
    page = await browser.open((await rp.authorization_request()).url)
    values = {"NAME": person.username, "PASSWORD": person.password}
    sent = {name: values.get(value, value) for name, value in fields.items()}

    answer = await post_form(browser, page.url, {"csrf": page.document.forms[0].hidden["csrf"], **sent})

    assert (answer.status, answer.name) in ((400, "login"), (403, "login"))
    assert SESSION not in browser.cookies
    assert (await browser.open(page.url)).name == "login"


@pytest.mark.parametrize("name", ["username", "password", "csrf"])
async def test_lg31_a_repeated_field_is_refused(
    provider: Target, rp: RelyingParty, browser: HtmlBrowser, name: str
) -> None:
    page = await browser.open((await rp.authorization_request()).url)
    token = page.document.forms[0].hidden["csrf"]
    body = f"csrf={token}&username={browser.username}&password={browser.password.replace(' ', '+')}&{name}=x"
    headers = {**FORM, "Origin": provider.issuer, "Sec-Fetch-Site": "same-origin"}

    answer = await browser._http.post(page.url, content=body, headers=headers)

    assert answer.status_code == 400
    assert SESSION not in browser.cookies


@pytest.mark.parametrize("media_type", ["application/json", "text/plain", "multipart/form-data; boundary=x"])
async def test_lg31_only_a_form_signs_in(
    provider: Target, rp: RelyingParty, browser: HtmlBrowser, media_type: str
) -> None:
    page = await browser.open((await rp.authorization_request()).url)

    answer = await browser._http.post(
        page.url,
        json={"username": browser.username, "password": [browser.password], "csrf": "x"},
        headers={"Content-Type": media_type, "Origin": provider.issuer, "Sec-Fetch-Site": "same-origin"},
    )

    assert answer.status_code == 415


@pytest.mark.parametrize("path", ["consent", "accounts"])
async def test_lg30_no_page_behind_the_sign_in_opens_before_it(
    provider: Target, rp: RelyingParty, browser: HtmlBrowser, path: str
) -> None:
    page = await browser.open((await rp.authorization_request()).url)
    token = page.document.forms[0].hidden["csrf"]
    url = page.url.replace("/login/", f"/{path}/")

    for button in ("consent-allow", "account-continue"):
        answer = await post_form(browser, url, {"csrf": token, button: ""})
        assert (answer.name, answer.location) == ("login", None)
    assert not await is_signed_in(browser)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site", "Origin": "https://evil.example"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "none"},
        {"Sec_Fetch_Site": "", "Origin": "https://evil.example"},
        {"Sec_Fetch_Site": "", "Origin": "null"},
        {"Sec_Fetch_Site": "", "Origin": "http://id.example"},
        {"Sec_Fetch_Site": "", "Origin": ""},
    ],
    ids=str,
)
async def test_lg46_a_sign_in_from_another_site_is_refused(
    provider: Target, rp: RelyingParty, browser: HtmlBrowser, headers: dict[str, str]
) -> None:
    page = await browser.open((await rp.authorization_request()).url)
    fields = {
        "csrf": page.document.forms[0].hidden["csrf"], "username": browser.username, "password": browser.password,
    }  # fmt: skip

    answer = await post_form(browser, page.url, fields, **headers)

    assert answer.status == 403
    assert SESSION not in browser.cookies


async def test_lg46_the_attackers_own_token_does_not_sign_a_victim_in(provider: Target, rp: RelyingParty) -> None:
    """Login CSRF: a form made in one browser and posted in another."""
    attacker, victim = provider.browser(await provider.person()), provider.browser()
    page = await attacker.open((await rp.authorization_request()).url)
    fields = {
        "csrf": page.document.forms[0].hidden["csrf"], "username": attacker.username, "password": attacker.password,
    }  # fmt: skip
    await victim.open((await rp.authorization_request()).url)

    answer = await post_form(victim, page.url, fields)

    assert answer.status == 400
    assert SESSION not in victim.cookies
