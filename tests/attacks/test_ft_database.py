"""FT06, FT07, FT18, FT24–FT28: the database restarts, cannot be written, lacks connections, or is full of old rows."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import make_url

from idp.flows import housekeeping
from idp.messages.outbox import OutboxWorker
from idp.providers.mail.console import MailboxSender
from idp.storage.sweep import BATCH
from tests.support import builders, target
from tests.support.attacker import machine, signed_in, token, tokens_for
from tests.support.private_postgres import private_postgres
from tests.support.relying_party import Answer, RelyingParty
from tests.support.served import Served, served, wait_until
from tests.support.target import Target


def is_away(answer: Answer) -> bool:
    return answer.status == 503 and int(answer.headers["retry-after"]) > 0


@contextmanager
def locked_against_writes(provider: Target) -> Iterator[None]:
    """Hold SQLite's write lock, as a disk that is full or read-only would keep everybody from writing."""
    path = make_url(provider.environment["IDP_DATABASE_URL"]).database
    connection = sqlite3.connect(str(path), isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.rollback()
        connection.close()


async def test_ft07_without_writes_what_only_reads_goes_on(fresh: Target) -> None:
    rp, person = await fresh.client(), await fresh.person()
    tokens = await tokens_for(fresh, rp, person)
    with locked_against_writes(fresh):
        assert (await fresh.http.get(f"{fresh.issuer}/jwks")).status_code == 200
        assert (await fresh.http.get(f"{fresh.issuer}/.well-known/openid-configuration")).status_code == 200
        assert (await rp.userinfo(tokens.access_token)).status == 200
        assert await rp.is_active(tokens.access_token)


async def test_ft07_without_writes_nothing_is_granted_or_confirmed(fresh: Target) -> None:
    """No sign-in without its counter and its audit row; a revocation that is not stored is not confirmed."""
    rp, person = await fresh.client(), await fresh.person()
    tokens = await tokens_for(fresh, rp, person)
    code = await (await signed_in(fresh, person)).authorize(rp)
    browser = fresh.browser(person)
    await browser.open(f"{fresh.issuer}/account/sign-in")
    began = time.monotonic()

    with locked_against_writes(fresh):
        redeemed, refreshed, revoked, page = await asyncio.gather(
            rp.redeem(code), rp.refresh(tokens.refresh_token), rp.revoke(tokens.refresh_token), browser.sign_in()
        )

    assert [is_away(answer) for answer in (redeemed, refreshed, revoked)] == [True] * 3
    assert (page.status, "__Host-idp_session" in browser.cookies) == (503, False)
    assert time.monotonic() - began < 8, "every wait has an end"
    assert (await rp.redeem(code)).status == 200
    assert (await rp.refresh(tokens.refresh_token)).status == 200


@pytest.fixture
async def on_private(tmp_path: Path) -> AsyncIterator[tuple[Served, "object"]]:
    """A running server on a PostgreSQL that the test may stop."""
    async with private_postgres() as database:
        await asyncio.to_thread(target.prepare, database.url)
        async with served("postgresql", tmp_path, url=database.url) as running:
            yield running, database


@pytest.mark.timeout(120)
async def test_ft06_a_restart_of_the_database_loses_nothing(on_private) -> None:  # type: ignore[no-untyped-def]
    """503 with Retry-After while it is away, healthy within five seconds, and what was confirmed stays."""
    running, database = on_private
    rp, api = await running.client(), await running.machine()
    codes = await running.codes(rp, 30)
    confirmed: dict[str, Answer] = {}
    statuses: list[int] = []

    async def redeem(code: str) -> None:
        answer = await rp.redeem(code)
        statuses.append(answer.status)
        if answer.status == 200:
            confirmed[code] = answer

    for code in codes[:10]:
        await redeem(code)
    dying = [asyncio.create_task(redeem(code)) for code in codes[10:20]]
    await database.stop()
    await asyncio.gather(*dying)
    began = time.monotonic()
    away = [await token(api) for _ in range(5)]
    jwks = await running.http.get(f"{running.issuer}/jwks")
    metadata = await running.http.get(f"{running.issuer}/.well-known/openid-configuration")
    await wait_until(lambda: _says(running, "/health/ready", 503), 2)
    live = await running.http.get(f"{running.issuer}/health/live")
    waited = time.monotonic() - began
    await database.start()
    began = time.monotonic()
    await wait_until(lambda: _is_ok(api), 5)

    assert set(statuses) <= {200, 503}
    assert all(map(is_away, away))
    assert (jwks.status_code, metadata.status_code, live.status_code) == (200, 200, 200)
    assert waited < 15
    for answer in confirmed.values():
        assert (await rp.refresh(answer.refresh_token)).status == 200
    assert (await rp.redeem(codes[25])).status == 200


async def _is_ok(rp: RelyingParty) -> bool:
    return (await token(rp)).status == 200


async def _says(running: Served, path: str, status: int) -> bool:
    return (await running.http.get(running.issuer + path)).status_code == status


async def test_ft26_a_pool_of_two_serves_a_crowd_without_hanging(tmp_path: Path) -> None:
    async with target.target("postgresql", tmp_path, database_pool="2") as small:
        rp = await machine(small)
        began = time.monotonic()

        answers = await asyncio.gather(*(token(rp) for _ in range(100)))

        assert {answer.status for answer in answers} <= {200, 503}
        assert time.monotonic() - began < 10
        assert (await token(rp)).status == 200


async def test_ft24_old_rows_go_in_batches(either: Target) -> None:
    now = either.clock.now()
    async with either.site.transactions.open(write=True) as stores:
        for _ in range(2 * BATCH + 500):
            await stores.replays.remember(builders.digest(), now)
    either.clock.advance(timedelta(minutes=6))

    async with either.site.transactions.open(write=True) as stores:
        first = (await stores.sweep.batch(either.clock.now()))["replays"]
    async with either.twin() as twin:
        removed = await asyncio.gather(
            *(housekeeping.sweep(worker.site.transactions, worker.clock) for worker in (either, twin))
        )

    assert first == BATCH
    assert sum(each["replays"] for each in removed) == BATCH + 500
    assert await either.rows("replays") == []


async def test_ft18_two_workers_send_each_message_once(either: Target) -> None:
    now = either.clock.now()
    async with either.site.transactions.open(write=True) as stores:
        for _ in range(30):
            await stores.outbox.add(builders.message(created_at=now), expires_at=now + timedelta(days=1))
    sender = Counting()
    async with either.twin() as twin:
        workers = [
            OutboxWorker(worker.site.transactions, {builders.message().channel: sender}, worker.clock)
            for worker in (either, twin, either, twin)
        ]
        while sum(await asyncio.gather(*(worker.deliver() for worker in workers))):
            pass

    assert len(sender.sent) == len(set(sender.sent)) == 30


class Counting(MailboxSender):
    """Remembers what it was given."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def send(self, message) -> None:  # type: ignore[no-untyped-def]
        """Note the message, slowly enough for the others to come in between."""
        self.sent.append(message.id)
        await asyncio.sleep(0)


async def test_ft28_who_hangs_up_in_the_middle_may_ask_again(either: Target) -> None:
    """A client that went away while it was answered gets the same successor (RFC 9700 §4.14.2)."""
    rp = await either.client()
    tokens = await tokens_for(either, rp, await either.person())

    lost = asyncio.create_task(rp.refresh(tokens.refresh_token))
    await asyncio.sleep(0.002)
    lost.cancel()
    with suppress(asyncio.CancelledError, httpx2.TransportError):
        await lost
    again = await rp.refresh(tokens.refresh_token)
    next_ = await rp.refresh(again.refresh_token)

    assert (again.status, next_.status) == (200, 200)
    live = [row for row in await either.rows("grants") if row["revoked_at"] is None]
    assert len(live) == 1
