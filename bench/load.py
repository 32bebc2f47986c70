"""A load generator that costs little beside what it measures: prepared bytes over a few kept-open connections.

It speaks just enough HTTP/1.1 for servers that answer with a content-length, as uvicorn does for our responses.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

CONNECTIONS = 8
ANSWER_SECONDS = 60.0
_WITHOUT_BODY = (204, 304)


class Unexpected(Exception):
    """The server answered something else than what was to be measured."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, and how long it took."""

    status: int
    head: bytes
    body: bytes
    seconds: float

    def header(self, name: str) -> str:
        """Return the first header of a (lower-case) name."""
        begin = self.head.lower().index(b"\r\n" + name.encode() + b": ") + len(name) + 4
        return self.head[begin : self.head.index(b"\r\n", begin)].decode("latin-1")

    def cookies(self) -> dict[str, str]:
        """Return the cookies that are set."""
        lines = (line.partition(b":") for line in self.head.split(b"\r\n"))
        pairs = (value.split(b";")[0].strip() for name, _, value in lines if name.lower() == b"set-cookie")
        return dict(pair.decode().split("=", 1) for pair in pairs)


@dataclass(frozen=True, slots=True)
class Run:
    """What came of driving a server for a while; replies stand in the order of the requests."""

    replies: Sequence[Reply]
    seconds: float

    @property
    def rate(self) -> float:
        """Return requests per second."""
        return len(self.replies) / self.seconds

    def percentile(self, share: float) -> float:
        """Return the seconds within which this share (0 to 1) was answered."""
        return percentile([reply.seconds for reply in self.replies], share)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that this share (0 to 1) of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Connection(asyncio.Protocol):
    """One kept-open connection; one request at a time."""

    def __init__(self, port: int) -> None:
        """Connect at the first request."""
        self._port = port
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._whole: asyncio.Future[None] | None = None
        self._body_at = self._length = 0

    async def exchange(self, request: bytes) -> Reply:
        """Send a request and return the answer."""
        loop = asyncio.get_running_loop()
        if self._transport is None or self._transport.is_closing():
            self._transport, _ = await loop.create_connection(lambda: self, "127.0.0.1", self._port)
        self._received.clear()
        self._body_at = 0
        self._whole = loop.create_future()
        began = time.perf_counter()
        self._transport.write(request)
        try:
            await asyncio.wait_for(self._whole, ANSWER_SECONDS)
        except TimeoutError as error:
            raise Unexpected(f"no answer within {ANSWER_SECONDS:.0f} s") from error
        seconds = time.perf_counter() - began
        head, body = bytes(self._received[: self._body_at]), bytes(self._received[self._body_at :])
        return Reply(int(head[9:12]), head, body, seconds)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Collect until the answer is whole."""
        self._received += data
        if not self._body_at and not self._read_head():
            return
        if len(self._received) >= self._body_at + self._length and self._whole and not self._whole.done():
            self._whole.set_result(None)

    def _read_head(self) -> bool:
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(self._received[:end]).lower()
        at = head.find(b"\r\ncontent-length:")
        if at >= 0:
            self._length = int(head[at + 17 :].split(b"\r\n", 1)[0])
        elif int(head[9:12]) in _WITHOUT_BODY:
            self._length = 0
        else:
            raise Unexpected(f"an answer without content-length: {head!r}")
        self._body_at = end + 4
        return True

    def connection_lost(self, error: Exception | None) -> None:
        """Fail the request that was under way."""
        self._transport = None
        if self._whole is not None and not self._whole.done():
            self._whole.set_exception(Unexpected(f"the server hung up: {error}"))


async def drive(port: int, requests: Sequence[bytes], *, connections: int = CONNECTIONS) -> Run:
    """Send all requests over some connections, each as fast as its answers come."""
    replies: list[Reply | None] = [None] * len(requests)
    waiting = iter(range(len(requests)))

    async def work(connection: Connection) -> None:
        for index in waiting:
            replies[index] = await connection.exchange(requests[index])

    opened = [Connection(port) for _ in range(connections)]
    began = time.perf_counter()
    try:
        await asyncio.gather(*(work(connection) for connection in opened))
    finally:
        for connection in opened:
            connection.close()
    return Run([reply for reply in replies if reply is not None], time.perf_counter() - began)
