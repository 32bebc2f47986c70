"""A process that is told to stop adds up what it has counted; one that cannot says so and stops all the same."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from structlog.testing import capture_logs

from idp import metrics
from idp.flows.figures import HOUR, hour_of
from idp.flows.housekeeping import Housekeeping
from idp.storage.database import Database, DatabaseAway
from idp.storage.stores import Transactions
from tests.support.builders import NOW
from tests.support.databases import fresh_database
from tests.support.provider import HandClock
from tests.support.server import ServerProcess
from tests.support.storage import opened, transactions_on


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    metrics.take_answers()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with fresh_database("sqlite", tmp_path) as url, opened(url) as database:
        yield database


def keeping(transactions: Transactions) -> Housekeeping:
    """Return the chores of a process; none of them comes to its first turn here."""

    class Idle:
        async def keep_fresh(self) -> None:
            raise AssertionError

    return Housekeeping(transactions, Idle(), Idle(), HandClock(NOW))  # type: ignore[arg-type]


async def added(transactions: Transactions, begin: Any = None) -> dict[str, int]:
    """Return what was added up, by name."""
    begin = hour_of(NOW) if begin is None else begin
    async with transactions.open(write=False) as stores:
        return {name: n for (_, name), n in (await stores.figures.hours.between(begin, begin + 2 * HOUR)).items()}


async def test_what_was_counted_is_added_up_at_the_end(database: Database) -> None:
    transactions = transactions_on(database)
    chores = keeping(transactions)
    chores.start()
    metrics.count("/token", "POST", 200, 0.01)
    metrics.count("/token", "POST", 500, 3.0)

    await chores.stop()

    assert await added(transactions) == {"answers_fast": 1, "answers_late": 1, "answers_failed": 1}
    assert metrics.take_answers() == {}


async def test_chores_that_never_began_add_nothing(database: Database) -> None:
    transactions = transactions_on(database)
    metrics.count("/token", "POST", 200, 0.01)

    await keeping(transactions).stop()

    assert await added(transactions) == {}


class Away:
    """Transactions on a database that is not there, or does not answer."""

    actor = None

    def __init__(self, *, is_silent: bool) -> None:
        self._is_silent = is_silent

    @asynccontextmanager
    async def open(self, **_options: object) -> AsyncIterator[None]:
        if self._is_silent:
            await asyncio.Event().wait()
        raise DatabaseAway("gone")
        yield


@pytest.mark.parametrize("is_silent", [False, True])
async def test_a_database_that_is_away_keeps_no_process_from_stopping(is_silent: bool) -> None:
    chores = keeping(Away(is_silent=is_silent))  # type: ignore[arg-type]
    chores.start()
    metrics.count("/token", "POST", 200, 0.01)

    with capture_logs() as logs:
        await chores.stop(patience=0.01)

    assert [each["event"] for each in logs] == ["figures lost"]
    assert metrics.take_answers() == {"answers_fast": 1}  # nothing was taken that was not added


async def test_a_server_that_is_told_to_stop_leaves_its_figures(tmp_path: Path) -> None:
    """SIGTERM, as a real process."""
    async with ServerProcess(tmp_path) as server:
        async with httpx2.AsyncClient(trust_env=False) as http:
            answers = [await http.get(f"{server.issuer}/.well-known/openid-configuration") for _ in range(7)]
            began = hour_of(parsedate_to_datetime(answers[0].headers["date"]))
        await server.stop()

        async with opened(server.environment["IDP_DATABASE_URL"]) as database:
            found = await added(transactions_on(database), began)

    assert {each.status_code for each in answers} == {200}
    assert sum(found.get(name, 0) for name, _ in metrics.PACES) == 7
