"""Facts for every page, in every state that changes what the page says."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

from idp.resources import folder
from idp.templating import Templates

Facts = dict[str, Any]

COMMON: Facts = {
    "nonce": "nonce-of-this-answer",
    "brand": {"name": "Northwind", "logo": "/brand/logo.png", "stylesheet": "/brand/style.css?client=books"},
    "request_id": "01JD7Q9K3M5N8P2R4T6V",
}
BARE: Facts = COMMON | {"brand": {"name": "Northwind", "logo": None, "stylesheet": None}, "request_id": None}
FORM: Facts = {"action": "/interaction/abc", "csrf": "csrf-token"}
CLIENT: Facts = {
    "name": "Harbour Books",
    "logo": "/brand/books.png",
    "policy_uri": "https://books.example/privacy",
    "tos_uri": "https://books.example/terms",
    "host": "books.example",
    "self_registered": False,
}
UNVERIFIED: Facts = CLIENT | {"logo": None, "policy_uri": None, "tos_uri": None, "self_registered": True}
ACCOUNT: Facts = {"name": "Anna Example", "label": "anna@example.com"}
NAMELESS: Facts = {"name": None, "label": "anna@example.com"}
MAIL: Facts = {
    "id": "m1",
    "channel": "mail",
    "to": "anna@example.com",
    "subject": "Confirm your address",
    "text": "Open http://localhost:8000/verify?token=abc to confirm.\n\n123456\n",
    "html": "<p>Open</p>",
    "sent_at": datetime(2025, 3, 4, 15, 6, 7, tzinfo=UTC),
}
LOGIN: Facts = FORM | {
    "client": CLIENT,
    "username": "",
    "error": None,
    "wait_seconds": None,
    "cancellable": True,
    "reauthentication": False,
    "account": None,
}
CONSENT: Facts = FORM | {
    "client": CLIENT,
    "account": ACCOUNT,
    "scopes": ["openid", "profile", "email", "phone", "address", "offline_access", "invoices:read", "beta"],
    "scope_texts": {"invoices:read": "Read your invoices."},
    "claims": [],
    "remembered": True,
}
# fmt: off
STANDARD_CLAIMS = [
    "name", "given_name", "family_name", "middle_name", "nickname",
    "preferred_username", "profile", "picture", "website", "email",
    "email_verified", "gender", "birthdate", "zoneinfo", "locale",
    "phone_number", "phone_number_verified", "address", "updated_at", "auth_time",
    "acr", "amr",
]
# fmt: on
ADMINISTRATOR: Facts = FORM | {"error": None, "email": "", "name": "", "account": None}
ERROR: Facts = {
    "code": "invalid_request",
    "description": "redirect_uri is missing",
    "reference": "01JD7Q9K",
    "status": 400,
}
LOGIN_ERRORS = ("wrong_credentials", "throttled", "missing_fields", "form_expired", "session_needed")
ADMINISTRATOR_ERRORS = (
    "missing_fields",
    "password_too_short",
    "password_blocked",
    "email_invalid",
    "email_taken",
    "link_spent",
)
NOTICES = (
    "interaction_expired",
    "interaction_foreign",
    "interaction_done",
    "busy",
    "not_found",
    "unavailable",
    "forbidden",
    "server_error",
)

PAGES: dict[str, list[Facts]] = {
    "login/login.html": [
        LOGIN,
        LOGIN | {"client": None, "cancellable": False, "account": ACCOUNT},
        LOGIN | {"client": UNVERIFIED, "reauthentication": True, "username": "anna", "account": ACCOUNT},
        *(LOGIN | {"error": error, "username": "anna"} for error in (*LOGIN_ERRORS, "a_new_one")),
        *(LOGIN | {"error": "throttled", "wait_seconds": seconds} for seconds in (1, 30, 120, 900)),
    ],
    "accounts/accounts.html": [
        FORM | {"client": CLIENT, "account": ACCOUNT},
        FORM | {"client": None, "account": NAMELESS},
    ],
    "consent/consent.html": [
        CONSENT,
        CONSENT | {"client": UNVERIFIED, "claims": [*STANDARD_CLAIMS, "level"], "remembered": False, "scopes": []},
    ],
    "logout/logout.html": [
        FORM | {"client": CLIENT, "account": ACCOUNT, "fields": {"state": "abc"}},
        FORM | {"client": None, "account": None, "fields": {}},
    ],
    "logout/signed_out.html": [
        {"client": CLIENT, "return_uri": "https://books.example/bye"},
        {"client": None, "return_uri": "com.example.books:/bye"},
        {"client": None, "return_uri": None},
    ],
    "error/error.html": [ERROR, ERROR | {"description": None, "status": 500}],
    "error/notice.html": [
        *({"kind": kind, "retry_uri": "/authorize?client_id=a", "reference": "01JD7Q9K"} for kind in NOTICES),
        {"kind": "busy", "retry_uri": None, "reference": None},
    ],
    "form_post/form_post.html": [{"action": "https://books.example/cb", "fields": [("code", "abc"), ("state", "x")]}],
    "admin/first_administrator.html": [
        ADMINISTRATOR,
        ADMINISTRATOR | {"account": ACCOUNT},
        *(ADMINISTRATOR | {"error": error, "email": "a@b.example"} for error in (*ADMINISTRATOR_ERRORS, "a_new_one")),
    ],
    "account/home.html": [{"account": ACCOUNT}, {"account": NAMELESS}, {"account": None}],
    "account/apps.html": [
        {"apps": [{"name": "Books", "logo": "/l.png", "host": "books.example", "login_uri": "https://books.example/"}]},
        {"apps": [{"name": "Ledger", "logo": None, "host": None, "login_uri": None}]},
        {"apps": []},
    ],
    "dev/mailbox.html": [
        {"messages": [MAIL, MAIL | {"id": "m2", "channel": "sms", "subject": None, "html": None}]},
        {"messages": []},
    ],
}
STATES = [(page, facts) for page, states in PAGES.items() for facts in states]


def make_templates() -> Templates:
    """Return the real templates of this checkout."""
    return Templates(folder("templates"), asset_versions={"style.css": "abc123", "icon.svg": "abc123"})


@dataclass
class Element:
    """A start tag, and the text that follows it until it ends."""

    tag: str
    attributes: dict[str, str]
    text: str = ""


class Document(HTMLParser):
    """The elements of a page, in order."""

    VOID = frozenset({"meta", "link", "input", "img", "br"})

    def __init__(self, html: str) -> None:
        """Read the page."""
        super().__init__()
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember an element."""
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in self.VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        """Close it, and insist that it was the innermost."""
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        """Give the text to all elements around it."""
        for element in self._open:
            element.text += data

    def all(self, tag: str) -> list[Element]:
        """Return the elements of that tag."""
        return [element for element in self.elements if element.tag == tag]

    def by_id(self, wanted: str) -> Element | None:
        """Return the one element with that id, or None; two are a fault."""
        found = [element for element in self.elements if element.attributes.get("id") == wanted]
        assert len(found) < 2, f"{wanted} stands twice"
        return found[0] if found else None


def strings(facts: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """Yield the path to every string inside the facts."""
    match facts:
        case str():
            yield path
        case dict():
            for key, value in facts.items():
                yield from strings(value, (*path, key))
        case list() | tuple():
            for index, value in enumerate(facts):
                yield from strings(value, (*path, index))
        case _:
            pass


def replaced(facts: Any, path: tuple[Any, ...], text: str) -> Any:
    """Return the facts with the string at that path exchanged."""
    if not path:
        return text
    first, *rest = path
    inner = replaced(facts[first], tuple(rest), text)
    if isinstance(facts, dict):
        return facts | {first: inner}
    return type(facts)(inner if index == first else value for index, value in enumerate(facts))
