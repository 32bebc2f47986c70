"""Dynamic client registration – RFC 7591, OIDC Registration – and its management, RFC 7592.

Our own parser: known members only, each validated, what is stored is what is answered; a secret only for clients that
authenticate by one. Who may register, and what for, says a `Charter`: no registrant chooses or loosens a profile.
Not here: the members → oauth/registration_members.py; tokens, throttling and storing → flows/client_registration.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from idp.domain.client import AuthMethod, BadClient, Client, Profile
from idp.domain.json import Json, JsonObject
from idp.domain.permission import SCOPE_PREFIX
from idp.oauth.registration_members import MEMBERS, Author, read_members, with_defaults, write_members
from idp.policy import clients as policy
from idp.policy import profiles
from idp.policy.clients import SCOPES

NEVER_SENT_BACK = (
    "registration_access_token", "registration_client_uri", "client_id_issued_at", "client_secret_expires_at",
)  # fmt: skip
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


class BadToken(Exception):
    """No initial or registration access token that opens this door; `is_missing` if none came at all."""

    def __init__(self, *, is_missing: bool) -> None:
        """Say whether a token came."""
        super().__init__("no valid token")
        self.is_missing = is_missing


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


def check_update(sent: JsonObject, client: Client, *, has_right_secret: bool) -> None:
    """Raise BadClient unless an update says whom it is about, and nothing that only we say (RFC 7592 §2.2)."""
    if sent.get("client_id") != client.id:
        raise BadClient("client_id must be repeated as it was given")
    for name in NEVER_SENT_BACK:
        if name in sent:
            raise BadClient(f"{name} may not be sent back")
    if not has_right_secret:
        raise BadClient("client_secret must be repeated as it was given, by a client that has one, and by no other")
    if client.software_statement is not None and sent.get("software_statement") is None:
        raise BadClient("this client was registered by a software_statement, which must be repeated")


def answer(client: Client, *, issuer: str, token: str, secret: str | None) -> dict[str, Json]:
    """Return what is told of a registration (RFC 7591 §3.2.1, RFC 7592 §3); a secret is shown when it is made."""
    members: dict[str, Json] = write_members(client, author=Author.REGISTRANT)
    if secret is not None:
        members |= {"client_secret": secret, "client_secret_expires_at": 0}
    return members | {
        "registration_client_uri": f"{issuer}/register/{client.id}",
        "registration_access_token": token,
    }
