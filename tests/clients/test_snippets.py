"""The configuration that the console shows for Authlib signs a person in, as it stands."""

from typing import Any

import pytest
from starlette.requests import Request

from idp.flows.admin.clients import client_of
from idp.web.admin.clients_snippets import connection
from tests.support.back_office import BackOffice, Person
from tests.support.html_browser import HtmlBrowser

pytestmark = pytest.mark.xdist_group("foreign-clients")
REDIRECT_URI = "https://rp.example/callback"


async def snippet(office: BackOffice, **members: Any) -> str:
    """Return the configuration for Authlib of a new client."""
    given = {"client_name": "Shop", "redirect_uris": [REDIRECT_URI], "scope": "openid profile email"} | members
    client, secret = await office.site.clients.create(given)
    found = connection(office.site, client_of(client), secret)
    return next(each.text for each in found.snippets if each.name == "authlib")


def asked(url: str, session: dict[str, Any]) -> Request:
    """Return a request to a website of Starlette, with the session of its person."""
    path, _, query = url.partition("?")
    scope = {
        "type": "http", "method": "GET", "scheme": "https", "server": ("rp.example", 443), "path": "/callback",
        "query_string": query.encode(), "headers": [], "session": session,
    }  # fmt: skip
    assert path
    return Request(scope)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
async def test_authlib_signs_a_person_in_with_its_snippet(
    office: BackOffice, person: Person, browser: HtmlBrowser, method: str
) -> None:
    website: dict[str, Any] = {}
    exec(await snippet(office, token_endpoint_auth_method=method), website)
    website["oauth"].idp.client_kwargs["trust_env"] = False
    session: dict[str, Any] = {}

    begun = await website["login"](asked("https://rp.example/", session))
    page = await browser.leave(await browser.open(begun.headers["location"], came_from_elsewhere=True))
    userinfo = await website["callback"](asked(page.location or "", session))

    assert (page.location or "").startswith(REDIRECT_URI)
    assert (userinfo["sub"], userinfo["email"]) == (person.sub, person.email)


async def test_a_machine_gets_its_token_with_its_snippet(office: BackOffice) -> None:
    text = await snippet(office, redirect_uris=[], grant_types=["client_credentials"], scope="orders.read")
    machine: dict[str, Any] = {}

    exec(text.replace('grant_type="client_credentials",', 'grant_type="client_credentials", trust_env=False,'), machine)

    assert machine["token"]["scope"] == "orders.read"
