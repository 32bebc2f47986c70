"""The form of a client: what is typed, as members of RFC 7591, and what is wrong with it, line by line."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from idp.domain.json import BadJson, Json, read_object
from idp.domain.redirect_uri import faults_of
from idp.flows.admin.clients import ClientShown
from idp.flows.admin.problem import Problem

LONGEST = 20_000
LONGEST_URI = 200  # characters of a refused one that are shown
URI_FIELDS = {"redirect-uris": "redirect_uris", "post-logout-redirect-uris": "post_logout_redirect_uris"}


def _text(value: str) -> Json:
    return value.strip() or None


def _words(value: str) -> Json:
    return " ".join(value.split())


def lines(value: str) -> list[str]:
    """Return the lines of a field that say something."""
    return [line.strip() for line in value.splitlines() if line.strip()]


def _lines(value: str) -> Json:
    return list(lines(value))


def _keys(value: str) -> Json:
    """Return keys as JSON; what is none is handed on as it is, to be refused by whoever reads it."""
    if not value.strip():
        return None
    try:
        return read_object(value)
    except BadJson:
        return value


#: Each field of the form: the member that it sets, and how it is read.
FIELDS: Mapping[str, tuple[str, Callable[[str], Json]]] = {
    "client-name": ("client_name", lambda value: value.strip()),
    "redirect-uris": ("redirect_uris", _lines),
    "post-logout-redirect-uris": ("post_logout_redirect_uris", _lines),
    "scope": ("scope", _words),
    "auth-method": ("token_endpoint_auth_method", _text),
    "jwks-uri": ("jwks_uri", _text),
    "jwks": ("jwks", _keys),
    "cors-origins": ("allowed_cors_origins", _lines),
    "audiences": ("audiences", _lines),
    "resources": ("resources", _lines),
    "default-resource": ("default_resource", _text),
    "client-uri": ("client_uri", _text),
    "policy-uri": ("policy_uri", _text),
    "tos-uri": ("tos_uri", _text),
    "initiate-login-uri": ("initiate_login_uri", _text),
    "token-format": ("access_token_format", _text),
    "request-alg": ("request_object_signing_alg", _text),
    "request-uris": ("request_uris", _lines),
}
CERTIFICATE_NAMES: Mapping[str, str] = {
    f"certificate-{name.replace('_', '-')}": f"tls_client_auth_{name}"
    for name in ("subject_dn", "san_dns", "san_uri", "san_ip", "san_email")
}
FIELDS = {**FIELDS, **{name: (member, _text) for name, member in CERTIFICATE_NAMES.items()}}
#: Boxes of the form: members that are true or false; those of certificates only where some are asked for.
FLAGS: Mapping[str, str] = {
    "pushes": "require_pushed_authorization_requests", "signs": "require_signed_request_object",
    "binds-to-key": "dpop_bound_access_tokens", "takes-nonce": "require_dpop_nonce",
    "rotates": "rotate_refresh_tokens", "binds-to-certificate": "tls_client_certificate_bound_access_tokens",
}  # fmt: skip
GRANTS = {
    "grant-code": "authorization_code", "grant-refresh": "refresh_token", "grant-machine": "client_credentials",
}  # fmt: skip
_EMPTY: tuple[Json, ...] = (None, "", [], False)
_FIELD_OF = {member: name for name, (member, _read) in FIELDS.items()} | {"grant_types": "grant-code"}
_FIELD_OF |= {member: name for name, member in FLAGS.items()}


@dataclass(frozen=True, slots=True)
class ClientForm:
    """What stands in the form, and why it was refused; `now` is what somebody else has stored meanwhile."""

    typed: Mapping[str, str]
    code: str = ""
    detail: str = ""
    faults: Mapping[str, str] = field(default_factory=dict)
    uris: Mapping[str, list[tuple[str, str]]] = field(default_factory=dict)
    elsewhere: tuple[tuple[str, str], ...] = ()
    now: Mapping[str, str] = field(default_factory=dict)


def members_of(fields: Mapping[str, str], *, grants: bool, boxes: Iterable[str] = ()) -> dict[str, Json]:
    """Return the members that the fields set; with `grants` also those of the boxes for grant types.

    `boxes` are those of FLAGS that the form has: one that is not among the fields was not ticked.
    """
    members = {member: read(fields[name][:LONGEST]) for name, (member, read) in FIELDS.items() if name in fields}
    if grants:
        chosen: list[Json] = [grant for name, grant in GRANTS.items() if name in fields]
        members |= {"grant_types": chosen, "response_types": ["code"] if "authorization_code" in chosen else []}
    return members | {FLAGS[name]: name in fields for name in boxes}


def changed(members: Mapping[str, Json], shown: ClientShown) -> dict[str, Json]:
    """Return the members that differ from what is stored; an empty one differs from a value only."""
    stored = shown.metadata
    if "grant_types" in members:
        members = {**members, **_with_others(members, stored)}
    return {name: value for name, value in members.items() if not _is_same(name, stored.get(name), value)}


def _with_others(members: Mapping[str, Json], stored: Mapping[str, Json]) -> dict[str, Json]:
    """Keep grant types that have no box here, and the response types that go with them."""
    chosen, types = _texts_of(members["grant_types"]), _texts_of(members["response_types"])
    others = [each for each in _texts_of(stored.get("grant_types")) if each not in GRANTS.values()]
    kept = [each for each in _texts_of(stored.get("response_types")) if each != "code"]
    if "authorization_code" not in chosen:
        kept = [each for each in kept if "code" not in each.split(" ")]
    grant_types: list[Json] = [*chosen, *others]
    response_types: list[Json] = [*types, *kept]
    return {"grant_types": grant_types, "response_types": response_types}


def _texts_of(listed: Json) -> list[str]:
    return [str(each) for each in listed] if isinstance(listed, list) else []


def _is_same(name: str, stored: Json, typed: Json) -> bool:
    if name == "grant_types" and isinstance(stored, list) and isinstance(typed, list):  # boxes have no order
        return set(map(str, stored)) == set(map(str, typed))
    return stored == typed or (stored in _EMPTY and typed in _EMPTY)


def values_of(shown: ClientShown) -> dict[str, str]:
    """Return a client as the form shows it."""
    values = {name: _written(shown.metadata.get(member)) for name, (member, _read) in FIELDS.items()}
    values |= {name: "1" for name, grant in GRANTS.items() if grant in shown.metadata["grant_types"]}
    values |= {name: "1" for name, member in FLAGS.items() if shown.metadata.get(member)}
    return values | {"profile": shown.profile, "first-party": "1" if shown.first_party else ""}


def _written(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return json.dumps(value, indent=2) if isinstance(value, dict) else str(value)


def refused(
    fields: Mapping[str, str], problem: Problem, shown: Iterable[str], *, is_native: bool,
    now: Mapping[str, str] | None = None,
) -> ClientForm:  # fmt: skip
    """Return the form as it was typed, with each fault at its field, and each redirect URI with its own."""
    fields, names = {name: value[:LONGEST] for name, value in fields.items()}, set(shown)
    uris = {
        name: [(typed[each.index][:LONGEST_URI], each.fault.value) for each in faults_of(typed, is_native=is_native)]
        for name in URI_FIELDS
        if (typed := lines(fields.get(name, "")))
    }
    faults: dict[str, str] = {}
    elsewhere = []
    for fault in problem.faults:
        member = fault.member.removeprefix("metadata.").partition(".")[0]
        name = _FIELD_OF.get(member, member)
        if uris.get(name):
            continue
        if name in names:
            faults.setdefault(name, fault.detail)
        else:
            elsewhere.append((fault.member, fault.detail))
    return ClientForm(fields, problem.code.value, problem.detail, faults, uris, tuple(elsewhere), now or {})
