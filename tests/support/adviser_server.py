"""A chat-completions server on loopback that answers, lies, stalls or breaks off as told; it keeps what it was sent."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

Behaviour = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class AdviserServer:
    """The server; `behaviour` writes the answer, and may be replaced at any time."""

    behaviour: Behaviour
    port: int = 0
    received: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where a client finds it."""
        return f"http://127.0.0.1:{self.port}/v1"

    def body(self, index: int = -1) -> dict[str, Any]:
        """Return the JSON body of a request."""
        body: dict[str, Any] = json.loads(self.received[index].partition(b"\r\n\r\n")[2])
        return body


@asynccontextmanager
async def adviser_server(behaviour: Behaviour) -> AsyncIterator[AdviserServer]:
    """Serve until the block ends; whoever still hangs then is let go."""
    server = AdviserServer(behaviour)
    open_calls: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_calls.add(task)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.partition(b":")[2])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length:")
            )
            server.received.append(head + await reader.readexactly(length))
            await server.behaviour(writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            open_calls.discard(task)
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in open_calls:
            task.cancel()
        await asyncio.gather(*open_calls, return_exceptions=True)


def answer_text(score: object = 60, *, confidence: str = "high", reasons: object = ("DEV_NO_COOKIE",)) -> str:
    """Return an answer of the agreed shape."""
    return json.dumps({"score": score, "confidence": confidence, "reasons": reasons, "action_hint": "step_up"})


def completion(content: object, *, finish_reason: str = "stop", **message: object) -> bytes:
    """Return a chat completion with that content."""
    choice = {
        "index": 0,
        "finish_reason": finish_reason,
        "message": {"role": "assistant", "content": content, "refusal": None, **message},
    }
    document = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "test",
        "choices": [choice],
        "usage": {"prompt_tokens": 480, "completion_tokens": 41, "total_tokens": 521},
    }
    return json.dumps(document).encode()


def says(body: bytes, *, status: int = 200, kind: str = "application/json", headers: str = "") -> Behaviour:
    """Answer with that body."""

    async def behave(writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
        writer.write(head.encode() + body)
        await writer.drain()

    return behave


def advises(score: object = 60, **answer: Any) -> Behaviour:
    """Answer as a model would."""
    return says(completion(answer_text(score, **answer)))


async def never(_writer: asyncio.StreamWriter) -> None:
    """Take the question and say nothing."""
    await asyncio.Event().wait()


async def resets(writer: asyncio.StreamWriter) -> None:
    """Reset the connection."""
    writer.transport.abort()


async def breaks_off(writer: asyncio.StreamWriter) -> None:
    """Promise a whole answer, send half of it, and go."""
    body = completion(answer_text())
    writer.write(f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode())
    writer.write(body[: len(body) // 2])
    await writer.drain()


async def drips(writer: asyncio.StreamWriter) -> None:
    """Send a head and one byte, and then nothing more."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{")
    await writer.drain()
    await asyncio.Event().wait()


@dataclass
class Flood:
    """Sends far more than an answer; `sent` says how much the other side let us."""

    length: int = 10_000_000
    sent: int = 0

    async def __call__(self, writer: asyncio.StreamWriter) -> None:
        """Write blocks until all is sent or the other side has gone."""
        writer.write(
            f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {self.length}\r\n\r\n".encode()
        )
        while self.sent < self.length:
            writer.write(b" " * 50_000)
            await writer.drain()
            self.sent += 50_000
