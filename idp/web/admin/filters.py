"""Filters of a list: read from its address, or from its form, which leads to the address; empty ones are none."""

from collections.abc import Sequence
from urllib.parse import urlencode

from starlette.responses import Response

from idp.web.admin.gate import Desk

_LONGEST = 254


def filters(desk: Desk, names: Sequence[str]) -> dict[str, str]:
    """Return what is asked for, by name."""
    asked = desk.fields if desk.is_post else desk.request.query_params
    found = {name: asked.get(name, "").strip()[:_LONGEST] for name in names}
    return {name: value for name, value in found.items() if value}


def lead(desk: Desk, path: str, wanted: dict[str, str]) -> Response:
    """Lead from a form to the list that it asks for."""
    return desk.go(with_query(path, wanted))


def with_query(path: str, wanted: dict[str, str]) -> str:
    """Return the address of a list."""
    return f"{path}?{urlencode(wanted)}" if wanted else path


def going_on(wanted: dict[str, str], cursor: str | None) -> str:
    """Return the query of the next page, nothing for the last page."""
    return urlencode({**wanted, "cursor": cursor}) if cursor is not None else ""
