"""`idp user invite|reset-factors|export`: what an operator does for people beyond their bare accounts."""

from typing import Any

import click

from idp.cli.running import fail, json_option, show, with_site
from idp.cli.user_import import import_
from idp.cli.users import find, user
from idp.domain.refusal import Refused
from idp.domain.user import User
from idp.flows.export import export
from idp.oauth.context import Context
from idp.oauth.request import HttpRequest
from idp.storage.stores import Stores
from idp.wiring import Site

__all__ = ["user"]


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


user.add_command(import_)
