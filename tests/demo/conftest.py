"""The demo on a real port, beside a provider that can be told to lie."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from idp.demo.app import create_app
from idp.demo.config import Config
from tests.support.fake_provider import FakeProvider
from tests.support.html_page import HtmlDocument
from tests.support.serving import listening, served


@dataclass
class Visitor:
    """A browser that follows every redirect, and what it shows."""

    http: httpx2.AsyncClient
    base_url: str
    shown: httpx2.Response | None = None

    @property
    def response(self) -> httpx2.Response:
        """The last answer, after all redirects."""
        assert self.shown is not None, "nothing was opened yet"
        return self.shown

    async def open(self, path: str) -> HtmlDocument:
        """Open a page of the demo."""
        return self._show(await self.http.get(self.base_url + path))

    async def press(self, path: str, **headers: str) -> HtmlDocument:
        """Send the form of a button, as a browser does from the demo's own page."""
        own = {"Origin": self.base_url, "Sec-Fetch-Site": "same-origin"}
        sent = own | {name.replace("_", "-"): value for name, value in headers.items()}
        return self._show(await self.http.post(self.base_url + path, headers=sent))

    def _show(self, response: httpx2.Response) -> HtmlDocument:
        self.shown = response
        return HtmlDocument(response.text)


class Stage:
    """A port that stays while the application on it changes: servers start and stop slowly, applications do not."""

    def __init__(self) -> None:
        self.listener, self.address = listening()
        self.app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application of the current test answer."""
        assert self.app is not None, "no application is on stage"
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
async def provider_stage() -> AsyncIterator[Stage]:
    """The port of the provider."""
    stage = Stage()
    async with served(stage, stage.listener):
        yield stage


@pytest.fixture(scope="session")
async def demo_stage() -> AsyncIterator[Stage]:
    """The port of the demo."""
    stage = Stage()
    async with served(stage, stage.listener):
        yield stage


@pytest.fixture
def provider(provider_stage: Stage) -> FakeProvider:
    """A provider that nobody has asked anything yet."""
    provider = FakeProvider(provider_stage.address)
    provider_stage.app = provider.app
    return provider


@pytest.fixture
async def visitor(demo_stage: Stage, provider: FakeProvider) -> AsyncIterator[Visitor]:
    """Somebody at a demo that was just started, not signed in."""
    base_url = demo_stage.address
    demo_stage.app = create_app(
        Config(provider.issuer, "demo", "not-so-secret", "127.0.0.1:0", base_url, "cookie-secret")
    )
    async with httpx2.AsyncClient(follow_redirects=True, trust_env=False) as http:
        yield Visitor(http, base_url)


@pytest.fixture
async def signed_in(visitor: Visitor) -> Visitor:
    """Somebody who has signed in."""
    page = await visitor.press("/login")
    assert page.data_page == "signed-in"
    return visitor
