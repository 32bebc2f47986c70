"""`idp policy draft`: a sentence becomes a rule that somebody may take, and nothing else happens."""

import asyncio
from pathlib import Path

import click

from idp.cli import policy_store
from idp.cli.policy_site import open_site
from idp.cli.policy_store import ACTIVE, CANNOT, FOUND
from idp.cli.running import default_mode, json_option, read_settings, show
from idp.domain.json import Json
from idp.flows import policy_draft, policy_view
from idp.flows.policy_draft import NothingDrafted, Proposal
from idp.flows.policy_view import Simulated
from idp.policy.findings import Severity
from idp.policy.rules import Policy
from idp.providers.adviser.port import Writer
from idp.settings import BadSettings
from idp.wiring.adviser import writer


@click.command()
@click.argument("sentence")
@click.option("--from", "base", default=ACTIVE, show_default=True, metavar="active|FILE", help="the policy it joins")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="write that policy with the rule here")
@click.option("--without-model", is_flag=True, help="read the sentence here, even if a model is set")
@json_option
@click.pass_context
def draft(
    context: click.Context, sentence: str, base: str, out: Path | None, without_model: bool, as_json: bool
) -> None:
    """Say what rule a sentence describes, and what it would change; it decides nothing.

    Exit 0 clean, 1 if something was not understood, found or would lock people out, 2 if no rule came of it.
    """
    text, title = policy_store.read_named(context, base)
    policy = policy_store.read_policy(context, base)
    pen = None if without_model else _writer(context)
    found = _proposed(context, sentence, policy, text, pen, needs_database=title == ACTIVE)
    if isinstance(found, NothingDrafted):
        click.echo(f"idp: {_reason(found)}", err=True)
        raise click.exceptions.Exit(CANNOT)
    proposal, simulated = found
    if out is not None and proposal.is_fit:
        out.write_text(proposal.text, encoding="utf-8")
    show(as_json, _as_json(proposal, simulated), "\n".join(_lines(proposal, simulated, out)))
    is_bad = proposal.findings or not proposal.is_fit or (simulated is not None and _is_bad(simulated))
    context.exit(FOUND if is_bad else 0)


def _writer(context: click.Context) -> Writer | None:
    """Return the model of the settings; where there are none, a sentence is read without."""
    try:
        return writer(read_settings(context, mode=default_mode()))
    except BadSettings:
        return None


def _proposed(
    context: click.Context, sentence: str, policy: Policy, text: str, pen: Writer | None, *, needs_database: bool
) -> tuple[Proposal, Simulated | None] | NothingDrafted:
    try:
        with open_site(context) as opened:

            async def work() -> tuple[Proposal, Simulated | None] | NothingDrafted:
                found = await _propose(sentence, policy, text, pen)
                if isinstance(found, NothingDrafted):
                    return found
                now = opened.site.clock.now()
                simulated = await policy_view.under(opened.site.transactions, policy, found.policy, now)
                return found, simulated if simulated.sign_ins or simulated.damaged else None

            return opened.run(work())
    except click.UsageError:
        if needs_database:
            raise
    found = asyncio.run(_propose(sentence, policy, text, pen))
    return found if isinstance(found, NothingDrafted) else (found, None)


async def _propose(sentence: str, policy: Policy, text: str, pen: Writer | None) -> Proposal | NothingDrafted:
    try:
        return await policy_draft.propose(sentence, policy, text, writer=pen)
    finally:
        if pen is not None:
            await pen.close()


def _reason(found: NothingDrafted) -> str:
    words = f"not understood: {', '.join(found.not_understood)}" if found.not_understood else ""
    return (
        "; ".join(filter(None, (words, found.why))) or "this sentence asks for nothing, refuses nothing, tells nobody"
    )


def _is_bad(simulated: Simulated) -> bool:
    document = simulated.document
    return bool(document.get("admins_locked_out") or document.get("unreachable_users") or simulated.damaged)


def _lines(proposal: Proposal, simulated: Simulated | None, out: Path | None) -> list[str]:
    lines = [f"# by {proposal.model}: read it twice" if proposal.model else "# read without a model"]
    if proposal.not_understood:
        lines.append(f"# NOT UNDERSTOOD, and not in this rule: {', '.join(proposal.not_understood)}")
    lines += [proposal.rule, f"lint: {len(proposal.policy.rules)} rules, {len(proposal.policy.tests)} tests"]
    lines += [f"  {line}" for line in policy_draft.spelt(proposal.findings)]
    lines += ["diff:", *(f"  {change}" for change in proposal.changes)]
    if simulated is None:
        lines.append("simulate: no decisions are stored here")
    else:
        lines += ["simulate:", *(f"  {line}" for line in simulated.lines)]
    if out is None:
        lines.append("nothing was stored; --out FILE writes the policy with this rule, idp policy shadow lets it watch")
    elif proposal.is_fit:
        lines.append(f"{out}: the policy with this rule; idp policy shadow {out} lets it watch")
    else:
        lines.append(f"{out} was not written: say it in other words first")
    return lines


def _as_json(proposal: Proposal, simulated: Simulated | None) -> dict[str, Json]:
    return {
        "rule": proposal.rule, "model": proposal.model, "not_understood": [*proposal.not_understood],
        "is_fit": proposal.is_fit,
        "findings": [
            {"rule": each.rule, "severity": each.severity.value, "reason": each.reason} for each in proposal.findings
        ],
        "refused": any(each.severity is Severity.REFUSED for each in proposal.findings),
        "changes": [change.as_json() for change in proposal.changes],
        "simulation": None if simulated is None else simulated.document,
    }  # fmt: skip
