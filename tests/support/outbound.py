"""Everything outside in one place: a model and a service for breached passwords that keep every byte they are sent.

Beside it, a watch over all sockets of the process that tells where they connect to.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from tests.support.adviser_server import advises

_watching: list[set[object]] = []


@dataclass
class Outside:
    """The servers, on one port; `received` holds what came over each connection."""

    port: int = 0
    received: list[bytes] = field(default_factory=list)

    @property
    def model(self) -> str:
        """Where a model answers."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def range(self) -> str:
        """Where breached passwords are looked up."""
        return f"http://127.0.0.1:{self.port}/range/"

    @property
    def questions(self) -> list[bytes]:
        """What the model was sent."""
        return [each for each in self.received if each.startswith(b"POST /v1/")]

    @property
    def lookups(self) -> list[bytes]:
        """What the service was sent."""
        return [each for each in self.received if each.startswith(b"GET /range/")]


@asynccontextmanager
async def outside() -> AsyncIterator[Outside]:
    """Serve until the block ends."""
    kept = Outside()
    answer = advises(60)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            body = await reader.readexactly(int(lengths[0].partition(b":")[2])) if lengths else b""
            kept.received.append(head + body)
            if body:
                await answer(writer)
            else:
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 0\r\n\r\n")
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    kept.port = listening.sockets[0].getsockname()[1]
    try:
        yield kept
    finally:
        listening.close()


@contextmanager
def connections() -> Iterator[set[object]]:
    """Yield the addresses that any socket of this process connects to while the block runs."""
    if not _watching:
        _watching.append(set())
        sys.addaudithook(_note)  # it cannot be removed; outside of blocks it notes into a set that nobody reads
    found: set[object] = set()
    _watching.append(found)
    try:
        yield found
    finally:
        _watching.remove(found)


def _note(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect":
        for found in _watching[1:]:
            found.add(arguments[1])
