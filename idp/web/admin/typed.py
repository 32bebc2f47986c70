"""A form of an administrators' page as it was typed: kept whole when it is refused, with what is wrong."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from idp.flows.admin.problem import Code, Problem

_PREFIXES = ("claims.", "metadata.")


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed into a form, and why it was refused; `now` is what somebody else has stored meanwhile."""

    typed: Mapping[str, str]
    code: str = ""
    detail: str = ""
    faults: Mapping[str, str] = field(default_factory=dict)
    elsewhere: tuple[tuple[str, str], ...] = ()  # faults of members that are no field of this form
    now: Mapping[str, str] = field(default_factory=dict)


def refused(
    typed: Mapping[str, str], problem: Problem, fields: Iterable[str], *, taken: Iterable[str] = (),
    now: Mapping[str, str] | None = None,
) -> Typed:  # fmt: skip
    """Return a form that was refused; `taken` are the fields that must be told from everybody else's."""
    known, faults, elsewhere = set(fields), dict[str, str](), []
    for fault in problem.faults:
        name = _field_of(fault.member)
        if name in known:
            faults.setdefault(name, fault.detail)
        else:
            elsewhere.append((fault.member, fault.detail))
    if problem.code is Code.TAKEN:
        faults |= {name: "taken" for name in taken if typed.get(name)}
    return Typed(typed, problem.code.value, problem.detail, faults, tuple(elsewhere), now or {})


def _field_of(member: str) -> str:
    """Return the field for a member's path: `claims.name` is typed as `name`, `groups.3` as `groups`."""
    for prefix in _PREFIXES:
        member = member.removeprefix(prefix)
    return member.partition(".")[0]
