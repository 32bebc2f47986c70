"""`idp policy explain`: a decision that was made, or one about facts in a file, and what became of each rule."""

import tomllib
from pathlib import Path

import click

from idp.cli import policy_store
from idp.cli.policy_site import open_site
from idp.cli.running import fail, json_option, show
from idp.domain.json import Json
from idp.flows import policy_history
from idp.flows.policy_history import KnownPolicies
from idp.policy import explanation, rule_tests
from idp.policy.ability import Ability
from idp.policy.condition_file import snapshot
from idp.policy.facts import SHORT_NAMES, Facts, ordinary, to_json
from idp.policy.record import RecordedSignIn
from idp.policy.rules import Policy
from idp.policy.verdict import decide

FILE_PATH = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--decision", "decision_id", metavar="ID", help="a decision that was made")
@click.option("--facts", "facts_file", type=FILE_PATH, help="TOML; what it leaves out is that of an ordinary sign-in")
@click.option(
    "--policy", "name", help="a file, a shipped name or a version; otherwise the active one, or the one that decided"
)
@click.option("--text", "as_text", is_flag=True, help="for people instead of JSON")
@json_option
@click.pass_context
def explain(
    context: click.Context, decision_id: str | None, facts_file: Path | None, name: str | None, as_text: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Say what a policy decides, and why each rule did or did not match."""
    if (decision_id is None) is (facts_file is None):
        raise click.UsageError("say either --decision ID or --facts FILE")
    if facts_file is not None:
        read = policy_store.read_policy(context, name or policy_store.ACTIVE)
        facts = _read_facts(facts_file, read)
        document, text = _explained(read, facts, rule_tests.ability_of(facts))
    else:
        document, text = _of_decision(context, str(decision_id), name)
    show(as_json or not as_text, document, text)


def _explained(read: Policy, facts: Facts, ability: Ability) -> tuple[dict[str, Json], str]:
    verdict = decide(read, facts, ability)
    change = explanation.smallest_change(read, facts, ability)
    document: dict[str, Json] = {
        **verdict.as_json(),
        "facts": facts.as_json(),
        "would_pass_with": None if change is None else {fact: to_json(value) for fact, value in change.items()},
    }
    return document, explanation.as_text(verdict, change)


def _of_decision(context: click.Context, decision_id: str, name: str | None) -> tuple[dict[str, Json], str]:
    """Explain a decision by the policy that made it, or by another one that is named."""
    named = None if name is None else policy_store.read_policy(context, name)
    with open_site(context) as opened:
        stored = policy_store.stored_decision(opened, decision_id)
        record = policy_history.read(stored)
        if record is None:
            raise fail(f"the record of {decision_id} is damaged")

        async def load() -> KnownPolicies:
            async with opened.site.transactions.open(write=False) as stores:
                return await KnownPolicies.load(stores, opened.own)

        read = named or opened.run(load()).find(stored.policy)
    if read is None:
        document: dict[str, Json] = {**record.verdict, "facts": record.facts.as_json(), "would_pass_with": None}
        text = _as_recorded(record)
    else:
        document, text = _explained(read, record.facts, record.ability)
    return {
        "id": decision_id, "at": record.at.isoformat(), "user": record.user, **record.assessed, **document,
        "advice": None if stored.advice is None else dict(stored.advice), "outcome": stored.outcome,
        "label": stored.label,
    }, text  # fmt: skip


def _as_recorded(record: RecordedSignIn) -> str:
    """Return what the record itself says, where the text of its policy is not known any more."""
    acr = str(record.verdict["acr"])
    lines = [f"decision {record.decision}: {SHORT_NAMES.get(acr, acr)}", "the text of its policy is not known here"]
    rules = record.verdict.get("rules")
    for rule in rules if isinstance(rules, list) else ():
        if isinstance(rule, dict):
            is_matched = rule.get("matched") is True
            lines.append(
                f"{'+' if is_matched else '-'} {rule.get('id')}: {rule.get('mode' if is_matched else 'because')}"
            )
    return "\n".join(lines)


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
