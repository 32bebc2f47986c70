"""Apache with mod_auth_openidc (Debian), an OpenID-certified client, and a person in front of it in Chromium."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from joserfc.jwk import RSAKey
from playwright.async_api import Page, expect

from tests.support.apache import Apache, apache_folder, running_apache
from tests.support.back_office import BackOffice, Person

pytestmark = pytest.mark.xdist_group("foreign-clients")


@dataclass
class Visit:
    """A person in front of a website that Apache guards."""

    page: Page
    person: Person
    site: Apache

    async def sign_in(self) -> None:
        """Open the members' page and do what the provider asks."""
        await self.page.goto(self.site.members)
        await self.page.fill("#username", self.person.username)
        await self.page.fill("#password", self.person.password)
        await self.page.click("#login-submit")
        await self.page.click("#consent-allow")
        await expect(self.page.locator("h1"), self.site.log).to_have_text("Members")

    async def tokens(self) -> dict[str, Any]:
        """Return what the module holds for this person."""
        answer = await self.page.request.get(f"{self.site.redirect_uri}?info=json")
        assert answer.ok, await answer.text()
        return dict(await answer.json())

    async def refresh(self) -> None:
        """Ask the module to renew its tokens, as an application does."""
        token = (await self.tokens())["access_token"]
        await self.page.goto(
            f"{self.site.redirect_uri}?refresh={quote(self.site.members, safe='')}&access_token={quote(token)}"
        )

    async def sign_out(self) -> None:
        """Ask the module to sign out here and at the provider."""
        await self.page.goto(f"{self.site.redirect_uri}?logout={quote(self.site.goodbye, safe='')}")


@pytest.fixture(scope="module")
async def site(office: BackOffice) -> AsyncIterator[Apache]:
    """The website as most people set it up, and an API beside it that asks the provider about tokens."""
    async with apache_folder() as folder:
        site = Apache(folder)
        client = await office.client([site.redirect_uri], post_logout_redirect_uris=[site.goodbye])
        api = await office.client([], name="API", grant_types=["client_credentials"], audiences=[office.server.issuer])
        options = {
            "OIDCClientID": client.client_id,
            "OIDCClientSecret": str(client.client_secret),
            "OIDCProviderTokenEndpointAuth": "client_secret_basic",
            "OIDCOAuthServerMetadataURL": f"{office.server.issuer}/.well-known/oauth-authorization-server",
            "OIDCOAuthIntrospectionEndpointAuth": "client_secret_basic",
            "OIDCOAuthClientID": api.client_id,
            "OIDCOAuthClientSecret": str(api.client_secret),
            "OIDCOAuthTokenIntrospectionInterval": "0",
        }
        async with running_apache(site, office.server.issuer, options) as running:
            yield running


@pytest.fixture
async def visit(page: Page, person: Person, site: Apache) -> Visit:
    """Somebody new in front of it."""
    return Visit(page, person, site)


async def test_a_person_signs_in_and_the_website_knows_who_it_is(visit: Visit, office: BackOffice) -> None:
    """OIDC Core §3.1: code and PKCE; the module checks signature, iss, aud, azp, nonce and times, and asks userinfo."""
    await visit.sign_in()

    await expect(visit.page.locator("#user")).to_have_text(f"{visit.person.sub}@{office.server.issuer}")
    await expect(visit.page.locator("#name")).to_have_text(visit.person.name)
    await expect(visit.page.locator("#email")).to_have_text(visit.person.email)


async def test_the_module_renews_its_tokens(visit: Visit) -> None:
    """RFC 6749 §6."""
    await visit.sign_in()
    before = await visit.tokens()

    await visit.refresh()

    await expect(visit.page.locator("#name")).to_have_text(visit.person.name)
    after = await visit.tokens()
    assert after["access_token"] != before["access_token"]
    assert after["refresh_token"] != before["refresh_token"]


async def test_signing_out_at_the_website_signs_out_here_too(visit: Visit, office: BackOffice) -> None:
    """RP-Initiated Logout §2, RFC 7009: the module revokes its tokens and comes with an id_token_hint."""
    await visit.sign_in()
    tokens = await visit.tokens()

    await visit.sign_out()

    await expect(visit.page.locator("#goodbye"), visit.site.log).to_be_visible()
    await visit.page.goto(visit.site.members)
    await expect(visit.page.locator("body")).to_have_attribute("data-page", "login")
    assert not (await ask_api(visit.site, tokens["access_token"])).is_success


async def test_an_api_asks_the_provider_about_access_tokens(visit: Visit) -> None:
    """RFC 7662: Apache as a resource server."""
    await visit.sign_in()
    token = (await visit.tokens())["access_token"]

    accepted = await ask_api(visit.site, token)
    refused = await ask_api(visit.site, token[:-3] + "abc")

    assert accepted.status_code == 200, visit.site.log
    assert json.loads(accepted.text)["sub"] == visit.person.sub
    assert refused.status_code == 401


async def test_a_cancelled_sign_in_lets_nobody_in(visit: Visit) -> None:
    """OIDC Core §3.1.2.6. The module takes an error with `iss` (RFC 9207 §2) for something else, and refuses that."""
    await visit.page.goto(visit.site.members)

    await visit.page.click("#login-cancel")

    await expect(visit.page).to_have_url(re.compile(r"/members/callback\?error=access_denied&.*state="))
    await visit.page.goto(visit.site.members)
    await expect(visit.page.locator("body")).to_have_attribute("data-page", "login")


async def test_the_answer_may_come_by_form_post(page: Page, person: Person, office: BackOffice) -> None:
    """OAuth 2.0 Form Post Response Mode, through the page that posts itself."""
    async with apache_folder() as folder:
        site = Apache(folder)
        client = await office.client([site.redirect_uri], token_endpoint_auth_method="client_secret_post")
        options = {
            "OIDCClientID": client.client_id,
            "OIDCClientSecret": str(client.client_secret),
            "OIDCProviderTokenEndpointAuth": "client_secret_post",
            "OIDCResponseMode": "form_post",
        }
        async with running_apache(site, office.server.issuer, options):
            await Visit(page, person, site).sign_in()

            await expect(page.locator("#name")).to_have_text(person.name)


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256"])
async def test_a_client_with_a_key_and_any_id_token_algorithm(
    alg: str, page: Page, person: Person, office: BackOffice
) -> None:
    """RFC 7523 §2.2; the module's assertion names the token endpoint, so the profile is `oidc`."""
    key = RSAKey.generate_key(2048, {"kid": "apache"})
    async with apache_folder() as folder:
        site = Apache(folder)
        private, public = folder / "private.pem", folder / "public.pem"
        private.write_bytes(key.as_pem(private=True))
        public.write_bytes(key.as_pem(private=False))
        client = await office.client(
            [site.redirect_uri],
            profile="oidc",
            token_endpoint_auth_method="private_key_jwt",
            id_token_signed_response_alg=alg,
            jwks={"keys": [{**key.as_dict(private=False), "kid": "apache"}]},
        )
        options = {
            "OIDCClientID": client.client_id,
            "OIDCPrivateKeyFiles": f"apache#{private}",  # both before the method, or Apache refuses that
            "OIDCPublicKeyFiles": f"apache#{public}",
            "OIDCProviderTokenEndpointAuth": "private_key_jwt",
            "OIDCIDTokenSignedResponseAlg": alg,
        }
        async with running_apache(site, office.server.issuer, options):
            await Visit(page, person, site).sign_in()

            await expect(page.locator("#name")).to_have_text(person.name)


async def test_a_session_that_ends_at_the_provider_ends_at_the_website(
    page: Page, person: Person, office: BackOffice
) -> None:
    """Back-Channel Logout §2.5: the module checks the logout token, and forgets the session that it names."""
    async with apache_folder() as folder:
        site = Apache(folder, port=office.ports.pop())
        client = await office.client(
            [site.redirect_uri],
            backchannel_logout_uri=f"{site.redirect_uri}?logout=backchannel",
            backchannel_logout_session_required=True,
        )
        options = {"OIDCClientID": client.client_id, "OIDCClientSecret": str(client.client_secret)}
        async with running_apache(site, office.server.issuer, options):
            visit = Visit(page, person, site)
            await visit.sign_in()

            await page.goto(f"{office.server.issuer}/end_session")
            await page.click("#logout-yes")
            await expect(page.locator("#signed-out")).to_be_visible()

            async with asyncio.timeout(20):  # the person never waits for it
                while (await page.request.get(site.members, max_redirects=0)).ok:
                    await asyncio.sleep(0.1)


async def test_a_website_is_told_in_the_browser(page: Page, person: Person, office: BackOffice) -> None:
    """Front-Channel Logout §3: an iframe of the module's address, which clears its cookie."""
    async with apache_folder() as folder:
        site = Apache(folder)
        client = await office.client(
            [site.redirect_uri], frontchannel_logout_uri=f"{site.redirect_uri}?logout=get",
            frontchannel_logout_session_required=True,
        )  # fmt: skip
        options = {"OIDCClientID": client.client_id, "OIDCClientSecret": str(client.client_secret)}
        async with running_apache(site, office.server.issuer, options):
            await Visit(page, person, site).sign_in()

            await page.goto(f"{office.server.issuer}/end_session")
            await page.click("#logout-yes")
            await expect(page.locator("#signed-out")).to_be_visible()

            async with asyncio.timeout(20):
                while (await page.request.get(site.members, max_redirects=0)).ok:
                    await asyncio.sleep(0.1)


async def ask_api(site: Apache, token: str) -> httpx2.Response:
    """Use the API with an access token."""
    async with httpx2.AsyncClient(trust_env=False) as http:
        return await http.get(site.api, headers={"Authorization": f"Bearer {token}"})
