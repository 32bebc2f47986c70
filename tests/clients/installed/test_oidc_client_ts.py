"""oidc-client-ts (npm) in Chromium: an application that lives in the browser, on an origin of its own."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

from tests.support.back_office import BackOffice, Person
from tests.support.node_client import FOLDER
from tests.support.serving import listening, served

pytestmark = pytest.mark.xdist_group("foreign-clients")

LIBRARY = FOLDER / "node_modules" / "oidc-client-ts" / "dist" / "browser" / "oidc-client-ts.js"
SCOPE = "openid profile email"
Json = dict[str, Any]


@pytest.fixture(scope="module")
async def origin() -> AsyncIterator[str]:
    """Where the application is served."""

    def file(path: Path) -> Route:
        async def send(_request: Request) -> FileResponse:
            return FileResponse(path)

        return Route("/oidc-client-ts.js" if path is LIBRARY else "/{anything:path}", send)

    assert LIBRARY.exists(), "npm packages are missing: run tests/clients/install.sh"
    listener, origin = listening()
    async with served(Starlette(routes=[file(LIBRARY), file(FOLDER / "oidc_client_ts.html")]), listener):
        yield origin


@dataclass
class Application:
    """The application in a person's browser."""

    page: Page
    person: Person
    is_first_party: bool

    async def sign_in(self) -> None:
        """Leave for the provider, do what it asks, come back."""
        await self.page.evaluate("() => { begin() }")
        await self.page.wait_for_selector("#username")
        await self.page.fill("#username", self.person.username)
        await self.page.fill("#password", self.person.password)
        await self.page.click("#login-submit")
        if not self.is_first_party:
            await self.page.click("#consent-allow")
        await expect(self.page.locator("#user")).to_have_text(self.person.sub)

    async def user(self) -> Json:
        """Return what the library holds."""
        return dict(await self.page.evaluate("user()"))


async def application(
    page: Page, person: Person, office: BackOffice, origin: str, *, bound: bool = False, **members: object
) -> Application:
    """Register a browser application and open it; `bound` has the library prove a key."""
    callback = f"{origin}/callback"
    registration = await office.client(
        [callback], profile="oauth21", token_endpoint_auth_method="none", post_logout_redirect_uris=[origin + "/bye"],
        **members,
    )  # fmt: skip
    options = {
        "authority": office.server.issuer, "client_id": registration.client_id, "redirect_uri": callback,
        "scope": SCOPE, "post_logout_redirect_uri": origin + "/bye", "silent_redirect_uri": callback, "bound": bound,
    }  # fmt: skip
    await page.goto(f"{origin}/")
    await page.evaluate("options => configure(options)", options)
    await page.reload()
    return Application(page, person, bool(members.get("first_party")))


async def test_a_browser_application_signs_a_person_in(
    page: Page, person: Person, office: BackOffice, origin: str
) -> None:
    """RFC 7636 and CORS: metadata, token and userinfo are read by a script of another origin."""
    app = await application(page, person, office, origin)

    await app.sign_in()
    userinfo = await page.evaluate("userinfo('Bearer', false)")

    assert (await app.user())["token_type"] == "Bearer"
    assert (userinfo["status"], userinfo["body"]["email"]) == (200, person.email)


@pytest.mark.parametrize("wants_nonce", [False, True])
async def test_its_tokens_are_bound_to_a_key_that_no_script_can_read(
    page: Page, person: Person, office: BackOffice, origin: str, wants_nonce: bool
) -> None:
    """RFC 9449: the code is bound by dpop_jkt, the nonce is read across origins, and a stolen token is worthless."""
    app = await application(page, person, office, origin, bound=True, require_dpop_nonce=wants_nonce)

    await app.sign_in()
    good = await page.evaluate("userinfo('DPoP', true)")
    stolen = await page.evaluate("userinfo('Bearer', false)")

    assert (await app.user())["token_type"] == "DPoP"
    assert (good["status"], good["body"]["sub"]) == (200, person.sub)
    assert stolen["status"] == 401
    assert "invalid_token" in stolen["challenge"]


@pytest.mark.parametrize("bound", [False, True])
async def test_its_refresh_token_is_rotated(
    page: Page, person: Person, office: BackOffice, origin: str, bound: bool
) -> None:
    """RFC 9700 §4.14.2: each renewal brings a new one, bound to the same key."""
    app = await application(page, person, office, origin, bound=bound)
    await app.sign_in()
    before = await app.user()

    after = await page.evaluate("renew()")

    assert after["refresh_token"] != before["refresh_token"]
    assert after["access_token"] != before["access_token"]
    assert (await page.evaluate(f"userinfo('{'DPoP' if bound else 'Bearer'}', {str(bound).lower()})"))["status"] == 200


async def test_it_renews_silently_in_a_hidden_frame(
    page: Page, person: Person, office: BackOffice, origin: str
) -> None:
    """OIDC Core §3.1.2.1, prompt=none: for an application of the same site the session's cookie comes along."""
    app = await application(page, person, office, origin, first_party=True)  # consent on loopback is never remembered
    await app.sign_in()
    before = await app.user()

    after = await page.evaluate("renewInFrame()")

    assert after["access_token"] != before["access_token"]
    assert after["profile"]["sub"] == person.sub


async def test_it_revokes_its_tokens_and_signs_out(page: Page, person: Person, office: BackOffice, origin: str) -> None:
    """RFC 7009 across origins; RP-Initiated Logout §2."""
    app = await application(page, person, office, origin)
    await app.sign_in()
    token = (await app.user())["access_token"]

    await page.evaluate("revoke()")
    answer = await page.request.get(f"{office.server.issuer}/userinfo", headers={"Authorization": f"Bearer {token}"})
    await page.evaluate("() => { leave() }")
    await page.wait_for_url(f"{origin}/bye*")

    assert answer.status == 401


async def test_a_foreign_origin_reads_nothing(page: Page, person: Person, office: BackOffice, origin: str) -> None:
    """Fetch §3.2: what no client registered is kept from the answer."""
    await application(page, person, office, origin)
    await page.goto("about:blank")

    script = "url => fetch(url, {method: 'POST', body: new URLSearchParams()}).then(() => 'read', () => 'kept')"
    outcome = await page.evaluate(script, f"{office.server.issuer}/token")

    assert outcome == "kept"
