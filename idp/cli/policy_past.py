"""`idp policy simulate|replay`: what another policy would have done, and whether the past comes out again."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from idp.cli import policy_engine, policy_store
from idp.cli.policy_explain import FILE_PATH
from idp.cli.policy_site import OpenSite, mover, open_site
from idp.cli.policy_store import FOUND
from idp.cli.risk import tables_named
from idp.cli.running import json_option, show
from idp.flows import policy_history
from idp.flows.policy_history import Named, Replayed
from idp.policy import durations, record, simulation
from idp.policy import simulation_report as reports
from idp.policy.record import RecordedSignIn
from idp.policy.rules import Policy
from idp.policy.simulation import Report

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
SHOWN = 20


@click.command()
@click.argument("name", metavar="FILE")
@click.option("--since", default=None, metavar="30d", help="how far back: from now, or from the last line of a file")
@click.option("--against", default="active", show_default=True, help="the policy to compare with")
@click.option("--history", "history_file", type=FILE_PATH, help="decision records, one a line, instead of those stored")
@policy_engine.engine_options
@json_option
@click.pass_context
def simulate(
    context: click.Context, name: str, since: str | None, against: str, history_file: Path | None,
    engine: str | None, tables: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Replay the past under another policy; exit 1 if an administrator or anybody else would be left outside."""
    length = _length(since)
    if engine is not None or tables is not None:
        if history_file is not None:
            raise click.UsageError("a file of records does not say what sign-ins taught: --engine needs those stored")
        _with_engine(context, (against, name), length, engine or "ndl-1", tables, as_json=as_json)
        return
    new = policy_store.read_policy(context, name, is_fit=True)
    old = policy_store.read_policy(context, against)
    damaged = Named()
    if history_file is not None:
        report = simulation.simulate(old, new, _read_history(history_file, length))
    else:
        report = _simulate_stored(context, old, new, length, damaged, policy_store.number(name))
        if not report.sign_ins and not damaged.count:
            raise click.UsageError("no decisions are stored here: say --history FILE")
    document = reports.as_json(report) | ({} if history_file else {"damaged": damaged.as_json()})
    show(as_json, document, "\n".join([reports.as_text(report), *_of_damaged(damaged)]))
    is_bad = report.admins_locked_out or report.unreachable or report.not_reproduced or damaged.count
    context.exit(FOUND if is_bad else 0)


def _with_engine(
    context: click.Context, names: tuple[str, str], length: timedelta | None, engine: str, tables: str | None, *,
    as_json: bool,
) -> None:  # fmt: skip
    if engine == "freeman":
        if tables is not None:
            raise click.UsageError("freeman has no table")
        with open_site(context) as opened:
            document, lines = policy_engine.show_ranks(opened, _start(opened, length))
        show(as_json, document, "\n".join(lines))
        return
    old, new = policy_store.read_policy(context, names[0]), policy_store.read_policy(context, names[1], is_fit=True)
    chosen, damaged = tables_named(tables or "default"), Named()
    with open_site(context) as opened:
        report, tally = policy_engine.rescored(opened, old, new, chosen, _start(opened, length), damaged)
    lines = [*policy_engine.as_text(tally, chosen), reports.as_text(report), *_of_damaged(damaged)]
    document = {**reports.as_json(report), "rescored": policy_engine.as_json(tally, chosen)}
    show(as_json, document | {"damaged": damaged.as_json()}, "\n".join(lines))
    is_bad = report.admins_locked_out or report.unreachable or damaged.count
    context.exit(FOUND if is_bad else 0)


def _simulate_stored(
    context: click.Context, old: Policy, new: Policy, length: timedelta | None, damaged: Named, version: int | None
) -> Report:
    with open_site(context) as opened:
        stored = opened.each(policy_history.kept(opened.site.transactions, _start(opened, length)))
        found = policy_history.each(stored, damaged)
        report = simulation.simulate(old, new, (each for _, each in found))
        if version is not None and report.sign_ins:
            opened.run(opened.rollout.note_simulated(version, mover()))
    return report


@click.command()
@click.option("--since", default=None, metavar="30d", help="how far back from now; everything that is kept by default")
@json_option
@click.pass_context
def replay(context: click.Context, since: str | None, as_json: bool) -> None:
    """Make every stored decision again, under the policy that made it; exit 1 if one comes out differently."""
    length = _length(since)
    with open_site(context) as opened:
        start = _start(opened, length)
        report = opened.run(policy_history.replay(opened.site.transactions, opened.own, start))
    show(as_json, report.as_json(), "\n".join(_of_replay(report)))
    context.exit(0 if report.is_clean else FOUND)


def _of_replay(report: Replayed) -> Iterator[str]:
    unknown = report.unknown.total()
    yield (
        f"{report.decisions} decisions: {report.reproduced} reproduced · {report.differing.count} not reproduced · "
        f"{unknown} by policies whose text is not known"
    )
    if report.differing.count:
        yield f"not reproduced: {_ids(report.differing)}"
    for digest, count in report.unknown.most_common():
        yield f"not known: {digest} ({count} decisions)"
    yield from _of_damaged(report.damaged)


def _of_damaged(damaged: Named) -> Iterator[str]:
    if damaged.count:
        yield f"warning: {damaged.count} records are damaged and were left out: {_ids(damaged)}"


def _ids(named: Named) -> str:
    more = f" and {named.count - SHOWN} more" if named.count > SHOWN else ""
    return f"{', '.join(named.ids[:SHOWN])}{more}"


def _length(since: str | None) -> timedelta | None:
    try:
        return None if since is None else durations.read(since)
    except ValueError as error:
        raise click.UsageError(f"--since: {error}") from error


def _start(opened: OpenSite, length: timedelta | None) -> datetime:
    return ALWAYS if length is None else opened.site.clock.now() - length


def _read_history(path: Path, length: timedelta | None) -> Iterator[RecordedSignIn]:
    """Yield the records of a file; the first broken line ends the command with its number."""
    last = _last_line(path) if length is not None else None
    newest = None if last is None else _read_record(last, path, 0)
    start = None if newest is None or length is None else newest.at - length
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            found = _read_record(line, path, number)
            if start is None or found.at >= start:
                yield found


def _last_line(path: Path) -> bytes | None:
    last = None
    with path.open("rb") as file:
        for line in file:
            last = line
    return last


def _read_record(line: bytes, path: Path, number: int) -> RecordedSignIn:
    try:
        document = json.loads(line)
        if not isinstance(document, dict):
            raise TypeError("no object")
        return record.from_json(document)
    except (TypeError, ValueError) as error:
        where = f"line {number}" if number else "last line"
        raise click.UsageError(f"{path}: {where}: {error}") from error
