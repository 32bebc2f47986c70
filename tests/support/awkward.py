"""An HTTP service on loopback that answers as it is told to: properly, slowly, halfway, with nonsense, or never.

async with awkward() as service:
    service.behave(says(503, {"message": "later"}))
    ...
    assert service.calls[0].path == "/v3/mail/send"
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

Behaviour = Callable[[asyncio.StreamWriter], Awaitable[None]]
REASONS = {200: "OK", 201: "Created", 202: "Accepted"}


@dataclass(frozen=True)
class Call:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Read the body as JSON."""
        return json.loads(self.body)

    def form(self) -> dict[str, str]:
        """Read the body as a form."""
        return dict(parse_qsl(self.body.decode(), strict_parsing=True, keep_blank_values=True))


def says(status: int, document: object = None, *, headers: str = "") -> Behaviour:
    """Answer with a status and JSON; None sends no body."""
    body = b"" if document is None else json.dumps(document).encode()
    return says_bytes(status, body, headers="Content-Type: application/json\r\n" + headers)


def says_bytes(status: int, body: bytes, *, headers: str = "", length: int | None = None) -> Behaviour:
    """Answer with these bytes; `length` lies about how many there are."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status} {REASONS.get(status, 'Whatever')}\r\n{headers}"
        writer.write(f"{head}Content-Length: {length or len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        await writer.drain()

    return answer


def half(status: int) -> Behaviour:
    """Break off in the middle of the body."""
    return says_bytes(status, b'{"sid": "SM0', length=100)


async def garbage(writer: asyncio.StreamWriter) -> None:
    """Speak something that is not HTTP."""
    writer.write(b"\x00\xff SSH-2.0-nonsense\r\n\r\n")
    await writer.drain()


async def silent(_writer: asyncio.StreamWriter) -> None:
    """Never answer."""
    await asyncio.Event().wait()


async def resets(writer: asyncio.StreamWriter) -> None:
    """Drop the connection."""
    writer.transport.abort()


async def drips(writer: asyncio.StreamWriter) -> None:
    """Answer with a body that never ends, a byte at a time."""
    writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


@dataclass
class Awkward:
    """The service."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    behaviour: Behaviour = field(default=silent)

    def behave(self, behaviour: Behaviour) -> None:
        """Answer like this from now on."""
        self.behaviour = behaviour

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request, note it and answer as told."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            method, path, _ = first.split(" ")
            self.calls.append(Call(method, path, headers, body))
            await self.behaviour(writer)
        writer.close()


@asynccontextmanager
async def awkward() -> AsyncIterator[Awkward]:
    """Serve on a free port; whoever still waits for an answer is cut off in the end."""
    service = Awkward()
    async with listening(service.serve) as port:
        service.url = f"http://127.0.0.1:{port}"
        yield service


@asynccontextmanager
async def listening(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """Serve connections on a free port, and yield it."""
    running: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            await serve(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            running.discard(task)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def refusing_port() -> int:
    """Return a port where nobody listens."""
    async with listening(lambda _reader, writer: asyncio.sleep(0)) as port:
        return port
