"""What every hosted page keeps: its ids, its title, escaping, and a form that works without script and sight."""

import re
from dataclasses import dataclass
from html import unescape

import pytest
from babel.core import Locale
from jinja2 import UndefinedError

from idp.domain.event import EventKind
from idp.domain.refusal import Refusal
from idp.resources import folder
from tests.templating.examples import (
    ASSETS,
    BARE,
    COMMON,
    FACTOR_ERRORS,
    LINKS,
    LOGIN,
    LOGIN_ERRORS,
    NOTICES,
    OWN,
    PAGES,
    PASSWORD_ERRORS,
    PROFILE,
    STATES,
    TOTP,
    WHYS,
    Document,
    make_templates,
    replaced,
    strings,
)

TEMPLATES = make_templates()
PAYLOAD = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"
SOURCE = folder("templates")
NOT_PAGES = {
    "layout.html",
    "account/frame.html",
    "admin/frame.html",
    "login/errors.html",
    *(f"{room}/words.html" for room in ("account", "consent", "error", "recovery", "step_up")),
}
#: Facts that only the provider itself writes: addresses of its own pages, a drawing, names of languages.
OUR_OWN = {"action", "path", "console", "back", "forgot", "signup", "lost", "onward", "uri"}
CHECKED = {"qr", "drawing", "locales"}  # anything else than a drawing or a language is an error
#: Two faces of one page, or the same words for the same thing on the way in and in the account.
SAME_TITLE = {"device/consent.html", "step_up/choices.html", "signup/link.html", "enrol/codes.html"}
#: What no person ever meets with this name: links have a page that says so, what is asked for again is a new sign-in.
WITHOUT_WORDS = {Refusal.LINK_SPENT}
NOT_OF_A_PERSON = {
    EventKind.CLIENT_CHANGED,
    EventKind.CLIENT_TESTED,
    EventKind.CLIENT_REFUSED,
    EventKind.UPSTREAM_CHANGED,
    EventKind.UPSTREAM_REFUSED,
    EventKind.REGISTRATION_TOKEN_CHANGED,
    EventKind.KEY_ROTATED,
    EventKind.KEY_REVOKED,
    EventKind.SIGN_UP_STARTED,
    EventKind.INVITED,
    EventKind.ACCOUNT_DELETED,
    EventKind.POLICY_CHANGED,
    EventKind.POLICY_REVERTED,
    EventKind.DRAFT_APPROVED,
    EventKind.DRAFT_REMOVED,
    EventKind.EVENTS_REMOVED,
    EventKind.TRAIL_RESTARTED,
    EventKind.ADMIN_REFUSED,
    EventKind.MESSAGE_CHANGED,
    EventKind.WEBHOOK_CHANGED,
    EventKind.DEFINITION_CHANGED,
    EventKind.LOGOUT_UNDELIVERED,
}

TITLES = {
    "login/login.html": ("login", "Sign in"),
    "accounts/accounts.html": ("accounts", "Choose an account"),
    "consent/consent.html": ("consent", "Allow access"),
    "device/device.html": ("device", "Connect a device"),
    "device/consent.html": ("consent", "Allow access"),
    "ciba/consent.html": ("ciba", "Approve a request"),
    "consent/answered.html": ("answered", "Your answer"),
    "logout/logout.html": ("logout", "Sign out"),
    "upstream/leaving.html": ("upstream-leaving", "On to the other service"),
    "upstream/new.html": ("upstream-new", "No account is linked yet"),
    "upstream/link.html": ("upstream-link", "Link your account"),
    "logout/signed_out.html": ("signed-out", "Signed out"),
    "error/error.html": ("error", "Request refused"),
    "error/notice.html": ("notice", "Please note"),
    "form_post/form_post.html": ("form-post", "Continue"),
    "admin/first_administrator.html": ("first-administrator", "First administrator"),
    "step_up/step_up.html": ("step-up", "Confirm it is you"),
    "step_up/choices.html": ("step-up", "Confirm it is you"),
    "login/new_password.html": ("new-password", "Choose a new password to go on"),
    "enrol/enrol.html": ("enrol", "Set up a second factor"),
    "enrol/codes.html": ("enrol-codes", "Recovery codes"),
    "signup/signup.html": ("signup", "Create an account"),
    "signup/code.html": ("signup-code", "Check your mail"),
    "signup/link.html": ("signup-link", "Create an account"),
    "recovery/forgot.html": ("forgot", "Forgot your password?"),
    "recovery/reset.html": ("reset", "Choose a new password"),
    "recovery/lost.html": ("lost", "Lost your second factor?"),
    "recovery/link.html": ("link", "A link from your mail"),
    "account/home.html": ("home", "Your account"),
    "account/profile.html": ("profile", "Profile"),
    "account/email.html": ("email", "Change email address"),
    "account/password.html": ("password", "Change password"),
    "account/security.html": ("security", "Security"),
    "account/sign_ins.html": ("sign-ins", "Linked sign-ins"),
    "account/factor.html": ("factor", "A way to sign in"),
    "account/totp.html": ("totp", "Add an authenticator app"),
    "account/passkey.html": ("passkey", "Add a passkey"),
    "account/phone.html": ("phone", "Codes by SMS"),
    "account/recovery_codes.html": ("recovery-codes", "Recovery codes"),
    "account/sessions.html": ("sessions", "Sessions"),
    "account/apps.html": ("apps", "Your applications"),
    "account/activity.html": ("activity", "Activity"),
    "account/why.html": ("why", "Why was I asked?"),
    "account/data.html": ("data", "Your data"),
    "account/delete.html": ("delete", "Delete my account"),
    "admin/refused.html": ("refused", "That was not done"),
    "admin/overview.html": ("overview", "Administration"),
    "admin/users.html": ("users", "People"),
    "admin/users_bulk.html": ("users-bulk", "What came of it"),
    "admin/user_new.html": ("user-new", "New person"),
    "admin/user.html": ("user", "A person"),
    "admin/user_danger.html": ("user-danger", "Are you sure?"),
    "admin/user_role.html": ("user-role", "Change role"),
    "admin/groups.html": ("groups", "Groups"),
    "admin/group_new.html": ("group-new", "New group"),
    "admin/group.html": ("group", "A group"),
    "admin/group_delete.html": ("group-delete", "Delete a group"),
    "admin/sessions.html": ("admin-sessions", "Who is signed in"),
    "admin/consents.html": ("consents", "What people allowed"),
    "admin/keys.html": ("keys", "Signing keys"),
    "admin/key_danger.html": ("key-danger", "Change signing keys"),
    "admin/messages.html": ("messages", "Messages"),
    "admin/events.html": ("events", "Events"),
    "admin/settings.html": ("settings", "Settings"),
    "admin/roles.html": ("roles", "What each role may do"),
    "admin/invitations.html": ("invitations", "Invitations"),
    "admin/registration_tokens.html": ("registration-tokens", "Registration tokens"),
    "admin/resources.html": ("resources", "Resource servers"),
    "admin/resource_form.html": ("resource-form", "A resource server"),
    "admin/resource_delete.html": ("resource-delete", "Delete a resource server"),
    "admin/webhooks.html": ("webhooks", "Webhooks"),
    "admin/upstreams.html": ("upstreams", "Sign-in with others"),
    "admin/upstream.html": ("upstream", "Another provider"),
    "admin/upstream_form.html": ("upstream-form", "Settings of another provider"),
    "admin/upstream_delete.html": ("upstream-delete", "Delete another provider"),
    "admin/webhook.html": ("webhook", "A webhook"),
    "admin/webhook_form.html": ("webhook-form", "Webhook settings"),
    "admin/webhook_danger.html": ("webhook-danger", "Change a webhook"),
    "admin/clients.html": ("clients", "Clients"),
    "admin/client.html": ("client", "Client"),
    "admin/client_new.html": ("client-new", "What do you connect?"),
    "admin/client_form.html": ("client-form", "Describe the application"),
    "admin/client_made.html": ("client-made", "The application is connected"),
    "admin/client_rotate.html": ("client-rotate", "New secret"),
    "admin/client_delete.html": ("client-delete", "Delete the client"),
    "admin/client_test.html": ("client-test", "Test this client"),
    "admin/decisions.html": ("decisions", "Decisions"),
    "admin/countries.html": ("countries", "Challenges by country"),
    "admin/decision.html": ("decision", "Decision"),
    "admin/policies.html": ("policies", "Policies"),
    "admin/policy_described.html": ("policy-described", "Describe a rule"),
    "admin/policy_new.html": ("policy-new", "New version"),
    "admin/policy.html": ("policy", "A version of the policy"),
    "admin/policy_simulation.html": ("policy-simulation", "Simulation"),
    "api/reference.html": ("api-reference", "The administrators’ API"),
    "dev/mailbox.html": ("mailbox", "Development mailbox"),
}
IDS = {
    "login/login.html": "username password login-submit login-cancel passkey-submit passkey-message forgot-password"
    " sign-up client-logo client-policy client-tos",
    "accounts/accounts.html": "account-continue account-other login-cancel",
    "consent/consent.html": "consent-allow consent-deny consent-client consent-scopes consent-details",
    "device/device.html": "user-code user-code-submit device-ask",
    "device/consent.html": "consent-allow consent-deny consent-client consent-scopes shown-code approval-question",
    "ciba/consent.html": "consent-allow consent-deny consent-client consent-scopes binding-message approval-question",
    "consent/answered.html": "answered",
    "logout/logout.html": "logout-yes logout-no",
    "upstream/leaving.html": "upstream-continue",
    "account/sign_ins.html": "sign-ins-list sign-ins-back saved",
    "upstream/new.html": "upstream-link upstream-create email name upstream-back login-cancel",
    "upstream/link.html": "link-yes link-no",
    "logout/signed_out.html": "signed-out logout-continue",
    "error/error.html": "error-code error-description error-reference",
    "form_post/form_post.html": "form-post-submit",
    "admin/first_administrator.html": "email name new-password admin-submit",
    "step_up/step_up.html": "step-up-ask otp-code otp-submit remember other-method login-cancel",
    "step_up/choices.html": "lost-factor login-cancel",
    "login/new_password.html": "new-password new-password-submit login-cancel",
    "enrol/enrol.html": "enrol-webauthn enrol-totp enrol-sms_otp login-cancel",
    "enrol/codes.html": "recovery-code-list codes-kept",
    "signup/signup.html": "email name new-password signup-submit signup-back login-cancel",
    "signup/code.html": "signup-sent otp-code otp-submit otp-resend signup-back",
    "signup/link.html": "name new-password signup-submit",
    "recovery/forgot.html": "username forgot-submit forgot-back",
    "recovery/reset.html": "new-password reset-submit",
    "recovery/lost.html": "lost-start login-cancel",
    "recovery/link.html": "link-ask link-confirm",
    "account/profile.html": "change-email change-phone change-password name username profile-submit",
    "account/email.html": "email email-submit",
    "account/password.html": "new-password password-submit",
    "account/security.html": "change-password add-passkey add-totp add-phone recovery-codes saved",
    "account/factor.html": "name factor-rename factor-remove",
    "account/totp.html": "totp-secret totp-uri otp-code otp-submit",
    "account/passkey.html": "name passkey-submit passkey-message",
    "account/phone.html": "phone phone-submit",
    "account/recovery_codes.html": "recovery-code-list codes-download codes-print codes-kept",
    "account/sessions.html": "sessions-end-others",
    "account/activity.html": "activity-older",
    "account/why.html": "why outcome was-me was-not-me to-activity",
    "account/data.html": "data-download delete-account",
    "admin/users.html": "find status role group users-show users-list bulk-disable bulk-enable bulk-end_sessions older",
    "admin/user_new.html": "email email_verified username name groups invite user-create",
    "admin/user.html": "user-send-reset user-unlock user-end-sessions user-disable user-delete user-save group-add"
    " user-groups user-ways user-sessions user-consents user-events",
    "admin/user_danger.html": "typed danger-confirm danger-back",
    "admin/user_role.html": "role role-save",
    "admin/group.html": "name description group-save group-delete group-members",
    "admin/key_danger.html": "danger-confirm danger-back",
    "admin/messages.html": "state messages-show resend-m1",
    "admin/events.html": "kind user_id client_id since until events-show export-csv export-ndjson",
    "admin/invitations.html": "email name locale invitation-send",
    "admin/registration_tokens.html": "profile uses days scopes token-create token-secret",
    "admin/resources.html": "resource-new resources-list",
    "admin/resource_form.html": "identifier name scopes token_format token_alg life_seconds public open_to_all"
    " client_id resource-save resource-back",
    "admin/resource_delete.html": "danger-confirm danger-back",
    "admin/webhooks.html": "webhook-new webhooks-list",
    "admin/upstreams.html": "upstream-new upstreams-list",
    "admin/upstream.html": "upstream-change upstream-test upstream-delete upstream-redirect upstream-facts",
    "admin/upstream_form.html": "id name issuer client_id auth_method client_secret create_accounts link_by_email"
    " active upstream-save upstream-back",
    "admin/upstream_delete.html": "danger-confirm danger-back",
    "admin/webhook.html": "webhook-change webhook-test webhook-pause webhook-rotate webhook-delete webhook-secret state"
    " deliveries-show deliveries-list resend-d1",
    "admin/webhook_form.html": "name url which kinds kind-signed_in with-address webhook-save webhook-back",
    "admin/webhook_danger.html": "overlap_hours danger-confirm danger-back",
    "admin/clients.html": "find clients-find clients-list client-new clients-more",
    "admin/client.html": "client-acts client-test client-rotate client-disable client-delete client-errors client-save"
    " client-name redirect-uris scope auth-method manager manager-add snippet-generic discovery",
    "admin/client_new.html": "kind-web kind-fapi",
    "admin/client_form.html": "client-defaults client-name redirect-uris scope client-create",
    "admin/client_made.html": "client-id client-secret secret-once client-open snippet-generic",
    "admin/client_rotate.html": "rotate-confirm",
    "admin/client_delete.html": "delete-confirm",
    "admin/client_test.html": "test-steps test-code test-tokens test-id-token test-access-token test-userinfo"
    " test-begin",
    "admin/decisions.html": "person band decision decisions-show decisions-list decisions-older",
    "admin/policy_described.html": "sentence policy-describe",
    "admin/policy_new.html": "text policy-store",
    "admin/policy.html": "policy-enforce policy-revert policy-text policy-moves policy-simulation",
    "account/delete.html": "deletion-notice deletion-undo delete-confirm",
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

        direction = Locale.parse(locale).text_direction
        assert document.all("html")[0].attributes == {"lang": locale, "dir": direction}
        assert len(document.all("h1")) == (0 if page.startswith("form_post") else 1)


@pytest.mark.parametrize(("page", "facts"), STATES)
def test_every_fact_is_escaped(page: str, facts: dict[str, object]) -> None:
    """Whatever arrives in a fact, it becomes neither a tag nor an attribute."""
    facts = COMMON | facts
    usual = [element.tag for element in Document(TEMPLATES.render(page, locale="en", **facts)).all("script")]

    for path in strings(facts):
        if CHECKED & set(path):
            continue
        html = TEMPLATES.render(page, locale="en", **replaced(facts, path, PAYLOAD))
        document = Document(html)

        assert [element.tag for element in document.all("script")] == usual, path
        assert not any(name.startswith("on") for element in document.elements for name in element.attributes), path


LINK = re.compile(r"""\shref\s*=\s*["']?([^"'>]*)""")


def test_links_are_found_however_they_are_quoted() -> None:
    html = """<a href="a?b&amp;c">x</a><a class='x' href='javascript:d'>y</a><a href=e>z</a>"""

    assert [unescape(link) for link in LINK.findall(html)] == ["a?b&c", "javascript:d", "e"]


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "java\tscript:x"])
def test_an_address_that_could_run_or_deceive_is_not_linked(address: str) -> None:
    for page, facts in STATES:
        for path in strings(facts):
            if not (OUR_OWN | CHECKED) & set(path):
                html = TEMPLATES.render(page, locale="en", **(COMMON | replaced(facts, path, address)))

                # Links by their quotes alone: parsing ten thousand pages takes several times as long.
                assert address not in [unescape(link) for link in LINK.findall(html)], path


@pytest.mark.parametrize(("page", "ids"), IDS.items())
def test_the_controls_of_the_page_contract_are_there(page: str, ids: str) -> None:
    document = read(page, **PAGES[page][0])

    for wanted in ids.split():
        element = document.by_id(wanted)
        assert element is not None, wanted
        if element.tag in ("input", "button") and wanted not in ("form-post-submit", "codes-print"):
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
    titles = [
        read(page, locale, **states[0]).all("title")[0].text for page, states in PAGES.items() if page not in SAME_TITLE
    ]

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
    labels = {label.attributes.get("for") for label in document.all("label")}

    for field in (*document.all("input"), *document.all("select")):
        is_hidden = field.attributes.get("type") == "hidden"
        assert is_hidden or "label" in field.inside or field.attributes["id"] in labels
    for element in document.elements:
        for name in ("aria-describedby", "aria-labelledby"):
            for wanted in element.attributes.get(name, "").split():
                assert document.by_id(wanted) is not None, wanted
    assert all("alt" in image.attributes for image in document.all("img"))


@pytest.mark.parametrize(("page", "facts"), STATES)
def test_forms_post_and_carry_the_token_against_forgery(page: str, facts: dict[str, object]) -> None:
    document = read(page, **facts)
    tokens = [field for field in document.all("input") if field.attributes["name"] == "csrf"]

    for form in document.all("form"):
        assert form.attributes["method"] == "post"
        assert form.attributes["action"] == facts.get("action") or form.attributes["action"].startswith(
            ("/account/", "/admin/", "/upstream/")
        )
    if page.startswith("form_post"):
        assert not tokens
    else:
        assert [token.attributes["value"] for token in tokens] == ["csrf-token"] * len(document.all("form"))
        assert all("form" in token.inside for token in tokens)


@pytest.mark.parametrize("name", ["webauthn.js", "password.js", "print.js", "go_on.js"])
def test_a_script_is_a_file_of_ours_with_the_answer_s_nonce(name: str) -> None:
    document = read("login/login.html", **(LOGIN | {"scripts": (name,)}))

    assert [script.attributes for script in document.all("script")] == [
        {"type": "module", "nonce": "nonce-of-this-answer", "src": f"/static/{name}?v=abc123"}
    ]


def test_a_picture_of_a_key_is_nothing_but_paths() -> None:
    hostile = TOTP | {"shown": TOTP["shown"] | {"qr": f"<svg>{PAYLOAD}</svg>"}}

    with pytest.raises(ValueError, match="drawing"):
        read("account/totp.html", **(OWN | {"challenge": hostile}))


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

    assert [button.attributes["id"] for button in buttons] == ["login-submit", "passkey-submit", "login-cancel"]
    assert all("formnovalidate" in button.attributes for button in buttons[1:])


def said(locale: str, template: str, macro: str, *facts: object) -> str:
    return TEMPLATES.call(template, macro, *facts, locale=locale)


@pytest.mark.parametrize("locale", TEMPLATES.locales)
@pytest.mark.parametrize(
    ("template", "macro", "codes", "rest"),
    [
        ("login/errors.html", "sentence", LOGIN_ERRORS, (30,)),
        ("step_up/words.html", "refusal", FACTOR_ERRORS, ("",)),
        ("parts/password_reasons.txt", "sentence", PASSWORD_ERRORS, ()),
        ("error/words.html", "heading", NOTICES[:-1], ()),
        ("error/words.html", "advice", NOTICES[:-1], ()),
        ("account/words.html", "sentence", sorted(set(EventKind) - NOT_OF_A_PERSON), ({"factor": "totp"}, "Books")),
        ("parts/attempt.html", "sentence", WHYS[:-1], ()),
        *(("recovery/words.html", macro, LINKS[:-1], ()) for macro in ("ask", "about", "button", "done", "after")),
    ],
)
def test_every_code_has_a_sentence_that_is_not_the_fallback(
    locale: str, template: str, macro: str, codes: tuple[str, ...], rest: tuple[object, ...]
) -> None:
    fallback = said(locale, template, macro, "a_new_one", *rest)

    for code in codes:
        sentence = said(locale, template, macro, code, *rest)
        assert sentence, code
        assert sentence != fallback, code


def test_every_refusal_is_told_somewhere() -> None:
    told = {*LOGIN_ERRORS, *FACTOR_ERRORS, *PASSWORD_ERRORS}
    by_pages = {
        "email_invalid": read("account/email.html", **(PAGES["account/email.html"][1] | {"error": "email_invalid"})),
        "email_taken": read("signup/code.html", **(PAGES["signup/code.html"][0] | {"error": "email_taken"})),
        "username_invalid": read("account/profile.html", **(PROFILE | {"error": "username_invalid"})),
        "username_taken": read("account/profile.html", **(PROFILE | {"error": "username_taken"})),
        "name_invalid": read("account/factor.html", **(PAGES["account/factor.html"][0] | {"error": "name_invalid"})),
    }

    assert told | set(by_pages) >= set(Refusal) - WITHOUT_WORDS
    for code, document in by_pages.items():
        alert = next(element for element in document.elements if element.attributes.get("role") == "alert")
        assert alert.text.strip(), code
        assert "That did not work" not in alert.text, code


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

    document = read("account/home.html", **(PAGES["account/home.html"][0] | {"account": Account(None, "anna")}))

    assert document.all("h1")[0].text == "anna"


def test_an_issuer_with_a_path_has_its_pages_below_that_path() -> None:
    templates = type(TEMPLATES)(SOURCE, asset_versions=dict.fromkeys(ASSETS, "abc"), base="/id")

    html = templates.render("account/home.html", locale="en", **COMMON, account=None)

    assert 'href="/id/static/style.css?v=abc"' in html
    assert 'href="/id/account/sign-in"' in html


def test_no_template_turns_escaping_off() -> None:
    """`safe` stands only behind a literal, which adds an attribute."""
    for path in SOURCE.rglob("*.html"):
        for line in path.read_text().splitlines():
            assert "autoescape" not in line
            assert "| safe" not in line or "' | safe" in line, path
