"""What most attacks need: a provider, a relying party at it, and a person with a browser."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.databases import KINDS
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import Person
from tests.support.relying_party import RelyingParty
from tests.support.target import Target, target


@pytest.fixture(scope="session")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    """A provider on SQLite that many tests share: each has people and clients of its own, and time only moves on."""
    async with target("sqlite", tmp_path_factory.mktemp("target")) as running:
        yield running


@pytest.fixture
async def fresh(tmp_path: Path) -> AsyncIterator[Target]:
    """A provider of the test's own, to be broken, or looked into as a whole."""
    async with target("sqlite", tmp_path) as running:
        yield running


@pytest.fixture(params=KINDS)
async def either(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Target]:
    """A provider of the test's own, once on SQLite and once on PostgreSQL: for what the store decides."""
    async with target(request.param, tmp_path) as running:
        yield running


@pytest.fixture
async def rp(provider: Target) -> RelyingParty:
    """A confidential client."""
    return await provider.client()


@pytest.fixture
async def person(provider: Target) -> Person:
    """Somebody with an account."""
    return await provider.person()


@pytest.fixture
def browser(provider: Target, person: Person) -> HtmlBrowser:
    """Their browser; nobody is signed in yet."""
    return provider.browser(person)
