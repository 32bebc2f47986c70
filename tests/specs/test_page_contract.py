"""The hosted pages as others' scripts know them – OIDC Core §3.1.2.3, §3.1.2.4; OIDC Form Post §2: ids, names, titles.

Each page is reached as a person reaches it, in each language, by two people at two clients: ids and `data-page` are for
ever, a title is the same for everybody, and each choice has one button.
"""

import pytest

from tests.support.html_browser import HtmlBrowser, Page
from tests.support.polled import bank, television, to_answer, type_code
from tests.support.provider import Person, Provider, ask
from tests.support.pushed import url_of
from tests.support.relying_party import RelyingParty

LANGUAGES = ("en", "de", "es", "fr", "ja", "ar")
#: What each page has: its title in English, its fields and buttons, and what else is known by an id.
PAGES: dict[str, tuple[str, set[str], set[str]]] = {
    "login": ("Sign in", {"username", "password", "login-submit", "login-cancel"}, set()),
    "step-up": ("Confirm it is you", {"otp-code", "otp-submit", "login-cancel"}, set()),
    "accounts": ("Choose an account", {"account-continue", "account-other", "login-cancel"}, set()),
    "consent": (
        "Allow access", {"consent-allow", "consent-deny"}, {"consent-client", "consent-scopes", "consent-details"},
    ),
    "device": ("Connect a device", {"user-code", "user-code-submit"}, set()),
    "ciba": ("Approve a request", {"consent-allow", "consent-deny"}, {"binding-message"}),
    "logout": ("Sign out", {"logout-yes", "logout-no"}, set()),
    "signed-out": ("Signed out", set(), {"signed-out"}),
    "error": ("Request refused", set(), {"error-code", "error-description", "error-reference"}),
    "form-post": ("Continue", {"form-post-submit"}, set()),
}  # fmt: skip
Walks = dict[str, list[dict[str, Page]]]
VERIFIED = '{"id_token":{"acr":{"essential":true,"value":"urn:idp:loa:1v"}}}'


async def walk(provider: Provider, language: str, client_name: str) -> dict[str, Page]:
    """Reach every page as somebody new, at a new client."""
    person = await provider.person(name=f"Somebody at {client_name}")
    rp = await provider.client(client_name=client_name)
    async with provider.browser(person, **{"Accept-Language": language}) as browser:
        pages = await before_consent(browser, rp)
        pages["error"] = await browser.open(url_of(rp, {"client_id": "nobody"}))
        pages |= await elsewhere(provider, person, browser, client_name)
        pages["logout"] = await browser.open(f"{rp.issuer}/end_session")
        pages["signed-out"] = await browser.submit("logout-yes")
    return pages


async def before_consent(browser: HtmlBrowser, rp: RelyingParty) -> dict[str, Page]:
    """Reach the pages of a sign-in."""
    pages = {"login": await ask(browser, rp), "consent": await browser.sign_in()}
    await browser.submit("consent-allow")
    pages["accounts"] = await ask(browser, rp, prompt="select_account")
    pages["step-up"] = await ask(browser, rp, claims=VERIFIED)
    pages["form-post"] = await ask(browser, rp, response_mode="form_post", prompt="none")
    return pages


async def elsewhere(provider: Provider, person: Person, browser: HtmlBrowser, client_name: str) -> dict[str, Page]:
    """Reach the pages of those who answer on another device."""
    begun = await (await television(provider, client_name=client_name)).begin()
    device = await browser.open(begun.body["verification_uri"])
    await type_code(browser, begun)
    asked = await (await bank(provider, client_name=client_name)).ask(person, binding_message="Pay 12")
    assert asked.status == 200
    return {"device": device, "ciba": await to_answer(browser, provider.issuer)}


@pytest.fixture(scope="module")
async def walks(provider: Provider) -> Walks:
    """Every page in every language, twice."""
    return {
        language: [await walk(provider, language, name) for name in ("Harbour Books", "Tide & Sons")]
        for language in LANGUAGES
    }


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_what_it_is_in_every_language(walks: Walks, name: str) -> None:
    """`data-page` is the same word in each; the page speaks the language that was asked for."""
    for language in LANGUAGES:
        for pages in walks[language]:
            page = pages[name]
            assert (page.name, page.document.language) == (name, language), page.describe()


@pytest.mark.parametrize("name", PAGES)
def test_a_title_is_the_same_for_everybody(walks: Walks, name: str) -> None:
    """One for each language, without names of clients or people."""
    assert walks["en"][0][name].document.title.strip() == PAGES[name][0]
    for language in LANGUAGES:
        assert len({pages[name].document.title for pages in walks[language]}) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_page_has_a_title_of_its_own(walks: Walks, language: str) -> None:
    """WCAG 2.4.2: whoever hears only the title knows where they are."""
    titles = [page.document.title for page in walks[language][0].values()]

    assert len(set(titles)) == len(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_ids_are_the_same_in_every_language(walks: Walks, name: str) -> None:
    """And all that are known stand there."""
    _title, controls, texts = PAGES[name]
    found = [set(pages[name].document.texts) for language in LANGUAGES for pages in walks[language]]

    assert all(controls | texts <= ids for ids in found)
    assert all(ids == found[0] for ids in found)


@pytest.mark.parametrize("name", PAGES)
def test_a_control_is_sent_under_its_id(walks: Walks, name: str) -> None:
    """The answer of form_post alone sends nothing but the parameters of the response (Form Post §2)."""
    for form in walks["en"][0][name].document.forms:
        for control in form.controls:
            if control.kind == "hidden":
                continue
            assert control.name == ("" if name == "form-post" else control.id), control.id


@pytest.mark.parametrize("name", PAGES)
def test_each_choice_has_one_control(walks: Walks, name: str) -> None:
    """No two buttons of a page have one id or one name, and each known one is a button or a field."""
    _title, controls, _texts = PAGES[name]
    shown = [control for form in walks["en"][0][name].document.forms for control in form.controls]
    buttons = [control.id for control in shown if control.is_button]

    assert len(set(buttons)) == len(buttons)
    assert controls <= {control.id for control in shown}


@pytest.mark.parametrize("name", ["login", "step-up", "device"])
def test_fields_help_those_who_fill_them_in(walks: Walks, name: str) -> None:
    """HTML §4.10.18.7, WCAG 1.3.5: password managers, passkeys and one-time codes."""
    wanted = {
        "login": {"username": {"autocomplete": "username webauthn"}, "password": {"autocomplete": "current-password"}},
        "step-up": {"otp-code": {"autocomplete": "one-time-code", "inputmode": "numeric"}},
        "device": {"user-code": {"autocomplete": "off", "autocapitalize": "characters"}},
    }[name]
    for language in LANGUAGES:
        attributes = walks[language][0][name].document.attributes
        for id, told in wanted.items():
            assert told.items() <= attributes[id].items()
    assert any("autofocus" in each for each in walks["en"][0][name].document.attributes.values())


def test_an_error_stays_where_it_was_refused(walks: Walks) -> None:
    """RFC 6749 §4.1.2.1: the code stands alone, and no redirect happened."""
    page = walks["en"][0]["error"]

    assert (page.status, page.text("error-code")) == (400, "invalid_request")
    assert page.url.split("?")[0].endswith("/authorize")
    assert page.text("error-reference")
    assert page.location is None


async def test_a_wrong_password_is_told_beside_its_field(provider: Provider, rp: RelyingParty) -> None:
    """WCAG 3.3.1, 4.1.3: tied by aria-describedby."""
    async with provider.browser(await provider.person()) as browser:
        await ask(browser, rp)
        page = await browser.submit("login-submit", username="nobody", password="wrong")

    assert page.has("login-error")
    assert "login-error" in page.document.attributes["password"]["aria-describedby"].split()


@pytest.mark.parametrize("shown", ["login", "consent", "accounts"])
async def test_cancel_tells_the_client(provider: Provider, rp: RelyingParty, browser: HtmlBrowser, shown: str) -> None:
    """RFC 6749 §4.1.2.1: access_denied."""
    if shown != "login":
        await browser.authorize(rp)
    page = await ask(browser, rp, prompt={"login": None, "consent": "consent", "accounts": "select_account"}[shown])
    assert page.name == shown

    page = await browser.submit("consent-deny" if shown == "consent" else "login-cancel")

    assert page.answer().error == "access_denied"
