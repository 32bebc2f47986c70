"""The members of a registration – RFC 7591 §2, OIDC Registration §2, the logout specifications' and RFC 9449's.

One list for operators and registrants: what each member is called, which field of Client it fills, how it is read and
written, and whether whoever registers a client may set it. Profile, first party, lifetimes and PKCE are no members.
Not here: which values belong together → policy/clients.py; what is fetched → flows/client_registration.py.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from idp.domain.authorization import response_type_of
from idp.domain.client import AuthMethod, BadClient, Client, TokenFormat
from idp.domain.json import Json, JsonObject
from idp.oauth.client_keys import check_jwks
from idp.oauth.distinguished_name import read_subject
from idp.policy import encryption, mutual_tls
from idp.policy.profiles import RULES

LONGEST = 2048
MOST = 100


class Author(StrEnum):
    """Who writes a registration."""

    OPERATOR = "operator"
    REGISTRANT = "registrant"


@dataclass(frozen=True, slots=True)
class Member:
    """One member: its field, how it is read (raising BadClient) and written, and whether a registrant may set it."""

    field: str
    read: Callable[[str, Any], Any]
    write: Callable[[Any], Json]
    is_registrants: bool = True


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST or not value.isprintable():
        raise BadClient(f"{name} must be a short printable string", code=_code(name))
    return value


def _list(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(entry, str) for entry in value):
        raise BadClient(f"{name} must be an array of strings", code=_code(name))
    if len(value) > MOST or any(len(entry) > LONGEST for entry in value):
        raise BadClient(f"{name} has too many entries, or too long ones", code=_code(name))
    return tuple(dict.fromkeys(value))


def _response_types(name: str, value: object) -> tuple[str, ...]:
    """Read response types in any order of their words; an unknown one is for policy/response_types.py to refuse."""
    return tuple(dict.fromkeys(response_type_of(each) or each for each in _list(name, value)))


def _code(name: str) -> str:
    return "invalid_redirect_uri" if name == "redirect_uris" else "invalid_client_metadata"


def _words(name: str, value: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_text(name, value).split())) if value != "" else ()


def _one(name: str, value: object) -> tuple[str, ...]:
    return (_text(name, value),)


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise BadClient(f"{name} must be true or false")
    return value


def _number(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 10**9:
        raise BadClient(f"{name} must be a non-negative number of seconds")
    return value


def _choice(options: type[AuthMethod] | type[TokenFormat]) -> Callable[[str, Any], AuthMethod | TokenFormat]:
    def read(name: str, value: Any) -> AuthMethod | TokenFormat:
        try:
            return options(value)
        except ValueError as error:
            raise BadClient(f"{name} is one of {', '.join(options)}") from error

    return read


def _keys(_name: str, value: Any) -> JsonObject:
    return check_jwks(value)


def _subject(name: str, value: object) -> str:
    text = _text(name, value)
    try:
        read_subject(text)
    except ValueError as error:
        raise BadClient(f"{name} is a name as RFC 4514 writes it, such as CN=reports,O=Example,C=GB") from error
    return text


def _plain(value: Any) -> Json:
    result: Json = value
    return result


def _listed(value: Any) -> Json:
    return list(value)


def _joined(value: Any) -> Json:
    return " ".join(value)


def _texts(*names: str) -> dict[str, Member]:
    return {name: Member(name, _text, _plain) for name in names}


def _flags(*names: str, is_registrants: bool = True) -> dict[str, Member]:
    return {name: Member(name, _flag, _plain, is_registrants=is_registrants) for name in names}


def _lists(*names: str) -> dict[str, Member]:
    return {name: Member(name, _list, _listed) for name in names}


MEMBERS: dict[str, Member] = {
    "client_name": Member("name", _text, _plain),
    **_lists("redirect_uris", "post_logout_redirect_uris", "grant_types", "contacts"),
    "response_types": Member("response_types", _response_types, _listed),
    "scope": Member("scopes", _words, _joined),
    "token_endpoint_auth_method": Member("auth_method", _choice(AuthMethod), _plain),
    "token_endpoint_auth_signing_alg": Member("assertion_algs", _one, _joined),
    "jwks": Member("jwks", _keys, _plain),
    **_texts("jwks_uri", "client_uri", "logo_uri", "policy_uri", "tos_uri", "initiate_login_uri"),
    **_texts("application_type", "subject_type", "sector_identifier_uri", "software_id", "software_version"),
    "id_token_signed_response_alg": Member("id_token_alg", _text, _plain),
    "authorization_signed_response_alg": Member("authorization_alg", _text, _plain),
    "userinfo_signed_response_alg": Member("userinfo_alg", _text, _plain),
    "introspection_signed_response_alg": Member("introspection_alg", _text, _plain),
    **{
        f"{what}_encrypted_response_{how}": Member(f"{what}_encryption_{how}", _text, _plain)
        for what in encryption.ANSWERS
        for how in ("alg", "enc")
    },
    "default_max_age": Member("default_max_age", _number, _plain),
    "default_acr_values": Member("default_acr_values", _list, _listed),
    **_texts("backchannel_token_delivery_mode", "backchannel_client_notification_endpoint"),
    **_texts("backchannel_authentication_request_signing_alg"),
    **_texts("backchannel_logout_uri", "frontchannel_logout_uri"),
    **_flags("backchannel_logout_session_required", "frontchannel_logout_session_required"),
    **_flags("require_auth_time", "require_pushed_authorization_requests", "require_signed_request_object"),
    **_flags("dpop_bound_access_tokens", "tls_client_certificate_bound_access_tokens"),
    **_texts(*mutual_tls.MEMBERS),
    "tls_client_auth_subject_dn": Member("tls_client_auth_subject_dn", _subject, _plain),
    "request_object_signing_alg": Member("request_object_alg", _text, _plain),
    **_lists("request_uris"),
    # What follows has consequences for others than the client itself: an operator's word only.
    **_flags("require_dpop_nonce", "rotate_refresh_tokens", is_registrants=False),
    "default_scope": Member("default_scopes", _words, _joined, is_registrants=False),
    "response_modes": Member("response_modes", _list, _listed, is_registrants=False),
    "allowed_cors_origins": Member("allowed_cors_origins", _list, _listed, is_registrants=False),
    "audiences": Member("audiences", _list, _listed, is_registrants=False),
    "resources": Member("resources", _list, _listed, is_registrants=False),
    "default_resource": Member("default_resource", _text, _plain, is_registrants=False),
    "authorization_details_types": Member("authorization_details_types", _list, _listed, is_registrants=False),
    "access_token_format": Member("token_format", _choice(TokenFormat), _plain, is_registrants=False),
    "access_token_signed_response_alg": Member("access_token_alg", _text, _plain, is_registrants=False),
    "brand_color": Member("brand_color", _text, _plain, is_registrants=False),
}
# Known members whose feature does not exist here: dropping them in silence would be a promise that nobody keeps.
NOT_OFFERED = frozenset(
    {
        "request_object_encryption_alg", "request_object_encryption_enc",
    }
)  # fmt: skip
# The same, but false is what happens anyway.
NOT_OFFERED_IF_TRUE = frozenset({"backchannel_user_code_parameter", "use_mtls_endpoint_aliases"})
_BLANK = Client(id="-", name="")
_ALWAYS_WRITTEN = frozenset({"scope", "redirect_uris", "grant_types", "response_types"})


def read_members(members: JsonObject, base: Client, *, author: Author = Author.OPERATOR) -> Client:
    """Return the client with these members; raise BadClient for one of a wrong type.

    An operator is told of a member that is not known; a registrant's is dropped, unless it asks for a feature that
    does not exist here. A member that is null counts as absent (RFC 7592 §2.2): an operator takes one away by it.
    """
    changes: dict[str, Any] = {}
    for name, value in members.items():
        member = MEMBERS.get(name)
        if value is None and author is Author.REGISTRANT:
            continue
        if name in NOT_OFFERED or (name in NOT_OFFERED_IF_TRUE and value is not False):
            raise BadClient(f"{name} asks for something that is not offered here")
        if author is Author.OPERATOR and member is None:
            raise BadClient(f"{name} is not a member that can be set here")
        if member is not None and (member.is_registrants or author is Author.OPERATOR):
            changes[member.field] = getattr(_BLANK, member.field) if value is None else member.read(name, value)
    read = replace(base, **changes)
    offered = RULES[read.profile].signing_algs  # whoever registers none gets the first that the profile has
    if "id_token_alg" not in changes and read.id_token_alg not in offered:
        read = replace(read, id_token_alg=offered[0])
    if "introspection_alg" not in changes and read.introspection_alg not in offered:
        read = replace(read, introspection_alg=offered[0])
    return read


def write_members(client: Client, *, author: Author = Author.OPERATOR) -> dict[str, Any]:
    """Return a registration as RFC 7591 writes it, without secrets; what is not set is left out."""
    members: dict[str, Any] = {"client_id": client.id}
    for name, member in MEMBERS.items():
        value = getattr(client, member.field)
        is_set = value is not None and value is not False and value != ()
        if (is_set or name in _ALWAYS_WRITTEN) and (member.is_registrants or author is Author.OPERATOR):
            members[name] = member.write(value)
    if client.software_statement is not None:
        members["software_statement"] = client.software_statement
    if client.created_at is not None:
        members["client_id_issued_at"] = int(client.created_at.timestamp())
    return members


def with_defaults(members: JsonObject) -> dict[str, Any]:
    """Return the members with the response types that fit the grant types, where none are said (RFC 7591 §2.1)."""
    grants = members.get("grant_types")
    only_machine = isinstance(grants, list) and "authorization_code" not in grants
    return {"response_types": [] if only_machine else ["code"], **members}
