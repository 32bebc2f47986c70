"""What operations read of a registration: every redirect URI that is refused has a reason of its own."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from idp.domain.client import BadClient, Client, Profile
from idp.domain.document_url import is_document_url
from idp.domain.permission import SCOPE_PREFIX, Permission
from idp.domain.redirect_uri import faults_of
from idp.domain.user import Role
from idp.flows.admin.operation import Work
from idp.flows.admin.problem import Code, Fault, Problem, invalid
from idp.flows.admin.values import is_plain
from idp.oauth.registration_members import MEMBERS, read_members

LONGEST_NAME = 100
URI_LISTS = ("redirect_uris", "post_logout_redirect_uris")
_BLANK = Client(id="-", name="")


def read_client(work: Work, metadata: Mapping[str, Any], base: Client) -> Client:
    """Return the client with these members; one that is null is as if it had never been set.

    Raises Problem for what cannot be, and for what only somebody else may give.
    """
    name = metadata.get("client_name", base.name)
    if not isinstance(name, str) or not is_plain(name) or not name.strip() or len(name) > LONGEST_NAME:
        raise invalid("metadata.client_name", f"has 1 to {LONGEST_NAME} characters that can be seen")
    if faults := list(_uri_faults(metadata, base)):
        raise Problem(Code.INVALID, "; ".join(f"{each.member}: {each.detail}" for each in faults[:10]), faults)
    unset = {MEMBERS[name].field for name, value in metadata.items() if value is None and name in MEMBERS}
    kept = {name: value for name, value in metadata.items() if value is not None or name not in MEMBERS}
    cleared = replace(base, **{field: getattr(_BLANK, field) for field in unset})
    try:
        client = read_members(kept, cleared)
    except BadClient as error:
        raise refused(error) from error
    gained = {scope for scope in client.scopes if scope.startswith(SCOPE_PREFIX)} - set(base.scopes)
    if gained and work.caller.role is not Role.OWNER:
        raise Problem(Code.FORBIDDEN, "owners say which clients may ask for scopes of administration")
    if _widens(client, base) and not work.caller.may(Permission.RESOURCES_WRITE):
        raise Problem(Code.FORBIDDEN, f"what a client may ask tokens for takes {Permission.RESOURCES_WRITE}")
    return client


def check_document(before: Client, after: Client) -> None:
    """Refuse a change of what a client says of itself in a document: the next look at it would undo that."""
    if not is_document_url(before.id):
        return
    of_document = {member.field for member in MEMBERS.values() if member.is_registrants}
    for field in sorted(of_document | {"profile", "is_first_party"}):
        if getattr(before, field) != getattr(after, field):
            raise Problem(Code.CONFLICT, f"what this client is stands in the document at {before.id}")


def _widens(client: Client, base: Client) -> bool:
    """Say whether a client gains APIs to ask tokens for, or types of details."""
    gained = set(client.resources) - set(base.resources)
    return bool(gained or set(client.authorization_details_types) - set(base.authorization_details_types))


def _uri_faults(metadata: Mapping[str, Any], base: Client) -> Iterator[Fault]:
    """Yield what is wrong with each redirect URI; what is no list of texts is told by the member's own reader."""
    for name in URI_LISTS:
        uris = metadata.get(name)
        if isinstance(uris, list) and all(isinstance(each, str) for each in uris):
            for each in faults_of(uris, is_native=base.profile is Profile.NATIVE):
                yield Fault(f"metadata.{name}.{each.index}", each.sentence)


def refused(error: BadClient) -> Problem:
    """Return the refusal of a registration that contradicts itself, at the member with which its sentence begins."""
    member, _, rest = str(error).partition(" ")
    if member in MEMBERS:
        return invalid(f"metadata.{member}", rest)
    return invalid("metadata.redirect_uris" if error.code == "invalid_redirect_uri" else "metadata", str(error))
