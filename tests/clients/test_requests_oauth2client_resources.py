"""requests_oauth2client and APIs of others: tokens for one audience, details one by one, tokens for tokens."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from requests_oauth2client import BearerToken, ClientSecretBasic, OAuth2Client, UnauthorizedClient

from idp.domain.exchange import TOKEN_EXCHANGE
from idp.flows.admin.catalog import OPERATIONS
from tests.support.back_office import BackOffice, Person
from tests.support.html_browser import HtmlBrowser
from tests.support.jose import parts
from tests.support.operators import COMMAND
from tests.support.resources import resource

pytestmark = pytest.mark.xdist_group("foreign-clients")

REDIRECT_URI = "https://rp.example/callback"
LEDGER, BOOKS = "https://ledger.example/v1", "https://books.example"
METADATA = "/.well-known/openid-configuration"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
PAYMENT = {"type": "ledger-payment", "to": "Harbour Books", "amount": 42}


@pytest.fixture
def http() -> Iterator[requests.Session]:
    """The session that the library sends everything over."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture(scope="module", autouse=True)
async def apis(office: BackOffice) -> None:
    """Two APIs, and a type of details."""
    members = {"to": {"type": "string"}, "amount": {"type": "integer"}}
    kind = {"type": "ledger-payment", "template": "Pay {amount} to {to}",
            "json_schema": {"type": "object", "properties": members}}  # fmt: skip
    for api in (resource(LEDGER, "ledger.read"), resource(BOOKS, "books.read")):
        await define(office, "resources", **api)
    await define(office, "detail_types", **kind)


async def define(office: BackOffice, table: str, **members: Any) -> None:
    """Define something, as an operator's command does."""
    await office.site.administration.call(OPERATIONS[f"{table}.create"], COMMAND, members)


async def client(office: BackOffice, http: requests.Session, **members: object) -> OAuth2Client:
    """Register a client with a secret and configure the library; its server process knows what is defined by then."""
    made = await office.client([REDIRECT_URI], **members)
    assert made.client_secret is not None
    auth = ClientSecretBasic(made.client_id, made.client_secret)
    return OAuth2Client.from_discovery_endpoint(
        issuer=office.server.issuer, auth=auth, redirect_uri=REDIRECT_URI, session=http, testing=True
    )


async def signed_in(website: OAuth2Client, browser: HtmlBrowser, scope: str, **parameters: Any) -> BearerToken:
    """Send the person through, and redeem."""
    request = website.authorization_request(scope=scope, **parameters)
    page = await browser.leave(await browser.open(request.uri, came_from_elsewhere=True))
    assert page.location is not None
    return website.authorization_code(request.validate_callback(page.location), validate=True)


async def test_a_token_is_for_the_api_that_was_asked_for(
    office: BackOffice, http: requests.Session, browser: HtmlBrowser, person: Person
) -> None:
    """RFC 8707: its audience is that API, its scopes are that API's, and it does not open userinfo."""
    website = await client(office, http, scope="openid email ledger.read books.read", resources=[LEDGER, BOOKS])

    token = await signed_in(website, browser, "openid email ledger.read books.read", resource=LEDGER)

    _header, claims = parts(token.access_token)
    assert (claims["aud"], claims["scope"], claims["sub"]) == (LEDGER, "ledger.read", person.sub)
    assert http.get(str(website.userinfo_endpoint), auth=token).status_code == 401


async def test_details_are_asked_for_one_by_one(
    office: BackOffice, http: requests.Session, browser: HtmlBrowser
) -> None:
    """RFC 9396: shown to the person, and granted as they stand."""
    website = await client(
        office, http, scope="openid ledger.read", resources=[LEDGER], authorization_details_types=["ledger-payment"]
    )

    token = await signed_in(
        website, browser, "openid ledger.read", authorization_details=json.dumps([PAYMENT]), resource=LEDGER
    )

    assert token.kwargs["authorization_details"] == [PAYMENT]
    assert parts(token.access_token)[1]["authorization_details"] == [PAYMENT]


async def test_a_token_is_exchanged_for_another_api(
    office: BackOffice, http: requests.Session, browser: HtmlBrowser, person: Person
) -> None:
    """RFC 8693: within an operator's rule; the actor is named, the person stays the subject. Without a rule nothing."""
    scope = "openid offline_access ledger.read books.read"
    website = await client(office, http, scope=scope, resources=[LEDGER, BOOKS])
    token = await signed_in(website, browser, scope, resource=[LEDGER, BOOKS])
    token = website.refresh_token(token, resource=LEDGER)
    grants = [TOKEN_EXCHANGE, "client_credentials"]
    ledger = await client(office, http, grant_types=grants, response_types=[], scope="trade", audiences=[LEDGER])
    own = ledger.client_credentials()

    exchange = {
        "subject_token": token.access_token, "subject_token_type": ACCESS_TOKEN, "actor_token": own.access_token,
        "actor_token_type": ACCESS_TOKEN, "resource": BOOKS, "scope": "books.read",
    }  # fmt: skip
    with pytest.raises(UnauthorizedClient):
        ledger.token_exchange(**exchange)
    rule = {"name": f"of {ledger.client_id}", "audiences": [BOOKS], "scopes": ["books.read"], "may_act": True}
    await define(office, "exchange_rules", client_id=ledger.client_id, **rule)
    async with asyncio.timeout(10):  # until the server has noticed
        while TOKEN_EXCHANGE not in http.get(f"{office.server.issuer}{METADATA}").json()["grant_types_supported"]:
            await asyncio.sleep(0.1)
    traded = ledger.token_exchange(**exchange)

    _header, claims = parts(traded.access_token)
    assert (claims["aud"], claims["sub"], claims["scope"]) == (BOOKS, person.sub, "books.read")
    assert claims["act"]["sub"] == ledger.client_id
    assert traded.refresh_token is None
