"""`idp risk`: score files of logins, report what that would ask of people, and train the shipped table.

These need no database, no settings and no network; what is drafted for operators does → risk_drafts.py.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NoReturn

import click

from idp.cli import risk_drafts
from idp.cli.running import json_option, show
from idp.risk import comparison
from idp.risk.comparison import compare, read_answers
from idp.risk.evaluation import Engine, evaluate, train
from idp.risk.event_file import BrokenLine, read_events, read_scored, scored_line
from idp.risk.report import report, to_json, to_text
from idp.risk.shipped import DEFAULT, NONE, BadTable, Tables, default_tables, read_tables

_ENGINES = [engine.value for engine in Engine]
_CANNOT_RUN = 2
_AT_ONCE = 1000


@click.group()
def risk() -> None:
    """How unusual logins are, measured on files; and what is drafted for operators."""


for command in risk_drafts.COMMANDS:
    risk.add_command(command)


@risk.command("evaluate")
@click.argument("events", type=click.Path(dir_okay=False, allow_dash=True))
@click.option("--engine", type=click.Choice(_ENGINES), default=Engine.NDL.value, show_default=True)
@click.option("--tables", default="default", show_default=True, metavar="default|none|PATH", help="of owners at large")
def evaluate_(events: str, engine: str, tables: str) -> None:
    """Score each login of a file, one JSON object a line in time order, against those before it; `-` reads stdin."""
    known = tables_named(tables)
    with _lines(events) as lines:
        scored = evaluate(read_events(lines), engine=Engine(engine), tables=known)
        _write(scored_line(event, found) for event, found in scored)


def _write(lines: Iterable[str]) -> None:
    """Write in blocks; what was scored before a broken line is still written."""
    block: list[str] = []
    try:
        for line in lines:
            block.append(line)
            if len(block) >= _AT_ONCE:
                sys.stdout.buffer.write(("\n".join(block) + "\n").encode("utf-8", "surrogatepass"))
                block.clear()
    finally:
        if block:
            sys.stdout.buffer.write(("\n".join(block) + "\n").encode("utf-8", "surrogatepass"))
        sys.stdout.buffer.flush()


@risk.command("report")
@click.argument("scored", type=click.Path(dir_okay=False, allow_dash=True))
@click.option("--warmup", type=click.FloatRange(0, 1, max_open=True), default=0.15, show_default=True,
              help="share of lines that count neither for AUC nor for TPR")  # fmt: skip
@json_option
def report_(scored: str, warmup: float, as_json: bool) -> None:
    """Say how many attacks the scores of a file tell from owners, and how many owners they challenge."""
    with _lines(scored) as lines:
        found = report(list(read_scored(lines)), warmup=warmup)
    show(as_json, to_json(found), to_text(found))


@risk.command("compare")
@click.argument("events", type=click.Path(dir_okay=False))
@click.option("--advice", type=click.Path(dir_okay=False), required=True, help="answers, one JSON object a line")
@click.option("--tables", default="default", show_default=True, metavar="default|none|PATH", help="of owners at large")
@click.option("--price-in", type=click.FloatRange(0), default=0.0, help="of a million tokens sent")
@click.option("--price-out", type=click.FloatRange(0), default=0.0, help="of a million tokens received")
@json_option
@click.pass_context
def compare_(
    context: click.Context, events: str, advice: str, tables: str, price_in: float, price_out: float, as_json: bool
) -> None:  # fmt: skip
    """Say whether advice catches more attacks than a lower threshold would; exit 1 if that is not proven."""
    known = tables_named(tables)
    with _lines(advice) as lines:
        answers = read_answers(lines)
    with _lines(events) as lines:
        pairs = list(evaluate(read_events(lines), engine=Engine.NDL, tables=known))
    scored = list(read_scored(scored_line(event, found) for event, found in pairs))
    found = compare(scored, [event.id for event, _ in pairs], answers)
    show(as_json, comparison.to_json(found, price_in=price_in, price_out=price_out), comparison.to_text(found))
    if not found.passes:
        context.exit(1)


@risk.command("train")
@click.argument("events", type=click.Path(dir_okay=False, allow_dash=True))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="the table; its version "
              "is the name of this file")  # fmt: skip
@click.option("--generator", help="where the logins come from, for the record")
@click.option("--seed", help="of that generator, for the record")
@json_option
def train_(events: str, out: Path, generator: str | None, seed: str | None, as_json: bool) -> None:
    """Make a table of owners at large from the learnt logins of a file."""
    with _lines(events) as lines:
        try:
            text = train(read_events(lines), NONE, version=out.stem, generator=generator, seed=seed)
        except BadTable as error:
            _stop(f"{events}: {error}")
    try:
        out.write_text(text, "utf-8")
    except OSError as error:
        _stop(f"{out}: {error.strerror or error}")
    show(as_json, json.loads(text), f"{out}: table {out.stem}")


def tables_named(name: str) -> Tables:
    """Return the table of a name or a file; one that cannot be read ends the command with exit code 2."""
    if name == "none":
        return NONE
    try:
        return default_tables() if name in ("default", DEFAULT) else read_tables(Path(name).read_text("utf-8"))
    except OSError as error:
        _stop(f"{name}: {error.strerror or error}")
    except (BadTable, UnicodeDecodeError) as error:
        _stop(f"{name}: {error}")


@contextmanager
def _lines(path: str) -> Iterator[BinaryIO]:
    """Yield the file; one that cannot be read, or a broken line, ends the command with exit code 2."""
    try:
        if path == "-":
            yield sys.stdin.buffer
            return
        with Path(path).open("rb") as file:
            yield file
    except BrokenPipeError:
        _stop("nobody reads the output")
    except BrokenLine as error:
        _stop(f"{path}: {error}")
    except OSError as error:
        _stop(f"{path}: {error.strerror or error}")


def _stop(why: str) -> NoReturn:
    click.echo(f"idp: {why}", err=True)
    raise click.exceptions.Exit(_CANNOT_RUN)
