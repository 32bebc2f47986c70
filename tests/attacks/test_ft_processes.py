"""FT05, FT22, TR13: servers that are told to stop, flooded with sign-ins, or kept waiting – as real processes."""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from tests.support.attacker import token
from tests.support.relying_party import RelyingParty
from tests.support.served import Served, served


@pytest.fixture
async def busy(tmp_path: Path) -> AsyncIterator[Served]:
    """A server whose password hashes take their time, and whose queue is short."""
    async with served("sqlite", tmp_path, bcrypt_rounds="11", hash_queue="8", hash_threads="1") as running:
        yield running


async def sign_in(running: Served, page: httpx2.Response, http: httpx2.AsyncClient, csrf: str) -> httpx2.Response:
    headers = {"Origin": running.issuer, "Sec-Fetch-Site": "same-origin"}
    fields = {"csrf": csrf, "username": f"stranger-{id(page)}", "password": "wrong"}
    return await http.post(str(page.request.url), data=fields, headers=headers)


async def opened(running: Served, count: int) -> list[tuple[httpx2.AsyncClient, httpx2.Response, str]]:
    """Open that many sign-in pages, each in a browser of its own."""
    found = []
    for _ in range(count):
        http = httpx2.AsyncClient(trust_env=False, timeout=30, follow_redirects=True)
        page = await http.get(f"{running.issuer}/account/sign-in")
        found.append((http, page, page.text.partition('name="csrf" value="')[2].partition('"')[0]))
    return found


@pytest.mark.timeout(120)
async def test_ft22_a_storm_of_sign_ins_is_shed_and_tokens_keep_coming(busy: Served) -> None:
    """A bounded queue: 503 with Retry-After at once for who is too many; tokens and keys are not held up."""
    api, storm = await busy.machine(), await opened(busy, 40)
    began = time.monotonic()
    flood = [asyncio.create_task(sign_in(busy, page, http, csrf)) for http, page, csrf in storm]
    times = []
    for _ in range(20):
        asked = time.monotonic()
        assert (await token(api)).status == 200
        assert (await api.http.get(f"{busy.issuer}/jwks")).status_code == 200
        times.append(time.monotonic() - asked)
    answers = await asyncio.gather(*flood)
    for http, _, _ in storm:
        await http.aclose()

    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) == {403, 503}, statuses
    assert statuses[403] >= 9
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers if answer.status_code == 503)
    assert sorted(times)[18] < 1
    assert time.monotonic() - began < 30


@pytest.mark.timeout(120)
async def test_ft05_who_is_told_to_stop_finishes_what_it_has_begun(busy: Served) -> None:
    """Sign-ins that are being hashed and tokens that are being signed are answered; later ones are not accepted."""
    api, storm = await busy.machine(), await opened(busy, 6)
    hashing = [asyncio.create_task(sign_in(busy, page, http, csrf)) for http, page, csrf in storm]
    load = asyncio.create_task(fire(api, seconds=4))
    await asyncio.sleep(0.3)
    began = time.monotonic()

    code = await busy.server.stop()

    signed_in = await asyncio.gather(*hashing)
    answered, refused, cut = await load
    for http, _, _ in storm:
        await http.aclose()
    assert code == 0
    assert time.monotonic() - began < 30
    assert {answer.status_code for answer in signed_in} == {403}
    assert answered > 0
    assert refused > 0
    assert cut == 0


async def fire(api: RelyingParty, *, seconds: float) -> tuple[int, int, int]:
    """Ask for 50 tokens a second; return how many came, and how many were refused or cut off."""
    answered = refused = cut = 0

    async def one() -> None:
        nonlocal answered, refused, cut
        async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:
            fields = {"grant_type": "client_credentials"}
            headers = dict(api.auth.prove(api.client_id, api.issuer).headers)
            try:
                answer = await http.post(f"{api.issuer}/token", data=fields, headers=headers)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                refused += 1
            except httpx2.TransportError:
                cut += 1
            else:
                answered += answer.status_code == 200

    tasks = []
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up and not refused:
        tasks.append(asyncio.create_task(one()))
        await asyncio.sleep(0.02)
    await asyncio.gather(*tasks)
    return answered, refused, cut


@pytest.mark.timeout(60)
async def test_tr13_a_real_server_waits_ten_seconds_for_a_head_and_no_longer(tmp_path: Path) -> None:
    async with served("sqlite", tmp_path) as running:
        loop, sockets = asyncio.get_running_loop(), []
        for sent in (b"", b"GET / HTTP/1.1\r\nHost: "):
            connection = socket.create_connection(("127.0.0.1", running.server.port))
            connection.setblocking(False)
            await loop.sock_sendall(connection, sent)
            sockets.append(connection)
        began = time.monotonic()

        answers = await asyncio.gather(*(loop.sock_recv(connection, 1000) for connection in sockets))

        assert 8 < time.monotonic() - began < 14
        assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in answers)
        for connection in sockets:
            connection.close()


@pytest.mark.timeout(120)
async def test_lo08_what_was_ended_is_dead_at_every_process(tmp_path: Path) -> None:
    """Two processes, asked on fresh connections many times: within a second neither honours it."""
    async with served("sqlite", tmp_path, workers=2) as running:
        rp = await running.client()
        browser = await running.signed_in(await running.office.person())
        tokens = await rp.redeem(await browser.authorize(rp, scope="openid"))
        await browser.open(f"{running.issuer}/end_session")
        await browser.submit("logout-yes")

        for _ in range(20):
            async with httpx2.AsyncClient(trust_env=False) as http:
                headers = {"Authorization": f"Bearer {tokens.access_token}"}
                assert (await http.get(f"{running.issuer}/userinfo", headers=headers)).status_code == 401
        registered = await running.office.site.clients.find(rp.client_id)
        assert registered is not None
        await running.office.site.clients.set_active(registered, is_active=False)
        await asyncio.sleep(1)
        for _ in range(20):
            async with httpx2.AsyncClient(trust_env=False) as http:
                headers = dict(rp.auth.prove(rp.client_id, rp.issuer).headers)
                answer = await http.post(f"{running.issuer}/introspect", data={"token": "x"}, headers=headers)
                assert answer.status_code == 401
