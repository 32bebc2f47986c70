"""Notifications of CIBA: tried again until the request ends, carrying nothing but its name, believed in nothing."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from idp.flows.ciba_pings import LEASE, PAUSES, CibaPings
from idp.providers.fetch.port import Answered, FetchDelayed, FetchRejected
from idp.storage.stores import Transactions
from tests.support.builders import MINUTE, NOW, TICK, digest
from tests.support.provider import HandClock
from tests.support.storage import World, migrated_database, opened, transactions_on
from tests.support.waiting import waiting

ENDPOINT = "https://rp.example/ping"
SECOND = timedelta(seconds=1)


@dataclass
class Way:
    """A way out that answers as it is told, and keeps what went over it."""

    answers: list[int | Exception] = field(default_factory=list)
    sent: list[tuple[str, bytes, Mapping[str, str]]] = field(default_factory=list)

    async def post(self, url: str, body: bytes, *, headers: Mapping[str, str]) -> Answered:
        """Keep it, and answer."""
        self.sent.append((url, body, headers))
        answer = self.answers.pop(0) if self.answers else 204
        if isinstance(answer, Exception):
            raise answer
        return Answered(answer, b"believe me")

    def check(self, url: str) -> None:
        """Let everything pass."""


@pytest.fixture
async def transactions(tmp_path: Path) -> AsyncIterator[Transactions]:
    """Transactions on an empty database."""
    async with migrated_database("sqlite", tmp_path) as url, opened(url) as database:
        yield transactions_on(database)


@pytest.fixture
async def world(transactions: Transactions) -> World:
    """A client, a person, a session."""
    return await World.store(transactions)


@pytest.fixture
def clock() -> HandClock:
    """The time."""
    return HandClock(NOW)


@pytest.fixture
def way() -> Way:
    """The way out."""
    return Way()


@pytest.fixture
def pings(transactions: Transactions, way: Way, clock: HandClock) -> CibaPings:
    """The chore."""
    return CibaPings(transactions, way, clock)


async def owed(transactions: Transactions, world: World, *, life: timedelta = 5 * MINUTE, **client: Any) -> str:
    """Store a request whose person has just answered."""
    async with transactions.open(write=True) as stores:
        members = {"backchannel_client_notification_endpoint": ENDPOINT} | client
        await stores.clients.save(replace(world.client, **members), NOW)
        made = waiting(world.client.id, user_id=world.user.id, expires_at=NOW + life)
        await stores.ciba_requests.add(made, digest=digest(), now=NOW, ping=("an-id", "a-token"))
        await stores.ciba_requests.owe_ping(made.id, NOW)
    return made.id


async def test_what_is_owed_is_sent_once(
    transactions: Transactions, world: World, pings: CibaPings, way: Way, clock: HandClock
) -> None:
    await owed(transactions, world)

    assert await pings.deliver() == 1
    clock.advance(4 * MINUTE)
    assert await pings.deliver() == 0

    ((url, body, headers),) = way.sent
    assert (url, body) == (ENDPOINT, b'{"auth_req_id": "an-id"}')
    assert headers == {"content-type": "application/json", "authorization": "Bearer a-token"}


@pytest.mark.parametrize("answer", [302, 201, 400, 401, 500, FetchDelayed("slow"), FetchRejected("inner address")])
async def test_what_was_not_taken_is_sent_again_after_a_pause(
    transactions: Transactions, world: World, pings: CibaPings, way: Way, clock: HandClock, answer: int | Exception
) -> None:
    """CIBA §10.2: 200 and 204 are fine, redirects are not followed."""
    await owed(transactions, world)
    way.answers.append(answer)

    assert await pings.deliver() == 1
    assert await pings.deliver() == 0
    clock.advance(PAUSES[0] - TICK)
    assert await pings.deliver() == 0
    clock.advance(TICK)
    assert await pings.deliver() == 1
    clock.advance(MINUTE)
    assert await pings.deliver() == 0


async def test_tries_end_with_the_request(
    transactions: Transactions, world: World, pings: CibaPings, way: Way, clock: HandClock
) -> None:
    await owed(transactions, world, life=30 * SECOND)
    way.answers += [500] * 20

    while clock.now() < NOW + 10 * MINUTE:
        await pings.deliver()
        clock.advance(SECOND)

    assert len(way.sent) == 4, "at 0, 1, 6 and 21 seconds; the next would come too late"


async def test_tries_end_in_any_case(
    transactions: Transactions, world: World, pings: CibaPings, way: Way, clock: HandClock
) -> None:
    await owed(transactions, world, life=60 * MINUTE)
    way.answers += [500] * 20

    for _ in range(20):
        await pings.deliver()
        clock.advance(2 * MINUTE)

    assert len(way.sent) == len(PAUSES) + 1


@pytest.mark.parametrize("client", [{"is_active": False}, {"backchannel_client_notification_endpoint": None}])
async def test_a_client_that_ended_or_has_no_endpoint_any_more_is_not_told(
    transactions: Transactions, world: World, pings: CibaPings, way: Way, clock: HandClock, client: dict[str, Any]
) -> None:
    await owed(transactions, world, **client)

    await pings.deliver()
    clock.advance(MINUTE)
    await pings.deliver()

    assert not way.sent


async def test_a_worker_that_dies_leaves_its_ping_to_the_next(
    transactions: Transactions, world: World, pings: CibaPings, way: Way, clock: HandClock
) -> None:
    await owed(transactions, world)
    async with transactions.open(write=True) as stores:
        assert len(await stores.ciba_requests.claim_pings(NOW, until=NOW + LEASE, limit=5)) == 1

    assert await pings.deliver() == 0
    clock.advance(LEASE)
    assert await pings.deliver() == 1
