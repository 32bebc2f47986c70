"""One person: who they are, how they get in, where they are signed in, what they allowed, and what happened."""

from collections.abc import Mapping

from starlette.responses import Response

from idp.domain.permission import Permission
from idp.flows.admin import events, groups, people, sessions, users
from idp.flows.admin.problem import Code, Problem
from idp.flows.admin.users import Person
from idp.web.admin.gate import Desk, admin
from idp.web.admin.sessions import devices
from idp.web.admin.typed import Typed, refused

CLAIMS = ("name", "given_name", "family_name", "nickname", "phone_number", "locale", "zoneinfo")
FIELDS = ("email", "username", *CLAIMS, "email_verified")
SOME = 10  # rows of each list that the page shows


def values_of(person: Person) -> dict[str, str]:
    """Return the fields of a person's form as they are stored."""
    claims = person.claims or {}
    said = {name: str(claims[name]) for name in CLAIMS if isinstance(claims.get(name), str | int)}
    verified = "1" if person.email_verified else ""
    return {"email": person.email or "", "username": person.username or "", "email_verified": verified, **said}


async def _one(desk: Desk) -> Response:
    person_id = desk.request.path_params["id"]
    if not desk.is_post:
        person = await desk.do(users.SHOW, id=person_id)
        return await person_page(desk, person, Typed(values_of(person)))
    typed = {name: desk.fields.get(name, "").strip() for name in FIELDS}
    try:
        await desk.do(users.UPDATE, **_changed(person_id, desk.fields.get("version", ""), typed))
    except Problem as problem:
        person = await desk.do(users.SHOW, id=person_id)
        now = values_of(person) if problem.code is Code.CHANGED_MEANWHILE else None
        form = refused(typed, problem, FIELDS, taken=("email", "username"), now=now)
        return await person_page(desk, person, form, status=problem.status)
    return desk.go(f"/admin/users/{person_id}", done="saved")


def _changed(person_id: str, version: str, typed: Mapping[str, str]) -> dict[str, object]:
    """Return the input that makes a person what the form says; what was emptied is taken away."""
    return {
        "id": person_id, "version": version, "email": typed["email"] or None, "username": typed["username"] or None,
        "email_verified": bool(typed["email_verified"]), "claims": {name: typed[name] or None for name in CLAIMS},
    }  # fmt: skip


async def person_page(
    desk: Desk, person: Person, form: Typed, *, joining: Typed | None = None, status: int = 200
) -> Response:
    """Return the page of a person; `joining` is the form for another group if it was refused."""
    may, who = desk.may, {"user_id": person.id, "limit": SOME}
    member_of = await desk.do(groups.OF_PERSON, id=person.id) if may(Permission.GROUPS_READ) else None
    known = await desk.do(groups.LIST, limit=100) if may(Permission.GROUPS_WRITE) else None
    signed_in = await desk.do(sessions.LIST, **who) if may(Permission.SESSIONS_READ) else None
    allowed = await desk.do(sessions.CONSENTS, **who) if may(Permission.CONSENTS_READ) else None
    happened = await desk.do(events.LIST, **who) if may(Permission.EVENTS_READ) else None
    return desk.page(
        "admin/user.html", status=status, person=person, form=form, joining=joining or Typed({}),
        is_self=person.id == desk.user.id,
        groups=member_of.items if member_of is not None else (),
        known=[each.name for each in known.items] if known is not None else (),
        credentials=await desk.do(people.CREDENTIALS, id=person.id),
        sessions=signed_in.items if signed_in is not None else (),
        devices=devices(signed_in.items if signed_in is not None else ()),
        consents=allowed.items if allowed is not None else (),
        events=happened.items if happened is not None else (),
    )  # fmt: skip


person = admin(_one, Permission.USERS_READ, writing=Permission.USERS_WRITE, fresh=False)
