"""What every hosted page keeps: its ids, its title, escaping, and a form that works without script and sight."""

from dataclasses import dataclass

import pytest
from jinja2 import UndefinedError

from idp.resources import folder
from tests.templating.examples import BARE, COMMON, LOGIN, PAGES, STATES, Document, make_templates, replaced, strings

TEMPLATES = make_templates()
PAYLOAD = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"
SOURCE = folder("templates")
NOT_PAGES = {"layout.html", "login/errors.html", "consent/words.html", "error/words.html"}

TITLES = {
    "login/login.html": ("login", "Sign in"),
    "accounts/accounts.html": ("accounts", "Choose an account"),
    "consent/consent.html": ("consent", "Allow access"),
    "logout/logout.html": ("logout", "Sign out"),
    "logout/signed_out.html": ("signed-out", "Signed out"),
    "error/error.html": ("error", "Request refused"),
    "error/notice.html": ("notice", "Please note"),
    "form_post/form_post.html": ("form-post", "Continue"),
    "admin/first_administrator.html": ("first-administrator", "First administrator"),
    "account/home.html": ("home", "Your account"),
    "account/apps.html": ("apps", "Your applications"),
    "dev/mailbox.html": ("mailbox", "Development mailbox"),
}
IDS = {
    "login/login.html": "username password login-submit login-cancel client-logo client-policy client-tos",
    "accounts/accounts.html": "account-continue account-other login-cancel",
    "consent/consent.html": "consent-allow consent-deny consent-client consent-scopes consent-details",
    "logout/logout.html": "logout-yes logout-no",
    "logout/signed_out.html": "signed-out logout-continue",
    "error/error.html": "error-code error-description error-reference",
    "form_post/form_post.html": "form-post-submit",
    "admin/first_administrator.html": "email name new-password admin-submit",
}


def read(page: str, locale: str = "en", **facts: object) -> Document:
    return Document(TEMPLATES.render(page, locale=locale, **(COMMON | facts)))


def test_every_page_has_an_example() -> None:
    pages = {path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.html")}
    pages = {page for page in pages if not page.startswith(("parts/", "email/"))} - NOT_PAGES

    assert pages == set(PAGES)


@pytest.mark.parametrize("locale", TEMPLATES.locales)
@pytest.mark.parametrize(("page", "facts"), STATES)
def test_a_page_renders_in_every_language(page: str, facts: dict[str, object], locale: str) -> None:
    """Every element is closed, every fact is there, with a brand and without."""
    for common in (COMMON, BARE):
        document = Document(TEMPLATES.render(page, locale=locale, **(common | facts)))

        assert document.all("html")[0].attributes == {"lang": locale, "dir": "ltr"}
        assert len(document.all("h1")) == (0 if page.startswith("form_post") else 1)


@pytest.mark.parametrize(("page", "facts"), STATES)
def test_every_fact_is_escaped(page: str, facts: dict[str, object]) -> None:
    """Whatever arrives in a fact, it becomes neither a tag nor an attribute."""
    facts = COMMON | facts
    usual = [element.tag for element in Document(TEMPLATES.render(page, locale="en", **facts)).all("script")]

    for path in strings(facts):
        html = TEMPLATES.render(page, locale="en", **replaced(facts, path, PAYLOAD))
        document = Document(html)

        assert [element.tag for element in document.all("script")] == usual, path
        assert not any(name.startswith("on") for element in document.elements for name in element.attributes), path


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "java\tscript:x"])
def test_an_address_that_could_run_or_deceive_is_not_linked(address: str) -> None:
    for page, facts in STATES:
        for path in strings(facts):
            if path[-1] != "action":
                links = read(page, **replaced(facts, path, address)).all("a")

                assert address not in [link.attributes["href"] for link in links], path


@pytest.mark.parametrize(("page", "ids"), IDS.items())
def test_the_controls_of_the_page_contract_are_there(page: str, ids: str) -> None:
    document = read(page, **PAGES[page][0])

    for wanted in ids.split():
        element = document.by_id(wanted)
        assert element is not None, wanted
        if element.tag in ("input", "button") and wanted != "form-post-submit":
            assert element.attributes["name"] == wanted


@pytest.mark.parametrize("page", PAGES)
def test_title_and_page_name_are_the_same_in_all_states(page: str) -> None:
    name, title = TITLES[page]

    for facts in PAGES[page]:
        document = read(page, **facts)
        assert document.all("title")[0].text == title
        assert read(page, "de", **facts).all("body")[0].attributes == {"data-page": name}


@pytest.mark.parametrize("locale", TEMPLATES.locales)
def test_no_two_pages_share_a_title(locale: str) -> None:
    titles = [read(page, locale, **states[0]).all("title")[0].text for page, states in PAGES.items()]

    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize(("page", "facts"), STATES)
def test_pages_carry_no_script_and_no_style_of_their_own(page: str, facts: dict[str, object]) -> None:
    """The content security policy forbids them; form_post has the one script with a nonce."""
    document = read(page, **facts)

    assert not document.all("style")
    assert not [element for element in document.elements if "style" in element.attributes]
    expected = ["nonce-of-this-answer"] if page.startswith("form_post") else []
    assert [script.attributes["nonce"] for script in document.all("script")] == expected


@pytest.mark.parametrize(("page", "facts"), STATES)
def test_every_visible_field_has_a_label_and_every_description_exists(page: str, facts: dict[str, object]) -> None:
    document = read(page, **facts)
    labels = {label.attributes["for"] for label in document.all("label")}

    for field in document.all("input"):
        assert field.attributes["type"] == "hidden" or field.attributes["id"] in labels
    for element in document.elements:
        for name in ("aria-describedby", "aria-labelledby"):
            for wanted in element.attributes.get(name, "").split():
                assert document.by_id(wanted) is not None, wanted
    assert all("alt" in image.attributes for image in document.all("img"))


@pytest.mark.parametrize(("page", "facts"), STATES)
def test_forms_post_and_carry_the_token_against_forgery(page: str, facts: dict[str, object]) -> None:
    document = read(page, **facts)
    tokens = [field.attributes["value"] for field in document.all("input") if field.attributes["name"] == "csrf"]

    for form in document.all("form"):
        assert form.attributes["method"] == "post"
        assert form.attributes["action"] == facts["action"]
    assert tokens == (["csrf-token"] if document.all("form") and not page.startswith("form_post") else [])


def test_sign_in_lets_password_managers_and_passkeys_help() -> None:
    document = read("login/login.html", **LOGIN)

    assert document.by_id("username").attributes["autocomplete"] == "username webauthn"
    assert document.by_id("password").attributes["autocomplete"] == "current-password"


@pytest.mark.parametrize(("username", "focused"), [("", "username"), ("anna", "password")])
def test_the_first_field_left_to_fill_in_is_focused(username: str, focused: str) -> None:
    document = read("login/login.html", **(LOGIN | {"username": username}))

    assert [e.attributes["id"] for e in document.elements if "autofocus" in e.attributes] == [focused]


def test_an_error_is_announced_and_tied_to_its_fields() -> None:
    document = read("login/login.html", **(LOGIN | {"error": "wrong_credentials", "username": "anna"}))

    assert document.by_id("login-error").attributes["role"] == "alert"
    for field in ("username", "password"):
        assert document.by_id(field).attributes["aria-describedby"] == "login-error"
        assert document.by_id(field).attributes["aria-invalid"] == "true"


def test_the_enter_key_signs_in_and_does_not_cancel() -> None:
    """A browser presses the first submit button of the form."""
    buttons = read("login/login.html", **LOGIN).all("button")

    assert [button.attributes["id"] for button in buttons] == ["login-submit", "login-cancel"]
    assert "formnovalidate" in buttons[1].attributes


def test_the_error_code_stands_alone() -> None:
    document = read("error/error.html", **PAGES["error/error.html"][0])

    assert document.by_id("error-code").text == "invalid_request"
    assert document.by_id("error-reference").text == "01JD7Q9K"


@pytest.mark.parametrize("page", ["login/login.html", "accounts/accounts.html", "consent/consent.html"])
def test_a_client_that_registered_itself_is_shown_as_unverified(page: str) -> None:
    facts = PAGES[page][0]

    document = read(page, **(facts | {"client": facts["client"] | {"self_registered": True}}))

    assert "Unverified" in document.by_id("client-unverified").text
    assert "books.example" in document.by_id("client-unverified").text


def test_the_answer_form_sends_nothing_but_the_answer() -> None:
    """Form Post Response Mode §2: the parameters of the answer, and no other control with a name."""
    document = read("form_post/form_post.html", **PAGES["form_post/form_post.html"][0])

    named = [element.attributes["name"] for element in document.elements if element.tag in ("input", "button")
             and "name" in element.attributes]  # fmt: skip
    assert named == ["code", "state"]


def test_a_missing_fact_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        read("login/login.html", **{name: fact for name, fact in LOGIN.items() if name != "client"})


def test_facts_may_be_objects_too() -> None:
    @dataclass(frozen=True)
    class Account:
        name: str | None
        label: str

    document = read("account/home.html", account=Account(name=None, label="anna"))

    assert document.all("h1")[0].text == "anna"


def test_an_issuer_with_a_path_has_its_pages_below_that_path() -> None:
    templates = type(TEMPLATES)(SOURCE, asset_versions={"style.css": "abc", "icon.svg": "abc"}, base="/id")

    html = templates.render("account/home.html", locale="en", **COMMON, account=None)

    assert 'href="/id/static/style.css?v=abc"' in html
    assert 'href="/id/account/sign-in"' in html


def test_no_template_turns_escaping_off() -> None:
    """`safe` stands only behind a literal, which adds an attribute."""
    for path in SOURCE.rglob("*.html"):
        for line in path.read_text().splitlines():
            assert "autoescape" not in line
            assert "| safe" not in line or "' | safe" in line, path
