"""`idp policy`: what a policy file is worth before it decides. Exit 0 clean, 1 findings, 2 cannot run."""

from collections.abc import Iterator, Sequence

import click

from idp.cli import policy_draft, policy_explain, policy_past, policy_rollout, policy_store
from idp.cli.policy_store import FOUND
from idp.cli.running import json_option, show
from idp.policy import lint, policy_diff, rule_file, rule_tests
from idp.policy.findings import BadPolicy, Finding, Severity

FILES = click.argument("files", metavar="FILE…", nargs=-1, required=True)


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
        read = policy_store.read_policy(context, name)
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
    changes = policy_diff.diff(policy_store.read_policy(context, old), policy_store.read_policy(context, new))
    text = "\n".join(map(str, changes)) or "no difference"
    show(as_json, {"changes": [change.as_json() for change in changes]}, text)
    context.exit(FOUND if changes else 0)


for command in (
    policy_draft.draft,
    policy_explain.explain,
    policy_past.simulate,
    policy_past.replay,
    *policy_rollout.COMMANDS,
):
    policy.add_command(command)
