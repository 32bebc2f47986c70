"""People, as those see and change them who run the provider.

Nobody chooses another's password: a reset can be started. Whoever is not below the caller is not changed by them.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from idp.domain.change import PERSONAL, SECRETS, difference
from idp.domain.event import EventKind
from idp.domain.json import Json
from idp.domain.permission import Permission as P
from idp.domain.refusal import Refusal
from idp.domain.user import RESERVED_CLAIMS, Role, User, UserStatus
from idp.flows.access import end_everywhere
from idp.flows.admin.listing import Listing, Page, paged, place_of, read_place
from idp.flows.admin.operation import Input, Operation, Output, Work
from idp.flows.admin.problem import Code, Problem, invalid, missing
from idp.flows.admin.values import Id, Name, Version, is_plain, version_of
from idp.flows.new_account import NewUser, account_of
from idp.policy import administration as policy
from idp.storage.columns import EPOCH, to_micros
from idp.storage.users import MOST_GROUPS, IdentifierTaken

#: Members of the claims that have members of their own here.
_OWN_MEMBERS = frozenset({"groups", "email", "email_verified", "updated_at", "phone_number_verified"})
_LONGEST_CLAIM = 2048
Claims = Annotated[dict[str, JsonValue], Field(max_length=100)]
Groups = Annotated[list[Name], Field(max_length=MOST_GROUPS)]


class Person(Output):
    """A person; `claims` only for whoever may know more of them than who they are."""

    id: str
    status: UserStatus
    role: Role
    email: str | None
    email_verified: bool
    username: str | None
    name: str | None
    groups: list[str]
    claims: dict[str, Any] | None
    created_at: datetime | None
    updated_at: datetime | None
    deletes_at: datetime | None
    version: str


class PersonWanted(Input):
    """One person."""

    id: Id


class PeopleWanted(Listing):
    """A page of people, newest first; `find` is an exact e-mail address, username, telephone number or id."""

    find: Annotated[str, Field(max_length=254)] | None = None
    status: Literal["active", "disabled"] | None = None
    role: Annotated[str, Field(max_length=32)] | None = None
    group: Annotated[str, Field(max_length=100)] | None = None


class PersonMade(Input):
    """A new person; with `invite` they are sent a link with which they choose a password."""

    email: Annotated[str, Field(max_length=254)] | None = None
    email_verified: bool = False
    username: Annotated[str, Field(max_length=64)] | None = None
    claims: Claims = Field(default_factory=dict)
    groups: Groups = Field(default_factory=list)
    invite: bool = True


class PersonChanged(Input):
    """What changes about a person; what is absent stays, what is null goes (RFC 7396)."""

    id: Id
    version: Version | None = None
    email: Annotated[str, Field(max_length=254)] | None = None
    email_verified: bool | None = None
    username: Annotated[str, Field(max_length=64)] | None = None
    claims: Claims | None = None
    groups: Groups | None = None


def person_of(user: User, reader: Role) -> Person:
    """Return a person as a reader of this role sees them."""
    claims = {name: value for name, value in user.claims.items() if name not in _OWN_MEMBERS}
    name = user.claims.get("name")
    shown: dict[str, Json] = {
        "id": user.id, "status": user.status.value, "role": user.role.value, "email": user.email,
        "email_verified": user.email_verified, "username": user.username, "groups": list(user.groups), "claims": claims,
        "updated": to_micros(user.updated_at or EPOCH),
    }  # fmt: skip
    return Person(
        id=user.id, status=user.status, role=user.role, email=user.email, email_verified=user.email_verified,
        username=user.username, name=name if isinstance(name, str) else None, groups=list(user.groups),
        claims=claims if policy.sees_claims(reader) else None, created_at=user.created_at, updated_at=user.updated_at,
        deletes_at=user.deletes_at, version=version_of(shown),
    )  # fmt: skip


async def _list(work: Work, wanted: PeopleWanted) -> Page[Person]:
    digester = work.tools.engine.digester
    role = _role(wanted.role) if wanted.role is not None else None
    status = UserStatus(wanted.status) if wanted.status is not None else None
    if wanted.find:
        found = [each for each in await _find(work, wanted.find) if role in (None, each.role)]
        found = [each for each in found if status in (None, each.status)]
        return Page(items=[person_of(each, work.caller.role) for each in found])
    before = read_place(digester, wanted)
    rows = await work.stores.users.page(
        status=status, role=role, group=wanted.group, before=before, limit=wanted.limit + 1
    )
    keys = [place_of(each.created_at or EPOCH, each.id) for each in rows]
    return paged(digester, wanted, [person_of(each, work.caller.role) for each in rows], keys)


async def _find(work: Work, text: str) -> list[User]:
    users, found = work.stores.users, dict[str, User]()
    for each in (await users.find(text), await users.find_by_name(text), *await users.find_by_phone(text)):
        if each is not None:
            found[each.id] = each
    return list(found.values())


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise invalid("role", f"is one of {', '.join(Role)}") from None


async def _show(work: Work, wanted: PersonWanted) -> Person:
    user = await work.stores.users.find(wanted.id)
    if user is None:
        raise missing("person")
    return person_of(user, work.caller.role)


async def _create(work: Work, made: PersonMade) -> Person:
    claims = {**_checked_claims(made.claims), **({"groups": sorted(set(made.groups))} if made.groups else {})}
    user = account_of(NewUser(made.email, made.username, None, claims, email_verified=made.email_verified))
    if isinstance(user, Refusal):
        raise invalid(*_SAID[user])
    user = replace(user, created_at=work.now, updated_at=work.now)
    await _stored(work, user, is_new=True)
    _, after = difference({}, _audited(user), hidden=PERSONAL | SECRETS)
    await work.record(EventKind.USER_CHANGED, user_id=user.id, change="created", after=after)
    if made.invite and user.email is not None:
        await send_reset(work, user)
    return person_of(user, work.caller.role)


_SAID = {
    Refusal.EMAIL_INVALID: ("email", "is not an e-mail address that can be written to"),
    Refusal.USERNAME_INVALID: ("username", "has 1 to 64 characters, no spaces and no @"),
    Refusal.MISSING_FIELDS: ("email", "is needed, or a username"),
}


async def _stored(work: Work, user: User, *, is_new: bool) -> None:
    try:
        await (work.stores.users.add(user) if is_new else work.stores.users.save(user))
    except IdentifierTaken:
        raise Problem(Code.TAKEN, "another account has this e-mail address or username") from None


def _checked_claims(claims: Mapping[str, Json]) -> dict[str, Json]:
    for name, value in claims.items():
        if name in RESERVED_CLAIMS or name in _OWN_MEMBERS or not (name.isascii() and name.isprintable()):
            raise invalid(f"claims.{name[:40]}", "cannot be set as a claim")
        if not _fits(value):
            raise invalid(f"claims.{name[:40]}", "is too long, too deep, or has characters that cannot be seen")
    return dict(claims)


def _fits(value: Json, depth: int = 0) -> bool:
    if isinstance(value, str):  # within a claim, such as an address, a text may have lines (OIDC Core §5.1.1)
        line = value if depth == 0 else value.replace("\r\n", " ").replace("\n", " ")
        return len(value) <= _LONGEST_CLAIM and is_plain(line)
    if isinstance(value, Mapping):
        return depth < 3 and len(value) <= 100 and all(_fits(each, depth + 1) for each in (*value, *value.values()))
    if isinstance(value, list | tuple):
        return depth < 3 and len(value) <= 100 and all(_fits(each, depth + 1) for each in value)
    return True


async def _update(work: Work, changed: PersonChanged) -> Person:
    user = await changeable(work, changed.id, changed.version)
    claims = dict(user.claims)
    for name, value in _checked_claims(changed.claims or {}).items():
        if value is None:
            claims.pop(name, None)
        else:
            claims[name] = value
    if claims.get("phone_number") != user.claims.get("phone_number"):
        claims.pop("phone_number_verified", None)  # nobody has proved the new one
    if changed.groups is not None:
        claims["groups"] = sorted(set(changed.groups))
    email = changed.email if "email" in changed.model_fields_set else user.email
    is_verified = changed.email_verified if changed.email_verified is not None else user.email_verified
    if changed.email_verified is None and email != user.email:
        is_verified = False  # nobody has proved the new one
    username = changed.username if "username" in changed.model_fields_set else user.username
    checked = account_of(NewUser(email, username, None, claims, email_verified=is_verified))
    if isinstance(checked, Refusal):
        raise invalid(*_SAID[checked])
    after = replace(
        user, email=checked.email, email_verified=is_verified, username=checked.username, claims=checked.claims,
        updated_at=work.now,
    )  # fmt: skip
    await _stored(work, after, is_new=False)
    if after.email != user.email:
        await end_everywhere(work.stores, user.id, work.now)
        if user.email is not None and user.email_verified:
            await work.tools.notices.address_replaced(work.stores, user, after.email or "", work.now)
    was, now_is = difference(_audited(user), _audited(after), hidden=PERSONAL | SECRETS)
    await work.record(EventKind.USER_CHANGED, user_id=user.id, change="profile", before=was, after=now_is)
    return person_of(after, work.caller.role)


def _audited(user: User) -> dict[str, Json]:
    """Return what the trail may say of a person: that personal data changed, not what it is."""
    return {
        "email": user.email, "email_verified": user.email_verified, "username": user.username,
        "groups": list(user.groups), "claims": {n: v for n, v in user.claims.items() if n not in _OWN_MEMBERS},
        "role": user.role.value, "status": user.status.value,
    }  # fmt: skip


async def changeable(work: Work, user_id: str, version: str | None = None) -> User:
    """Return a person whom the caller may change, and nobody else meanwhile; raise Problem otherwise."""
    user = await work.stores.users.lock(user_id)
    if user is None:
        raise missing("person")
    if not policy.may_change(work.caller.role, user.role) and user.id != work.caller.user_id:
        raise Problem(Code.FORBIDDEN, "only people below one's own role can be changed")
    if version is not None and version != person_of(user, work.caller.role).version:
        raise Problem(Code.CHANGED_MEANWHILE, "somebody has changed this person meanwhile")
    return user


async def send_reset(work: Work, user: User) -> None:
    """Send a person the link with which they choose a password."""
    context = work.tools.context(work.stores, address=work.caller.address, request_id=work.caller.request_id)
    await work.tools.recovery.send_reset(context, user, locale=work.tools.notices.locale_of(user))


LIST = Operation("users.list", "List or find people", P.USERS_READ, PeopleWanted, Page[Person], _list, "GET", "/users")
SHOW = Operation("users.show", "Show a person", P.USERS_READ, PersonWanted, Person, _show, "GET", "/users/{id}")
CREATE = Operation(
    "users.create", "Make an account", P.USERS_WRITE, PersonMade, Person, _create, "POST", "/users", status=201
)
UPDATE = Operation(
    "users.update", "Change a person", P.USERS_WRITE, PersonChanged, Person, _update, "PATCH", "/users/{id}"
)
OPERATIONS = (LIST, SHOW, CREATE, UPDATE)
