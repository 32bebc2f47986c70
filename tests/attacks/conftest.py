"""What most attacks need: a provider, a relying party at it, and a person with a browser."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.databases import KINDS
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import Person, Provider
from tests.support.provider import provider as opened
from tests.support.relying_party import RelyingParty


@pytest.fixture(scope="session")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """A provider on SQLite that many tests share: each has people and clients of its own, and time only moves on."""
    async with opened("sqlite", tmp_path_factory.mktemp("provider")) as running:
        yield running


@pytest.fixture
async def fresh(tmp_path: Path) -> AsyncIterator[Provider]:
    """A provider of the test's own, to be broken, or looked into as a whole."""
    async with opened("sqlite", tmp_path) as running:
        yield running


@pytest.fixture(params=KINDS)
async def either(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Provider]:
    """A provider of the test's own, once on SQLite and once on PostgreSQL: for what the store decides."""
    async with opened(request.param, tmp_path) as running:
        yield running


@pytest.fixture
async def rp(provider: Provider) -> RelyingParty:
    """A confidential client."""
    return await provider.client()


@pytest.fixture
async def person(provider: Provider) -> Person:
    """Somebody with an account."""
    return await provider.person()


@pytest.fixture
def browser(provider: Provider, person: Person) -> HtmlBrowser:
    """Their browser; nobody is signed in yet."""
    return provider.browser(person)
