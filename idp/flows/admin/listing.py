"""Long lists, a page at a time: a page goes on behind a key of its last row, so that the last page costs what the first
does. A cursor is signed, and good for the list and the filters it was made for.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Generic, TypeVar

from pydantic import Field

from idp.domain.json import BadJson, read_object
from idp.domain.secret import Digester, base64url, equal, from_base64url
from idp.flows.admin.operation import Input, Output
from idp.flows.admin.problem import invalid
from idp.storage.columns import EPOCH, MICROSECOND, to_micros

MOST = 100
_TAG_BYTES = 16
T = TypeVar("T", bound=Output)


class Listing(Input):
    """Which page of a list: at most `limit` rows, going on where `cursor` says."""

    limit: Annotated[int, Field(ge=1, le=MOST)] = 50
    cursor: Annotated[str, Field(max_length=512)] | None = None


class Page(Output, Generic[T]):
    """One page of a list; `next` goes on, and is absent on the last page."""

    items: Sequence[T]
    next: str | None = None


def _bound(wanted: Listing) -> str:
    filters = wanted.model_dump(mode="json", exclude={"limit", "cursor"})
    return json.dumps([type(wanted).__name__, filters], sort_keys=True)


def write_cursor(digester: Digester, wanted: Listing, key: Sequence[str | int]) -> str:
    """Return the cursor that goes on behind the row with this key."""
    text = json.dumps({"k": list(key)}, separators=(",", ":"))
    tag = digester.digest("cursor", f"{_bound(wanted)}|{text}")[:_TAG_BYTES]
    return base64url(tag + text.encode())


def read_cursor(digester: Digester, wanted: Listing) -> list[str | int] | None:
    """Return the key behind which a list goes on, None for its beginning; raise Problem for another list's cursor."""
    if wanted.cursor is None:
        return None
    try:
        raw = from_base64url(wanted.cursor)
        tag, text = raw[:_TAG_BYTES], raw[_TAG_BYTES:].decode()
        expected = digester.digest("cursor", f"{_bound(wanted)}|{text}")[:_TAG_BYTES]
        if not equal(tag, expected):
            raise ValueError("not ours")
        key = read_object(text)["k"]
    except (BadJson, KeyError, ValueError) as error:
        raise invalid("cursor", "is not one of this list") from error
    assert isinstance(key, list), "we wrote it"
    return [each for each in key if isinstance(each, str | int)]


def read_place(digester: Digester, wanted: Listing) -> tuple[datetime, str] | None:
    """Return the moment and the id behind which a list by time goes on, None for its beginning; raise Problem."""
    key = read_cursor(digester, wanted)
    return None if key is None else (EPOCH + int(key[0]) * MICROSECOND, str(key[1]))


def place_of(moment: datetime, row_id: str) -> tuple[int, str]:
    """Return the key of a row in a list by time."""
    return to_micros(moment), row_id


def paged(digester: Digester, wanted: Listing, rows: Sequence[T], keys: Sequence[Sequence[str | int]]) -> Page[T]:
    """Return a page of rows that were read with one row more than asked, each with its key."""
    kept = rows[: wanted.limit]
    has_more = len(rows) > wanted.limit
    return Page(items=kept, next=write_cursor(digester, wanted, keys[wanted.limit - 1]) if has_more else None)
