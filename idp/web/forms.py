"""Reads parameters strictly: form posts in UTF-8 only, small, and with few fields."""

import asyncio
import re
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

MAX_BODY = 64 * 1024
MAX_FIELDS = 100
BODY_SECONDS = 30.0
Pairs = list[tuple[str, str]]
_LENGTH = re.compile(r"[0-9]{1,9}")


class BadForm(Exception):
    """The body is too large, of another type, or not readable as a form."""

    def __init__(self, status: int, message: str) -> None:
        """Keep the HTTP status that says which."""
        super().__init__(message)
        self.status = status
        self.message = message


def parse(raw: bytes) -> Pairs:
    """Decode form-encoded parameters; raise BadForm for anything that is not UTF-8 or has too many fields."""
    try:
        return parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError as error:
        raise BadForm(400, "parameters must be form-encoded UTF-8, at most 100 of them") from error


def query_of(request: Request) -> Pairs:
    """Return the query's parameters."""
    raw: bytes = request.scope["query_string"]
    return parse(raw) if raw else []


async def form_of(request: Request) -> Pairs:
    """Return the body's parameters; raise BadForm with 413, 415 or 400."""
    _check_type(request, "application/x-www-form-urlencoded")
    return parse(await _body(request))


async def json_text_of(request: Request, *types: str) -> str:
    """Return a JSON body as text; raise BadForm with 413, 415 or 400. `types` are media types beside JSON's own."""
    _check_type(request, "application/json", *types)
    try:
        return (await _body(request)).decode()
    except UnicodeDecodeError as error:
        raise BadForm(400, "the body must be UTF-8") from error


def _check_type(request: Request, *wanted: str) -> None:
    media_type, _, options = request.headers.get("content-type", "").partition(";")
    if media_type.strip().lower() not in wanted:
        raise BadForm(415, f"the body must be {wanted[0]}")
    charset = options.strip().lower().removeprefix("charset=").strip('"')
    if charset not in ("", "utf-8", "utf8") or "content-encoding" in request.headers:
        raise BadForm(415, "the body must be UTF-8, not compressed")


async def _body(request: Request) -> bytes:
    declared = request.headers.get("content-length", "0")
    if not _LENGTH.fullmatch(declared) or int(declared) > MAX_BODY:
        raise BadForm(413, "the body is larger than 64 kB")
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size > MAX_BODY:
                    raise BadForm(413, "the body is larger than 64 kB")
                chunks.append(chunk)
    except TimeoutError as error:
        raise BadForm(408, "the body did not arrive in time") from error
    except ClientDisconnect as error:
        raise BadForm(400, "the body did not arrive") from error
    return b"".join(chunks)


def single(pairs: Pairs) -> dict[str, str]:
    """Return each field of one of our own pages; raise BadForm if one came twice."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise BadForm(400, "a field was sent twice")
    return fields
