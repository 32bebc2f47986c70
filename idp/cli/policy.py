"""`idp policy`: what a policy file is worth before it decides. Exit 0 clean, 1 findings, 2 cannot run."""

import json
import tomllib
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import click

from idp.cli import policy_store
from idp.cli.running import json_option, show
from idp.policy import durations, explanation, lint, policy_diff, record, rule_file, rule_tests, simulation
from idp.policy import simulation_report as reports
from idp.policy.condition_file import snapshot
from idp.policy.facts import Facts, ordinary, to_json
from idp.policy.findings import BadPolicy, Finding, Severity
from idp.policy.record import RecordedSignIn
from idp.policy.rules import Policy
from idp.policy.verdict import decide

FOUND = 1
CANNOT = 2
FILES = click.argument("files", metavar="FILE…", nargs=-1, required=True)
FILE_PATH = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def policy() -> None:
    """What is asked of whom, and when: look at a policy before it decides."""


@policy.command("lint")
@FILES
@json_option
@click.pass_context
def lint_(context: click.Context, files: tuple[str, ...], as_json: bool) -> None:
    """Look for what is wrong with policies; exit 1 if there is anything."""
    documents: list[dict[str, object]] = []
    lines: list[str] = []
    has_findings = False
    for name in files:
        text, title = policy_store.read_named(context, name)
        rules, tests, findings = _looked_at(text, title)
        has_findings = has_findings or bool(findings)
        documents.append({
            "file": title, "rules": rules, "tests": tests,
            "findings": [{"line": each.line, "rule": each.rule, "severity": each.severity.value, "reason": each.reason}
                         for each in findings],
        })  # fmt: skip
        lines += _linted(title, rules, tests, findings)
    show(as_json, documents[0] if len(documents) == 1 else documents, "\n".join(lines))
    context.exit(FOUND if has_findings else 0)


def _looked_at(text: str, title: str) -> tuple[int, int, Sequence[Finding]]:
    try:
        read = rule_file.read(text, title)
    except BadPolicy as error:
        return 0, 0, error.findings
    return len(read.rules), len(read.tests), lint.check(read)


def _linted(title: str, rules: int, tests: int, findings: Sequence[Finding]) -> Iterator[str]:
    refused = [finding for finding in findings if finding.severity is Severity.REFUSED]
    warnings = [
        f"warning {finding.rule or 'policy'}: {finding.reason}" for finding in findings if finding not in refused
    ]
    yield from (finding.at(title) for finding in refused)
    if rules or tests or not refused:
        yield " · ".join([f"{rules} rules, {tests} tests", *warnings])


@policy.command()
@FILES
@json_option
@click.pass_context
def test(context: click.Context, files: tuple[str, ...], as_json: bool) -> None:
    """Run the tests inside policies; exit 1 if one fails."""
    documents: list[dict[str, object]] = []
    lines: list[str] = []
    has_failed = False
    for name in files:
        read = _read(context, name)
        outcomes = list(rule_tests.run(read))
        failed = [outcome for outcome in outcomes if not outcome.has_passed]
        has_failed = has_failed or bool(failed)
        faults = [{"line": each.test.line, "faults": list(each.faults)} for each in failed]
        documents.append({"file": name, "passed": len(outcomes) - len(failed), "failed": faults})
        lines += [f"{name}:{each.test.line}: {'; '.join(each.faults)}" for each in failed]
        lines.append(f"{len(outcomes) - len(failed)} passed, {len(failed)} failed")
    show(as_json, documents[0] if len(documents) == 1 else documents, "\n".join(lines))
    context.exit(FOUND if has_failed else 0)


@policy.command()
@click.argument("old")
@click.argument("new")
@json_option
@click.pass_context
def diff(context: click.Context, old: str, new: str, as_json: bool) -> None:
    """Say what changes from one policy to another, and whether that asks for more; exit 1 if anything does."""
    changes = policy_diff.diff(_read(context, old), _read(context, new))
    text = "\n".join(map(str, changes)) or "no difference"
    show(as_json, {"changes": [change.as_json() for change in changes]}, text)
    context.exit(FOUND if changes else 0)


@policy.command()
@click.option("--decision", "decision_id", metavar="ID", help="a decision that was made")
@click.option("--facts", "facts_file", type=FILE_PATH, help="TOML; what it leaves out is that of an ordinary sign-in")
@click.option("--policy", "name", default="active", show_default=True, help="a file, a shipped name or a version")
@click.option("--text", "as_text", is_flag=True, help="for people instead of JSON")
@json_option
@click.pass_context
def explain(
    context: click.Context, decision_id: str | None, facts_file: Path | None, name: str, as_text: bool, as_json: bool
) -> None:
    """Say what a policy decides, and why each rule did or did not match."""
    if (decision_id is None) is (facts_file is None):
        raise click.UsageError("say either --decision ID or --facts FILE")
    read = _read(context, name)
    if facts_file is not None:
        facts = _read_facts(facts_file, read)
        ability = rule_tests.ability_of(facts)
    else:
        recorded = policy_store.stored_decision(context, str(decision_id))
        if recorded is None:
            raise click.UsageError(f"no decision {decision_id}")
        facts, ability = recorded.facts, recorded.ability
    verdict = decide(read, facts, ability)
    change = explanation.smallest_change(read, facts, ability)
    document = {
        **verdict.as_json(),
        "facts": facts.as_json(),
        "would_pass_with": None if change is None else {fact: to_json(value) for fact, value in change.items()},
    }
    show(as_json or not as_text, document, explanation.as_text(verdict, change))


@policy.command()
@click.argument("name", metavar="FILE")
@click.option("--since", default=None, metavar="30d", help="how far back, from the last decision")
@click.option("--against", default="active", show_default=True, help="the policy to compare with")
@click.option("--history", "history_file", type=FILE_PATH, help="decision records, one a line, in order of time")
@json_option
@click.pass_context
def simulate(
    context: click.Context, name: str, since: str | None, against: str, history_file: Path | None, as_json: bool
) -> None:
    """Replay the past under another policy; exit 1 if an administrator or anybody else would be left outside."""
    try:
        length = None if since is None else durations.read(since)
    except ValueError as error:
        raise click.UsageError(f"--since: {error}") from error
    new = _read(context, name, is_fit=True)
    old = _read(context, against)
    if history_file is not None:
        history: Iterator[RecordedSignIn] | None = _read_history(history_file, length)
    else:
        history = policy_store.stored_history(context, length)
    if history is None:
        raise click.UsageError("no decisions are stored here: say --history FILE")
    report = simulation.simulate(old, new, history)
    show(as_json, reports.as_json(report), reports.as_text(report))
    context.exit(FOUND if report.admins_locked_out or report.unreachable or report.not_reproduced else 0)


def _read(context: click.Context, name: str, *, is_fit: bool = False) -> Policy:
    """Return a policy; one that cannot be read, or used, ends the command with exit code 2."""
    text, title = policy_store.read_named(context, name)
    try:
        return lint.load(text, title) if is_fit else rule_file.read(text, title)
    except BadPolicy as error:
        click.echo(str(error), err=True)
        raise click.exceptions.Exit(CANNOT) from error


def _read_facts(path: Path, read: Policy) -> Facts:
    faults: list[str] = []
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise click.UsageError(f"{path}: {error}") from error
    facts = snapshot(ordinary(), table.get("facts", table), read.bands, lambda reason, _: faults.append(reason))
    if faults:
        raise click.UsageError(f"{path}: {'; '.join(faults)}")
    return facts


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
