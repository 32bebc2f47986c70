"""One provider for all specifications; every test has a person, a browser and a relying party of its own."""

from collections.abc import AsyncIterator

import pytest

from idp.domain.client import Profile
from tests.support.databases import fresh_database
from tests.support.hosted import Hosted, hosted
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import HandClock, Person, Provider
from tests.support.registrant import GRANTS, Registrant, initial_token
from tests.support.relying_party import Answer, RelyingParty


@pytest.fixture(scope="session")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """A provider on SQLite."""
    folder = tmp_path_factory.mktemp("provider")
    async with fresh_database("sqlite", folder) as url, Provider.running(folder, url) as provider:
        yield provider


@pytest.fixture(scope="session")
async def postgresql_provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """A provider on PostgreSQL."""
    folder = tmp_path_factory.mktemp("provider")
    async with fresh_database("postgresql", folder) as url, Provider.running(folder, url) as provider:
        yield provider


@pytest.fixture(params=["provider", "postgresql_provider"], ids=["sqlite", "postgresql"])
def each_provider(request: pytest.FixtureRequest) -> Provider:
    """The provider, once on SQLite and once on PostgreSQL."""
    found: Provider = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def clock(provider: Provider) -> HandClock:
    """The provider's clock."""
    return provider.clock


@pytest.fixture
async def person(provider: Provider) -> Person:
    """Somebody with an account."""
    return await provider.person(name="Ada Lovelace")


@pytest.fixture
async def rp(provider: Provider) -> RelyingParty:
    """A confidential client of profile oauth21 with client_secret_basic, code and refresh_token."""
    return await provider.client()


@pytest.fixture
async def browser(provider: Provider, person: Person) -> AsyncIterator[HtmlBrowser]:
    """The person's browser; nobody is signed in yet."""
    async with provider.browser(person) as browser:
        yield browser


@pytest.fixture
async def tokens(rp: RelyingParty, browser: HtmlBrowser) -> Answer:
    """What the client got after the person signed in and agreed."""
    answer = await rp.redeem(await browser.authorize(rp))
    assert answer.status == 200, answer.text
    return answer


@pytest.fixture(scope="session")
async def website() -> AsyncIterator[Hosted]:
    """The client's own web server."""
    async with hosted() as site:
        yield site


@pytest.fixture(scope="session")
async def open_provider(tmp_path_factory: pytest.TempPathFactory, website: Hosted) -> AsyncIterator[Provider]:
    """A provider where everybody may register, and that may fetch from the client's web server."""
    folder = tmp_path_factory.mktemp("open")
    settings = {"IDP_CLIENT_REGISTRATION": "open", "IDP_OUTBOUND_ALLOW": website.place}
    async with (
        fresh_database("sqlite", folder) as url,
        Provider.running(folder, url, settings=settings) as provider,
    ):
        yield provider


@pytest.fixture
def anybody(open_provider: Provider) -> Registrant:
    """Somebody without any token, where none is needed."""
    return Registrant(open_provider.http, open_provider.issuer)


@pytest.fixture
async def invited(provider: Provider) -> Registrant:
    """Somebody with an initial access token for ordinary clients."""
    return Registrant(provider.http, provider.issuer, await initial_token(provider))


@pytest.fixture(scope="session")
async def liberal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """A provider whose operator has switched implicit and hybrid flows on."""
    folder = tmp_path_factory.mktemp("liberal")
    settings = {"IDP_IMPLICIT_AND_HYBRID": "on"}
    async with (
        fresh_database("sqlite", folder) as url,
        Provider.running(folder, url, settings=settings) as provider,
    ):
        yield provider


@pytest.fixture(scope="session")
async def dynamic(tmp_path_factory: pytest.TempPathFactory, website: Hosted) -> AsyncIterator[Provider]:
    """A provider as it is set up for the suite: the suite's web server may be fetched from."""
    folder = tmp_path_factory.mktemp("dynamic")
    settings = {"IDP_OUTBOUND_ALLOW": website.place, "IDP_IMPLICIT_AND_HYBRID": "on"}
    async with (
        fresh_database("sqlite", folder) as url,
        Provider.running(folder, url, settings=settings) as provider,
    ):
        yield provider


@pytest.fixture
async def suite(dynamic: Provider) -> Registrant:
    """The suite, which brings a token."""
    token = await initial_token(dynamic, profile=Profile.OIDC, grant_types=(*GRANTS, "implicit"))
    return Registrant(dynamic.http, dynamic.issuer, token)
