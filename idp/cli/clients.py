"""`idp client`: relying parties, in and out by the member names of RFC 7591."""

import json
from pathlib import Path
from typing import Any

import click

from idp.cli.registration_tokens import registration_token
from idp.cli.running import fail, json_option, show, with_site
from idp.domain.client import BadClient, Client, Profile
from idp.domain.image import MAX_LOGO, raster_type
from idp.flows.client_document import to_members
from idp.wiring import Site


@click.group()
def client() -> None:
    """Relying parties."""


client.add_command(registration_token)


def _registration(found: Client, secret: str | None) -> dict[str, Any]:
    members = to_members(found)
    if secret is not None:
        members |= {"client_secret": secret, "client_secret_expires_at": 0}
    return members


def _read_json(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        document = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise fail(f"{file}: {error}") from error
    if not isinstance(document, dict):
        raise fail(f"{file}: not a JSON object")
    return document


FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _member_options(function: Any) -> Any:
    for option in (
        click.option("--redirect-uri", "redirect_uris", multiple=True, help="where people are sent back to"),
        click.option("--post-logout-redirect-uri", "post_logout_redirect_uris", multiple=True),
        click.option("--grant", "grant_types", multiple=True, help="grant type; authorization_code by default"),
        click.option("--auth-method", "token_endpoint_auth_method", help="how the client authenticates"),
        click.option("--scope", help="scopes it may ask for, separated by spaces"),
        click.option("--jwks", type=FILE, help="file with the client's public keys"),
        click.option("--metadata", type=FILE, help="JSON file with further RFC 7591 members"),
        click.option("--logo", type=FILE, help="PNG, JPEG or WebP shown on the pages"),
    ):
        function = option(function)
    return function


def _members(options: dict[str, Any]) -> dict[str, Any]:
    members = _read_json(options.pop("metadata"))
    jwks = options.pop("jwks")
    if jwks is not None:
        members["jwks"] = _read_json(jwks)
    for name, value in options.items():
        if value:
            members[name] = list(value) if isinstance(value, tuple) else value
    return members


def _logo(file: Path | None) -> tuple[bytes, str] | None:
    if file is None:
        return None
    image = file.read_bytes()
    media_type = raster_type(image)
    if media_type is None or len(image) > MAX_LOGO:
        raise fail(f"{file}: a logo is a PNG, JPEG or WebP of at most 256 kB")
    return image, media_type


@client.command()
@click.option("--name", "client_name", required=True, help="name shown to people")
@click.option("--client-id", help="chosen id; a random one by default")
@click.option("--profile", type=click.Choice([profile.value for profile in Profile]), default="oauth21")
@click.option("--first-party", is_flag=True, help="your own application: people are not asked for consent")
@_member_options
@json_option
@click.pass_context
def create(
    context: click.Context, /, as_json: bool, profile: str, first_party: bool, client_id: str | None, **options: Any
) -> None:
    """Register a client; its secret is shown this once."""
    logo = _logo(options.pop("logo"))
    members = _members(options)

    async def work(site: Site) -> dict[str, Any]:
        made, secret = await site.clients.create(
            members, profile=Profile(profile), is_first_party=first_party, client_id=client_id
        )
        if logo is not None:
            await site.clients.set_logo(made, *logo)
        return {**_registration(made, secret), "issuer": site.settings.issuer}

    document = _guarded(context, work)
    show(as_json, document, json.dumps(document, indent=2))


def _guarded(context: click.Context, work: Any) -> Any:
    try:
        return with_site(context, work)
    except BadClient as error:
        raise fail(f"{error.code}: {error}") from error


@client.command("list")
@json_option
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """List all clients."""

    async def work(site: Site) -> list[dict[str, Any]]:
        return [to_members(found) for found in await site.clients.list()]

    found = with_site(context, work)
    lines = [f"{each['client_id']}  {each['client_name']}  {each['profile']}" for each in found]
    show(as_json, found, "\n".join(lines) or "no clients yet")


async def _find(site: Site, client_id: str) -> Client:
    found = await site.clients.find(client_id)
    if found is None:
        raise fail(f"there is no client {client_id}")
    return found


@client.command("show")
@click.argument("client_id")
@json_option
@click.pass_context
def show_(context: click.Context, client_id: str, as_json: bool) -> None:
    """Show one client."""

    async def work(site: Site) -> dict[str, Any]:
        return to_members(await _find(site, client_id))

    document = with_site(context, work)
    show(as_json, document, json.dumps(document, indent=2))


@client.command()
@click.argument("client_id")
@click.option("--name", "client_name")
@_member_options
@json_option
@click.pass_context
def update(context: click.Context, /, client_id: str, as_json: bool, **options: Any) -> None:
    """Change members of a client."""
    logo = _logo(options.pop("logo"))
    members = _members(options)

    async def work(site: Site) -> dict[str, Any]:
        changed, secret = await site.clients.update(await _find(site, client_id), members)
        if logo is not None:
            await site.clients.set_logo(changed, *logo)
        return _registration(changed, secret)

    document = _guarded(context, work)
    show(as_json, document, json.dumps(document, indent=2))


@client.command("rotate-secret")
@click.argument("client_id")
@json_option
@click.pass_context
def rotate_secret(context: click.Context, client_id: str, as_json: bool) -> None:
    """Give a client a new secret; the old one works beside it for a day."""

    async def work(site: Site) -> dict[str, Any]:
        return _registration(*await site.clients.rotate_secret(await _find(site, client_id)))

    document = _guarded(context, work)
    show(as_json, document, json.dumps(document, indent=2))


def _set_active(context: click.Context, client_id: str, as_json: bool, *, is_active: bool) -> None:
    async def work(site: Site) -> dict[str, Any]:
        return to_members(await site.clients.set_active(await _find(site, client_id), is_active=is_active))

    document = _guarded(context, work)
    show(as_json, document, f"{client_id} is {'enabled' if is_active else 'disabled'}")


@client.command()
@click.argument("client_id")
@json_option
@click.pass_context
def disable(context: click.Context, client_id: str, as_json: bool) -> None:
    """Refuse a client everywhere, within a second."""
    _set_active(context, client_id, as_json, is_active=False)


@client.command()
@click.argument("client_id")
@json_option
@click.pass_context
def enable(context: click.Context, client_id: str, as_json: bool) -> None:
    """Let a disabled client work again."""
    _set_active(context, client_id, as_json, is_active=True)


@client.command()
@click.argument("client_id")
@json_option
@click.pass_context
def delete(context: click.Context, client_id: str, as_json: bool) -> None:
    """Remove a client with its grants and consents."""

    async def work(site: Site) -> None:
        await site.clients.delete(await _find(site, client_id))

    with_site(context, work)
    show(as_json, {"client_id": client_id, "deleted": True}, f"{client_id} is deleted")
