"""Every test here runs on SQLite and on PostgreSQL, on a database of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from idp.storage.database import Database
from idp.storage.stores import Stores, Transactions
from tests.support.databases import KINDS
from tests.support.storage import Crowd, World, emptied, migrated_database, opened, transactions_on

settings.register_profile("idp", deadline=None, database=None, derandomize=True)
settings.register_profile(
    "storage", deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
settings.load_profile("idp")


@pytest.fixture(scope="session")
async def one_postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A database on PostgreSQL that the tests of this process use one after the other."""
    async with migrated_database("postgresql", tmp_path_factory.mktemp("postgresql")) as url:
        yield url


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Which database."""
    return str(request.param)


@pytest.fixture
async def url(kind: str, one_postgres: str, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a database with all tables and no rows."""
    if kind == "postgresql":
        yield await emptied(one_postgres)
        return
    async with migrated_database(kind, tmp_path) as url:
        yield url


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """That database, open."""
    async with opened(url) as database:
        yield database


@pytest.fixture
def transactions(database: Database) -> Transactions:
    """Transactions on that database."""
    return transactions_on(database)


@pytest.fixture
async def world(transactions: Transactions) -> World:
    """A person, a client, a session and a grant, stored."""
    return await World.store(transactions)


@pytest.fixture
async def stores(transactions: Transactions, world: World) -> AsyncIterator[Stores]:
    """All stores over one transaction that sees the world and its own writes."""
    async with transactions.open(write=True) as stores:
        yield stores


@pytest.fixture
async def crowd(url: str, world: World) -> AsyncIterator[Crowd]:
    """Several processes on that database."""
    async with Crowd.on(url) as crowd:
        yield crowd
