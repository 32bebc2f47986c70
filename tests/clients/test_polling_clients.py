"""Clients whose person answers elsewhere: requests_oauth2client (device, CIBA) and Authlib (device)."""

import asyncio
import time
from collections.abc import Iterator

import pytest
import requests
from authlib.integrations.httpx_client import AsyncOAuth2Client
from jwskate import Jwk
from requests_oauth2client import (
    AuthorizationPending,
    ClientSecretBasic,
    EndpointError,
    InvalidGrant,
    OAuth2Client,
    PrivateKeyJwt,
    PublicApp,
)

from tests.support.back_office import BackOffice, Person
from tests.support.html_browser import HtmlBrowser
from tests.support.polled import CIBA, DEVICE_CODE, to_answer

pytestmark = pytest.mark.xdist_group("foreign-clients")

DEVICE = {"grant_types": [DEVICE_CODE, "refresh_token"], "response_types": [], "scope": "openid offline_access"}


@pytest.fixture
def http() -> Iterator[requests.Session]:
    """The session that requests_oauth2client sends everything over."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


def discover(office: BackOffice, http: requests.Session, auth: requests.auth.AuthBase) -> OAuth2Client:
    """Configure requests_oauth2client from the discovery document; it leaves two members to whoever uses it."""
    issuer = office.server.issuer
    names = ("device_authorization_endpoint", "backchannel_authentication_endpoint")
    metadata = http.get(f"{issuer}/.well-known/openid-configuration", timeout=30).json()
    return OAuth2Client.from_discovery_endpoint(
        issuer=issuer, auth=auth, session=http, testing=True, **{name: metadata[name] for name in names}
    )


async def allow(browser: HtmlBrowser, page: str, code: str) -> None:
    """Sign in where the device said, type its code, agree."""
    await browser.open(page)
    await browser.sign_in()
    await browser.submit("user-code-submit", user_code=code)
    shown = await browser.submit("consent-allow")
    assert shown.name == "answered", shown.describe()


async def test_a_device_of_requests_oauth2client_is_connected(
    office: BackOffice, http: requests.Session, browser: HtmlBrowser, person: Person
) -> None:
    """RFC 8628 §3; the library checks the answer's shape and the ID token."""
    registration = await office.client([], token_endpoint_auth_method="none", **DEVICE)
    client = discover(office, http, PublicApp(registration.client_id))
    begun = await asyncio.to_thread(client.authorize_device, scope="openid offline_access")
    with pytest.raises(AuthorizationPending):
        await asyncio.to_thread(client.device_code, begun)

    await allow(browser, str(begun.verification_uri), begun.user_code)
    token = await asyncio.to_thread(client.device_code, begun)

    assert token.id_token is not None
    assert token.id_token.subject == person.sub
    assert token.refresh_token
    with pytest.raises(InvalidGrant):
        await asyncio.to_thread(client.device_code, begun)


async def test_a_device_of_authlib_is_connected(office: BackOffice, browser: HtmlBrowser) -> None:
    registration = await office.client([], **DEVICE)
    issuer = office.server.issuer
    async with AsyncOAuth2Client(registration.client_id, registration.client_secret, trust_env=False) as client:
        sent = await client.request(
            "POST", f"{issuer}/device_authorization", data={"scope": "openid"}, withhold_token=True,
            auth=(registration.client_id, registration.client_secret or ""),
        )  # fmt: skip
        begun = sent.json()
        await allow(browser, begun["verification_uri"], begun["user_code"])

        token = await client.fetch_token(f"{issuer}/token", grant_type=DEVICE_CODE, device_code=begun["device_code"])

    assert token["id_token"]


async def test_a_person_is_asked_by_requests_oauth2client_and_answers(
    office: BackOffice, http: requests.Session, browser: HtmlBrowser, person: Person
) -> None:
    """CIBA §7, §10.1, poll."""
    registration = await office.client([], grant_types=[CIBA], response_types=[], scope="openid")
    assert registration.client_secret is not None
    client = discover(office, http, ClientSecretBasic(registration.client_id, registration.client_secret))
    with pytest.raises(EndpointError, match="no account here"):
        await asyncio.to_thread(client.backchannel_authentication_request, scope="openid", login_hint="nobody")
    asked = await asyncio.to_thread(
        client.backchannel_authentication_request, scope="openid", login_hint=person.email, binding_message="W4SCT"
    )
    with pytest.raises(AuthorizationPending):
        await asyncio.to_thread(client.ciba, asked)

    page = await to_answer(browser, office.server.issuer)
    assert page.text("binding-message") == "W4SCT"
    await browser.submit("consent-allow")
    token = await asyncio.to_thread(client.ciba, asked)

    assert token.id_token is not None
    assert token.id_token.subject == person.sub


async def test_requests_oauth2client_signs_what_it_asks(
    office: BackOffice, http: requests.Session, person: Person
) -> None:
    """CIBA §7.1.1; the library sends null for what is absent, and leaves claims about the request to its user."""
    key = Jwk.generate(alg="ES256").with_kid_thumbprint()
    registration = await office.client(
        [], grant_types=[CIBA], response_types=[], scope="openid", token_endpoint_auth_method="private_key_jwt",
        jwks={"keys": [dict(key.public_jwk())]}, backchannel_authentication_request_signing_alg="ES256",
    )  # fmt: skip
    auth = PrivateKeyJwt(registration.client_id, key, aud=office.server.issuer)
    client, now = discover(office, http, auth), int(time.time())

    asked = await asyncio.to_thread(
        client.backchannel_authentication_request, scope="openid", login_hint=person.email, private_jwk=key,
        alg="ES256", iss=registration.client_id, aud=office.server.issuer, iat=now, nbf=now, exp=now + 60, jti="one",
    )  # fmt: skip

    assert asked.auth_req_id
