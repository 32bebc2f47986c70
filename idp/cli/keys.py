"""`idp keys`: signing keys, and making a master key."""

from typing import Any

import click

from idp.cli.running import fail, json_option, show, with_site
from idp.domain.secret import base64url, random_bytes
from idp.flows.signing_keys import TooManyKeys
from idp.storage.signing_keys import SigningKey
from idp.wiring import Site


@click.group()
def keys() -> None:
    """Signing keys; rotation publishes the next key before it signs."""


def _document(key: SigningKey) -> dict[str, Any]:
    return {
        "kid": key.kid,
        "alg": key.alg,
        "state": key.state.value,
        "published_at": key.published_at.isoformat(),
        "activates_at": key.activates_at.isoformat() if key.activates_at else None,
        "activated_at": key.activated_at.isoformat() if key.activated_at else None,
    }


@keys.command("list")
@json_option
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """List the keys."""

    async def work(site: Site) -> list[dict[str, Any]]:
        await site.keys.ensure()
        return [_document(key) for key in await site.keys.known()]

    found = with_site(context, work)
    lines = [f"{key['kid']}  {key['alg']:6} {key['state']:8} since {key['published_at']}" for key in found]
    show(as_json, found, "\n".join(lines))


@keys.command()
@json_option
@click.pass_context
def rotate(context: click.Context, as_json: bool) -> None:
    """Publish new keys at once; keys published at least a day ago begin to sign."""

    async def work(site: Site) -> dict[str, list[str]]:
        await site.keys.ensure()
        done = await site.keys.rotate()
        return {"activated": list(done.activated), "published": list(done.published)}

    try:
        done = with_site(context, work)
    except TooManyKeys as error:
        raise fail("several next keys wait already; they begin to sign a day after they were published") from error
    signing = f"now signing: {' '.join(done['activated'])}" if done["activated"] else (
        "the keys in use go on signing until the next ones have been published for a day")  # fmt: skip
    show(as_json, done, f"published: {' '.join(done['published'])}\n{signing}")


def _end(context: click.Context, kid: str, as_json: bool, *, revoke: bool) -> None:
    async def work(site: Site) -> bool:
        return await site.keys.end(kid, revoke=revoke)

    if not with_site(context, work):
        raise fail(f"there is no key {kid}")
    state = "revoked" if revoke else "retired"
    show(as_json, {"kid": kid, "state": state}, f"{kid} is {state}")


@keys.command()
@click.argument("kid")
@json_option
@click.pass_context
def retire(context: click.Context, kid: str, as_json: bool) -> None:
    """Let a key sign no more; what it signed stays valid."""
    _end(context, kid, as_json, revoke=False)


@keys.command()
@click.argument("kid")
@json_option
@click.pass_context
def revoke(context: click.Context, kid: str, as_json: bool) -> None:
    """Withdraw a key that leaked: it leaves the JWKS and nothing it signed is accepted."""
    _end(context, kid, as_json, revoke=True)


@keys.command()
@json_option
def master(as_json: bool) -> None:
    """Make a master key for IDP_MASTER_KEY; it is printed and kept nowhere."""
    key = base64url(random_bytes(32))
    show(as_json, {"master_key": key}, key)
