"""DR02, DR03, DR05: what is fetched for others never reaches the inside, and ends soon and small (ASVS 13.2.4)."""

import asyncio
import gzip
import re
import time
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from idp.providers.fetch.guarded import LARGEST, GuardedFetch, resolve
from idp.providers.fetch.port import FetchDelayed, Fetched, FetchRejected
from tests.support.fetching import Answer, Authority, Outside, each, outside, saying

TEXT = frozenset({"text/plain"})
PUBLIC, OTHER_PUBLIC = "93.184.215.14", "2606:4700:4700::1111"
NAME = "outside.example"


class Names:
    """A resolver that gives each question the next answer, and remembers the questions."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = answers
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append((host, port))
        return self._answers[min(len(self.asked), len(self._answers)) - 1]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Whom the fetchers of these tests trust."""
    return Authority.made(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def canary() -> AsyncIterator[Outside]:
    """An inner service that nobody may ever reach."""
    async with outside(saying(b"secret")) as listener:
        yield listener


LITERALS = each(
    """
    127.0.0.1 127.0.0.2 127.255.255.254 0.0.0.0 0.0.0.1 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200
    169.254.169.254 169.254.0.1 168.63.129.16 172.16.0.1 172.31.255.255 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1
    198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 255.255.255.255 [::] [::1] [0:0:0:0:0:0:0:1] [::127.0.0.1]
    [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:169.254.169.254] [::ffff:10.0.0.1] [64:ff9b::127.0.0.1]
    [64:ff9b::a9fe:a9fe] [64:ff9b:1::a00:1] [2002:7f00:1::] [2002:a9fe:a9fe::] [2001:0:7f00:1::] [2001:db8::1] [fc00::1]
    [fd00::1] [fd00:ec2::254] [fe80::1] [fec0::1] [ff02::1] 2130706433 0x7f000001 017700000001 0x7f.0.0.1 0177.0.0.1
    127.1 127.0.1 0 localhost. LOCALHOST. 127.0.0.1. %31%32%37.0.0.1 \uff11\uff12\uff17.0.0.1 [fe80::1%25lo]
    user@127.0.0.1
    """
)


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize("host", LITERALS)
async def test_dr02_no_way_of_writing_an_inner_address_is_fetched(canary: Outside, host: str, scheme: str) -> None:
    with pytest.raises(FetchRejected):
        await GuardedFetch().get(f"{scheme}://{host}:{canary.port}/", media_types=TEXT)
    assert canary.connections == 0


ADDRESSES = [host.strip("[]") for host in LITERALS if re.fullmatch(r"\[[0-9a-f:.]+\]|([1-9]\d{0,2}\.){3}\d+", host)]


@pytest.mark.parametrize("address", ADDRESSES)
async def test_dr02_no_name_of_an_inner_address_is_fetched(canary: Outside, address: str) -> None:
    fetch = GuardedFetch(resolver=Names([address]))

    with pytest.raises(FetchRejected, match="not public"):
        await fetch.get(f"https://{NAME}:{canary.port}/", media_types=TEXT)
    assert canary.connections == 0


@pytest.mark.parametrize("name", ["localhost", "LocalHost", "localhost.localdomain"])
async def test_dr02_the_real_resolver_leads_nowhere_either(canary: Outside, name: str) -> None:
    with pytest.raises((FetchRejected, FetchDelayed)):
        await GuardedFetch().get(f"https://{name}:{canary.port}/", media_types=TEXT)
    assert canary.connections == 0


@pytest.mark.parametrize("addresses", [[PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC], [OTHER_PUBLIC, "::1", PUBLIC]])
async def test_dr02_one_inner_address_among_public_ones_is_enough(canary: Outside, addresses: list[str]) -> None:
    with pytest.raises(FetchRejected, match="not public"):
        await GuardedFetch(resolver=Names(addresses)).get(f"https://{NAME}:{canary.port}/", media_types=TEXT)
    assert canary.connections == 0


@pytest.mark.parametrize("url", [f"http://{NAME}/", f"ftp://{NAME}/", "file:///etc/passwd", "gopher://127.0.0.1:70/_x"])
async def test_dr02_only_https_is_fetched(url: str) -> None:
    names = Names([PUBLIC])

    with pytest.raises(FetchRejected):
        await GuardedFetch(resolver=names).get(url, media_types=TEXT)
    assert names.asked == []


class Wire:
    """A transport that connects nowhere, and remembers where it was sent."""

    def __init__(self, *, failing: frozenset[str] = frozenset()) -> None:
        self.requests: list[httpx2.Request] = []
        self._failing = failing

    def __call__(self) -> httpx2.AsyncBaseTransport:
        return httpx2.MockTransport(self._answer)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        if request.url.host in self._failing:
            raise httpx2.ConnectError("refused")
        return httpx2.Response(200, headers={"content-type": "text/plain"}, stream=httpx2.ByteStream(b"hello"))


async def test_dr03_a_name_that_changes_its_mind_changes_nothing(canary: Outside) -> None:
    """Public when it is checked, private when it is asked again: it is not asked again."""
    names, wire = Names([PUBLIC], ["127.0.0.1"]), Wire()

    fetched = await GuardedFetch(resolver=names, transport=wire).get(
        f"https://{NAME}:{canary.port}/path?query=1", media_types=TEXT
    )

    assert fetched == Fetched("text/plain", b"hello")
    assert names.asked == [(NAME, canary.port)]
    (request,) = wire.requests
    assert str(request.url) == f"https://{PUBLIC}:{canary.port}/path?query=1"
    assert request.headers["host"] == f"{NAME}:{canary.port}"
    assert request.extensions["sni_hostname"] == NAME
    assert canary.connections == 0


async def test_dr03_the_next_time_it_is_checked_again(canary: Outside) -> None:
    names, wire = Names([PUBLIC], ["127.0.0.1"]), Wire()
    fetch = GuardedFetch(resolver=names, transport=wire)
    await fetch.get(f"https://{NAME}:{canary.port}/", media_types=TEXT)

    with pytest.raises(FetchRejected):
        await fetch.get(f"https://{NAME}:{canary.port}/", media_types=TEXT)
    assert len(wire.requests) == 1
    assert canary.connections == 0


async def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    wire = Wire(failing=frozenset({OTHER_PUBLIC}))

    fetched = await GuardedFetch(resolver=Names([OTHER_PUBLIC, PUBLIC]), transport=wire).get(
        f"https://{NAME}/", media_types=TEXT
    )

    assert fetched.body == b"hello"
    assert [request.url.host for request in wire.requests] == [OTHER_PUBLIC, PUBLIC]


async def test_nothing_of_ours_is_sent_along() -> None:
    wire = Wire()

    await GuardedFetch(resolver=Names([PUBLIC]), transport=wire).get(
        f"https://{NAME}/", media_types=TEXT, headers={"add-padding": "true"}
    )

    assert dict(wire.requests[0].headers) == {
        "host": NAME, "user-agent": "idp", "accept": "text/plain", "accept-encoding": "gzip", "connection": "close",
        "add-padding": "true",
    }  # fmt: skip


async def test_what_the_operator_allowed_is_reached_and_its_neighbour_is_not(canary: Outside) -> None:
    async with outside(saying()) as inner:
        fetch = GuardedFetch(allow=frozenset({f"127.0.0.1:{inner.port}"}))

        assert (await fetch.get(f"http://127.0.0.1:{inner.port}/", media_types=TEXT)).body == b"hello"
        for other in (f"127.0.0.1:{canary.port}", f"localhost:{inner.port}"):
            with pytest.raises(FetchRejected):
                await fetch.get(f"http://{other}/", media_types=TEXT)
    assert canary.connections == 0


async def test_the_certificate_must_name_whom_we_asked_for(authority: Authority) -> None:
    """The connection goes to an address, the certificate is checked for the name."""
    async with outside(saying(), tls=authority.server_context(NAME)) as server:
        allow = frozenset({f"{NAME}:{server.port}", f"other.example:{server.port}"})
        trusting = GuardedFetch(allow=allow, ca_file=authority.root, resolver=Names(["127.0.0.1"]))
        distrusting = GuardedFetch(allow=allow, resolver=Names(["127.0.0.1"]))

        assert (await trusting.get(f"https://{NAME}:{server.port}/", media_types=TEXT)).body == b"hello"
        assert f"host: {NAME}:{server.port}" in server.seen[0].lower()
        for fetch, name in ((trusting, "other.example"), (distrusting, NAME)):
            with pytest.raises(FetchDelayed, match="cannot be reached"):
                await fetch.get(f"https://{name}:{server.port}/", media_types=TEXT)
        assert len(server.seen) == 1


async def test_proxies_of_the_environment_are_not_used(canary: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    async with outside(saying()) as inner:
        fetch = GuardedFetch(allow=frozenset({f"127.0.0.1:{inner.port}"}))

        assert (await fetch.get(f"http://127.0.0.1:{inner.port}/", media_types=TEXT)).body == b"hello"
    assert canary.connections == 0


async def fetch_from(answer: Answer, *, seconds: float = 5.0) -> Fetched:
    async with outside(answer) as server:
        fetch = GuardedFetch(allow=frozenset({f"127.0.0.1:{server.port}"}), seconds=seconds)
        return await fetch.get(f"http://127.0.0.1:{server.port}/x", media_types=TEXT)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_dr05_no_redirect_is_followed(canary: Outside, status: str) -> None:
    with pytest.raises(FetchRejected, match="answered 30"):
        await fetch_from(saying(status=status, location=f"http://127.0.0.1:{canary.port}/"))
    assert canary.connections == 0


ANSWERS: dict[str, tuple[Answer, type[Exception]]] = {
    "HTML": (saying(b"<html>", media_type="text/html"), FetchRejected),
    "JSON": (saying(b"{}", media_type="application/json"), FetchRejected),
    "no type": (saying(media_type=None), FetchRejected),
    "not found": (saying(status="404 Not Found"), FetchRejected),
    "created": (saying(status="201 Created"), FetchRejected),
    "empty": (saying(status="204 No Content"), FetchRejected),
    "a part": (saying(status="206 Partial Content"), FetchRejected),
    "our fault": (saying(status="401 Unauthorized"), FetchRejected),
    "too often": (saying(status="429 Too Many"), FetchDelayed),
    "broken": (saying(status="500 Oops"), FetchDelayed),
    "busy": (saying(status="503 Busy"), FetchDelayed),
    "brotli": (saying(content_encoding="br"), FetchRejected),
    "deflate": (saying(zlib.compress(b"x"), content_encoding="deflate"), FetchRejected),
    "twice gzip": (saying(gzip.compress(b"x"), content_encoding="gzip, gzip"), FetchRejected),
    "no gzip": (saying(b"hello", content_encoding="gzip"), FetchRejected),
    "half of a gzip": (saying(gzip.compress(b"x" * 9999)[:20], content_encoding="gzip"), FetchRejected),
    "cut": (saying(b"hello", content_length="9"), FetchDelayed),
    "a body of 1 MB and 1 byte": (saying(b"x" * (LARGEST + 1)), FetchRejected),
    "a huge length": (saying(b"x" * 2 * LARGEST, content_length="9000000000"), FetchRejected),
    "no HTTP": (saying(status="\0"), FetchDelayed),
    "huge headers": (saying(x_long="x" * 500_000), FetchDelayed),
    "many headers": (saying(**{f"x_{number}": "y" for number in range(20_000)}), FetchDelayed),
}


@pytest.mark.parametrize(("answer", "kind"), ANSWERS.values(), ids=ANSWERS)
async def test_dr05_an_answer_that_was_not_asked_for_is_refused(answer: Answer, kind: type[Exception]) -> None:
    began = time.perf_counter()

    with pytest.raises(kind):
        await fetch_from(answer)
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (saying(b"x" * LARGEST), b"x" * LARGEST),
        (saying(gzip.compress(b"x" * LARGEST), content_encoding="gzip"), b"x" * LARGEST),
        (saying(gzip.compress(b"hello"), content_encoding="GZIP"), b"hello"),
        (saying(media_type="Text/Plain; charset=utf-8"), b"hello"),
        (saying(b""), b""),
    ],
)
async def test_what_was_asked_for_is_returned(answer: Answer, body: bytes) -> None:
    assert await fetch_from(answer) == Fetched("text/plain", body)


async def test_dr05_a_gzip_bomb_is_never_unpacked() -> None:
    """200 MB in 200 kB: what is unpacked beyond the limit is one byte."""
    import tracemalloc

    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    tracemalloc.start()

    with pytest.raises(FetchRejected, match="more than"):
        await fetch_from(saying(bomb, content_encoding="gzip"))

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12_000_000


async def _for_ever(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n")
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


async def _byte_by_byte(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def _header_by_header(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"x: y\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def _in_a_moment(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 102 Processing\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def _silent(_writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def test_dr05_a_body_without_end_is_cut() -> None:
    with pytest.raises(FetchRejected, match="more than"):
        await fetch_from(_for_ever)


@pytest.mark.parametrize("answer", [_byte_by_byte, _header_by_header, _in_a_moment, _silent])
async def test_dr05_whoever_dawdles_is_left(answer: Answer) -> None:
    began = time.perf_counter()

    with pytest.raises(FetchDelayed, match="too long"):
        await fetch_from(answer, seconds=0.3)
    assert time.perf_counter() - began < 1.5


async def test_dr05_the_loop_goes_on_while_somebody_dawdles() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.01)

    counting = asyncio.create_task(count())
    with pytest.raises(FetchDelayed):
        await fetch_from(_byte_by_byte, seconds=0.3)
    counting.cancel()

    assert turns > 10


async def test_a_slow_resolver_counts(canary: Outside) -> None:
    async def slow(_host: str, _port: int) -> list[str]:
        await asyncio.sleep(60)
        return [PUBLIC]

    with pytest.raises(FetchDelayed, match="too long"):
        await GuardedFetch(resolver=slow, seconds=0.05).get(f"https://{NAME}/", media_types=TEXT)


@pytest.mark.parametrize("answer", [[], ["not an address"], ["fe80::1%eth0"]])
async def test_a_name_without_a_usable_address_is_not_fetched(answer: list[str]) -> None:
    with pytest.raises((FetchDelayed, FetchRejected)):
        await GuardedFetch(resolver=Names(answer)).get(f"https://{NAME}/", media_types=TEXT)


async def test_a_name_that_nobody_knows_may_be_known_later() -> None:
    async def unknown(host: str, _port: int) -> list[str]:
        raise OSError(f"{host} is unknown")

    with pytest.raises(FetchDelayed, match="has no address"):
        await GuardedFetch(resolver=unknown).get(f"https://{NAME}/", media_types=TEXT)


async def test_nobody_listening_is_a_delay() -> None:
    async with outside(saying()) as server:
        port = server.port

    with pytest.raises(FetchDelayed, match="cannot be reached"):
        await GuardedFetch(allow=frozenset({f"127.0.0.1:{port}"})).get(f"http://127.0.0.1:{port}/", media_types=TEXT)


async def test_the_system_resolves_names() -> None:
    assert set(await resolve("localhost", 443)) <= {"127.0.0.1", "::1"}


async def test_what_went_wrong_never_quotes_the_path() -> None:
    """It may hold what is looked for."""
    async with outside(saying(status="404 Not Found")) as server:
        fetch = GuardedFetch(allow=frozenset({f"127.0.0.1:{server.port}"}))
        with pytest.raises(FetchRejected) as caught:
            await fetch.get(f"http://127.0.0.1:{server.port}/range/ABCDE", media_types=TEXT)

    assert "ABCDE" not in str(caught.value)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_of_roots_that_cannot_be_used_is_refused_at_once(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "roots.pem"
    if content is not None:
        path.write_text(content)

    with pytest.raises(OSError):
        GuardedFetch(ca_file=path)


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/", "https://[::1]/", "https://10.0.0.1/", "https://localhost/", "https://x.localhost:8443/",
            "http://rp.example/", "ftp://rp.example/", "https://0x7f.1/", "https://a@rp.example/", "x"]
)  # fmt: skip
def test_dr02_what_never_would_be_fetched_is_told_beforehand(url: str) -> None:
    with pytest.raises(FetchRejected):
        GuardedFetch().check(url)


def test_what_may_be_fetched_passes_without_being_looked_up() -> None:
    GuardedFetch().check("https://rp.example/jwks")
    GuardedFetch(allow=frozenset({"127.0.0.1:8080"})).check("http://127.0.0.1:8080/jwks")
    with pytest.raises(FetchRejected):
        GuardedFetch(allow=frozenset({"127.0.0.1:8080"})).check("http://127.0.0.1:8081/jwks")
