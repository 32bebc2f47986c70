"""Lists as CSV or as JSON lines: page after page until the end, one page in memory at a time.

Before each page the bearer is looked at again: whoever loses the right to read loses the rest of the file, and sees by
the broken transfer that it is not whole.
"""

import csv
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from idp.domain.change import SECRETS
from idp.domain.json import Json
from idp.flows.admin.listing import MOST, Listing
from idp.flows.admin.operation import Administration, Caller, Operation, Output
from idp.web.api.problems import NO_STORE

CSV, LINES = "text/csv", "application/x-ndjson"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_ENDINGS = {CSV: "csv", LINES: "ndjson"}
Rows = Sequence[Mapping[str, Json]]


@dataclass(frozen=True, slots=True)
class Export:
    """A list that is read to its end; `caller` says who reads, each time anew, and raises if they may no more."""

    administration: Administration
    operation: Operation[Any, Any]
    given: Mapping[str, object]
    caller: Callable[[], Awaitable[Caller]]

    async def pages(self) -> AsyncIterator[Rows]:
        """Yield the rows, a page at a time."""
        given = dict(self.given)
        if issubclass(self.operation.takes, Listing):
            given["limit"] = MOST
        while True:
            caller = await self.caller()
            page = (await self.administration.call(self.operation, caller, given)).model_dump(mode="json")
            yield page["items"]
            if page.get("next") is None:
                return
            given["cursor"] = page["next"]


def columns(operation: Operation[Any, Any]) -> tuple[str, ...]:
    """Return the members of a list's items; nothing if it has none, so that it is no list."""
    items = operation.gives.model_fields.get("items")
    models = [each for each in get_args(items.annotation) if isinstance(each, type)] if items is not None else []
    if not operation.is_reading or not models or not issubclass(models[0], Output):
        return ()
    return tuple(name for name in models[0].model_fields if name not in SECRETS)


def format_asked(request: Request, operation: Operation[Any, Any]) -> str | None:
    """Return the media type in which a list is wanted, None for plain JSON: of those we know the first one asked."""
    if not columns(operation):
        return None
    for each in request.headers.get("accept", "").split(","):
        media_type = each.partition(";")[0].strip().lower()
        if media_type in _ENDINGS or media_type in ("application/json", "*/*", "application/*"):
            return media_type if media_type in _ENDINGS else None
    return None


async def stream(export: Export, media_type: str) -> Response:
    """Return the whole list; what refuses its first page is raised before anything is sent."""
    pages = export.pages()
    first = await anext(pages)
    await export.administration.note_export(export.operation, await export.caller())
    names = columns(export.operation)

    async def body() -> AsyncIterator[bytes]:
        write = _csv if media_type == CSV else _lines
        yield (_header(names) if media_type == CSV else b"") + write(first, names)
        async for rows in pages:
            yield write(rows, names)

    file = f"{export.operation.name.partition('.')[0]}.{_ENDINGS[media_type]}"
    headers = {**NO_STORE, "vary": "Accept, Authorization", "content-disposition": f'attachment; filename="{file}"'}
    return StreamingResponse(body(), 200, headers, f"{media_type}; charset=utf-8" if media_type == CSV else media_type)


def _header(names: Sequence[str]) -> bytes:
    return _written([names])


def _csv(rows: Rows, names: Sequence[str]) -> bytes:
    return _written([cell(row.get(name)) for name in names] for row in rows)


def _lines(rows: Rows, names: Sequence[str]) -> bytes:
    kept = ({name: value for name, value in row.items() if name in names} for row in rows)
    return "".join(json.dumps(row, separators=(",", ":"), ensure_ascii=False) + "\n" for row in kept).encode()


def _written(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def cell(value: Json) -> str:
    """Return a value as a cell that no spreadsheet takes for a formula; what is not one text or number is JSON."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return f"'{text}" if text.startswith(_FORMULA) else text
