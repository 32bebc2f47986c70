"""`idp user invite|reset-factors|export|import`: what an operator does for people beyond their bare accounts."""

import json
from pathlib import Path
from typing import Any

import click

from idp.cli.running import fail, json_option, show, with_site
from idp.cli.users import FILE, find, user

__all__ = ["user"]
from idp.domain.refusal import Refused
from idp.domain.user import User
from idp.flows.export import export
from idp.flows.user_administration import NewUser
from idp.oauth.context import Context
from idp.oauth.request import HttpRequest
from idp.storage.stores import Stores
from idp.wiring import Site


def _context(site: Site, stores: Stores) -> Context:
    """Return what flows work with, for a request that comes from this machine's own terminal."""
    http = HttpRequest("CLI", {}, [], [], "command line", "")
    return Context(site.engine, stores, http, site.clock.now())


@user.command()
@click.option("--email", required=True)
@click.option("--name", default="")
@click.option("--locale", default="en", help="language of the mail")
@json_option
@click.pass_context
def invite(context: click.Context, email: str, name: str, locale: str, as_json: bool) -> None:
    """Mail somebody a link with which they make their account; it works once, for three days."""

    async def work(site: Site) -> Refused | None:
        if site.settings.registration.value == "closed":
            raise fail("IDP_REGISTRATION is closed; set it to invite or open")
        async with site.transactions.open(write=True) as stores:
            return await site.accounts.signup.invite(_context(site, stores), email, name=name, locale=locale)

    refused = with_site(context, work)
    if refused is not None:
        raise fail(refused.reason.value)
    show(as_json, {"invited": email}, f"{email} is invited; the mail leaves when the server runs")


@user.command("reset-factors")
@click.argument("name")
@json_option
@click.pass_context
def reset_factors(context: click.Context, name: str, as_json: bool) -> None:
    """Remove a person's second factors and recovery codes; their sessions and tokens end, and they are told."""

    async def work(site: Site) -> User:
        person = await find(site, name)
        async with site.transactions.open(write=True) as stores:
            await site.accounts.recovery.reset_factors(_context(site, stores), person)
        return person

    person = with_site(context, work)
    show(as_json, {"sub": person.id, "reset": True}, f"{person.label} signs in with the password alone now")


@user.command("export")
@click.argument("name")
@json_option
@click.pass_context
def export_(context: click.Context, name: str, as_json: bool) -> None:
    """Print everything the system holds about a person, as JSON."""

    async def work(site: Site) -> dict[str, Any]:
        person = await find(site, name)
        async with site.transactions.open(write=True) as stores:
            return dict(await export(_context(site, stores), person))

    document = with_site(context, work)
    show(True, document, "")


@user.command("import")
@click.argument("file", type=FILE)
@json_option
@click.pass_context
def import_(context: click.Context, file: Path, as_json: bool) -> None:
    """Make accounts from a file of JSON lines: email, username, email_verified and standard claims.

    All lines are checked first; a line that cannot be an account stops the import with its number. Accounts that exist
    already are left alone. Nobody gets a password: people choose one by "Forgot your password?".
    """
    people = [_person(number, line) for number, line in enumerate(_lines(file), 1) if line.strip()]

    async def work(site: Site) -> tuple[int, int]:
        made = known = 0
        for number, new in people:
            result = await site.users.create(new)
            if isinstance(result, Refused):
                if not result.reason.value.endswith("_taken"):
                    raise fail(f"{file}: line {number}: {result.reason.value} ({made} accounts were made before it)")
                known += 1
            else:
                made += 1
        return made, known

    made, known = with_site(context, work)
    show(as_json, {"made": made, "known": known}, f"{made} accounts made, {known} were there already")


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise fail(f"{file}: {error}") from error


def _person(number: int, line: str) -> tuple[int, NewUser]:
    try:
        document = json.loads(line)
    except ValueError as error:
        raise fail(f"line {number}: not JSON") from error
    if not isinstance(document, dict) or not (document.get("email") or document.get("username")):
        raise fail(f"line {number}: an account needs email or username")
    email, username = document.pop("email", None), document.pop("username", None)
    verified = document.pop("email_verified", False)
    if not all(value is None or isinstance(value, str) for value in (email, username)) or not isinstance(
        verified, bool
    ):
        raise fail(f"line {number}: email and username are texts, email_verified is true or false")
    return number, NewUser(email, username, None, document, email_verified=verified)
