"""Facts for every page, in every state that changes what the page says."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

from idp.domain.event import EventKind
from idp.domain.redirect_uri import UriFault
from idp.factors.totp import qr_code
from idp.policy.client_advice import Advice
from idp.policy.client_kinds import Kind, Why
from idp.resources import folder
from idp.templating import Templates
from idp.web.admin.bars import bars
from idp.web.api.reference import rooms
from tests.templating.console_examples import ALL, CONSOLE, CONSOLE_PAGES
from tests.templating.upstream_examples import LINK, OTHERS, SIGN_INS, UPSTREAM_NOTICES, UPSTREAM_PAGES, admin_pages

Facts = dict[str, Any]

COMMON: Facts = {
    "nonce": "nonce-of-this-answer",
    "brand": {"name": "Northwind", "logo": "/brand/logo.png", "stylesheet": "/brand/style.css?client=books"},
    "request_id": "01JD7Q9K3M5N8P2R4T6V",
    "scripts": (),
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
    "vouched_by": None,
}
VOUCHED: Facts = CLIENT | {
    "logo": None,
    "self_registered": True,
    "vouched_by": "agent.example",
    "is_on_this_device": False,
}
UNVERIFIED: Facts = CLIENT | {"logo": None, "policy_uri": None, "tos_uri": None, "self_registered": True}
SIGNED_OUT: Facts = {"elsewhere": None, "client": None, "return_uri": None, "goes_on": False, "frames": ()}
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
    "passkey_options": '{"challenge":"AAAA"}',
    "forgot": "/forgot/abc",
    "signup": "/signup/abc",
    "work": None,
    "work_bits": 15,
    "work_wait": 20,
    "others": None,
}
SECOND: Facts = FORM | {
    "client": CLIENT,
    "account": ACCOUNT,
    "factor": "totp",
    "destination": None,
    "has_others": True,
    "may_remember": True,
    "passkey_options": "",
    "lost": "/lost/abc",
    "why": None,
    "error": None,
    "wait_seconds": None,
}
SIGN_UP: Facts = FORM | {
    "client": CLIENT,
    "email": "",
    "name": "",
    "error": None,
    "wait_seconds": None,
    "strength_url": "/password/strength",
    "back": "/login/abc",
}
FORGOT: Facts = FORM | {
    "client": CLIENT,
    "username": "",
    "is_sent": False,
    "error": None,
    "wait_seconds": None,
    "back": "/login/abc",
}
LOST: Facts = FORM | {"client": CLIENT, "due": None, "days": 3, "back": "/step-up/abc"}
URI = "otpauth://totp/Northwind?secret=ABCDEFGH"
TOTP: Facts = {
    "credential_id": "c1",
    "shown": {"qr": qr_code(URI), "secret": "ABCD EFGH", "uri": URI},
    "destination": None,
}
ENROL: Facts = FORM | {
    "client": CLIENT,
    "account": ACCOUNT,
    "factor": None,
    "offered": ["webauthn", "totp", "sms_otp"],
    "challenge": None,
    "passkey_options": "",
    "phone": "",
    "error": None,
    "wait_seconds": None,
}
CODES = ("ABCD-EFGH", "JKLM-NPQR")
WHEN = datetime(2025, 3, 4, 15, 6, 7, tzinfo=UTC)
OWN: Facts = FORM | {
    "account": ACCOUNT,
    "error": None,
    "wait_seconds": None,
    "here": "/account",
    "deletes_at": None,
    "strength_url": "/password/strength",
}
LEAVING: Facts = OWN | {"deletes_at": WHEN, "console": "/admin"}
FACTOR: Facts = {
    "id": "c1",
    "factor": "webauthn",
    "name": "Anna's laptop",
    "created_at": WHEN,
    "last_used_at": None,
    "is_synced": True,
}
APP: Facts = {
    "id": "books",
    "name": "Books",
    "logo": "/l.png",
    "host": "books.example",
    "login_uri": "https://books.example/",
    "scopes": ("openid", "email", "invoices:read"),
    "is_allowed": True,
}
PLAIN_APP: Facts = {"id": "ledger", "name": "Ledger", "logo": None, "host": None, "login_uri": None}
PROFILE: Facts = OWN | {
    "values": dict.fromkeys(
        ("name", "given_name", "family_name", "nickname", "username", "birthdate", "website", "zoneinfo", "locale"), ""
    ),
    "locales": ("en", "ar", "de"),
    "email": "anna@example.com",
    "email_verified": True,
    "phone": None,
    "is_saved": False,
}
SECURITY: Facts = OWN | {
    "password_since": WHEN,
    "factors": [FACTOR, FACTOR | {"id": "c2", "factor": "totp", "name": "", "last_used_at": WHEN, "is_synced": False}],
    "recovery_codes": 9,
    "browsers": [({"id": "b1", "last_used_at": WHEN}, "Firefox, Windows")],
    "sms": True,
    "links": [LINK],
    "has_upstreams": True,
    "is_saved": True,
}
SESSION: Facts = {
    "id": "s1",
    "device": "Firefox, Windows",
    "address": "192.0.2.7",
    "place": "Bremen",
    "seen_at": WHEN,
    "is_this": True,
}
WHYS = ("refused", "different", "guarded", "usual", "nothing")
REASON: Facts = {
    "id": "d1",
    "at": WHEN,
    "place": "Bremen",
    "why": "different",
    "asked": ("totp", "email_otp"),
    "outcome": "passed",
    "label": None,
    "is_this_session": False,
}
WAITING = [
    {"id": "r1", "client_name": "Harbour Bank", "message": "Pay 12 to Ada", "ends_at": WHEN},
    {"id": "r2", "client_name": "Ward 7", "message": None, "ends_at": WHEN},
]
APPROVAL: Facts = {"message": "WDJB-MJHT", "address": "192.0.2.1", "place": "Bremen, Germany", "asked_at": WHEN}
DEVICE: Facts = FORM | {"account": ACCOUNT, "user_code": "", "error": None, "wait_seconds": None}
CONSENT: Facts = FORM | {
    "client": CLIENT,
    "account": ACCOUNT,
    "scopes": ["openid", "profile", "email", "phone", "address", "offline_access", "invoices:read", "beta"],
    "scope_texts": {"invoices:read": "Read your invoices."},
    "resources": [("Invoices", "https://api.example/v1")],
    "details": [("Pay 12.50 EUR to Harbour & Sons", [("actions", "initiate, status"), ("amount.fee", "0.20")])],
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
LOGIN_ERRORS = (
    "wrong_credentials", "throttled", "missing_fields", "passkey_unknown", "passkey_refused", "form_expired",
    "session_needed", "work_missing",
)  # fmt: skip
FACTOR_ERRORS = (
    "code_wrong", "code_expired", "too_many_sent", "throttled", "passkey_unknown", "passkey_taken",
    "passkey_not_allowed", "passkey_refused", "phone_invalid", "too_many", "form_expired", "last_way_in",
    "not_available", "identity_taken",
)  # fmt: skip
PASSWORD_ERRORS = (
    "password_too_short", "password_too_long", "password_invalid", "password_blocked", "password_breached",
    "password_personal", "password_guessable", "password_reused", "missing_fields",
)  # fmt: skip
FACTORS = ("webauthn", "totp", "sms_otp", "email_otp", "recovery_code")
LINKS = ("secure", "lost-confirm", "lost-cancel", "undo-email", "keep-account")
ADMINISTRATOR_ERRORS = (
    "missing_fields",
    "password_too_short",
    "password_blocked",
    "email_invalid",
    "email_taken",
    "link_spent",
)
NOTICES = (
    *UPSTREAM_NOTICES,
    "interaction_expired",
    "interaction_foreign",
    "interaction_done",
    "interaction_refused",
    "request_over",
    "busy",
    "link_spent",
    "address_taken",
    "not_found",
    "unavailable",
    "forbidden",
    "server_error",
)

CLIENTS: Facts = CONSOLE | {"here": "/admin/clients", "may": ["clients.read", "clients.write", "roles.grant"]}
READING: Facts = CLIENTS | {"may": ["clients.read"]}
SHOWN_CLIENT: Facts = {
    "id": "c-books",
    "path_name": "c-books",
    "name": "Harbour Books",
    "profile": "oauth21",
    "active": True,
    "self_registered": False,
    "version": "v1",
}
SNIPPET: Facts = {"name": "authlib", "title": "Authlib", "text": "x = 1\n", "callback": "", "is_registered": True}
CONNECTION: Facts = {
    "discovery": "https://id.example/.well-known/openid-configuration",
    "snippets": [
        SNIPPET,
        SNIPPET | {"name": "grafana", "callback": "https://books.example/login/generic_oauth", "is_registered": False},
        SNIPPET | {"name": "generic", "title": ""},
    ],
    "left_out": ["Grafana"],
}
TYPED: Facts = {
    "typed": {
        "client-name": "Harbour Books",
        "auth-method": "none",
        "grant-code": "1",
        "redirect-uris": "https://a.b/",
    },
    "code": "",
    "detail": "",
    "faults": {},
    "uris": {},
    "elsewhere": (),
    "now": {},
}
URI_FAULTS = tuple(each.value for each in UriFault)
REFUSED_CLIENT: Facts = TYPED | {
    "code": "invalid",
    "detail": "x",
    "faults": {"client-name": "is empty", "jwks": "no JSON", "manager": "nobody", "grant-code": "at least one"},
    "uris": {"redirect-uris": [("http://far.example/", code) for code in (*URI_FAULTS, "a_new_one")]},
    "elsewhere": (("metadata", "contradicts itself"),),
}
STALE_CLIENT: Facts = TYPED | {
    "code": "changed_meanwhile",
    "now": {"client-name": "Theirs", "redirect-uris": "", "scope": ""},
}
KIND: Facts = {
    "kind": "web",
    "profile": "oauth21",
    "auth_methods": ["client_secret_basic", "private_key_jwt"],
    "has_redirects": True,
    "has_origins": True,
    "why": [*(each.value for each in Why), "a_new_one"],
    "metadata": {"grant_types": ["authorization_code"], "token_endpoint_auth_method": "none"},
}
MACHINE_KIND: Facts = KIND | {"kind": "machine", "auth_methods": ["none"], "has_redirects": False, "has_origins": False}
FINANCIAL_KIND: Facts = KIND | {"kind": "fapi", "profile": "fapi2"}
CLIENT_ERRORS: Facts = {
    "found": [
        {"reason": "invalid_grant", "refused_by": check, "count": 3, "last_at": WHEN, "advice": advice}
        for check, advice in (
            ("check_verifier", "verifier"),
            *((None, each.value) for each in Advice),
            (None, "a_new_one"),
        )
    ],
    "is_all": False,
}
CLIENT_PAGE: Facts = CLIENTS | {
    "client": SHOWN_CLIENT,
    "form": TYPED,
    "version": "v1",
    "hosts": ["books.example"],
    "errors": CLIENT_ERRORS,
    "managers": [{"id": "u1", "label": "anna@example.com"}],
    "connection": CONNECTION,
    "may_first_party": True,
    "methods": ["none", "client_secret_basic"],
    "profiles": ["oauth21"],
    "formats": ("jwt", "opaque"),
    "has_secret": True,
    "can_sign_in": True,
    "has_certificates": True,
}
TESTED: Facts = {
    "request": [("client_id", "c-books"), ("state", "••••")],
    "error": None,
    "description": None,
    "advice": None,
    "method": "client_secret_basic",
    "demands": [],
    "tokens": "{}",
    "id_token": "{}",
    "access_token": "{}",
    "userinfo": "{}",
}
FAILED_TEST: Facts = TESTED | {
    "error": "access_denied",
    "description": "no",
    "advice": "person_said_no",
    "tokens": None,
}
DESCRIBING: Facts = CONSOLE | {"model": None, "longest": 500}
PROPOSAL: Facts = {"rule": "[[rule]]", "text": "schema = 1", "is_fit": True, "model": None}
DESCRIBED: Facts = {
    "proposal": PROPOSAL,
    "findings": ("warning tor: covered",),
    "changes": ("+ rule tor",),
    "past": {"lines": ("30 days",)},
    "not_understood": (),
    "why": "",
}
DECISION: Facts = {
    "id": "06ba7d",
    "event": "login",
    "client_id": "books",
    "decided_at": WHEN,
    "decision": "step_up",
    "band": "medium",
    "score": 52,
    "policy": "sha256:12",
    "record": '{"v":1}',
    "digest": "12",
    "advice": {"payload": '{"v":1}', "answer": "{}"},
    "outcome": "passed",
    "outcome_at": WHEN,
    "label": "attack",
    "labelled_at": WHEN,
}
BARE_DECISION: Facts = DECISION | {"outcome": None, "label": None, "advice": None, "client_id": None}
RULES = [
    {"id": "medium", "matched": True, "mode": "enforce", "because": "", "unknown": ["net.country"]},
    {"id": "high", "matched": False, "mode": "", "because": "risk.band medium < high", "unknown": []},
]
EXPLAINED: Facts = {
    "acr": "loa:2",
    "local": "52",
    "floors": [("LIST_TOR", "medium")],
    "rules": RULES,
    "unknown": ["net.country"],
    "facts": [("risk.band", "medium")],
    "said": [("satisfied_by", "totp")],
    "adviser": [("mode", "shadow")],
    "engine": [("engine", "ndl-1")],
    "replays": True,
    "change": [("risk.band", "low")],
    "is_challenge": True,
}
BAR = bars([2.3])[0]
PARTS: Facts = {
    "rows": [{"code": "DEV_NO_COOKIE", "nats": "+2.30", "drawing": BAR}],
    "against": "+2.30",
    "owner": "+0.00",
    "sum": "+2.30",
    "drawing": BAR,
}
SEEN: Facts = CONSOLE | {
    "second": None,
    "stored": DECISION,
    "person": "anna@example.com",
    "explained": EXPLAINED,
    "parts": PARTS,
    "taught": "{}",
    "advice": [("state", "ok")],
    "labelled_by": "root@example.com",
    "was_labelled": False,
}
VERSION: Facts = {"version": 2, "state": "canary", "share": 10, "text": "schema = 1", "changed_at": WHEN}
MOVE: Facts = {"change": {"state": "canary", "at": WHEN, "why": "v1 is canary"}, "by": "root@example.com"}
QUIET_MOVE: Facts = MOVE | {"change": MOVE["change"] | {"why": ""}}
POLICY: Facts = CONSOLE | {
    "view": {
        "stored": VERSION,
        "active": "file",
        "findings": ["3: medium: covered by strict"],
        "changes": ["! medium: removed (weakens)"],
        "moves": [MOVE, QUIET_MOVE],
        "is_readable": True,
        "steps": ("enforce", "revert"),
    },
    "refused": (),
    "may_override": False,
    "is_raced": False,
}
FRESH_VERSION: Facts = POLICY["view"] | {
    "stored": VERSION | {"state": "draft", "share": 0},
    "findings": [],
    "changes": [],
    "is_readable": False,
    "steps": ("shadow", "canary", "enforce"),
}

PAGES: dict[str, list[Facts]] = {
    "login/login.html": [
        LOGIN,
        LOGIN | {"client": None, "cancellable": False, "account": ACCOUNT},
        LOGIN | {"client": UNVERIFIED, "reauthentication": True, "username": "anna", "account": ACCOUNT},
        LOGIN | {"client": VOUCHED},
        LOGIN | {"signup": None},
        *(LOGIN | {"others": each} for each in OTHERS),
        *(LOGIN | {"error": error, "username": "anna"} for error in (*LOGIN_ERRORS, "a_new_one")),
        LOGIN | {"error": "work_missing", "username": "anna", "work": "1796000000.salt.tag"},
        *(LOGIN | {"error": "throttled", "wait_seconds": seconds} for seconds in (1, 30, 120, 900)),
    ],
    "login/new_password.html": [
        FORM
        | {
            "client": client,
            "account": account,
            "error": error,
            "is_breached": is_breached,
            "minimum": minimum,
            "strength_url": "/password/strength",
        }
        for client, account, error, is_breached, minimum in (
            (CLIENT, ACCOUNT, None, True, 15),
            (None, None, None, False, 8),
            *((UNVERIFIED, ACCOUNT, error, True, 15) for error in (*PASSWORD_ERRORS, "a_new_one")),
        )
    ],
    "accounts/accounts.html": [
        FORM | {"client": CLIENT, "account": ACCOUNT},
        FORM | {"client": None, "account": NAMELESS},
    ],
    "consent/consent.html": [
        CONSENT,
        CONSENT | {"client": UNVERIFIED, "claims": [*STANDARD_CLAIMS, "level"], "remembered": False, "scopes": []},
        CONSENT | {"client": VOUCHED, "remembered": False},
        CONSENT | {"client": VOUCHED | {"is_on_this_device": True}, "remembered": False},
    ],
    "device/consent.html": [
        CONSENT | {"approval": APPROVAL, "remembered": False},
        CONSENT | {"approval": APPROVAL | {"place": ""}, "client": UNVERIFIED | {"host": ""}, "remembered": False},
    ],
    "ciba/consent.html": [
        CONSENT | {"approval": APPROVAL | {"message": "Pay 12 to Ada"}, "remembered": False},
        CONSENT | {"approval": APPROVAL | {"message": None, "place": ""}, "remembered": False},
    ],
    "consent/answered.html": [
        {"outcome": outcome, "channel": channel}
        for outcome in ("allowed", "denied", "late")
        for channel in ("device", "ciba")
    ],
    "device/device.html": [
        DEVICE,
        DEVICE | {"user_code": "WDJB-MJHT"},
        DEVICE | {"user_code": "WDJB", "error": "code_wrong"},
        DEVICE | {"error": "throttled", "wait_seconds": 600},
    ],
    "logout/logout.html": [
        FORM | {"client": CLIENT, "account": ACCOUNT, "fields": {"state": "abc"}},
        FORM | {"client": None, "account": None, "fields": {}},
    ],
    "logout/signed_out.html": [
        SIGNED_OUT | {"client": CLIENT, "return_uri": "https://books.example/bye"},
        SIGNED_OUT | {"return_uri": "com.example.books:/bye"},
        SIGNED_OUT | {"elsewhere": "Works"},
        SIGNED_OUT | {"frames": ["https://films.example/out?a=1&iss=https%3A%2F%2Fid.example&sid=abc"]},
        SIGNED_OUT
        | {
            "client": CLIENT,
            "return_uri": "https://books.example/bye?state=a",
            "goes_on": True,
            "frames": ["https://books.example/out?iss=https%3A%2F%2Fid.example&sid=abc", "https://films.example/out"],
        },
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
    "admin/clients.html": [
        CLIENTS | {"rows": [{"client": SHOWN_CLIENT, "hosts": ["books.example"]}], "find": "Har", "more": "cursor=x"},
        READING
        | {"rows": [{"client": SHOWN_CLIENT | {"active": False, "self_registered": True}, "hosts": []}]}
        | {"find": "", "more": None},
        CLIENTS | {"rows": [], "find": "", "more": None},
    ],
    "admin/client.html": [
        CLIENT_PAGE,
        CLIENT_PAGE | {"form": REFUSED_CLIENT, "managers": [], "errors": {"found": [], "is_all": True}},
        CLIENT_PAGE | {"form": STALE_CLIENT, "has_secret": False, "can_sign_in": False},
        CLIENT_PAGE | {"form": TYPED | {"code": "forbidden", "detail": "administrators only"}},
        CLIENT_PAGE
        | {"may": ["clients.read"], "may_first_party": False, "connection": CONNECTION | {"left_out": []}}
        | {"client": SHOWN_CLIENT | {"active": False, "self_registered": True}},
        CLIENT_PAGE | {"client": SHOWN_CLIENT | {"active": False}, "has_certificates": False},
    ],
    "admin/client_new.html": [
        CLIENTS | {"kinds": [KIND | {"kind": each.value} for each in Kind]},
        CLIENTS | {"kinds": [KIND | {"kind": "a_new_one"}]},
    ],
    "admin/client_form.html": [
        CLIENTS
        | {"kind": KIND, "form": form, "form_id": "f1", "may_first_party": True, "has_refresh": True}
        | {"needs_key": False}
        for form in (TYPED, REFUSED_CLIENT, STALE_CLIENT)
    ]
    + [
        CLIENTS
        | {"kind": MACHINE_KIND, "form": TYPED, "form_id": "f1", "may_first_party": False, "has_refresh": False}
        | {"needs_key": False},
        *(
            CLIENTS
            | {"kind": FINANCIAL_KIND | {"auth_methods": methods}, "form": TYPED, "form_id": "f1", "needs_key": True}
            | {"may_first_party": True, "has_refresh": True}
            for methods in (["private_key_jwt"], ["private_key_jwt", "tls_client_auth"])
        ),
    ],
    "admin/client_made.html": [
        CLIENTS | {"client": SHOWN_CLIENT, "secret": "shown-once", "was_shown": False, "connection": CONNECTION},
        CLIENTS | {"client": SHOWN_CLIENT, "secret": None, "was_shown": False, "connection": CONNECTION},
        CLIENTS | {"client": SHOWN_CLIENT, "secret": None, "was_shown": True, "connection": CONNECTION},
    ],
    "admin/client_rotate.html": [CLIENTS | {"client": SHOWN_CLIENT}],
    "admin/client_delete.html": [CLIENTS | {"client": SHOWN_CLIENT}],
    "admin/client_test.html": [
        CLIENTS | {"client": SHOWN_CLIENT, "ended": TESTED, "is_over": False},
        CLIENTS | {"client": SHOWN_CLIENT, "ended": FAILED_TEST, "is_over": False},
        CLIENTS | {"client": SHOWN_CLIENT, "ended": TESTED | {"demands": ["PAR", "DPoP"]}, "is_over": False},
        CLIENTS
        | {"client": SHOWN_CLIENT, "is_over": False}
        | {"ended": TESTED | {"id_token": None, "access_token": None, "userinfo": None}},
        CLIENTS | {"client": SHOWN_CLIENT, "ended": None, "is_over": True},
        CLIENTS | {"client": SHOWN_CLIENT, "ended": None, "is_over": False},
    ],
    "admin/decisions.html": [
        CONSOLE
        | {"lines": [{"stored": each, "person": "anna@example.com"} for each in (DECISION, BARE_DECISION)]}
        | {"person": "anna", "band": "low", "decision": "deny", "bands": ("low",), "decisions": ("deny",)}
        | {"older": "before=06ba7d"},
        CONSOLE
        | {"lines": [], "person": "", "band": None, "decision": None, "bands": (), "decisions": (), "older": None},
    ],
    "admin/countries.html": [
        CONSOLE | {"rows": [("NZ", "4", "25 % (1)", "0 % (0)"), (None, "1", "0 %", "0 %")], "most": "20000"},
        CONSOLE | {"rows": [], "most": "20000"},
    ],
    "admin/decision.html": [
        SEEN,
        SEEN | {"stored": BARE_DECISION, "taught": "", "was_labelled": True},
        SEEN | {"stored": DECISION | {"advice": {"payload": "{}", "answer": None}}},
        SEEN | {"explained": EXPLAINED | {"replays": None, "change": None, "floors": [], "unknown": []}},
        SEEN | {"explained": EXPLAINED | {"replays": False, "change": []}},
        SEEN | {"explained": None, "parts": None},
        SEEN | {"second": {"why": "nothing of this person was learnt before", "parts": ()}},
        SEEN
        | {"second": {"why": "", "others": 310, "own_rank": "96 %", "rank": "81 %", "parts": [("FREEMAN_USER", "1")]}},
    ],
    "admin/policies.html": [
        DESCRIBING
        | {"active": "v2", "adviser": [("breaker", "closed")]}
        | {"versions": [{"stored": VERSION, "moved": move} for move in (MOVE, QUIET_MOVE, None)]},
        DESCRIBING | {"active": "file", "versions": [], "adviser": (), "model": "gpt"},
    ],
    "admin/policy_described.html": [
        DESCRIBING | {"sentence": "", "found": None},
        DESCRIBING | {"sentence": "deny tor", "found": DESCRIBED},
        DESCRIBING | {"sentence": "deny tor", "found": DESCRIBED | {"proposal": PROPOSAL | {"model": "gpt"}}},
        DESCRIBING
        | {"sentence": "deny tor and tea", "model": "gpt"}
        | {"found": DESCRIBED | {"proposal": PROPOSAL | {"is_fit": False}, "not_understood": ("tea",)}},
        DESCRIBING | {"sentence": "tea", "found": {"proposal": None, "not_understood": ("tea",), "why": "no rule"}},
        DESCRIBING | {"sentence": "the", "found": {"proposal": None, "not_understood": (), "why": ""}},
    ],
    "admin/policy_new.html": [
        CONSOLE | {"text": "", "faults": ()},
        CONSOLE | {"text": "schema = 2", "faults": ("1: schema: 1 is the only one",)},
    ],
    "admin/policy.html": [
        POLICY,
        POLICY | {"view": FRESH_VERSION, "refused": ("3 people could not sign in",), "may_override": True},
        POLICY | {"is_raced": True},
    ],
    "admin/policy_simulation.html": [
        CONSOLE | {"version": 2, "report": {"lines": ("30 days",), "damaged": damaged, "is_cut": bool(damaged)}}
        for damaged in (0, 3)
    ],
    "step_up/step_up.html": [
        SECOND,
        *(SECOND | {"factor": factor, "destination": "a•••@example.com", "error": "code_wrong"} for factor in FACTORS),
        SECOND | {"factor": "sms_otp", "client": None, "account": None, "error": "too_many_sent", "has_others": False},
        SECOND | {"why": "d1"},
        SECOND | {"factor": "webauthn", "passkey_options": "{}", "may_remember": False, "lost": None},
        *(SECOND | {"error": error} for error in (*FACTOR_ERRORS, "a_new_one")),
    ],
    "step_up/choices.html": [
        SECOND | {"factors": list(FACTORS)},
        SECOND | {"factors": ["totp", "password"], "client": None, "account": None, "lost": None},
    ],
    "enrol/enrol.html": [
        ENROL,
        ENROL | {"factor": "webauthn", "passkey_options": "{}", "error": "passkey_taken", "client": None},
        ENROL | {"factor": "totp", "challenge": TOTP, "account": None},
        ENROL | {"factor": "totp", "challenge": TOTP, "error": "code_wrong"},
        ENROL | {"factor": "sms_otp", "error": "phone_invalid", "phone": "0151"},
        ENROL | {"factor": "sms_otp", "challenge": TOTP | {"destination": "+49 151 1"}, "phone": "+49 151 1"},
    ],
    "enrol/codes.html": [{"client": CLIENT, "codes": CODES, "csrf": "csrf-token", "onward": "/login/abc"}],
    "signup/signup.html": [
        SIGN_UP,
        SIGN_UP | {"client": UNVERIFIED},
        *(
            SIGN_UP | {"error": error, "email": "a@b.example", "name": "Anna", "client": None, "wait_seconds": 30}
            for error in (*PASSWORD_ERRORS, "email_invalid", "too_many_sent", "throttled", "a_new_one")
        ),
    ],
    "signup/code.html": [
        SIGN_UP | {"email": "anna@example.com"},
        *(SIGN_UP | {"email": "anna@example.com", "error": error} for error in ("code_wrong", "email_taken")),
    ],
    "signup/link.html": [
        SIGN_UP | {"email": "anna@example.com", "name": "Anna", "is_same_browser": False},
        SIGN_UP | {"email": "anna@example.com", "is_same_browser": False, "error": "missing_fields"},
        SIGN_UP | {"email": "anna@example.com", "is_same_browser": True},
    ],
    "recovery/forgot.html": [
        FORGOT,
        FORGOT | {"client": None, "error": "missing_fields"},
        FORGOT | {"username": "anna", "error": "throttled", "wait_seconds": 30},
        FORGOT | {"is_sent": True},
    ],
    "recovery/reset.html": [
        *(FORM | {"error": error, "strength_url": "/password/strength"} for error in (None, *PASSWORD_ERRORS)),
        FORM
        | {"error": "password_blocked", "strength_url": "/password/strength"}
        | {"guidance": {"password_blocked": "Choose four words."}},
    ],
    "recovery/lost.html": [LOST, LOST | {"days": 1, "client": None}, LOST | {"due": WHEN}],
    "recovery/link.html": [FORM | {"kind": kind, "is_done": is_done} for kind in LINKS for is_done in (False, True)],
    "account/home.html": [
        OWN | {"sessions": 2, "second_factors": 1, "waiting": []},
        OWN | {"sessions": 2, "second_factors": 1, "waiting": WAITING},
        OWN | {"sessions": 1, "second_factors": 1, "waiting": WAITING[:1]},
        LEAVING | {"account": NAMELESS, "sessions": 1, "second_factors": 0, "waiting": []},
        {"account": None},
    ],
    "account/profile.html": [
        PROFILE,
        PROFILE | {"values": dict.fromkeys(PROFILE["values"], "x") | {"locale": "de"}, "is_saved": True},
        *(
            PROFILE | {"error": error, "email": None}
            for error in ("username_taken", "username_invalid", "name_invalid")
        ),
        PROFILE | {"email_verified": False, "phone": "+49 151 1"},
    ],
    "account/email.html": [
        OWN | {"email": "anna@example.com", "typed": "", "sent_to": None},
        OWN | {"email": None, "typed": "anna", "sent_to": None, "error": "email_invalid"},
        OWN | {"email": "anna@example.com", "typed": "", "sent_to": "new@example.com"},
        OWN | {"email": "anna@example.com", "typed": "", "sent_to": "new@example.com", "error": "code_wrong"},
    ],
    "account/password.html": [
        *(OWN | {"minimum": minimum} for minimum in (8, 15)),
        *(OWN | {"minimum": 15, "error": error} for error in (*PASSWORD_ERRORS, "password_new_one")),
    ],
    "account/sign_ins.html": [OWN | each for each in SIGN_INS],
    "account/security.html": [
        SECURITY,
        SECURITY
        | {
            "password_since": None,
            "factors": [],
            "recovery_codes": 0,
            "browsers": [],
            "sms": False,
            "is_saved": False,
            "links": [],
        },
    ],
    "account/factor.html": [
        OWN | {"factor": FACTOR},
        OWN | {"factor": FACTOR | {"last_used_at": WHEN}, "error": "name_invalid"},
        OWN | {"factor": FACTOR | {"factor": "sms_otp", "name": "+49 ••• 1"}, "error": "last_way_in"},
    ],
    "account/totp.html": [
        OWN | {"challenge": TOTP},
        OWN | {"challenge": TOTP, "error": "code_wrong"},
        OWN | {"challenge": None, "error": "too_many"},
    ],
    "account/passkey.html": [
        OWN | {"passkey_options": "{}", "name": "Firefox, Windows"},
        OWN | {"passkey_options": "", "name": "", "error": "too_many"},
    ],
    "account/phone.html": [
        OWN | {"sent_to": "", "phone": ""},
        OWN | {"sent_to": "", "phone": "0151", "error": "phone_invalid"},
        OWN | {"sent_to": "+49 151 1", "phone": "+49 151 1", "error": "code_wrong"},
    ],
    "account/recovery_codes.html": [
        OWN | {"codes": CODES, "left": 2},
        *(OWN | {"codes": (), "left": left} for left in (0, 1, 10)),
    ],
    "account/sessions.html": [
        OWN | {"sessions": [SESSION, SESSION | {"id": "s2", "is_this": False, "address": ""}], "is_saved": True},
        OWN | {"sessions": [SESSION], "is_saved": False},
    ],
    "account/apps.html": [
        OWN | {"apps": [APP, PLAIN_APP | {"scopes": (), "is_allowed": True}], "is_saved": False},
        OWN | {"apps": [PLAIN_APP | {"scopes": (), "is_allowed": False}], "is_saved": False},
        OWN | {"apps": [], "is_saved": True},
    ],
    "account/activity.html": [
        OWN
        | {
            "events": [
                (
                    {"kind": kind, "detail": {"factor": "totp", "decision": "d1"}, "at": WHEN, "address": address},
                    client,
                    "Bremen",
                )
                for kind in (*(each.value for each in EventKind), "a_new_one")
                for address, client in (("192.0.2.7", "Books"), (None, None))
            ],
            "next": "e9",
        },
        OWN | {"events": [], "next": None},
    ],
    "account/why.html": [
        *(
            OWN | {"reason": REASON | {"why": why, "outcome": outcome}}
            for why in WHYS
            for outcome in ("passed", "refused", "open")
        ),
        *(OWN | {"reason": REASON | {"label": label, "asked": (), "place": ""}} for label in ("owner", "attack")),
        OWN | {"reason": REASON | {"is_this_session": True}},
    ],
    "account/data.html": [OWN],
    "account/delete.html": [LEAVING | {"days": 14}, OWN | {"days": 1}],
    **CONSOLE_PAGES,
    **UPSTREAM_PAGES,
    **admin_pages(ALL),
    "api/reference.html": [{"root": "https://id.example/api/admin/v1", "rooms": rooms()}],
    "dev/mailbox.html": [
        {"messages": [MAIL, MAIL | {"id": "m2", "channel": "sms", "subject": None, "html": None}]},
        {"messages": []},
    ],
}
ASSETS = ("style.css", "icon.svg", "webauthn.js", "password.js", "print.js", "go_on.js")
STATES = [(page, facts) for page, states in PAGES.items() for facts in states]


def make_templates() -> Templates:
    """Return the real templates of this checkout."""
    return Templates(folder("templates"), asset_versions=dict.fromkeys(ASSETS, "abc123"))


@dataclass
class Element:
    """A start tag, the text that follows it until it ends, and the tags around it."""

    tag: str
    attributes: dict[str, str]
    text: str = ""
    inside: tuple[str, ...] = ()


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
        element = Element(tag, {name: value or "" for name, value in attrs}, inside=tuple(e.tag for e in self._open))
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
