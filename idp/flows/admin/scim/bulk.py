"""Many changes in one request (RFC 7644 §3.7): each is done as if it had been sent alone, in its own transaction.

A resource that another operation of the request makes is named by its bulkId; what needs it waits for it.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from idp.domain.json import Json, JsonObject
from idp.flows.admin.operation import Administration, Caller, Input, Operation, read
from idp.flows.admin.problem import Code, Problem
from idp.flows.admin.scim import faults, groups, users
from idp.flows.admin.scim.faults import Kind, ScimProblem, kind_of
from idp.flows.admin.scim.users import ROOT

MOST_CHANGES = 100
_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
_REQUEST = _RESPONSE.replace("Response", "Request")
_PATH = re.compile(r"/(Users|Groups)(?:/([A-Za-z0-9_.:~-]{1,128}))?")
_MARK = "bulkId:"
_OPERATIONS: Mapping[tuple[str, str], Operation[Any, Any]] = {
    (each.path.split("/")[1], each.method): each
    for each in (users.CREATE, users.REPLACE, users.PATCH, users.DELETE,
                 groups.CREATE, groups.REPLACE, groups.PATCH, groups.DELETE)
}  # fmt: skip


class BulkChange(Input):
    """One change."""

    method: Literal["POST", "PUT", "PATCH", "DELETE"]
    path: Annotated[str, Field(max_length=200)]
    bulkId: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    version: Annotated[str, Field(max_length=80)] | None = None
    data: dict[str, JsonValue] | None = None


class BulkAsked(Input):
    """Many changes, and after how many refusals to stop."""

    schemas: list[str] = Field(default_factory=lambda: [_REQUEST], max_length=10)
    failOnErrors: Annotated[int, Field(ge=0)] | None = None
    Operations: Annotated[list[JsonValue], Field(min_length=1)]


class TooLarge(Problem):
    """More changes than one request may have."""

    def __init__(self) -> None:
        """Say how many there may be."""
        super().__init__(Code.TOO_MANY, f"a bulk request has {MOST_CHANGES} operations at most")


@dataclass(frozen=True, slots=True)
class Bulk:
    """A bulk request under way; `reserve` counts each change and raises Problem if there were too many."""

    administration: Administration
    caller: Caller
    reserve: Callable[[], Awaitable[None]]
    made: dict[str, str]

    async def run(self, document: JsonObject) -> JsonObject:
        """Do what can be done; return what came of each operation, in the order in which they stand."""
        asked = read(BulkAsked, document)
        if _REQUEST not in asked.schemas:
            raise ScimProblem(Kind.INVALID_SYNTAX, "schemas names another message than a bulk request")
        if len(asked.Operations) > MOST_CHANGES:
            raise TooLarge
        changes = [_change_of(each) for each in asked.Operations]
        _check_ids(changes)
        results = await self._all(changes, asked.failOnErrors or len(changes) + 1)
        return {"schemas": [_RESPONSE], "Operations": [results[each] for each in sorted(results)]}

    async def _all(self, changes: Sequence[BulkChange | Problem], most_refusals: int) -> dict[int, JsonObject]:
        """Do them in their order, but what needs another one after it; what needs itself is done, and refused."""
        results: dict[int, JsonObject] = {}
        refusals, waiting = 0, list(range(len(changes)))
        while waiting and refusals < most_refusals:
            pending = {_makes(changes[each]) for each in waiting}
            index = next((each for each in waiting if not self._needs(changes[each]) & pending), waiting[0])
            waiting.remove(index)
            results[index], is_refused = await self._one(changes[index])
            refusals += is_refused
        return results

    def _needs(self, change: BulkChange | Problem) -> frozenset[str]:
        """Return the bulkIds that a change names and that stand for nothing yet."""
        if isinstance(change, Problem):
            return frozenset()
        return frozenset(each for each in (*_named(change.path), *_named(change.data)) if each not in self.made)

    async def _one(self, change: BulkChange | Problem) -> tuple[JsonObject, bool]:
        said = {} if isinstance(change, Problem) else _said(change)
        try:
            if isinstance(change, Problem):
                raise change
            return {**said, **await self._done(change)}, False
        except Problem as problem:
            body = faults.document(status_of(problem), problem.detail, kind_of(problem))
            place = self._place(change)
            return {**said, **place, "status": str(status_of(problem)), "response": body}, True

    def _place(self, change: BulkChange | Problem) -> dict[str, Json]:
        """Return where the thing is that could not be changed; what could not be made is nowhere."""
        if isinstance(change, Problem) or change.method == "POST" or not _PATH.fullmatch(change.path):
            return {}
        return {"location": self.administration.tools.engine.url(ROOT + self._resolved_path(change.path))}

    def _resolved_path(self, path: str) -> str:
        head, mark, bulk_id = path.partition(_MARK)
        return head + self.made.get(bulk_id, mark + bulk_id)

    async def _done(self, change: BulkChange) -> dict[str, Json]:
        if self._needs(change):
            raise Problem(Code.CONFLICT, "a bulkId stands for nothing that was made")
        path = self._resolved_path(change.path)
        found = _PATH.fullmatch(path)
        operation = _OPERATIONS.get((found[1], change.method)) if found is not None else None
        if found is None or operation is None or (found[2] is None) != (change.method == "POST"):
            raise ScimProblem(Kind.INVALID_PATH, "there is nothing at this path that such an operation could change")
        given = _input_of(change, found[2], _resolved(change.data, self.made))
        await self.reserve()
        shown = await self.administration.call(operation, self.caller, given)
        if change.method == "DELETE":
            return {"status": "204", "location": self.administration.tools.engine.url(ROOT + path)}
        if change.bulkId is not None:
            self.made[change.bulkId] = shown.id
        version = {"version": f'W/"{shown.version}"'} if shown.version is not None else {}
        return {"status": str(operation.status), "location": shown.location, **version}


def status_of(problem: Problem) -> int:
    """Return the HTTP status of a refusal, as SCIM has it."""
    if isinstance(problem, TooLarge):
        return 413
    return 401 if problem.code is Code.STEP_UP_REQUIRED else problem.status


def _change_of(sent: JsonValue) -> BulkChange | Problem:
    if not isinstance(sent, dict):
        return ScimProblem(Kind.INVALID_SYNTAX, "an operation is an object")
    try:
        change = read(BulkChange, sent)
    except Problem as problem:
        return problem
    if change.method == "POST" and change.bulkId is None:
        return ScimProblem(Kind.INVALID_VALUE, "a POST has a bulkId")
    if change.data is None and change.method != "DELETE":
        return ScimProblem(Kind.INVALID_VALUE, "this operation has data")
    return change


def _makes(change: BulkChange | Problem) -> str | None:
    """Return the bulkId of what a change makes."""
    return change.bulkId if isinstance(change, BulkChange) and change.method == "POST" else None


def _check_ids(changes: Sequence[BulkChange | Problem]) -> None:
    made = [each for each in map(_makes, changes) if each is not None]
    if len(set(made)) != len(made):
        raise ScimProblem(Kind.INVALID_VALUE, "two operations have the same bulkId")


def _said(change: BulkChange) -> dict[str, Json]:
    return {"method": change.method, **({"bulkId": change.bulkId} if change.bulkId is not None else {})}


def _input_of(change: BulkChange, target: str | None, data: JsonValue) -> dict[str, object]:
    given: dict[str, object] = {} if target is None else {"id": target}
    if change.version is not None and target is not None:
        given["version"] = change.version.removeprefix("W/").strip('"')
    return given if change.method == "DELETE" else {**given, "document": data}


def _named(value: Json) -> list[str]:
    """Return the bulkIds that stand in a value for what they make."""
    if isinstance(value, str):
        head, mark, bulk_id = value.partition(_MARK)
        return [bulk_id] if mark and (not head or head in ("/Users/", "/Groups/")) else []
    if isinstance(value, Mapping):
        return [each for part in value.values() for each in _named(part)]
    return [each for part in value for each in _named(part)] if isinstance(value, list | tuple) else []


def _resolved(value: JsonValue, made: Mapping[str, str]) -> JsonValue:
    """Return a value with the ids of what was made in the place of bulkIds."""
    if isinstance(value, str):
        return made.get(value.removeprefix(_MARK), value) if value.startswith(_MARK) else value
    if isinstance(value, dict):
        return {name: _resolved(part, made) for name, part in value.items()}
    return [_resolved(part, made) for part in value] if isinstance(value, list) else value
