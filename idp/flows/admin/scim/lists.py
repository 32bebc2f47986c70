"""Lists: which part, in which order, with which attributes; by index where there is one, else within a bound.

A list that has to be opened row by row to be filtered or sorted is read up to MOST_OPENED rows, and refused beyond; it
is read in short transactions, and each of them counts as a call.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, JsonValue
from scim2_models import Context, ResponseParameters, ScimFilter, SearchRequest

from idp.domain.json import Json
from idp.flows.admin import quota
from idp.flows.admin.operation import Input, Output, Work
from idp.flows.admin.scim.faults import Kind, ScimProblem, reading
from idp.flows.admin.scim.filters import check_bounds
from idp.flows.admin.scim.models import POLICY, Group, Person
from idp.storage.directory import Directory, Order, Slice

MOST_SHOWN = 100  # resources of one answer
MOST_OPENED = 10_000  # rows of one request
_AT_ONCE = 100  # rows of one transaction, which count as one call more
_LARGEST = 2**31
_MOST_NAMES = 100
_LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
Document = dict[str, JsonValue]
#: The part of a list that is asked for → its resources.
Reader = Callable[[Work, Slice], Awaitable[Sequence[Any]]]


class Asked(Input):
    """What a search asks for, as it was sent; `is_among` if resources of other kinds are looked through as well."""

    search: Document = Field(default_factory=dict)
    is_among: bool = False


class OneAsked(Input):
    """One resource, with the attributes that are wanted."""

    id: Annotated[str, Field(min_length=1, max_length=128)]
    search: Document = Field(default_factory=dict)


class Sent(Input):
    """A new resource."""

    document: Document
    search: Document = Field(default_factory=dict)


class Changed(Input):
    """A resource that changes, as it was when the caller looked at it."""

    id: Annotated[str, Field(min_length=1, max_length=128)]
    document: Document
    version: str | None = None
    search: Document = Field(default_factory=dict)


class Shown(Output):
    """A resource, or a list of them."""

    document: Document
    id: str | None = None
    location: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """How the rows of a list are had: how many can match, whether all do, how a part is read, and which are wanted."""

    count: Callable[[Work], Awaitable[int]]
    is_exact: bool
    read: Reader
    wanted: ScimFilter[Any] | None


def directory_of(work: Work) -> Directory:
    """Return the lists of a transaction."""
    return Directory(work.stores.connection, work.stores.users, work.tools.engine.digester)


def search_of(asked: Asked, kind: Any) -> Any:
    """Return a search that was checked; raise ScimProblem for one that cannot be done."""
    given, model = asked.search, Person | Group if asked.is_among else kind
    _check_texts(given)
    with reading():
        message: Any = SearchRequest.__class_getitem__(model)
        search = message.model_validate(dict(given), scim_ctx=Context.SEARCH_REQUEST, scim_policy=POLICY)
    if search.cursor is not None:
        raise ScimProblem(Kind.INVALID_VALUE, "lists are paged by startIndex")
    if (search.start_index or 0) > _LARGEST or (search.count or 0) > _LARGEST:
        raise ScimProblem(Kind.INVALID_VALUE, "startIndex or count is too large")
    _check_attributes(search)
    return search


def filter_of(search: Any, kind: Any) -> ScimFilter[Any] | None:
    """Return the filter of a search for resources of one kind; what the kind does not have is never so."""
    with reading():
        return None if search.filter is None else ScimFilter[kind](str(search.filter))


def selection_of(given: Mapping[str, Json], model: Any) -> Any:
    """Return which attributes are wanted of one resource."""
    _check_texts(given)
    with reading():
        selection = ResponseParameters[model].model_validate(dict(given))
    _check_attributes(selection)
    return selection


def _check_texts(given: Mapping[str, Json]) -> None:
    """Raise ScimProblem for texts that are too long or too deep to be parsed."""
    for name, value in given.items():
        kind = Kind.INVALID_FILTER if name.lower() == "filter" else Kind.INVALID_PATH
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str):
                check_bounds(text, kind=kind)


def _check_attributes(selection: Any) -> None:
    for names in (selection.attributes, selection.excluded_attributes):
        if len(names or ()) > _MOST_NAMES:
            raise ScimProblem(Kind.INVALID_VALUE, f"at most {_MOST_NAMES} attributes can be named")


def dumped(resource: Any, selection: Any, *, context: Context = Context.RESOURCE_QUERY_RESPONSE) -> Document:
    """Return a resource as a document with the attributes that are wanted."""
    document: Document = resource.model_dump(scim_ctx=context, response_parameters=selection, scim_policy=POLICY)
    return document


async def listed(work: Work, search: Any, rows: Rows, orders: Mapping[str, Order]) -> Shown:
    """Return the part of a list that a search asks for; opens transactions of its own."""
    start, count = search.start_index_0 or 0, min(search.count if search.count is not None else MOST_SHOWN, MOST_SHOWN)
    order = orders.get(str(search.sort_by).lower()) if search.sort_by is not None else Order.ID
    is_descending = search.sort_by is not None and search.sort_order is SearchRequest.SortOrder.descending
    async with work.opening(write=False) as opened:
        total = await rows.count(opened)
        if rows.is_exact and order is not None:
            part = await rows.read(opened, Slice(start, count, order, is_descending)) if count else []
            return _answer(search, part, total, start)
    if total > MOST_OPENED:
        raise ScimProblem(Kind.TOO_MANY, f"this would open more than {MOST_OPENED} entries; narrow it down")
    found = search.sort([each async for each in _opened(work, rows)])
    return _answer(search, found[start : start + count], len(found), start)


async def _opened(work: Work, rows: Rows) -> AsyncIterator[Any]:
    """Yield the resources that match, in the order of their ids."""
    after, is_first = "", True
    while True:
        if not is_first:
            await quota.reserve(work.tools, f"{work.caller.actor.id}|opened", is_reading=True)
        async with work.opening(write=False) as opened:
            part = await rows.read(opened, Slice(0, _AT_ONCE, after=after))
        with reading():
            matching = [each for each in part if rows.wanted is None or rows.wanted.match(each)]
        for each in matching:
            yield each
        if len(part) < _AT_ONCE:
            return
        after, is_first = part[-1].id, False
        await asyncio.sleep(0)


def _answer(search: Any, part: Sequence[Any], total: int, start: int) -> Shown:
    document: Document = {
        "schemas": [_LIST], "totalResults": total, "itemsPerPage": len(part), "startIndex": start + 1,
        "Resources": [dumped(each, search) for each in part],
    }  # fmt: skip
    return Shown(document=document)
