"""Fixtures that every room's tests may use. What only one room needs stands in its own conftest.py."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings
from playwright.async_api import Browser, BrowserContext, Page

from tests.support import databases, postgres, session
from tests.support.browser import launched, newly_opened
from tests.support.databases import fresh_database

# Property tests: no deadline and no complaint of slowness (the machine may be busy), no folder of examples in the
# checkout, and the same examples in every run, so that a commit that was green stays green.
settings.register_profile(
    "whole", deadline=None, database=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("whole")

_configure = structlog.configure


def _configure_without_memory(**options: object) -> None:
    """Set logging up as a command does, but let no logger keep it: a later test may want to see what is logged."""
    _configure(**options | {"cache_logger_on_first_use": False})  # type: ignore[arg-type]


structlog.configure = _configure_without_memory


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Undo what a command that ran inside the test did to logging."""
    yield
    if structlog.is_configured():
        structlog.reset_defaults()


def pytest_configure(config: pytest.Config) -> None:
    """Begin the session of this run in the controller; workers inherit it."""
    if not hasattr(config, "workerinput"):
        session.begin()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what the run shared, after the last worker has ended."""
    if hasattr(config, "workerinput"):
        postgres.leave_running()
        return
    try:
        postgres.stop_shared()
    finally:
        session.end()


@pytest.fixture(params=databases.KINDS)
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """A fresh database with the current schema, once on SQLite and once on PostgreSQL."""
    async with fresh_database(request.param, tmp_path) as url:
        yield url


@pytest.fixture
async def sqlite_url(tmp_path: Path) -> AsyncIterator[str]:
    """A fresh SQLite database with the current schema."""
    async with fresh_database("sqlite", tmp_path) as url:
        yield url


@pytest.fixture
async def postgres_url(tmp_path: Path) -> AsyncIterator[str]:
    """A fresh PostgreSQL database with the current schema."""
    async with fresh_database("postgresql", tmp_path) as url:
        yield url


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """A real browser, started once per process."""
    async with launched() as browser:
        yield browser


@pytest.fixture
async def context(chromium: Browser) -> AsyncIterator[BrowserContext]:
    """A browser profile of its own: no cookies, nothing cached; fails the test on script and CSP faults."""
    async with newly_opened(chromium) as context:
        yield context


@pytest.fixture
async def page(context: BrowserContext) -> Page:
    """A tab in a fresh profile."""
    return await context.new_page()
