"""Filters: bounded before they are parsed, and narrowed down to what has an index before rows are opened.

What is left is asked of every row that was narrowed down to; a filter of which nothing is left is exact.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from scim2_models import ScimFilter
from scim2_models.path import Comparison, FilterNode, LogicalExpr, LogicalOperator, Not, Present, ValuePath

from idp.domain.user import UserStatus
from idp.flows.admin.scim.faults import Kind, ScimProblem
from idp.flows.admin.scim.models import Group, User
from idp.storage.directory import Groups, Moment, People

LONGEST = 2048  # characters
DEEPEST = 8  # brackets within brackets
MOST_TERMS = 32
_USER, _GROUP = (f"{model.__schema__}:".lower() for model in (User, Group))
_TIMES = {each.value: each for each in Moment}
W = TypeVar("W", People, Groups)


@dataclass(frozen=True, slots=True)
class Narrowed(Generic[W]):
    """The rows that can match; `is_exact` if all of them do. `group_id` and `member` are still to be looked up."""

    rows: W
    is_exact: bool = False
    group_id: str | None = None
    member: str | None = None


def check_bounds(text: str, *, kind: Kind = Kind.INVALID_FILTER, longest: int = LONGEST) -> str:
    """Return a filter or a path that is short and flat enough to be parsed; raise ScimProblem for any other."""
    if len(text) > longest:
        raise ScimProblem(kind, f"is longer than {longest} characters")
    depth = 0
    inside = escaped = False
    for letter in text:
        if inside:
            inside, escaped = escaped or letter != '"', letter == "\\" and not escaped
        elif letter == '"':
            inside = True
        elif letter in "([":
            depth += 1
        elif letter in ")]":
            depth -= 1
        if depth > DEEPEST:
            raise ScimProblem(kind, f"has more than {DEEPEST} brackets within brackets")
    return text


def check_terms(node: FilterNode) -> None:
    """Raise ScimProblem for a filter with too many comparisons."""
    if _terms(node) > MOST_TERMS:
        raise ScimProblem(Kind.INVALID_FILTER, f"has more than {MOST_TERMS} comparisons")


def _terms(node: FilterNode) -> int:
    if isinstance(node, LogicalExpr):
        return sum(_terms(each) for each in node.terms)
    if isinstance(node, Not):
        return _terms(node.expr)
    return 1 + _terms(node.val_filter) if isinstance(node, ValuePath) else 1


def of_people(wanted: ScimFilter[Any] | None) -> Narrowed[People]:
    """Return which people can match a filter."""
    return _narrowed(wanted, Narrowed(People()), _narrow_people, _USER)


def of_groups(wanted: ScimFilter[Any] | None) -> Narrowed[Groups]:
    """Return which groups can match a filter; raise ScimProblem if it asks all of them for their members."""
    found = _narrowed(wanted, Narrowed(Groups()), _narrow_groups, _GROUP)
    if wanted is not None and _asks_members(wanted.ast) > (1 if found.member is not None else 0):
        raise ScimProblem(Kind.TOO_MANY, 'members are looked up by one members.value eq "…", joined with and')
    return found


def _narrowed(
    wanted: ScimFilter[Any] | None, found: Narrowed[W],
    narrow: Callable[[Narrowed[W], str, Comparison], Narrowed[W] | None], schema: str,
) -> Narrowed[W]:  # fmt: skip
    if wanted is None:
        return replace(found, is_exact=True)
    check_terms(wanted.ast)
    is_exact = True
    for term in _conjunction(wanted.ast):
        further = narrow(found, _name(term, schema), term) if isinstance(term, Comparison) else None
        found, is_exact = (found, False) if further is None else (further, is_exact and further.is_exact)
    return replace(found, is_exact=is_exact)


def _conjunction(node: FilterNode) -> Sequence[FilterNode]:
    """Return the terms that all have to hold."""
    if isinstance(node, LogicalExpr) and node.op is LogicalOperator.and_:
        return [each for term in node.terms for each in _conjunction(term)]
    return [node]


def _name(term: Comparison, schema: str) -> str:
    return str(term.attr_path).lower().removeprefix(schema)


def _narrow_people(found: Narrowed[People], name: str, term: Comparison) -> Narrowed[People] | None:
    """Return fewer people, None if a term has no index; never exact where spellings are compared more loosely."""
    rows, value, how = found.rows, term.value, term.op.value
    if name == "meta.lastmodified" and how in _TIMES and isinstance(value, str):
        return replace(found, rows=replace(rows, changed=(*rows.changed, (_TIMES[how], _moment(value)))), is_exact=True)
    if how != "eq":
        return None
    if name == "active" and isinstance(value, bool) and rows.status is None:
        status = UserStatus.ACTIVE if value else UserStatus.DISABLED
        return replace(found, rows=replace(rows, status=status), is_exact=True)
    if not isinstance(value, str) or not value:
        return None
    if name == "id" and rows.id is None:
        return replace(found, rows=replace(rows, id=value), is_exact=False)
    if name in ("username", "emails", "emails.value") and rows.name is None:
        return replace(found, rows=replace(rows, name=value), is_exact=False)
    if name == "externalid" and rows.external_id is None:
        return replace(found, rows=replace(rows, external_id=value), is_exact=False)
    if name in ("groups", "groups.value") and found.group_id is None:
        return replace(found, group_id=value, is_exact=True)
    return None


def _narrow_groups(found: Narrowed[Groups], name: str, term: Comparison) -> Narrowed[Groups] | None:
    rows, value = found.rows, term.value
    if term.op.value != "eq" or not isinstance(value, str) or not value:
        return None
    if name == "id" and rows.id is None:
        return replace(found, rows=replace(rows, id=value), is_exact=False)
    if name == "displayname" and rows.names is None:
        return replace(found, rows=replace(rows, names=(value,)), is_exact=False)
    if name == "externalid" and rows.external_id is None:
        return replace(found, rows=replace(rows, external_id=value), is_exact=False)
    if name in ("members", "members.value") and found.member is None:
        return replace(found, member=value, is_exact=True)
    return None


def _asks_members(node: FilterNode) -> int:
    """Return how often a filter asks for members."""
    if isinstance(node, LogicalExpr):
        return sum(_asks_members(each) for each in node.terms)
    if isinstance(node, Not):
        return _asks_members(node.expr)
    assert isinstance(node, Comparison | Present | ValuePath), "there are no others"
    return 1 if str(node.attr_path).lower().removeprefix(_GROUP).partition(".")[0] == "members" else 0


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ScimProblem(Kind.INVALID_FILTER, "a time is written as RFC 3339 says") from None
    if moment.tzinfo is None:
        raise ScimProblem(Kind.INVALID_FILTER, "a time has its offset, or Z")
    return moment
