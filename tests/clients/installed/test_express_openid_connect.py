"""express-openid-connect (npm): a website on Express, told by back-channel logout when a session ends elsewhere."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from playwright.async_api import Page, expect

from tests.support.back_office import BackOffice, Person
from tests.support.node_client import FOLDER, node_command
from tests.support.session import clean_environment

pytestmark = pytest.mark.xdist_group("foreign-clients")

START_SECONDS = 30
Json = dict[str, Any]


@dataclass
class Express:
    """The website, and the person in front of it."""

    origin: str

    async def sign_in(self, page: Page, person: Person) -> None:
        """Open the members' page and do what the provider asks."""
        await page.goto(f"{self.origin}/members")
        await page.fill("#username", person.username)
        await page.fill("#password", person.password)
        await page.click("#login-submit")
        await page.click("#consent-allow")
        await expect(page.locator("#sub")).to_have_text(person.sub)

    async def who(self, page: Page) -> str | None:
        """Return whom the website takes the browser for."""
        answer = await page.request.get(f"{self.origin}/who")
        assert answer.ok, await answer.text()
        name: str | None = (await answer.json())["sub"]
        return name


@asynccontextmanager
async def express(office: BackOffice, options: Json | None = None, **members: object) -> AsyncIterator[Express]:
    """Register the website and run it."""
    port = office.ports.pop()
    origin = f"http://localhost:{port}"
    registration = await office.client(
        [f"{origin}/callback"],
        post_logout_redirect_uris=[origin],
        backchannel_logout_uri=f"{origin}/backchannel-logout",
        **members,
    )
    given: Json = {
        "issuerBaseURL": office.server.issuer, "baseURL": origin, "clientID": registration.client_id,
        "authorizationParams": {"response_type": "code", "scope": "openid profile email"},
        **({"clientSecret": registration.client_secret} if registration.client_secret else {}), **(options or {}),
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        *node_command(), str(FOLDER / "express_app.mjs"), stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, env=clean_environment(),
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps({"port": port, "options": given}).encode() + b"\n")
        async with asyncio.timeout(START_SECONDS):
            assert await process.stdout.readline() == b"listening\n"
        yield Express(origin)
    finally:
        process.stdin.close()
        async with asyncio.timeout(START_SECONDS):
            await process.wait()


async def test_a_person_signs_in_and_out(page: Page, person: Person, office: BackOffice) -> None:
    """OIDC Core §3.1 with PKCE; RP-Initiated Logout §2: both sides have forgotten them."""
    async with express(office) as site:
        await site.sign_in(page, person)
        await page.goto(f"{site.origin}/logout")
        await expect(page.locator("h1")).to_have_text("Welcome")

        assert await site.who(page) is None
        await page.goto(f"{site.origin}/members")
        await expect(page.locator("body")).to_have_attribute("data-page", "login")


async def test_a_session_that_ends_at_the_provider_ends_at_the_website(
    page: Page, person: Person, office: BackOffice
) -> None:
    """Back-Channel Logout §2.5: the library checks the logout token's signature, iss, aud, events, sid and jti."""
    async with express(office) as site:
        await site.sign_in(page, person)
        assert await site.who(page) == person.sub

        await page.goto(f"{office.server.issuer}/end_session")
        await page.click("#logout-yes")
        await expect(page.locator("#signed-out")).to_be_visible()

        async with asyncio.timeout(20):  # the person never waits for it
            while await site.who(page) is not None:
                await asyncio.sleep(0.1)


async def test_a_silent_sign_in_asks_nobody(page: Page, person: Person, office: BackOffice) -> None:
    """OIDC Core §3.1.2.1, prompt=none: the library tries it by itself; without a session nothing is shown."""
    async with express(office, {"attemptSilentLogin": True}) as site:
        await page.goto(site.origin)
        await expect(page.locator("h1")).to_have_text("Welcome")
        assert await site.who(page) is None
        await site.sign_in(page, person)
        await page.context.clear_cookies(name="appSession")
        await page.context.clear_cookies(name="skipSilentLogin")

        await page.goto(site.origin)

        await expect(page.locator("h1")).to_have_text("Welcome")
        assert await site.who(page) == person.sub


async def test_the_answer_comes_by_form_post(page: Page, person: Person, office: BackOffice) -> None:
    """OAuth 2.0 Form Post Response Mode, with the cookies that a post from elsewhere takes."""
    options = {
        "authorizationParams": {"response_type": "code", "response_mode": "form_post", "scope": "openid email"},
        "legacySameSiteCookie": False,
        "transactionCookie": {"sameSite": "Lax"},
    }
    async with express(office, options) as site:
        await site.sign_in(page, person)


async def test_requests_are_pushed_by_a_client_with_a_key(page: Page, person: Person, office: BackOffice) -> None:
    """RFC 9126 §2: profile oidc takes an assertion for issuer, token endpoint and the endpoint called, all at once."""
    key = RSAKey.generate_key(2048, private=True)  # the library names its key by its thumbprint
    options = {
        "pushedAuthorizationRequests": True, "clientAuthMethod": "private_key_jwt",
        "clientAssertionSigningKey": key.as_pem(private=True).decode(), "clientAssertionSigningAlg": "RS256",
    }  # fmt: skip
    async with express(
        office, options, profile="oidc", token_endpoint_auth_method="private_key_jwt",
        jwks={"keys": [{**key.as_dict(private=False), "alg": "RS256", "use": "sig"}]},
        require_pushed_authorization_requests=True,
    ) as site:  # fmt: skip
        await site.sign_in(page, person)


async def test_it_renews_its_tokens(page: Page, person: Person, office: BackOffice) -> None:
    """RFC 6749 §6."""
    parameters = {"response_type": "code", "scope": "openid email offline_access"}
    async with express(office, {"authorizationParams": parameters}) as site:
        await site.sign_in(page, person)

        answer = await page.request.get(f"{site.origin}/renew")

        assert (await answer.json()) == {"changed": True}
