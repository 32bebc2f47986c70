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
