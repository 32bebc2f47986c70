"""What is done for and to a person: let in, kept out, helped, given a role, removed."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from idp.domain.assurance import Factor
from idp.domain.event import EventKind
from idp.domain.permission import Permission as P
from idp.domain.user import Role, User, UserStatus
from idp.flows import throttle
from idp.flows.access import end_everywhere, remove_person, wipe_factors
from idp.flows.admin.listing import MOST
from idp.flows.admin.operation import Input, Nothing, Operation, Output, Work, refusal
from idp.flows.admin.problem import Code, Problem, invalid, missing
from idp.flows.admin.users import Person, PersonWanted, changeable, person_of, send_reset
from idp.flows.admin.values import Id, Version
from idp.policy import administration as policy


class PersonActedOn(Input):
    """One person, as they were when the caller looked at them."""

    id: Id
    version: Version | None = None


class RoleGiven(Input):
    """A role for a person."""

    id: Id
    role: Annotated[str, Field(max_length=32)]
    version: Version | None = None


class Bulk(Input):
    """The same for many people; each succeeds or fails by itself."""

    action: Literal["disable", "enable", "end_sessions"]
    ids: Annotated[list[Id], Field(min_length=1, max_length=MOST)]


class BulkLine(Output):
    """What came of one of many."""

    id: str
    done: bool
    problem: str | None = None


class BulkDone(Output):
    """What came of all."""

    items: list[BulkLine]


class Credential(Output):
    """A way in that a person has set up; nothing of what proves it."""

    id: str
    factor: Factor
    name: str
    created_at: datetime
    last_used_at: datetime | None


class Credentials(Output):
    """All ways in beside the password."""

    has_password: bool
    items: list[Credential]
    recovery_codes: int


async def _disable(work: Work, acted: PersonActedOn) -> Person:
    user = await changeable(work, acted.id, acted.version)
    if user.id == work.caller.user_id:
        raise Problem(Code.CONFLICT, "nobody can shut themselves out")
    await _keep_an_owner(work, user)
    return await _with_status(work, user, UserStatus.DISABLED)


async def _enable(work: Work, acted: PersonActedOn) -> Person:
    return await _with_status(work, await changeable(work, acted.id, acted.version), UserStatus.ACTIVE)


async def _with_status(work: Work, user: User, status: UserStatus) -> Person:
    if user.status is status:
        return person_of(user, work.caller.role)
    await work.stores.users.set_status(user.id, status, work.now)
    if status is UserStatus.DISABLED:
        await end_everywhere(work.stores, user.id, work.now)
    await work.record(
        EventKind.USER_CHANGED, user_id=user.id, change=status.value, before={"status": user.status.value},
        after={"status": status.value},
    )  # fmt: skip
    return person_of(replace(user, status=status, updated_at=work.now), work.caller.role)


async def _keep_an_owner(work: Work, user: User) -> None:
    """Refuse what would leave the provider without an active owner, also when two try at once."""
    if user.role is Role.OWNER and set(await work.stores.users.lock_owners()) <= {user.id}:
        raise Problem(Code.LAST_OWNER, "this is the last owner; make another one first")


async def _delete(work: Work, acted: PersonActedOn) -> Nothing:
    user = await changeable(work, acted.id, acted.version)
    if user.id == work.caller.user_id:
        raise Problem(Code.CONFLICT, "one's own account is deleted on its own page")
    await _keep_an_owner(work, user)
    await remove_person(work.stores, user.id, work.now)
    await work.record(EventKind.USER_CHANGED, user_id=user.id, change="deleted", before={"role": user.role.value})
    return Nothing()


async def _role(work: Work, given: RoleGiven) -> Person:
    user, actor = await work.stores.users.lock(given.id), work.caller.role
    if user is None:
        raise missing("person")
    try:
        role = Role(given.role)
    except ValueError:
        raise invalid("role", f"is one of {', '.join(Role)}") from None
    if not policy.may_grant(actor, user.role, role, is_self=user.id == work.caller.user_id):
        raise Problem(Code.FORBIDDEN, "nobody gives a role that is not below their own, or raises themselves")
    if given.version is not None and given.version != person_of(user, actor).version:
        raise Problem(Code.CHANGED_MEANWHILE, "somebody has changed this person meanwhile")
    if role is user.role:
        return person_of(user, actor)
    await _keep_an_owner(work, user)
    changed = replace(user, role=role, updated_at=work.now)
    await work.stores.users.save(changed)
    if policy.RANKS[role] < policy.RANKS[user.role]:
        await work.stores.sessions.end_all_of(user.id, work.now)  # their pages end with the role
    await work.record(
        EventKind.ROLE_CHANGED, user_id=user.id, before={"role": user.role.value}, after={"role": role.value}
    )
    return person_of(changed, actor)


async def _reset(work: Work, acted: PersonActedOn) -> Nothing:
    user = await changeable(work, acted.id, acted.version)
    if user.email is None or not user.is_active:
        raise Problem(Code.CONFLICT, "there is no address that a link could be sent to, or the account is disabled")
    await send_reset(work, user)
    await work.record(EventKind.RESET_ASKED, user_id=user.id)
    return Nothing()


async def _reset_factors(work: Work, acted: PersonActedOn) -> Nothing:
    user = await changeable(work, acted.id, acted.version)
    if user.id == work.caller.user_id:
        raise Problem(Code.CONFLICT, "one's own factors are changed on one's own pages")
    await wipe_factors(work.stores, user.id, keep_password=True)
    await end_everywhere(work.stores, user.id, work.now)
    await work.record(EventKind.USER_CHANGED, user_id=user.id, change="factors removed")
    await work.tools.notices.tell(work.stores, user, "recovery_done", work.now)
    return Nothing()


async def _end_sessions(work: Work, acted: PersonActedOn) -> Nothing:
    user = await changeable(work, acted.id, acted.version)
    await end_everywhere(work.stores, user.id, work.now)
    await work.record(EventKind.SESSIONS_ENDED, user_id=user.id)
    return Nothing()


async def _unlock(work: Work, acted: PersonActedOn) -> Nothing:
    user = await changeable(work, acted.id, acted.version)
    await throttle.forgive(work.stores, work.tools.engine.digester, user.id)
    await work.record(EventKind.USER_CHANGED, user_id=user.id, change="unlocked")
    return Nothing()


async def _credentials(work: Work, wanted: PersonWanted) -> Credentials:
    if await work.stores.users.find(wanted.id) is None:
        raise missing("person")
    found = await work.stores.credentials.of_user(wanted.id)
    return Credentials(
        has_password=await work.stores.credentials.password_of(wanted.id) is not None,
        items=[
            Credential(id=e.id, factor=e.factor, name=e.name, created_at=e.created_at, last_used_at=e.last_used_at)
            for e in found
        ],
        recovery_codes=await work.stores.recovery_codes.count(wanted.id),
    )


async def _bulk(work: Work, wanted: Bulk) -> BulkDone:
    act = {"disable": _disable, "enable": _enable, "end_sessions": _end_sessions}[wanted.action]
    lines = []
    for user_id in dict.fromkeys(wanted.ids):
        try:
            await act(work, PersonActedOn(id=user_id))
            lines.append(BulkLine(id=user_id, done=True))
        except Problem as problem:
            lines.append(BulkLine(id=user_id, done=False, problem=problem.code.value))
            await _record_refused_line(work, wanted.action, user_id, problem)
    return BulkDone(items=lines)


async def _record_refused_line(work: Work, action: str, user_id: str, problem: Problem) -> None:
    """Append that one of many was refused, as if it had been asked for alone; only of an account is it said which."""
    known = user_id if await work.stores.users.find(user_id) is not None else None
    await work.stores.events.add(refusal(f"users.{action}", work.caller, problem, user_id=known), work.now)


DISABLE = Operation(
    "users.disable", "Refuse a person at every door", P.USERS_WRITE, PersonActedOn, Person, _disable, "POST",
    "/users/{id}/disable",
)  # fmt: skip
ENABLE = Operation(
    "users.enable", "Let a disabled person in again", P.USERS_WRITE, PersonActedOn, Person, _enable, "POST",
    "/users/{id}/enable",
)  # fmt: skip
DELETE = Operation(
    "users.delete", "Remove a person for good", P.USERS_WRITE, PersonActedOn, Nothing, _delete, "DELETE", "/users/{id}",
    is_dangerous=True, status=204,
)  # fmt: skip
ROLE = Operation(
    "users.set_role", "Give a person a role", P.ROLES_GRANT, RoleGiven, Person, _role, "PUT", "/users/{id}/role",
    is_dangerous=True,
)  # fmt: skip
RESET = Operation(
    "users.send_reset", "Send a person a link to choose a password", P.USERS_HELP, PersonActedOn, Nothing, _reset,
    "POST", "/users/{id}/send-reset", status=204,
)  # fmt: skip
RESET_FACTORS = Operation(
    "users.reset_factors", "Remove a person's second factors", P.USERS_HELP, PersonActedOn, Nothing, _reset_factors,
    "POST", "/users/{id}/reset-factors", is_dangerous=True, status=204,
)  # fmt: skip
END_SESSIONS = Operation(
    "users.end_sessions", "Sign a person out everywhere", P.USERS_HELP, PersonActedOn, Nothing, _end_sessions, "POST",
    "/users/{id}/end-sessions", status=204,
)  # fmt: skip
UNLOCK = Operation(
    "users.unlock", "Forget a person's failed attempts", P.USERS_HELP, PersonActedOn, Nothing, _unlock, "POST",
    "/users/{id}/unlock", status=204,
)  # fmt: skip
CREDENTIALS = Operation(
    "users.credentials", "List a person's ways in", P.USERS_READ, PersonWanted, Credentials, _credentials, "GET",
    "/users/{id}/credentials",
)  # fmt: skip
BULK = Operation(
    "users.bulk", "Do the same for many people", P.USERS_WRITE, Bulk, BulkDone, _bulk, "POST", "/users/bulk"
)
OPERATIONS = (DISABLE, ENABLE, DELETE, ROLE, RESET, RESET_FACTORS, END_SESSIONS, UNLOCK, CREDENTIALS, BULK)
