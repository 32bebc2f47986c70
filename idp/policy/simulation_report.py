"""How the report of a simulation reads, for people and for programs."""

from idp.policy.facts import Json
from idp.policy.simulation import Report, Tally, most_affected

COUNTERFACTUAL = "counterfactual: a challenged user might have enrolled or left"
LISTED = 20


def as_text(report: Report) -> str:
    """Return the report in a few lines."""
    challenged, denied = report.challenged, report.denied
    more = challenged.after - challenged.before
    share = f", {more / challenged.before:+.0%}".replace("%", " %") if challenged.before else ""
    lines = [
        f"{report.days:.0f} days, {_spaced(report.sign_ins)} sign-ins: "
        f"challenged {_arrow(challenged)} ({_signed(more)}{share}) · denied {_arrow(denied)} · "
        f"unreachable {_users(report.unreachable)}",
        f"newly challenged by rule: {_by_rule(report)} · most affected: {_groups(report)}",
        f"labelled attacks caught: {report.attacks.before}/{report.attacks.total} → "
        f"{report.attacks.after}/{report.attacks.total} · extra prompts per user-month: "
        f"median {report.extra_prompts(0.5):.3g}, p95 {report.extra_prompts(0.95):.3g} · "
        f"admins locked out: {len(report.admins_locked_out)}{_listed(report.admins_locked_out)}",
        f"not applied {_spaced(report.not_applied)} · satisfied {_spaced(report.satisfied)} · "
        f"user action needed {_spaced(report.user_action_needed)} · would fail {_spaced(report.would_fail)} · "
        f"{COUNTERFACTUAL}",
    ]
    if report.not_reproduced:
        lines.append(f"warning: {_spaced(report.not_reproduced)} recorded decisions were not reproduced")
    return "\n".join(lines)


def as_json(report: Report) -> dict[str, Json]:
    """Return the report as one document."""
    by_rule: dict[str, Json] = dict(sorted(report.newly_challenged.items()))
    affected: list[Json] = [
        {"group": name, "sign_ins": tally.total, "before": tally.before / tally.total,
         "after": tally.after / tally.total}
        for name, tally in most_affected(report)
    ]  # fmt: skip
    return {
        "days": round(report.days, 3),
        "sign_ins": report.sign_ins,
        "challenged": _tally(report.challenged),
        "denied": _tally(report.denied),
        "unreachable_users": [*sorted(report.unreachable)],
        "newly_challenged": by_rule,
        "most_affected": affected,
        "attacks_caught": {**_tally(report.attacks), "labelled": report.attacks.total},
        "extra_prompts_per_user_month": {"median": report.extra_prompts(0.5), "p95": report.extra_prompts(0.95)},
        "admins_locked_out": [*sorted(report.admins_locked_out)],
        "not_applied": report.not_applied,
        "satisfied": report.satisfied,
        "user_action_needed": report.user_action_needed,
        "would_fail": report.would_fail,
        "not_reproduced": report.not_reproduced,
        "counterfactual": COUNTERFACTUAL.partition(": ")[2],
    }


def _tally(tally: Tally) -> dict[str, Json]:
    return {"before": tally.before, "after": tally.after}


def _spaced(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def _signed(number: int) -> str:
    return f"{'+' if number >= 0 else '−'}{_spaced(abs(number))}"


def _arrow(tally: Tally) -> str:
    return f"{_spaced(tally.before)} → {_spaced(tally.after)}"


def _users(users: set[str]) -> str:
    return f"{len(users)} {'user' if len(users) == 1 else 'users'}{_listed(users)}"


def _listed(users: set[str]) -> str:
    if not users:
        return ""
    more = f" and {len(users) - LISTED} more" if len(users) > LISTED else ""
    return f" ({', '.join(sorted(users)[:LISTED])}{more})"


def _by_rule(report: Report) -> str:
    return ", ".join(f"{name} {_spaced(count)}" for name, count in report.newly_challenged.most_common()) or "none"


def _groups(report: Report) -> str:
    found = [
        f"group {name} {tally.before / tally.total:.0%} → {tally.after / tally.total:.0%}".replace("%", " %")
        for name, tally in most_affected(report)
    ]
    return ", ".join(found[:3]) or "nobody"
