"""`idp apply` and `idp export-config`: configuration as code, from a file that was reviewed."""

from pathlib import Path
from typing import Any

import click

from idp.cli.running import fail, json_option, show, with_site
from idp.domain.event import Actor, ActorKind
from idp.flows.admin.callers import of_command
from idp.flows.admin.catalog import OPERATIONS
from idp.flows.admin.operation import Output
from idp.flows.admin.problem import Problem
from idp.wiring import Site

SIGNS = {"create": "+", "update": "~", "delete": "-"}


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="show what would change, and change nothing")
@click.option("--prune", is_flag=True, help="also remove groups and clients that the file does not name")
@json_option
@click.pass_context
def apply(context: click.Context, file: Path, dry_run: bool, prune: bool, as_json: bool) -> None:
    """Bring groups, clients and policy to what FILE (TOML) says; a second time changes nothing."""
    try:
        text = file.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise fail(f"{file}: {error}") from error
    done = _call(context, "configuration.apply", {"text": text, "dry_run": dry_run, "prune": prune}, str(file))
    show(as_json, done, "\n".join(_lines(done)) or "nothing to change")


def _lines(done: dict[str, Any]) -> list[str]:
    lines = []
    for change in done["changes"]:
        lines.append(f"{SIGNS[change['action']]} {change['kind']} {change['name']}")
        for member in dict.fromkeys((*change["before"], *change["after"])):
            was, is_now = change["before"].get(member), change["after"].get(member)
            shown = {"update": f"{was!r} -> {is_now!r}", "create": f"{is_now!r}", "delete": f"{was!r}"}
            lines.append(f"    {member}: {shown[change['action']]}")
    lines += [f"secret of {client_id}, shown this once: {secret}" for client_id, secret in done["secrets"].items()]
    return [*lines, "nothing was changed: --dry-run"] if done["dry_run"] and lines else lines


@click.command("export-config")
@json_option
@click.pass_context
def export_config(context: click.Context, as_json: bool) -> None:
    """Write a file for `idp apply` from what this provider is; it names no secret."""
    done = _call(context, "configuration.export", {}, "")
    show(as_json, done, done["text"].rstrip("\n"))


def _call(context: click.Context, name: str, given: dict[str, object], file: str) -> dict[str, Any]:
    async def work(site: Site) -> dict[str, Any]:
        actor = site.transactions.actor or Actor(ActorKind.COMMAND_LINE)
        done: Output = await site.administration.call(OPERATIONS[name], of_command(actor), given)
        return done.model_dump(mode="json")

    try:
        return with_site(context, work)
    except Problem as problem:
        lines = [f"{fault.member}: {fault.detail}" for fault in problem.faults] or [problem.detail]
        raise fail("\n".join(f"{file}: {line}" if file else line for line in lines)) from problem
