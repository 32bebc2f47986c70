"""Facts for the administrators' pages about people and the provider, in every state that changes what they say."""

from datetime import UTC, datetime
from typing import Any

from idp.domain.permission import Permission
from idp.domain.user import Role
from idp.web.admin.columns import draw

Facts = dict[str, Any]

WHEN = datetime(2025, 3, 4, 15, 6, 7, tzinfo=UTC)
TAB: Facts = {"path": "/admin/decisions", "name": "decisions", "is_here": True}
TABS = (
    "overview", "people", "clients", "risk", "system", "users", "groups", "sessions", "consents", "invitations",
    "roles", "registration-tokens", "resources",
    "decisions", "countries", "policies", "events", "messages", "webhooks", "keys",
    "upstreams",
    "settings",
)  # fmt: skip
CONSOLE: Facts = {
    "action": "/admin/abc",
    "csrf": "csrf-token",
    "here": "/admin/decisions",
    "may": [],
    "sections": [
        TAB | {"name": "overview", "path": "/admin", "is_here": False, "tabs": [TAB | {"is_here": False}]},
        TAB | {"name": "risk", "tabs": [TAB, TAB | {"path": "/admin/policies", "name": "policies", "is_here": False}]},
    ],
    "notice": None,
}
ALL: Facts = CONSOLE | {"may": [each.value for each in Permission]}
DONE = (
    "disabled", "enabled", "group-joined", "group-left", "invited", "reset-sent", "unlocked", "signed-out",
    "session-ended", "factors-removed", "consent-revoked", "deleted", "invitation-sent", "revoked", "resent",
    "keys-rotated", "key-retired", "key-revoked", "webhook-paused", "webhook-resumed", "webhook-tested",
    "webhook-test-failed", "delivery-resent",
)  # fmt: skip
PROBLEMS = (
    "invalid", "forbidden", "step_up_required", "changed_meanwhile", "taken", "last_owner", "too_many",
)  # fmt: skip
CONFLICTS = (
    "nobody can shut themselves out", "one's own account is deleted on its own page",
    "one's own factors are changed on one's own pages", "nothing could be sent to them",
    "only a message that failed is sent again", "what it says is no longer good; let a new one be sent",
    "several next keys wait already", "this delivery is on its way already",
)  # fmt: skip
FAULTS = (
    "taken", "is not an e-mail address that can be written to", "has 1 to 64 characters, no spaces and no @",
    "is needed, or a username", "has characters that cannot be seen", "Value error, is empty",
    "String should have at most 100 characters", "no such group", "no such person", "is another name", "is no moment",
    "List should have at least 1 item after validation, not 0",
)  # fmt: skip
FORM: Facts = {"typed": {}, "code": "", "detail": "", "faults": {}, "elsewhere": (), "now": {}}
UNDO: Facts = {"path": "/admin/users/u1/groups", "fields": {"group-join": "g1"}}
PERSON: Facts = {
    "id": "u1", "status": "active", "role": "administrator", "email": "anna@example.com", "email_verified": True,
    "username": "anna", "name": "Anna Example", "created_at": WHEN, "updated_at": WHEN, "deletes_at": None,
    "version": "v1",
}  # fmt: skip
BARE: Facts = PERSON | {
    "id": "u2", "status": "disabled", "role": "user", "email": None, "email_verified": False, "name": None,
    "created_at": None, "updated_at": None, "deletes_at": WHEN,
}  # fmt: skip
LINE: Facts = {"id": "u1", "done": True, "problem": None}
SESSION: Facts = {
    "id": "s1", "user_id": "u1", "seen_at": WHEN, "acr": "urn:idp:loa:2", "device": "Firefox", "address": "192.0.2.7",
}  # fmt: skip
CONSENT: Facts = {"user_id": "u1", "client_id": "books", "scopes": ["openid"], "claims": ["name"], "updated_at": WHEN}
CREDENTIALS: Facts = {
    "has_password": True, "recovery_codes": 8,
    "items": [
        {"name": "", "factor": "totp", "last_used_at": None},
        {"name": "Key", "factor": "webauthn", "last_used_at": WHEN},
    ],
}  # fmt: skip
GROUP: Facts = {"id": "g1", "name": "staff", "description": "Everybody who works here", "version": "v1"}
KEY: Facts = {
    "kid": "k1", "alg": "ES256", "state": "active", "published_at": WHEN, "activates_at": None, "activated_at": WHEN,
    "retired_at": None,
}  # fmt: skip
MESSAGE: Facts = {
    "id": "m1", "to": "a•••@example.com", "subject": "Hello", "channel": "mail", "created_at": WHEN, "tries": 2,
    "state": "failed",
}  # fmt: skip
EVENT: Facts = {
    "id": "e1", "at": WHEN, "kind": "user_changed", "result": "refused", "actor_kind": "user", "actor_id": "u1",
    "actor_role": "owner", "user_id": "u2", "client_id": "books", "session_id": "s1", "target_kind": "group",
    "target_id": "g1", "address": "192.0.2.7", "request_id": "r1", "detail": {"change": "profile"},
    "before": {"email": "(hidden)"}, "after": {"email": "(hidden)"},
}  # fmt: skip
BARE_EVENT: Facts = EVENT | dict.fromkeys(
    ("result", "actor_kind", "actor_id", "actor_role", "user_id", "client_id", "session_id", "target_kind", "target_id",
     "address", "request_id", "before", "after")
) | {"detail": {}, "id": "e2"}  # fmt: skip
TOKEN: Facts = {
    "id": "t1", "profile": "oauth21", "scopes": ["openid"], "remaining": 3, "expires_at": WHEN, "made_by": "user u1",
    "secret": "s-e-c-r-e-t",
}  # fmt: skip
INVITATION: Facts = {"id": "i1", "email": "bo@example.com", "name": "Bo", "expires_at": WHEN}
FIGURES = (
    "signed_in", "refused", "throttled", "stepped_up", "denied", "signed_up", "tokens", "token_refusals", "risk_low",
    "risk_medium", "risk_high", "risk_critical", "answers_fast", "answers_middle", "answers_slow", "answers_late",
    "answers_failed", "risk_new",
)  # fmt: skip
CHART: Facts = {
    "name": "sign-ins", "names": ["signed_in", "refused"], "most": 3,
    "drawing": draw([[1, 2], [0, 0]], [0, 1]),
    "colours": [{"drawing": draw([[1]], [0])}, {"drawing": draw([[1]], [0])}],
}  # fmt: skip


def refused(code: str = "invalid", **facts: object) -> Facts:
    """Return a form that was refused."""
    return FORM | {"code": code, "detail": "too much"} | facts


OVERVIEW: Facts = ALL | {
    "span": "day", "spans": ["day", "week", "month"],
    "found": {"begin": WHEN, "end": WHEN, "totals": dict.fromkeys(FIGURES, 3)},
    "slices": [{"begin": WHEN, "counts": dict.fromkeys(FIGURES, 1)}],
    "charts": [
        CHART | {"name": name, "names": [figure]}
        for name, figure in zip(
            ("sign-ins", "step-ups", "risk", "tokens", "sign-ups", "answers", "faults", *map(str, range(11))),
            FIGURES, strict=True,
        )
    ],
}  # fmt: skip
USERS: Facts = ALL | {
    "people": [PERSON, BARE], "find": "", "wanted": {"status": "active", "role": "owner", "group": "staff"},
    "older": "cursor=abc", "roles": [each.value for each in Role], "statuses": ["active", "disabled"],
    "exports": "status=active",
}  # fmt: skip
USER: Facts = ALL | {
    "person": PERSON, "form": FORM | {"typed": {"email": "anna@example.com"}}, "joining": FORM, "is_self": False,
    "groups": [GROUP], "known": ["staff"], "credentials": CREDENTIALS, "sessions": [SESSION],
    "devices": {"s1": "Firefox"}, "consents": [CONSENT], "events": [EVENT, BARE_EVENT],
}  # fmt: skip
DANGER: Facts = ALL | {
    "person": PERSON, "label": "anna@example.com", "word": "delete", "form": FORM, "back": "/admin/users/u1",
}  # fmt: skip
TOKENS: Facts = ALL | {
    "tokens": [TOKEN], "form": FORM, "secret": "s-e-c-r-e-t", "profiles": ["oauth21"], "is_open": True,
    "endpoint": "urn:register",
}  # fmt: skip
EVENTS: Facts = ALL | {
    "form": FORM, "events": [EVENT, BARE_EVENT], "kinds": ["user_changed"], "exports": "", "names": {"u1": "Anna"},
    "older": "cursor=abc",
}  # fmt: skip
MESSAGES: Facts = ALL | {"messages": [MESSAGE], "states": ["waiting", "sent", "failed"], "state": "", "older": ""}
KEY_DANGER: Facts = ALL | {"word": "rotate", "kid": "", "back": "/admin/keys"}
HOOK: Facts = {
    "id": "w1", "name": "Siren", "url": "https://siren.example/in", "kinds": ["signed_in", "role_changed"],
    "with_address": False, "state": "active", "why": None, "failing_since": None, "waiting": 0, "behind": 2,
    "missed": 0, "made_by": "user u1", "created_at": WHEN, "changed_at": WHEN, "old_secret_ends_at": None,
    "version": "v1",
}  # fmt: skip
FAILING: Facts = HOOK | {"id": "w2", "waiting": 3, "failing_since": WHEN, "missed": 1, "old_secret_ends_at": WHEN}
SWITCHED_OFF: Facts = FAILING | {"state": "off", "why": "nothing was taken", "kinds": ["*"], "with_address": True}
DELIVERY: Facts = {
    "id": "d1", "seq": 7, "kind": "signed_in", "state": "failed", "tries": 10, "status": 503,
    "reason": "answered 503", "created_at": WHEN, "due_at": WHEN, "ended_at": WHEN,
}  # fmt: skip
DELIVERIES = (
    DELIVERY, DELIVERY | {"id": "d2", "state": "waiting", "tries": 1, "status": None, "reason": "no answer"},
    DELIVERY | {"id": "d3", "state": "sent", "tries": 1, "status": 204, "reason": None},
    DELIVERY | {"id": "d4", "seq": None, "kind": "webhook_test"},
)  # fmt: skip
WEBHOOK: Facts = ALL | {
    "hook": HOOK, "secret": None, "deliveries": DELIVERIES, "states": ["waiting", "sent", "failed"], "state": "",
    "older": "cursor=abc", "made_by": "Anna Example",
}  # fmt: skip
HOOK_FORM: Facts = ALL | {
    "form": FORM | {"typed": {"which": "some"}}, "hook": None, "version": "", "kinds": ["role_changed", "signed_in"],
    "back": "/admin/webhooks",
}  # fmt: skip
RESOURCE: Facts = {
    "id": "r1", "identifier": "https://api.example/v1", "name": "Invoices", "public": True, "open_to_all": True,
    "scopes": [{"name": "invoices.read", "text": "Read your invoices."}], "clients": ["c-1", "c-2"], "version": "v",
}  # fmt: skip
RESOURCE_FORM: Facts = ALL | {
    "form": FORM | {"typed": {"token_alg": "ES256", "token_format": "jwt", "life_seconds": "300"}}, "resource": None,
    "back": "/admin/resources", "algs": ["RS256", "PS256", "ES256", "EdDSA"], "formats": ["jwt", "opaque"],
}  # fmt: skip

CONSOLE_PAGES: dict[str, list[Facts]] = {
    "admin/refused.html": [
        *(CONSOLE | {"code": code, "detail": "", "back": "/admin/users"} for code in PROBLEMS),
        *(CONSOLE | {"code": "conflict", "detail": each, "back": ""} for each in (*CONFLICTS, "another")),
        *(
            CONSOLE | {"code": "taken", "detail": "", "back": "", "notice": {"word": word, "undo": undo}}
            for word, undo in (*((word, None) for word in (*DONE, "saved")), ("disabled", UNDO), ("group-left", UNDO))
        ),
        CONSOLE
        | {"code": "taken", "detail": "", "back": ""}
        | {"sections": [TAB | {"name": name, "is_here": False, "tabs": ()} for name in TABS]},
    ],
    "admin/overview.html": [OVERVIEW, *(OVERVIEW | {"span": span} for span in ("week", "month"))],
    "admin/users.html": [
        USERS,
        CONSOLE | {name: USERS[name] for name in ("people", "roles", "statuses")}
        | {"find": "", "wanted": {}, "older": "", "exports": ""},
        USERS | {"people": [], "wanted": {}, "find": "anna"},
    ],
    "admin/users_bulk.html": [
        ALL | {"did": did, "lines": lines, "undo": undo}
        for did, undo in (("disable", "enable"), ("enable", "disable"), ("end_sessions", None))
        for lines in (
            [(LINE, "anna"), *(({"id": f"u{code}", "done": False, "problem": code}, "bo") for code in PROBLEMS)],
        )
    ],
    "admin/user_new.html": [
        ALL | {"form": FORM | {"typed": {"invite": "1"}}},
        *(ALL | {"form": refused(faults={"email": fault, "groups": fault})} for fault in FAULTS),
        ALL | {"form": refused("taken", elsewhere=(("claims", "is too long"),))},
    ],
    "admin/user.html": [
        USER,
        USER | {"person": BARE, "is_self": True, "groups": [], "sessions": [], "consents": [], "events": []},
        USER | {"form": refused("changed_meanwhile", now={"email": "bo@example.com"})},
        USER | {"joining": refused(faults={"group": "no such group"}), "notice": {"word": "disabled", "undo": UNDO}},
        USER | {"person": BARE, "may": [], "credentials": CREDENTIALS | {"items": [], "has_password": False}},
    ],
    "admin/user_danger.html": [
        DANGER, DANGER | {"word": "reset-factors"}, DANGER | {"form": refused(faults={"typed": "is another name"})},
    ],
    "admin/user_role.html": [
        ALL | {"person": PERSON, "label": "anna", "back": "/admin/users/u1", "roles": [each.value for each in Role]}
        | {"form": form | {"typed": {"role": "owner"}}}
        for form in (FORM, refused(faults={"role": "is one of these"}), refused("changed_meanwhile"))
    ],
    "admin/groups.html": [
        ALL | {"groups": [GROUP, GROUP | {"id": "g2", "description": ""}], "find": "st", "older": "cursor=abc"},
        CONSOLE | {"groups": [], "find": "", "older": ""},
    ],
    "admin/group_new.html": [ALL | {"form": FORM}, ALL | {"form": refused("taken", faults={"name": "taken"})}],
    "admin/group.html": [
        ALL | {"group": GROUP, "form": FORM, "members": [("u1", "anna")], "has_more": True},
        ALL | {"group": GROUP, "form": refused("changed_meanwhile", now={"name": "crew"}), "members": []}
        | {"has_more": False},
        CONSOLE | {"group": GROUP | {"description": ""}, "form": FORM, "members": [], "has_more": False},
    ],
    "admin/group_delete.html": [ALL | {"group": GROUP, "back": "/admin/groups/g1"}],
    "admin/sessions.html": [
        ALL
        | {"sessions": [SESSION, SESSION | {"id": "s2", "acr": None}], "names": {"u1": "anna"}}
        | {"older": "cursor=abc", "devices": {"s1": "Firefox"}},
        CONSOLE | {"sessions": [], "devices": {}, "names": {}, "older": ""},
    ],
    "admin/consents.html": [
        ALL | {"consents": [CONSENT, CONSENT | {"claims": []}], "names": {"u1": "anna"}, "older": "cursor=abc"},
        CONSOLE | {"consents": [], "names": {}, "older": ""},
    ],
    "admin/keys.html": [
        ALL | {"keys": [
            KEY, KEY | {"kid": "k2", "state": "published", "activated_at": None, "activates_at": WHEN},
            KEY | {"kid": "k3", "state": "retired", "retired_at": WHEN}, KEY | {"kid": "k4", "state": "revoked"},
        ]},
        CONSOLE | {"keys": []},
    ],
    "admin/key_danger.html": [KEY_DANGER, *(KEY_DANGER | {"word": word, "kid": "k1"} for word in ("retire", "revoke"))],
    "admin/messages.html": [
        MESSAGES,
        MESSAGES | {"messages": [
            MESSAGE | {"subject": None, "state": "waiting", "tries": 1},
            MESSAGE | {"id": "m2", "state": "sent", "channel": "sms"},
        ]},
        CONSOLE | {"messages": [], "states": [], "state": "", "older": "cursor=abc"},
    ],
    "admin/events.html": [
        EVENTS,
        EVENTS
        | {"may": [], "names": {}}
        | {"form": refused(faults={"since": "is no moment", "user_id": "no such person"})},
        EVENTS | {"events": [], "older": "", "exports": "kind=user_changed"},
    ],
    "admin/settings.html": [
        CONSOLE | {"options": [
            {"name": "IDP_A", "meaning": "what for", "value": "1", "is_default": True, "is_secret": False},
            {"name": "IDP_B", "meaning": "a secret", "value": "", "is_default": False, "is_secret": True},
        ]},
    ],
    "admin/roles.html": [
        CONSOLE | {"roles": [each.value for each in Role], "rows": [("users.read", [True, False, True, True])]},
    ],
    "admin/invitations.html": [
        ALL
        | {"invitations": [INVITATION, INVITATION | {"id": "i2", "name": ""}]}
        | {"form": FORM, "locales": ("en", "de")},
        ALL | {"invitations": [], "form": refused("taken", faults={"email": "taken"}), "locales": ("en", "de")},
    ],
    "admin/resources.html": [
        ALL | {"resources": [RESOURCE, RESOURCE | {"id": "r2", "public": False, "open_to_all": False, "scopes": []}]},
        ALL | {"resources": []}, CONSOLE | {"resources": [RESOURCE]},
    ],
    "admin/resource_form.html": [
        RESOURCE_FORM, RESOURCE_FORM | {"resource": RESOURCE},
        RESOURCE_FORM | {"form": refused(faults=dict.fromkeys(("identifier", "scopes", "life_seconds"), FAULTS[-1]))},
        RESOURCE_FORM | {"form": refused("changed_meanwhile", now={"scopes": "a"}), "resource": RESOURCE},
    ],
    "admin/resource_delete.html": [ALL | {"resource": RESOURCE, "back": "/admin/resources/r1"}],
    "admin/webhooks.html": [
        ALL | {"webhooks": [HOOK, FAILING, HOOK | {"id": "w3", "state": "paused", "waiting": 1}, SWITCHED_OFF]},
        ALL | {"webhooks": []},
    ],
    "admin/webhook.html": [
        WEBHOOK | {"secret": "whsec_s-e-c-r-e-t"},
        *(WEBHOOK | {"hook": hook} for hook in (FAILING, SWITCHED_OFF, HOOK | {"state": "paused"})),
        WEBHOOK | {"deliveries": (), "older": "", "state": "failed"},
    ],
    "admin/webhook_form.html": [
        HOOK_FORM, HOOK_FORM | {"form": FORM | {"typed": {"which": "all", "with-address": "1"}}, "hook": HOOK},
        HOOK_FORM | {"form": refused(faults=dict.fromkeys(("kinds", "url"), FAULTS[-1]))},
        HOOK_FORM | {"form": refused("changed_meanwhile", now={"name": "Horn", "kinds": "*"}), "hook": HOOK},
    ],
    "admin/webhook_danger.html": [
        ALL | {"hook": HOOK, "word": word, "form": form, "back": "/admin/webhooks/w1", "longest": 168}
        for word in ("rotate", "pause", "resume", "delete")
        for form in (FORM, refused("changed_meanwhile", faults={"overlap_hours": "Input should be a valid integer"}))
    ],
    "admin/registration_tokens.html": [
        TOKENS,
        TOKENS | {"tokens": [], "secret": None, "is_open": False, "form": refused(faults={"uses": "is no number"})},
    ],
}  # fmt: skip
