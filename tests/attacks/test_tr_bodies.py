"""TR09–TR12: bodies that are no form, too large, or compressed (ASVS 4.1, 4.3)."""

import gzip
import time
import tracemalloc

import pytest

from tests.support.attacker import send
from tests.support.target import Target

PAGES = ("/", "/account", "/account/apps", "/end_session", "/signed-out", "/dev/mailbox", "/nowhere", "/authorize")


@pytest.mark.parametrize(
    "path", ["/token", "/introspect", "/revoke", "/userinfo", "/authorize", "/end_session", "/login/x"]
)
@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        (b"text/plain", b'{"a":1}'),
        (b"application/json", b'{"a":1}'),
        (b"application/json", b"a=1"),
        (b"application/x-www-form-urlencoded; charset=utf-7", b"+AGE-=1"),
        (b"application/x-www-form-urlencoded; charset=utf-16", "a=1".encode("utf-16")),
        (b"application/x-www-form-urlencoded; boundary=x", b"a=1"),
        (b"multipart/form-data; boundary=x", b"--x\r\n\r\n"),
        (b"application/xml", b"<a/>"),
        (b"", b"a=1"),
        (None, b"a=1"),
    ],
    ids=str,
)
async def test_tr09_a_body_that_is_no_form_is_refused(
    provider: Target, path: str, media_type: bytes | None, body: bytes
) -> None:
    headers = [] if media_type is None else [(b"content-type", media_type)]

    answer = await send(provider, "POST", path, headers=[*headers, (b"content-length", b"%d" % len(body))], body=body)

    expected = (400, 415) if path != "/userinfo" or media_type is not None else (401,)
    assert answer.status in expected


BOMBS = {
    "a million fields": "&".join(["a=1"] * 1_000_000).encode(),
    "101 fields": "&".join(f"a{n}=1" for n in range(101)).encode(),
    "65 kB of ampersands": b"&" * 65_000,
    "a nameless field of 10 MB": b"=" + b"x" * 10_000_000,
    "60 kB of percent signs": b"a=" + b"%" * 60_000,
    "60 kB of plus signs": b"a=" + b"+" * 60_000,
    "60 kB of NUL": b"a=" + b"%00" * 20_000,
}


@pytest.mark.parametrize("body", BOMBS.values(), ids=BOMBS)
@pytest.mark.parametrize("path", ["/token", "/authorize", "/login/x"])
async def test_tr11_bombs_are_refused_at_small_cost(provider: Target, path: str, body: bytes) -> None:
    headers = [(b"content-type", b"application/x-www-form-urlencoded")]
    began = time.process_time()

    answer = await send(provider, "POST", path, headers=headers, body=body)

    assert time.process_time() - began < 0.3
    assert 300 <= answer.status < 500
    assert answer.status in (400, 401, 404, 413) or len(body) < 65_536
    tracemalloc.start()
    await send(provider, "POST", path, headers=headers, body=body)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize("encoding", [b"gzip", b"deflate", b"br", b"identity", b"gzip, gzip"])
async def test_tr12_compressed_requests_are_refused(provider: Target, encoding: bytes) -> None:
    body = gzip.compress(b"a=" + b"x" * 10_000_000)
    headers = [(b"content-type", b"application/x-www-form-urlencoded"), (b"content-encoding", encoding)]

    assert (await send(provider, "POST", "/token", headers=headers, body=body)).status == 415
