"""`idp admin`: the way in for the first administrator."""

import click

from idp.cli.operations import do, operations
from idp.cli.running import json_option, show, with_site
from idp.wiring import Site


@click.group()
def admin() -> None:
    """Administrators."""


@admin.command()
@json_option
@click.pass_context
def link(context: click.Context, as_json: bool) -> None:
    """Print a one-time link that makes an administrator; it works for an hour, older ones stop working."""

    async def work(site: Site) -> str:
        return f"{site.settings.issuer}/admin/first/{await site.users.administrator_link()}"

    url = with_site(context, work)
    show(as_json, {"url": url}, url)


admin.add_command(operations)
admin.add_command(do)
