"""From a sentence to a proposal: the rule it describes, the policy with it, and what that would change.

Nothing is stored here, and nothing decides: whoever wants the rule takes the text the usual way, as a draft.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from idp.flows import policy_view
from idp.flows.policy_view import Simulated
from idp.policy import lint, policy_diff, rule_draft, rule_file
from idp.policy.findings import BadPolicy, Finding, Severity
from idp.policy.policy_diff import Change
from idp.policy.rules import Policy
from idp.policy.step_up import Rules
from idp.providers.adviser.port import Writer
from idp.risk import drafting_rules
from idp.risk.drafting_rules import DraftedRule
from idp.storage.stores import Transactions

LONGEST = drafting_rules.LONGEST


@dataclass(frozen=True, slots=True)
class Proposal:
    """A rule for a sentence, and the policy with that rule at its end."""

    rule: str  # as TOML
    text: str  # of the whole policy
    policy: Policy
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]  # that the policy has with the rule and not without it
    not_understood: tuple[str, ...]
    model: str | None = None  # which wrote it; None if our own reading did

    @property
    def is_fit(self) -> bool:
        """Say whether it may be stored: the whole sentence found its place, and nothing refuses the policy."""
        return not self.not_understood and not any(each.severity is Severity.REFUSED for each in self.findings)


@dataclass(frozen=True, slots=True)
class NothingDrafted:
    """No rule came of a sentence: the words that stood in the way, and why, if there is more to say."""

    not_understood: tuple[str, ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Described:
    """What a page shows of a sentence: a proposal with its past, or why there is none."""

    proposal: Proposal | None
    findings: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    past: Simulated | None = None
    not_understood: tuple[str, ...] = ()
    why: str = ""


async def describe(
    transactions: Transactions, own: Policy, own_text: str, rules: Rules, sentence: str, writer: Writer | None,
    now: datetime,
) -> Described:  # fmt: skip
    """Return what a sentence would change in the policy that decides now, over the last 30 days."""
    base, text = await policy_view.deciding(transactions, own, own_text)
    if base is own and rule_file.digest_of(text) != own.digest:
        return Described(None, why="the policy file was changed since this server started")
    site = lint.Site(acrs=frozenset(rules.acrs), adviser_is_proven=False)
    found = await propose(sentence, base, text, site=site, writer=writer)
    if isinstance(found, NothingDrafted):
        return Described(None, not_understood=found.not_understood, why=found.why)
    past = await policy_view.under(transactions, base, found.policy, now)
    changes = tuple(map(str, found.changes))
    return Described(found, spelt(found.findings), changes, past, found.not_understood)


async def propose(
    sentence: str, base: Policy, text: str, *, site: lint.Site = lint.ANYWHERE, writer: Writer | None = None
) -> Proposal | NothingDrafted:
    """Return the rule that a sentence describes, at the end of the policy `base`, whose text is `text`."""
    write = writer.write if writer is not None else None
    readings = await drafting_rules.draft_rule(sentence, networks=base.networks, writer=write)
    before = {(each.rule, each.reason) for each in lint.check(base, site)}
    for reading in readings:
        if not reading.draft.says_something:
            continue
        try:
            rule, whole, policy = _placed(reading, base, text)
        except BadPolicy as error:
            if reading.is_ai_written:
                continue  # the model filled in what no rule can hold: our own reading answers
            return NothingDrafted(reading.not_understood, "; ".join(each.reason for each in error.findings))
        except ValueError as error:
            return NothingDrafted((), str(error))
        findings = [each for each in lint.check(policy, site) if (each.rule, each.reason) not in before]
        model = writer.model if writer is not None and reading.is_ai_written else None
        return Proposal(
            rule, whole, policy, policy_diff.diff(base, policy), tuple(findings), reading.not_understood, model
        )
    return NothingDrafted(readings[-1].not_understood)


def _placed(reading: DraftedRule, base: Policy, text: str) -> tuple[str, str, Policy]:
    name = rule_draft.named(reading.draft, [rule.id for rule in base.rules])
    rule = rule_draft.to_toml(reading.draft, name)
    whole = rule_draft.added(text, rule)
    return rule, whole, rule_file.read(whole, "draft")


def spelt(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Return findings for people, a line each; the rule is named, since its line is in a text that nobody has yet."""
    return tuple(
        f"{'refused' if each.severity is Severity.REFUSED else 'warning'} {each.rule or 'policy'}: {each.reason}"
        for each in findings
    )
