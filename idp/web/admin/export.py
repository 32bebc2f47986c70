"""Whole lists as files: read page by page while they are sent, so that no list is too long for the memory.

A spreadsheet takes cells that begin with certain characters for formulas; such cells get an apostrophe before them.
"""

import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from starlette.responses import Response, StreamingResponse

from idp.domain.json import Json
from idp.flows.admin.listing import MOST, Page
from idp.flows.admin.operation import I, O, Operation
from idp.web.admin.gate import Desk
from idp.web.errors import NO_STORE

FORMATS: Mapping[str, str] = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")


async def export(desk: Desk, operation: Operation[I, Page[O]], row: type[O], **wanted: object) -> Response:
    """Return everything that a list operation gives as a file, in the format that the query asks for."""
    chosen = desk.request.query_params.get("format", "csv")
    if chosen not in FORMATS:
        return desk.missing()
    first = await desk.do(operation, limit=MOST, **wanted)  # what is refused is refused before anything is sent
    names = list(row.model_fields)
    writers: Mapping[str, Callable[[Mapping[str, Json]], str]] = {
        "csv": lambda each: csv_line([each[name] for name in names]),
        "ndjson": lambda each: f"{json.dumps(each, ensure_ascii=False)}\n",
    }
    head = csv_line(names) if chosen == "csv" else ""
    return StreamingResponse(
        _lines(desk, operation, first, wanted, head, writers[chosen]),
        media_type=FORMATS[chosen],
        headers={**NO_STORE, "content-disposition": f'attachment; filename="{operation.name.split(".")[0]}.{chosen}"'},
    )


async def _lines(
    desk: Desk, operation: Operation[I, Page[O]], page: Page[O], wanted: Mapping[str, object], head: str,
    write: Callable[[Mapping[str, Json]], str],
) -> AsyncIterator[str]:  # fmt: skip
    yield head
    while True:
        yield "".join(write(each.model_dump(mode="json")) for each in page.items)
        if page.next is None:
            return
        page = await desk.do(operation, limit=MOST, cursor=page.next, **wanted)


def csv_line(cells: Sequence[Json]) -> str:
    """Return a line of CSV (RFC 4180) in which no cell is a formula."""
    line = io.StringIO()
    csv.writer(line).writerow([_cell(each) for each in cells])
    return line.getvalue()


def _cell(value: Json) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text.startswith(_FORMULAS) else text
