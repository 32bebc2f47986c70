"""`idp user`: accounts."""

import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from idp.cli.running import fail, json_option, show, with_site
from idp.domain.refusal import Refused
from idp.domain.user import User, UserStatus, all_claims
from idp.flows.admin.problem import Problem
from idp.flows.new_account import NewUser
from idp.wiring import Site

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
PAGE = 500


@click.group()
def user() -> None:
    """Accounts."""


def _document(person: User) -> dict[str, Any]:
    return {"sub": person.id, "status": person.status.value, "role": person.role.value, **all_claims(person)}


def _claims(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        document = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise fail(f"{file}: {error}") from error
    if not isinstance(document, dict):
        raise fail(f"{file}: not a JSON object")
    return document


def _password(from_stdin: bool) -> str | None:
    return sys.stdin.readline().rstrip("\r\n") if from_stdin else None


@user.command()
@click.option("--email")
@click.option("--username")
@click.option("--name")
@click.option("--claims", type=FILE, help="JSON file with standard claims")
@click.option("--group", "groups", multiple=True)
@click.option("--verified", is_flag=True, help="the e-mail address is known to be theirs")
@click.option("--password-stdin", is_flag=True, help="read the password from standard input")
@json_option
@click.pass_context
def create(
    context: click.Context,
    email: str | None,
    username: str | None,
    name: str | None,
    claims: Path | None,
    groups: tuple[str, ...],
    verified: bool,
    password_stdin: bool,
    as_json: bool,
) -> None:
    """Make an account."""
    given = _claims(claims) | ({"name": name} if name else {}) | ({"groups": list(groups)} if groups else {})
    new = NewUser(email, username, _password(password_stdin), given, email_verified=verified)

    async def work(site: Site) -> User | Refused:
        return await site.users.create(new)

    made = with_site(context, work)
    if isinstance(made, Refused):
        raise fail(made.reason.value)
    show(as_json, _document(made), f"{made.label} is {made.id}")


async def find(site: Site, name: str) -> User:
    """Return a person by id, e-mail address or username; the command fails if there is none."""
    found = await site.users.find(name)
    if found is None:
        raise fail(f"there is no account {name}")
    return found


@user.command("list")
@json_option
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """List all accounts."""

    async def work(site: Site) -> list[User]:
        found: list[User] = []
        while page := await site.users.list(after=found[-1].id if found else "", limit=PAGE):
            found += page
        return found

    found = with_site(context, work)
    lines = [f"{person.id}  {person.status.value:8}  {person.label}" for person in found]
    show(as_json, [_document(person) for person in found], "\n".join(lines) or "no accounts yet")


@user.command("show")
@click.argument("name")
@json_option
@click.pass_context
def show_(context: click.Context, name: str, as_json: bool) -> None:
    """Show an account by id, e-mail address or username."""

    async def work(site: Site) -> User:
        return await find(site, name)

    document = _document(with_site(context, work))
    show(as_json, document, json.dumps(document, indent=2, ensure_ascii=False))


@user.command()
@click.argument("name")
@click.option("--email")
@click.option("--username")
@click.option("--name", "full_name")
@click.option("--claims", type=FILE)
@click.option("--group", "groups", multiple=True)
@click.option("--verified/--unverified", default=None)
@click.option("--password-stdin", is_flag=True)
@json_option
@click.pass_context
def update(context: click.Context, /, name: str, as_json: bool, password_stdin: bool, **changes: Any) -> None:
    """Change an account; a new password ends its sessions."""
    password = _password(password_stdin)

    async def work(site: Site) -> User:
        person = _changed(await find(site, name), changes)
        refused = await site.users.change(person)
        if refused is None and password is not None:
            refused = await site.users.set_password(person, password)
        if refused is not None:
            raise fail(refused.reason.value)
        return person

    document = _document(_guarded(context, work))
    show(as_json, document, json.dumps(document, indent=2, ensure_ascii=False))


def _guarded(context: click.Context, work: Callable[[Site], Awaitable[User]]) -> User:
    """Run the work of a command; what an operation refuses is said in its own words."""
    try:
        return with_site(context, work)
    except Problem as problem:
        raise fail(problem.detail) from problem


def _changed(person: User, changes: dict[str, Any]) -> User:
    claims = {**person.claims, **_claims(changes["claims"])}
    if changes["full_name"]:
        claims["name"] = changes["full_name"]
    if changes["groups"]:
        claims["groups"] = list(changes["groups"])
    email = changes["email"] or person.email
    is_verified = person.email_verified and email == person.email
    if changes["verified"] is not None:
        is_verified = changes["verified"]
    username = changes["username"] or person.username
    return replace(person, email=email, username=username, claims=claims, email_verified=is_verified)


def _set_status(context: click.Context, name: str, status: UserStatus, as_json: bool) -> None:
    async def work(site: Site) -> User:
        person = await find(site, name)
        await site.users.set_status(person, status)
        return replace(person, status=status)

    person = _guarded(context, work)
    show(as_json, _document(person), f"{person.label} is {status.value}")


@user.command()
@click.argument("name")
@json_option
@click.pass_context
def disable(context: click.Context, name: str, as_json: bool) -> None:
    """Refuse a person at every door; their sessions and tokens end."""
    _set_status(context, name, UserStatus.DISABLED, as_json)


@user.command()
@click.argument("name")
@json_option
@click.pass_context
def enable(context: click.Context, name: str, as_json: bool) -> None:
    """Let a disabled person in again."""
    _set_status(context, name, UserStatus.ACTIVE, as_json)


@user.command()
@click.argument("name")
@json_option
@click.pass_context
def delete(context: click.Context, name: str, as_json: bool) -> None:
    """Remove an account and everything that hangs on it."""

    async def work(site: Site) -> User:
        person = await find(site, name)
        await site.users.delete(person)
        return person

    person = _guarded(context, work)
    show(as_json, {"sub": person.id, "deleted": True}, f"{person.label} is deleted")
