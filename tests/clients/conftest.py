"""One provider as a real process for all clients that nobody here wrote, and people who sign in through them."""

from collections.abc import AsyncIterator

import pytest

from tests.support.back_office import BackOffice, Person, open_back_office
from tests.support.html_browser import HtmlBrowser
from tests.support.server import ServerProcess
from tests.support.session import free_port

PORTS = 16
SETTINGS = {"IDP_RATE_LIMITS": "off", "IDP_IMPLICIT_AND_HYBRID": "on"}


@pytest.fixture(scope="session")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BackOffice]:
    """The back office of a running provider, and ports on which it may call websites back."""
    ports = [free_port() for _ in range(PORTS)]
    reached = ",".join(f"localhost:{port}" for port in ports)
    folder = tmp_path_factory.mktemp("provider")
    async with (
        ServerProcess(folder, settings=SETTINGS | {"IDP_OUTBOUND_ALLOW": reached}) as server,
        open_back_office(server) as office,
    ):
        office.ports = ports
        yield office


@pytest.fixture
async def person(office: BackOffice) -> Person:
    """Somebody who has not met any client yet."""
    return await office.person()


@pytest.fixture
async def browser(office: BackOffice, person: Person) -> AsyncIterator[HtmlBrowser]:
    """The browser of that person."""
    async with person.browser(office.server) as browser:
        yield browser
