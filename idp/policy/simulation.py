"""What another policy would have done with the sign-ins of the past: replayed one by one, in constant memory per user.

Facts and stored advice are replayed, never asked for again. What the old policy decided is read from the record where
that policy made it, and checked by deciding again: always if nothing changes, else every sixteenth time. Not here: how
the report reads → simulation_report.py.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from idp.policy import ability as abilities
from idp.policy.facts import Facts
from idp.policy.record import RecordedSignIn
from idp.policy.rules import Decision, Policy, Rule
from idp.policy.verdict import decide
from idp.policy.verdict_parts import Refusal, Resolution, Verdict

MONTH_DAYS = 30.0
DAY = timedelta(days=1)
CHALLENGES = frozenset({Decision.STEP_UP, Decision.VERIFY_EMAIL, Decision.ENROL})
CHECKED_EVERY = 16


@dataclass(slots=True)
class Tally:
    """Sign-ins that were challenged, of how many: before and after."""

    total: int = 0
    before: int = 0
    after: int = 0

    def add(self, *, before: bool, after: bool) -> None:
        """Count one sign-in."""
        self.total += 1
        self.before += before
        self.after += after

    @property
    def growth(self) -> float:
        """Return by which share of all sign-ins challenges grow."""
        return (self.after - self.before) / self.total if self.total else 0.0


@dataclass(slots=True)
class Report:
    """What was counted."""

    sign_ins: int = 0
    first: datetime | None = None
    last: datetime | None = None
    challenged: Tally = field(default_factory=Tally)
    denied: Tally = field(default_factory=Tally)
    attacks: Tally = field(default_factory=Tally)  # caught: challenged or denied
    groups: dict[str, Tally] = field(default_factory=dict)
    newly_challenged: Counter[str] = field(default_factory=Counter)  # by the rule that did it
    unreachable: set[str] = field(default_factory=set)  # users with nothing that would meet what is asked
    admins_locked_out: set[str] = field(default_factory=set)
    prompts: dict[str, int] = field(default_factory=dict)  # more (or fewer) of them, by user
    not_applied: int = 0  # no rule asked for anything
    satisfied: int = 0  # a rule asked, and the session had it all
    not_reproduced: int = 0  # decisions that the policy recorded with them does not give again

    @property
    def days(self) -> float:
        """Return how long a time was replayed, one day at least."""
        if self.first is None or self.last is None:
            return 1.0
        return max(1.0, (self.last - self.first) / DAY)

    @property
    def user_action_needed(self) -> int:
        """Return how many sign-ins would be challenged."""
        return self.challenged.after

    @property
    def would_fail(self) -> int:
        """Return how many sign-ins would be refused."""
        return self.denied.after

    def extra_prompts(self, share: float) -> float:
        """Return how many prompts a month come on top, of the user below whom this share of all users lies."""
        ordered = sorted(self.prompts.values())
        if not ordered:
            return 0.0
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * MONTH_DAYS / self.days


def simulate(
    old: Policy, new: Policy, history: Iterable[RecordedSignIn], *,
    admin_groups: frozenset[str] = frozenset({"admins"}),
    rescored: Callable[[RecordedSignIn], Facts | None] | None = None,
) -> Report:  # fmt: skip
    """Return what changes when the new policy decides the sign-ins that the old one decided.

    `rescored` gives the facts that the new policy sees instead of the recorded ones; None leaves a sign-in out.
    """
    report = Report()
    added = _changed_rules(old, new)
    is_same = old.digest == new.digest
    for number, record in enumerate(history):
        facts = record.facts if rescored is None else rescored(record)
        if facts is None:
            continue
        after = decide(new, facts, record.ability)
        is_of_old, recorded = record.verdict["policy"] == old.digest, record.decision
        if is_same and rescored is None:
            before = after.decision
        elif is_of_old and number % CHECKED_EVERY:
            before = recorded
        else:
            before = decide(old, record.facts, record.ability).decision
        if is_of_old and before is not recorded:
            report.not_reproduced += 1
        _count(report, record, before, after.resolution)
        _count_groups(report, record, before, after.resolution, admin_groups)
        if after.decision in CHALLENGES and before not in CHALLENGES:
            report.newly_challenged[_cause(new, after, record, added)] += 1
    return report


def _changed_rules(old: Policy, new: Policy) -> frozenset[str]:
    before = {rule.id: rule for rule in old.rules}
    return frozenset(
        rule.id
        for rule in new.rules
        if before.get(rule.id) != rule or old.mode_of(before[rule.id]) is not new.mode_of(rule)
    )


def _count(report: Report, record: RecordedSignIn, before: Decision, after: Resolution) -> None:
    report.sign_ins += 1
    if report.first is None or record.at < report.first:
        report.first = record.at
    if report.last is None or record.at > report.last:
        report.last = record.at
    challenged, is_denied = after.decision in CHALLENGES, after.decision is Decision.DENY
    was_challenged, was_denied = before in CHALLENGES, before is Decision.DENY
    report.challenged.add(before=was_challenged, after=challenged)
    report.denied.add(before=was_denied, after=is_denied)
    report.prompts[record.user] = report.prompts.get(record.user, 0) + challenged - was_challenged
    if after.refusal is Refusal.UNREACHABLE:
        report.unreachable.add(record.user)
    if record.is_attack:
        report.attacks.add(before=was_challenged or was_denied, after=challenged or is_denied)
    if after.decision is Decision.ALLOW:
        if after.asks:
            report.satisfied += 1
        else:
            report.not_applied += 1


def _count_groups(
    report: Report, record: RecordedSignIn, before: Decision, after: Resolution, admin_groups: frozenset[str]
) -> None:
    groups = record.facts.known.get("groups")
    if not isinstance(groups, frozenset):
        return
    for group in groups:
        report.groups.setdefault(group, Tally()).add(before=before in CHALLENGES, after=after.decision in CHALLENGES)
    if after.decision is Decision.DENY and not groups.isdisjoint(admin_groups):
        report.admins_locked_out.add(record.user)


def _cause(policy: Policy, verdict: Verdict, record: RecordedSignIn, added: frozenset[str]) -> str:
    """Return the rule that a new challenge is due to: one that changed before one that did not."""
    taking_part = set(verdict.resolution.rules)
    demanding = [rule for rule in policy.rules if rule.id in taking_part and _is_unmet(rule, record)]
    changed = [rule for rule in demanding if rule.id in added]
    return next((rule.id for rule in (*changed, *demanding)), "floor")


def _is_unmet(rule: Rule, record: RecordedSignIn) -> bool:
    if rule.require is None:
        return False
    proofs = abilities.fresh_proofs(record.ability, (rule.require.max_age,))
    preferred = any(
        abilities.ways(preference, (), record.ability).is_reachable and not preference.is_met(proofs)
        for preference in rule.require.preferences
    )
    return preferred or not abilities.ageless(rule.require.requirement).is_met(proofs)


def most_affected(report: Report, *, least_sign_ins: int = 10) -> Iterator[tuple[str, Tally]]:
    """Yield the groups whose challenges grow, the most affected first; those too small to tell are left out."""
    grown = [(name, tally) for name, tally in report.groups.items() if tally.growth > 0]
    for name, tally in sorted(grown, key=lambda each: (-each[1].growth, each[0])):
        if tally.total >= least_sign_ins:
            yield name, tally
