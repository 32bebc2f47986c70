"""Running providers for journeys, one for each kind of database, and the people and websites of a journey."""

from collections.abc import AsyncIterator

import pytest

from tests.support.back_office import BackOffice, Person, open_back_office
from tests.support.databases import fresh_database
from tests.support.demo_process import running_demo
from tests.support.server import ServerProcess
from tests.support.website import Website, landing, website

SETTINGS = {"IDP_RATE_LIMITS": "off", "IDP_BRAND_NAME": "Northwind"}


async def _office(kind: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BackOffice]:
    folder = tmp_path_factory.mktemp(f"provider-{kind}")
    async with (
        fresh_database(kind, folder) as url,
        ServerProcess(folder, database_url=url, settings=SETTINGS) as server,
        open_back_office(server) as office,
    ):
        yield office


@pytest.fixture(scope="session")
async def sqlite_office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BackOffice]:
    """A provider on SQLite."""
    async for office in _office("sqlite", tmp_path_factory):
        yield office


@pytest.fixture(scope="session")
async def postgresql_office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BackOffice]:
    """A provider on PostgreSQL."""
    async for office in _office("postgresql", tmp_path_factory):
        yield office


@pytest.fixture
def office(request: pytest.FixtureRequest) -> BackOffice:
    """The provider that the journey names (tests/support/journey.py)."""
    office: BackOffice = request.getfixturevalue(f"{request.param}_office")
    return office


@pytest.fixture(scope="session")
async def origin() -> AsyncIterator[str]:
    """Where all websites of this process have their pages."""
    async with landing() as origin:
        yield origin


@pytest.fixture
async def person(office: BackOffice) -> Person:
    """Somebody new."""
    return await office.person()


@pytest.fixture
async def books(office: BackOffice, origin: str) -> AsyncIterator[Website]:
    """A website that nobody has visited yet."""
    async with website(office, origin, name="Harbour Books") as site:
        yield site


@pytest.fixture
async def mail(office: BackOffice, origin: str) -> AsyncIterator[Website]:
    """Another one."""
    async with website(office, origin, name="Northern Mail") as site:
        yield site


@pytest.fixture(scope="session")
async def sqlite_demo(sqlite_office: BackOffice) -> AsyncIterator[str]:
    """The demo relying party beside the provider on SQLite."""
    async with running_demo(sqlite_office.server) as home:
        yield home


@pytest.fixture(scope="session")
async def postgresql_demo(postgresql_office: BackOffice) -> AsyncIterator[str]:
    """The demo relying party beside the provider on PostgreSQL."""
    async with running_demo(postgresql_office.server) as home:
        yield home
