"""Facts for the pages about other providers, in every state that changes what they say."""

from datetime import UTC, datetime
from typing import Any

Facts = dict[str, Any]

WHEN = datetime(2025, 3, 4, 15, 6, 7, tzinfo=UTC)

FORM: Facts = {"action": "/upstream/abc/new", "csrf": "csrf-token"}
CLIENT: Facts = {
    "name": "Books", "logo": None, "policy_uri": "https://books.example/privacy", "tos_uri": None,
    "host": "books.example", "self_registered": False,
}  # fmt: skip
ACCOUNT: Facts = {"name": "Anna Example", "label": "anna@example.com"}
BUTTON: Facts = {"id": "works", "name": "Works", "text": "", "logo": "/brand/upstream/works/logo"}
PLAIN: Facts = {"id": "school", "name": "School", "text": "Pupils and teachers", "logo": None}
ELSEWHERE: Facts = {"buttons": [BUTTON, PLAIN], "action": "/upstream/abc/go", "linking": None, "problem": None}
OTHERS: list[Facts] = [
    ELSEWHERE,
    ELSEWHERE | {"linking": "Works", "buttons": [PLAIN]},
    *(ELSEWHERE | {"problem": each} for each in ("cancelled", "refused", "not_fresh", "unavailable")),
]
UPSTREAM_NOTICES = ("upstream_unknown", "upstream_away", "upstream_broken")
LINK: Facts = {
    "id": "l1", "provider": "Works", "name": "anna", "linked_at": WHEN, "last_used_at": WHEN, "is_active": True,
}  # fmt: skip
SIGN_INS: list[Facts] = [
    {
        "links": [LINK, LINK | {"id": "l2", "name": "", "last_used_at": None, "is_active": False}],
        "buttons": [BUTTON, PLAIN], "problem": None, "is_saved": True,
    },
    {"links": [], "buttons": [], "problem": "unavailable"},
    {"links": [LINK], "buttons": [], "problem": None, "error": "last_way_in"},
]  # fmt: skip
NEW: Facts = FORM | {
    "client": CLIENT, "provider": "Works", "label": "anna", "may_link": True, "may_create": True, "vouched": None,
    "email": "anna@example.com", "name": "Anna", "error": None, "back": "/login/abc",
}  # fmt: skip
UPSTREAM_PAGES: dict[str, list[Facts]] = {
    "upstream/leaving.html": [{"url": "https://works.example/authorize?a=b&c=d", "name": "Works"}],
    "upstream/new.html": [
        NEW,
        NEW | {"client": None, "label": "", "vouched": "anna@example.com"},
        NEW | {"may_link": False},
        NEW | {"may_create": False},
        NEW | {"may_link": False, "may_create": False},
        *(NEW | {"error": each} for each in ("missing_fields", "email_invalid", "email_taken", "throttled", "x")),
    ],
    "upstream/link.html": [
        FORM | {"client": CLIENT, "account": ACCOUNT, "provider": "Works", "label": label} for label in ("anna", "")
    ],
}

SHOWN: Facts = {
    "id": "works", "name": "Works", "issuer": "https://works.example", "client_id": "us", "auth_method":
    "private_key_jwt", "scopes": ["openid", "email"], "button": "Staff", "logo_uri": None, "active": True,
    "create_accounts": "invited", "link_by_email": True, "trust_email": True, "domains": ["works.example"],
    "accounts": 2, "changed_at": WHEN, "redirect_uri": "https://id.example/upstream/works/callback",
}  # fmt: skip
TESTED: Facts = {"problem": None, "keys": 2}
TYPED: Facts = {
    "typed": {"id": "works", "name": "Works", "issuer": "https://works.example", "auth_method": "client_secret_post",
              "create_accounts": "on", "claims": "name = name", "active": "1"},
    "code": "", "detail": "", "faults": {}, "elsewhere": (), "now": {},
}  # fmt: skip
REFUSED: Facts = TYPED | {
    "code": "invalid", "detail": "issuer: is not public", "faults": {
        "issuer": "is not public", "claims": "has lines like: theirs = ours", "auth_method": "is one of a, b",
    },
    "elsewhere": (("version", "is long"),),
}  # fmt: skip
STALE: Facts = TYPED | {"code": "changed_meanwhile", "now": {"name": "Works Ltd", "claims": ""}}
METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt", "a_new_one")
CHOICES = ("off", "invited", "on", "a_new_one")
TABLES: Facts = {"claims": "name = name\nlocale = locale", "groups": "", "trusted_acr": "acr:2 = password totp"}


def admin_pages(console: Facts) -> dict[str, list[Facts]]:
    """Return the administrators' pages, within the frame that all of them have."""
    form = {"methods": METHODS, "choices": CHOICES, "back": "/admin/upstreams", "version": "v"}
    off = SHOWN | {"active": False, "trust_email": False, "create_accounts": "off", "link_by_email": False}
    plain = SHOWN | {"domains": [], "auth_method": "client_secret_basic"}
    return {
        "admin/upstreams.html": [
            console | {"upstreams": [SHOWN, off | {"id": "school", "name": "School"}]},
            console | {"upstreams": [], "may": ["upstreams.read"]},
        ],
        "admin/upstream.html": [
            console | {"upstream": SHOWN, "tested": None, "tables": TABLES},
            console | {"upstream": off, "tested": TESTED, "tables": dict.fromkeys(TABLES, "")},
            console | {"upstream": plain, "tested": TESTED | {"problem": "it took too long"}, "tables": TABLES},
            console | {"upstream": SHOWN, "tested": None, "tables": TABLES, "may": ["upstreams.read"]},
        ],
        "admin/upstream_form.html": [
            console | form | {"form": TYPED, "upstream": None},
            console | form | {"form": REFUSED, "upstream": SHOWN},
            console | form | {"form": STALE, "upstream": SHOWN},
        ],
        "admin/upstream_delete.html": [console | {"upstream": SHOWN, "back": "/admin/upstreams/works"}],
    }  # fmt: skip
