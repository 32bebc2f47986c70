"""`idp sweep`: removes what has expired; it also happens by itself while serving."""

import click

from idp.cli.running import json_option, show, with_site
from idp.flows import housekeeping
from idp.wiring import Site


@click.command()
@json_option
@click.pass_context
def sweep(context: click.Context, as_json: bool) -> None:
    """Remove what has expired."""

    async def work(site: Site) -> dict[str, int]:
        clients = await housekeeping.sweep_registrations(site.transactions, site.clock)
        clients += await site.documents.drop_unlisted() + await site.documents.drop_unused()
        removed = await housekeeping.sweep(site.transactions, site.clock)
        return {**removed, "clients": clients, "events": await site.audit.retention.keep()}

    removed = with_site(context, work)
    show(as_json, removed, f"{sum(removed.values())} rows removed")
