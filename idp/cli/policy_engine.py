"""`idp policy simulate --engine`: recorded sign-ins scored again, as far as what was recorded allows."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

import click

from idp.cli.policy_site import OpenSite
from idp.domain.json import Json
from idp.flows import rescored_history
from idp.flows.policy_history import Named
from idp.policy import simulation
from idp.policy.rules import Policy
from idp.policy.simulation import Report
from idp.risk.rescoring import Rescoring, Tally
from idp.risk.second_opinion import Baseline, Past, correlation
from idp.risk.shipped import Tables, default_tables
from idp.storage.decisions import PastDecision

OWNER = frozenset({None, "owner", "legit"})
CHALLENGED = 0.05
Kept = tuple[Past | None, PastDecision]


def rescored(
    opened: OpenSite, old: Policy, new: Policy, tables: Tables, start: datetime, damaged: Named
) -> tuple[Report, Tally]:  # fmt: skip
    """Return what the new policy makes of the past at the scores of another table, and how far that reaches."""
    scoring = Rescoring(tables, [default_tables()], new.band)
    history = opened.each(rescored_history.with_lessons(opened.site.transactions, start, damaged))
    report = simulation.simulate(old, new, scoring.over(history), rescored=scoring.facts_of)
    return report, scoring.tally


def as_text(tally: Tally, tables: Tables) -> list[str]:
    """Return what was scored again and what was not, in a few lines."""
    lines = [f"engine ndl-1, table {tables.version}: {tally.rescored} of {tally.records} sign-ins scored again"]
    lines += [f"  left out {count}: {why}" for why, count in tally.skipped.most_common()]
    lines.append(f"  the recorded sums came out again within {tally.furthest:.4f} nats")
    if tally.without_advice:
        lines.append(f"  {tally.without_advice} without the advice they had: it answered for another score")
    return lines


def as_json(tally: Tally, tables: Tables) -> dict[str, Json]:
    """Return the same for programs."""
    return {
        "engine": "ndl-1", "tables": tables.version, "records": tally.records, "rescored": tally.rescored,
        "left_out": dict(tally.skipped), "furthest": tally.furthest, "without_advice": tally.without_advice,
    }  # fmt: skip


def show_ranks(opened: OpenSite, start: datetime) -> tuple[dict[str, Json], list[str]]:
    """Return how the published baseline orders the past beside our own order; no policy is applied to its scores."""
    return ranks_of(opened.each(rescored_history.past_since(opened.site.transactions, start)))


def ranks_of(kept: Iterable[Kept]) -> tuple[dict[str, Json], list[str]]:
    """Return how the baseline orders decisions, for programs and for people."""
    baseline, left_out = Baseline(), Counter[str]()
    owners: list[tuple[float, float]] = []
    attacks: list[tuple[float, float]] = []
    for past, decision in kept:
        found = None if past is None else baseline.assess(past)
        if past is not None and found is not None:
            (owners if decision.label in OWNER else attacks).append((past.llr, found[0]))
        else:
            left_out[_why(past)] += 1
        if past is not None:
            baseline.go_over([past])
    pairs = [*owners, *attacks]
    both = [
        _caught([pair[column] for pair in owners], [pair[column] for pair in attacks]) for column in (0, 1)
    ]  # fmt: skip
    document: dict[str, Json] = {
        "engine": "freeman-1", "scored": len(pairs), "left_out": dict(left_out), "rank_correlation": correlation(pairs),
        "labelled_attacks": len(attacks), "caught_at": CHALLENGED, "caught": both[1], "caught_by_ours": both[0],
    }  # fmt: skip
    return document, [*_lines(document, left_out)]


def _why(past: Past | None) -> str:
    if past is None:
        return "the record is damaged, or holds no sum"
    return "what it was compared by was not kept" if past.seen is None else "nothing that was kept was learnt before"


def _caught(owners: list[float], attacks: list[float]) -> float | None:
    """Return the share of attacks above all but one owner in twenty; None if there are too few of either."""
    if len(owners) < 1 / CHALLENGED or not attacks:
        return None
    threshold = sorted(owners)[-int(CHALLENGED * len(owners))]
    return sum(attack >= threshold for attack in attacks) / len(attacks)


def _lines(document: dict[str, Json], left_out: Counter[str]) -> Iterator[str]:
    yield f"engine freeman-1: {document['scored']} sign-ins scored; compare ranks, never bands: no policy was applied"
    yield from (f"  left out {count}: {why}" for why, count in left_out.most_common())
    alike = document["rank_correlation"]
    yield f"  rank correlation with the recorded sums: {'–' if not isinstance(alike, float) else f'{alike:.2f}'}"
    attacks = document["labelled_attacks"]
    for name, share in (("ours", document["caught_by_ours"]), ("freeman-1", document["caught"])):
        caught = f"{share:.0%}" if isinstance(share, float) else "too few to say"
        yield f"  of {attacks} labelled attacks, at {CHALLENGED:.0%} of owners challenged, {name}: {caught}"


def engine_options(function: "click.decorators.FC") -> "click.decorators.FC":
    """Give a command --engine and --tables."""
    function = click.option("--tables", default=None, metavar="default|none|PATH",
                            help="of owners at large, for --engine ndl-1")(function)  # fmt: skip
    return click.option("--engine", type=click.Choice(["ndl-1", "freeman"]), help="score the past again: ndl-1 by "
                        "another table; freeman compares orders only")(function)  # fmt: skip
