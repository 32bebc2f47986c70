"""TR07, TR13, TR15: requests that two parsers would read differently; sockets that never finish (RFC 9112 §6, §11)."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn

from idp.cli.http_protocol import BoundedProtocol, fault_in
from tests.support.attacker import machine
from tests.support.client_auth import Basic
from tests.support.serving import listening
from tests.support.target import Target, target

Door = tuple[str, int, Target]  #: host, port, and the provider behind them
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Impatient(BoundedProtocol):
    """The same, for tests that cannot wait."""

    head_seconds = 0.3
    body_seconds = 0.3
    write_seconds = 0.3


@contextlib.asynccontextmanager
async def listened(folder: Path) -> AsyncIterator[tuple[Door, uvicorn.Server]]:
    """Serve a provider behind uvicorn and our protocol, in this process."""
    listener, url = listening()
    async with target("sqlite", folder, issuer=url) as provider:
        config = uvicorn.Config(
            provider.transport.app, http=Impatient, lifespan="off", access_log=False, log_config=None, ws="none",
            server_header=False, proxy_headers=False, timeout_keep_alive=1,
        )  # fmt: skip
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        yield ("127.0.0.1", listener.getsockname()[1], provider), server
        server.should_exit = True
        await running


@pytest.fixture(scope="session")
async def address(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    """Where such a provider listens."""
    async with listened(tmp_path_factory.mktemp("socket")) as (door, _):
        yield door


@contextlib.asynccontextmanager
async def connected(
    address: Door,
) -> AsyncIterator[Streams]:
    reader, writer = await asyncio.open_connection(*address[:2])
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def answer_to(address: Door, sent: bytes) -> bytes:
    """Send bytes and return everything that comes back until the server closes the connection."""
    async with connected(address) as (reader, writer):
        writer.write(sent.replace(b"HOST", f"localhost:{address[1]}".encode()))
        received = b""
        with contextlib.suppress(ConnectionError):
            while chunk := await asyncio.wait_for(reader.read(65536), 10):
                received += chunk
        return received


def head(*lines: bytes, method: bytes = b"POST", path: bytes = b"/token") -> bytes:
    return b"\r\n".join([method + b" " + path + b" HTTP/1.1", b"Host: HOST", *lines, b"", b""])


FORM = b"Content-Type: application/x-www-form-urlencoded"
SECOND = b"GET /health/live HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked"
AMBIGUOUS = {
    "CL and TE": head(FORM, b"Content-Length: 4", CHUNKED) + b"0\r\n\r\n" + SECOND,
    "TE and CL": head(FORM, CHUNKED, b"Content-Length: 4") + b"0\r\n\r\n" + SECOND,
    "two different CL": head(FORM, b"Content-Length: 0", b"Content-Length: 60") + SECOND,
    "two equal CL": head(FORM, b"Content-Length: 0", b"Content-Length: 0") + SECOND,
    "CL list": head(FORM, b"Content-Length: 0, 0") + SECOND,
    "CL with a plus": head(FORM, b"Content-Length: +0") + SECOND,
    "CL negative": head(FORM, b"Content-Length: -1") + SECOND,
    "CL hexadecimal": head(FORM, b"Content-Length: 0x0") + SECOND,
    "CL empty": head(FORM, b"Content-Length: ") + SECOND,
    "TE unknown": head(FORM, b"Transfer-Encoding: xchunked") + b"0\r\n\r\n" + SECOND,
    "TE twice": head(FORM, CHUNKED, CHUNKED) + b"0\r\n\r\n" + SECOND,
    "TE list": head(FORM, b"Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n" + SECOND,
    "TE identity": head(FORM, b"Transfer-Encoding: identity") + b"0\r\n\r\n" + SECOND,
    "TE with vertical tab": head(FORM, b"Transfer-Encoding: \x0bchunked") + b"0\r\n\r\n" + SECOND,
    "TE folded": head(FORM, b"Transfer-Encoding:\r\n chunked") + b"0\r\n\r\n" + SECOND,
    "TE in HTTP/1.0": head(FORM, CHUNKED).replace(b"HTTP/1.1", b"HTTP/1.0") + b"0\r\n\r\n" + SECOND,
    "space before colon": head(FORM, b"Content-Length : 0") + SECOND,
    "space before TE's colon": head(FORM, b"Transfer-Encoding : chunked", b"Content-Length: 0") + SECOND,
    "bare LF": b"GET /jwks HTTP/1.1\nHost: HOST\n\n" + SECOND,
    "bare LF between": head(b"X: a\nContent-Length: 60") + SECOND,
    "bare CR": head(b"X: a\rContent-Length: 60") + SECOND,
    "NUL in a header": head(b"X: a\0b") + SECOND,
    "folded header": head(b"X: a", b" Content-Length: 60") + SECOND,
    "no colon": head(b"Content-Length 0") + SECOND,
    "empty name": head(b": x") + SECOND,
    "no Host": b"GET /jwks HTTP/1.1\r\n\r\n" + SECOND,
    "two Hosts": head(b"Host: HOST", method=b"GET", path=b"/jwks") + SECOND,
    "space in the target": head(method=b"GET", path=b"/jwks /x") + SECOND,
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 60 + b"\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "chunk size 0x": head(FORM, CHUNKED) + b"0x1\r\na\r\n0\r\n\r\n" + SECOND,
    "chunk size negative": head(FORM, CHUNKED) + b"-1\r\na\r\n0\r\n\r\n" + SECOND,
    "chunk size huge": head(FORM, CHUNKED) + b"F" * 40 + b"\r\na\r\n0\r\n\r\n" + SECOND,
    "chunk without CRLF": head(FORM, CHUNKED) + b"1\r\naXX0\r\n\r\n" + SECOND,
    "chunk with bare LF": head(FORM, CHUNKED) + b"1\na\n0\n\n" + SECOND,
}  # fmt: skip


@pytest.mark.parametrize("sent", AMBIGUOUS.values(), ids=AMBIGUOUS)
async def test_tr07_ambiguous_framing_is_refused_and_ends_the_connection(address: Door, sent: bytes) -> None:
    received = await answer_to(address, sent)

    assert received.startswith(b"HTTP/1.1 400 ")
    assert received.count(b"HTTP/1.1 ") == 1, "no second request was read"
    assert b"live" not in received


async def test_tr07_honest_requests_still_pass(address: Door) -> None:
    body = b"5\r\ngrant\r\n7;x=y\r\n_type=x\r\n0\r\n\r\n"
    kept = head(FORM, CHUNKED) + body + head(method=b"GET", path=b"/jwks") + SECOND

    received = await answer_to(address, kept)

    assert received.count(b"HTTP/1.1 ") == 3
    assert b'"invalid_client"' in received
    assert b'"keys"' in received
    assert received.endswith(b'{"status":"live"}')


@pytest.mark.parametrize(
    "request_head",
    [b"GET / HTTP/1.1\r\nHost: a\r\nX:b\r\n\r\n", b"POST / HTTP/1.1\r\nContent-length:\t7 \r\n\r\n"],
)
def test_tr07_an_ordinary_head_has_no_fault(request_head: bytes) -> None:
    assert fault_in(request_head) is None


TOO_LONG = {
    "URL of 64 kB": head(method=b"GET", path=b"/authorize?" + b"x" * 64_000),
    "header of 20 kB": head(b"X-Long: " + b"y" * 20_000, method=b"GET", path=b"/jwks"),
    "1,000 headers": head(*[b"X-%d: y" % n for n in range(1000)], method=b"GET", path=b"/jwks"),
    "101 headers": head(*[b"X-%d: y" % n for n in range(101)], method=b"GET", path=b"/jwks"),
    "cookie of 64 kB": head(b"Cookie: a=" + b"b" * 64_000, method=b"GET", path=b"/jwks"),
    "URL of 9 kB": head(method=b"GET", path=b"/authorize?" + b"x" * 9_000),
}


@pytest.mark.parametrize("sent", TOO_LONG.values(), ids=TOO_LONG)
@pytest.mark.parametrize("pieces", [1, 7])
async def test_tr15_what_is_too_long_is_refused(address: Door, sent: bytes, pieces: int) -> None:
    size = len(sent) // pieces + 1
    async with connected(address) as (reader, writer):
        with contextlib.suppress(ConnectionError):
            whole = sent.replace(b"HOST", f"localhost:{address[1]}".encode())
            for start in range(0, len(whole), size):
                writer.write(whole[start : start + size])
                await writer.drain()
        status = (await asyncio.wait_for(reader.readline(), 10)).split()[1]

    assert status in (b"414", b"431")


SLOW = {
    "says nothing": b"",
    "stops in the request line": b"GET /jw",
    "stops in a header": b"GET /jwks HTTP/1.1\r\nHost: lo",
    "never ends its headers": b"GET /jwks HTTP/1.1\r\nHost: HOST\r\n",
    "stops in the body": head(FORM, b"Content-Length: 40") + b"grant",
    "stops in a chunk": head(FORM, CHUNKED) + b"5\r\ngr",
    "stops in the body of a request that was answered": head(b"Content-Length: 40", path=b"/nowhere") + b"x",
}


@pytest.mark.parametrize("sent", SLOW.values(), ids=SLOW)
async def test_tr13_who_stops_sending_is_cut_off(address: Door, sent: bytes) -> None:
    began = time.monotonic()

    received = await answer_to(address, sent)

    assert time.monotonic() - began < 1.5
    assert b" 408 " in received or b" 404 " in received


async def test_tr13_a_byte_now_and_then_does_not_help(address: Door) -> None:
    """A limit on the whole head, not on the pause between two bytes."""
    async with connected(address) as (reader, writer):
        began = time.monotonic()
        answered = asyncio.create_task(reader.read())
        while not answered.done() and time.monotonic() - began < 3:
            writer.write(b"X")
            await asyncio.sleep(0.02)

    assert time.monotonic() - began < 1


async def test_tr13_who_does_not_read_is_dropped(address: Door) -> None:
    async with connected(address) as (_, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        ask = head(method=b"GET", path=b"/static/style.css").replace(b"HOST", f"localhost:{address[1]}".encode())
        began = time.monotonic()
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - began < 5:
                writer.write(ask * 20)
                await asyncio.wait_for(writer.drain(), 5)

    assert time.monotonic() - began < 5


async def test_tr13_slow_sockets_hold_nobody_up(address: Door) -> None:
    """A hundred half-open connections at once; an honest client's requests stay quick."""
    rp = await machine(address[2])
    assert isinstance(rp.auth, Basic)
    slow = [await asyncio.open_connection(*address[:2]) for _ in range(100)]
    for _, writer in slow:
        writer.write(b"POST /token HTTP/1.1\r\nHost: local")

    times = []
    for _ in range(20):
        began = time.monotonic()
        assert await answer_to(address, SECOND)
        times.append(time.monotonic() - began)
    closed = await asyncio.wait_for(asyncio.gather(*(reader.read() for reader, _ in slow)), 5)
    for _, writer in slow:
        writer.close()

    assert sorted(times)[18] < 0.25
    assert all(b" 408 " in each for each in closed)


async def test_ft05_who_has_just_connected_is_answered_once_more(tmp_path: Path) -> None:
    """A server that is told to stop hangs up on nobody whose request is on its way."""
    async with (
        listened(tmp_path) as (door, server),
        connected(door) as (reader, writer),
        connected(door) as (silent, _),
    ):
        await asyncio.sleep(0.05)
        server.should_exit = True
        await asyncio.sleep(0.15)
        writer.write(f"GET /jwks HTTP/1.1\r\nHost: localhost:{door[1]}\r\n\r\n".encode())
        answer, hung_up = await asyncio.wait_for(asyncio.gather(reader.read(), silent.read()), 5)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b'"keys"' in answer
    assert b" 408 " in hung_up
