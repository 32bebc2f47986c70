"""`idp client registration-token`: what lets others register clients of their own (RFC 7591 §3).

Exit 0 done, 1 refused, 2 usage.
"""

import json
from datetime import timedelta
from typing import Any

import click

from idp.account_settings import read_duration
from idp.cli.policy_site import mover
from idp.cli.running import fail, json_option, show, with_site
from idp.domain.client import BadClient, Profile
from idp.flows.registration_tokens import RegistrationTokens, Wanted
from idp.policy.clients import SCOPES, grant_types
from idp.storage.initial_access_tokens import InitialAccessToken
from idp.wiring import Site


@click.group("registration-token")
def registration_token() -> None:
    """Initial access tokens: each lets its holder register some clients of one profile."""


def _tokens(site: Site) -> RegistrationTokens:
    return RegistrationTokens(site.transactions, site.digester, site.clock)


def _described(token: InitialAccessToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "profile": token.profile.value,
        "scope": " ".join(token.scopes),
        "grant_types": list(token.grant_types),
        "remaining": token.remaining,
        "made_by": token.made_by,
        "created_at": token.created_at.isoformat(),
        "expires_at": token.expires_at.isoformat(),
    }


def _duration(_context: click.Context, _parameter: click.Parameter, text: str) -> timedelta:
    life = read_duration(text)
    if not isinstance(life, timedelta):
        raise click.BadParameter("is written 12h or 30d")
    return life


@registration_token.command()
@click.option("--profile", type=click.Choice([profile.value for profile in Profile]), default="oauth21",
              help="profile of every client that it registers")  # fmt: skip
@click.option("--scope", default=" ".join(SCOPES), help="scopes that clients may register; the public ones by default")
@click.option("--grant", "grants", multiple=True, type=click.Choice(grant_types()),
              help="grant types that clients may register; by default those for people")  # fmt: skip
@click.option("--uses", default=1, show_default=True, help="how many clients it may register")
@click.option("--life", default="30d", show_default=True, callback=_duration, help="how long it can be used")
@json_option
@click.pass_context
def create(
    context: click.Context, profile: str, scope: str, grants: tuple[str, ...], uses: int, life: timedelta,
    as_json: bool,
) -> None:  # fmt: skip
    """Make a token; its secret is shown this once."""
    scopes, allowed = tuple(dict.fromkeys(scope.split())), grants or ("authorization_code", "refresh_token")
    wanted = Wanted(Profile(profile), scopes, tuple(dict.fromkeys(allowed)), uses, life)

    async def work(site: Site) -> dict[str, Any]:
        if site.registration is None:
            raise fail("IDP_CLIENT_REGISTRATION is off: nobody could use a token")
        token, secret = await _tokens(site).create(wanted, made_by=mover().by)
        endpoint = f"{site.settings.issuer}/register"
        return {**_described(token), "initial_access_token": secret, "registration_endpoint": endpoint}

    try:
        document = with_site(context, work)
    except BadClient as error:
        raise fail(str(error)) from error
    show(as_json, document, json.dumps(document, indent=2))


@registration_token.command("list")
@json_option
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """List all tokens, the newest first; secrets are not known any more."""

    async def work(site: Site) -> list[dict[str, Any]]:
        return [_described(token) for token in await _tokens(site).list()]

    found = with_site(context, work)
    lines = [
        f"{each['id']}  {each['profile']}  {each['remaining']} left until {each['expires_at']}  {each['made_by']}"
        for each in found
    ]
    show(as_json, found, "\n".join(lines) or "no tokens")


@registration_token.command()
@click.argument("token_id", metavar="ID")
@json_option
@click.pass_context
def revoke(context: click.Context, token_id: str, as_json: bool) -> None:
    """End a token; the clients that it registered stay."""

    async def work(site: Site) -> None:
        if not await _tokens(site).revoke(token_id):
            raise fail(f"there is no token {token_id}")

    with_site(context, work)
    show(as_json, {"id": token_id, "revoked": True}, f"{token_id} is revoked")
