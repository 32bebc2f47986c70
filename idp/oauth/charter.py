"""What a client that nobody here typed in may ask for, and how what it asks for is read (RFC 7591 §2, §3.2.1).

Shared by whoever registers a client and by documents with which clients describe themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from idp.domain.client import AuthMethod, BadClient, Client, Profile
from idp.domain.json import JsonObject
from idp.domain.permission import SCOPE_PREFIX
from idp.oauth.registration_members import MEMBERS, Author, read_members, with_defaults
from idp.policy import clients as policy
from idp.policy import profiles
from idp.policy.clients import SCOPES

_BLANK = Client(id="-", name="")
_RESET: Mapping[str, Any] = {
    member.field: getattr(_BLANK, member.field) for member in MEMBERS.values() if member.is_registrants
}
assert set(_RESET) <= {field.name for field in fields(Client)}


@dataclass(frozen=True, slots=True)
class Charter:
    """What a registration may ask for at most; without a profile, it follows from how the client authenticates."""

    profile: Profile | None
    scopes: tuple[str, ...]
    grant_types: tuple[str, ...]


# Machines are nobody's business but the operator's: a stranger's client acts for people who consent, or not at all.
OPEN = Charter(None, SCOPES, ("authorization_code", "refresh_token"))


def read_registration(sent: JsonObject, vouched: JsonObject, base: Client, charter: Charter) -> Client:
    """Return the client that was asked for, still without a secret; raise BadClient for what may not be.

    `vouched` is what a software statement says: it wins. `base` keeps what is not the registrant's.
    """
    members = {name: value for name, value in {**sent, **vouched}.items() if value is not None}
    statement = sent.get("software_statement")
    method = members.setdefault("token_endpoint_auth_method", _default_method(charter))
    profile = charter.profile or (Profile.NATIVE if method == AuthMethod.NONE else Profile.OAUTH21)
    blank = replace(
        base, **_RESET, profile=profile,
        software_statement=statement if isinstance(statement, str) else None,
    )  # fmt: skip
    read = read_members(with_defaults(members), replace(blank, scopes=charter.scopes), author=Author.REGISTRANT)
    client = replace(read, scopes=_within(read.scopes, charter.scopes), name=read.name or _default_name(read))
    if refused := sorted(set(client.grant_types) - set(charter.grant_types)):
        raise BadClient(f"grant type {refused[0]!r} may not be registered here")
    policy.check_agreement(client)
    return client


def _default_method(charter: Charter) -> str:
    allowed = profiles.RULES[charter.profile].auth_methods if charter.profile else tuple(AuthMethod)
    return (AuthMethod.BASIC if AuthMethod.BASIC in allowed else allowed[0]).value


def _default_name(client: Client) -> str:
    """Return what a client without a name is called: by its host, the one fact about it."""
    is_readable = bool(client.redirect_uris) and client.may_register(client.redirect_uris[0])
    return client.host[:100] if is_readable else client.id


def _within(asked: tuple[str, ...], allowed: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of the scopes that may be registered; others are left out, as the answer tells (RFC 7591 §2).

    Never one of administration, whatever a charter says.
    """
    kept = tuple(scope for scope in asked if scope in allowed and not scope.startswith(SCOPE_PREFIX))
    if asked and not kept:
        raise BadClient("none of these scopes may be registered here")
    return kept
