"""`idp admin operations` and `idp admin do`: everything that pages and the REST API can do, at the command line."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from idp.cli.running import fail, json_option, show, with_site
from idp.domain.event import Actor, ActorKind
from idp.domain.json import BadJson, read_object
from idp.flows.admin.callers import of_command
from idp.flows.admin.catalog import OPERATIONS
from idp.flows.admin.operation import Output
from idp.flows.admin.problem import Problem
from idp.wiring import Site

LARGEST = 1_000_000


@click.command()
@json_option
def operations(as_json: bool) -> None:
    """List everything that `idp admin do` can do."""
    found = [
        {
            "name": each.name, "summary": each.summary, "permission": each.permission.value,
            "input": each.takes.model_json_schema(), "dangerous": each.is_dangerous,
        }
        for each in OPERATIONS.values()
    ]  # fmt: skip
    show(as_json, found, "\n".join(f"{each['name']:24}  {each['summary']}" for each in found))


@click.command()
@click.argument("name", metavar="OPERATION")
@click.argument("members", nargs=-1, metavar="[MEMBER=VALUE]...")
@click.option("--input", "file", type=click.Path(allow_dash=True, path_type=Path), help="JSON object; - reads it here")
@json_option
@click.pass_context
def do(context: click.Context, name: str, members: tuple[str, ...], file: Path | None, as_json: bool) -> None:
    """Do an operation; a VALUE is JSON where it can be read so, else text."""
    operation = OPERATIONS.get(name)
    if operation is None:
        raise click.UsageError(f"there is no operation {name}; see: idp admin operations")
    given = {**_from_file(file), **dict(_member(each) for each in members)}

    async def work(site: Site) -> dict[str, Any]:
        actor = site.transactions.actor or Actor(ActorKind.COMMAND_LINE)
        done: Output = await site.administration.call(operation, of_command(actor), given)
        return done.model_dump(mode="json")

    try:
        document = with_site(context, work)
    except Problem as problem:
        raise fail(problem.detail) from problem
    show(as_json, document, json.dumps(document, indent=2, ensure_ascii=False) if document else "done")


def _member(text: str) -> tuple[str, object]:
    name, separator, value = text.partition("=")
    if not separator:
        raise click.UsageError(f"{text} is no MEMBER=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _from_file(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        text = sys.stdin.read(LARGEST) if str(file) == "-" else file.read_text("utf-8")
        return read_object(text)
    except (BadJson, OSError, ValueError) as error:
        raise fail(f"{file}: {error}") from error
