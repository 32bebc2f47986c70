"""OpenID Foundation, Dynamic OP profile: what its modules ask of registration, each test named after its module.

What each asks is said in our own words. Every client registers itself with an initial access token of profile oidc.
Not here: modules about keys and request objects → test_oidf_dynamic_keys.py.
"""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tests.support import oidf_discovery
from tests.support.hosted import PNG, Hosted
from tests.support.html_browser import HtmlBrowser, Page
from tests.support.jose import parts
from tests.support.provider import Person, Provider, ask
from tests.support.registrant import CALLBACK, Registrant
from tests.support.relying_party import RelyingParty

NO_PKCE: dict[str, str | None] = {"code_challenge": None, "code_challenge_method": None}
Json = dict[str, Any]


@pytest.fixture
async def person(dynamic: Provider) -> Person:
    """The suite's user."""
    return await dynamic.person()


@pytest.fixture
async def browser(dynamic: Provider, person: Person) -> AsyncIterator[HtmlBrowser]:
    """The suite's browser."""
    async with dynamic.browser(person) as browser:
        yield browser


async def signed_in(rp: RelyingParty, browser: HtmlBrowser) -> Json:
    """Run the code flow as the suite does, without PKCE; return the header of the ID token."""
    answer = await browser.answer(rp, **NO_PKCE)
    tokens = await rp.redeem(answer.code, code_verifier=None)
    assert tokens.status == 200, tokens.text
    return dict((await rp.decode(tokens.id_token)).header)


async def test_oidcc_server(dynamic: Provider, suite: Registrant, browser: HtmlBrowser) -> None:
    """Registration 201, a sign-in, DELETE 204."""
    said = await suite.registered(client_name="suite", contacts=["certification@oidf.example"])
    await signed_in(await suite.client(dynamic, said), browser)

    assert (await suite.delete(said)).status == 204


async def test_oidcc_discovery_endpoint_verification(dynamic: Provider) -> None:
    """As Config asks; and what dynamic clients may register is listed."""
    metadata = await oidf_discovery.verify(dynamic)

    assert {"code", "id_token", "id_token token"} <= set(metadata["response_types_supported"])
    assert {"authorization_code", "implicit"} <= set(metadata["grant_types_supported"])
    assert metadata["registration_endpoint"] == f"{dynamic.issuer}/register"


async def test_oidcc_idtoken_unsigned(dynamic: Provider, suite: Registrant) -> None:
    """Not listed, and refused at registration."""
    answer = await suite.register(id_token_signed_response_alg="none")

    assert "none" not in (await dynamic.metadata())["id_token_signing_alg_values_supported"]
    assert (answer.status, answer.error) == (400, "invalid_client_metadata")


async def test_oidcc_userinfo_rs256(dynamic: Provider, suite: Registrant, browser: HtmlBrowser) -> None:
    """Userinfo is a JWT with iss and aud, signed as registered."""
    rp = await suite.client(dynamic, await suite.registered(userinfo_signed_response_alg="RS256"))
    tokens = await rp.redeem((await browser.answer(rp, **NO_PKCE)).code, code_verifier=None)

    answer = await rp.userinfo(tokens.access_token)

    token = await rp.decode(answer.text)
    assert answer.headers["content-type"].startswith("application/jwt")
    assert (token.header["alg"], token.claims["iss"], token.claims["aud"]) == ("RS256", rp.issuer, rp.client_id)
    assert token.claims["sub"] == parts(tokens.id_token)[1]["sub"]


async def test_oidcc_refresh_token(dynamic: Provider, suite: Registrant, browser: HtmlBrowser) -> None:
    """As Basic asks, for a client that registered itself."""
    said = await suite.registered(grant_types=["authorization_code", "refresh_token"], scope="openid offline_access")
    rp = await suite.client(dynamic, said)
    rp.scope = "openid offline_access"
    tokens = await rp.redeem((await browser.answer(rp, prompt="consent", **NO_PKCE)).code, code_verifier=None)
    dynamic.clock.advance(timedelta(seconds=1))

    fresh = await rp.refresh(tokens.refresh_token, scope="openid offline_access")

    before, after = parts(tokens.id_token)[1], parts(fresh.id_token)[1]
    same = ("iss", "sub", "aud", "auth_time", "azp")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert after["iat"] > before["iat"]


@pytest.mark.parametrize("response_type", ["id_token", "id_token token"])
async def test_oidcc_server_implicit(
    dynamic: Provider, suite: Registrant, browser: HtmlBrowser, response_type: str
) -> None:
    """server, for the response types of dynamic clients: registered with the grant type implicit, echoed, used."""
    said = await suite.registered(grant_types=["implicit"], response_types=[" ".join(reversed(response_type.split()))])
    rp = await suite.client(dynamic, said)

    answer = await browser.answer(rp, response_type=response_type, **NO_PKCE)

    assert said["response_types"] == [response_type]
    assert (await rp.decode(answer.parameters["id_token"])).claims["aud"] == rp.client_id


async def test_oidcc_idtoken_rs256(dynamic: Provider, suite: Registrant, browser: HtmlBrowser) -> None:
    """What was registered signs."""
    said = await suite.registered(id_token_signed_response_alg="RS256")

    assert (await signed_in(await suite.client(dynamic, said), browser))["alg"] == "RS256"


async def page_for(
    dynamic: Provider, suite: Registrant, browser: HtmlBrowser, registered: str, sent: str | None
) -> Page:
    """Ask with a redirect URI other than the registered one."""
    rp = await suite.client(dynamic, await suite.registered(redirect_uris=[registered]))
    return await ask(browser, rp, redirect_uri=sent, **NO_PKCE)


def is_error_page(page: Page) -> bool:
    return (page.status, page.location, page.name) == (400, None, "error")


async def test_oidcc_ensure_redirect_uri_in_authorization_request(
    dynamic: Provider, suite: Registrant, browser: HtmlBrowser
) -> None:
    """Without a redirect URI: a page."""
    assert is_error_page(await page_for(dynamic, suite, browser, CALLBACK, None))


async def test_oidcc_redirect_uri_query_mismatch(dynamic: Provider, suite: Registrant, browser: HtmlBrowser) -> None:
    """Another query than the registered one: a page."""
    assert is_error_page(await page_for(dynamic, suite, browser, CALLBACK + "?foo=bar", CALLBACK + "?foo=baz"))


async def test_oidcc_redirect_uri_query_added(dynamic: Provider, suite: Registrant, browser: HtmlBrowser) -> None:
    """A query where none is registered: a page."""
    assert is_error_page(await page_for(dynamic, suite, browser, CALLBACK, CALLBACK + "?foo=bar"))


async def test_oidcc_redirect_uri_query_ok(dynamic: Provider, suite: Registrant, browser: HtmlBrowser) -> None:
    """The registered query survives beside the answer's."""
    rp = await suite.client(dynamic, await suite.registered(redirect_uris=[CALLBACK + "?foo=bar"]))

    answer = await browser.answer(rp, **NO_PKCE)

    assert answer.parameters["foo"] == "bar"
    assert answer.code


async def test_oidcc_redirect_uri_regfrag(suite: Registrant) -> None:
    """A fragment is refused at registration."""
    answer = await suite.register(redirect_uris=[CALLBACK + "#foobar"])

    assert (answer.status, answer.error) == (400, "invalid_redirect_uri")


async def test_oidcc_registration_logo_uri(
    dynamic: Provider, suite: Registrant, website: Hosted, browser: HtmlBrowser
) -> None:
    """The picture is on the sign-in page."""
    said = await suite.registered(logo_uri=website.put("/suite.png", PNG, "image/png"))

    page = await ask(browser, await suite.client(dynamic, said), **NO_PKCE)

    assert page.name == "login"
    shown = await dynamic.http.get(dynamic.issuer + page.document.attributes["client-logo"]["src"])
    assert (shown.status_code, shown.content) == (200, PNG)


async def link(dynamic: Provider, suite: Registrant, browser: HtmlBrowser, name: str) -> str:
    """Return the link on the sign-in page of a client that registered this member."""
    said = await suite.registered(**{name: "https://rp.example/words"})
    page = await ask(browser, await suite.client(dynamic, said), **NO_PKCE)
    return page.document.attributes["client-" + name.removesuffix("_uri")]["href"]


async def test_oidcc_registration_policy_uri(dynamic: Provider, suite: Registrant, browser: HtmlBrowser) -> None:
    """The link is on the sign-in page."""
    assert await link(dynamic, suite, browser, "policy_uri") == "https://rp.example/words"


async def test_oidcc_registration_tos_uri(dynamic: Provider, suite: Registrant, browser: HtmlBrowser) -> None:
    """The link is on the sign-in page."""
    assert await link(dynamic, suite, browser, "tos_uri") == "https://rp.example/words"


async def test_oidcc_registration_sector_uri(suite: Registrant, website: Hosted) -> None:
    """A document that lists every redirect URI is accepted."""
    url = website.put("/suite-sector", json.dumps([CALLBACK]).encode())

    assert (await suite.registered(sector_identifier_uri=url))["sector_identifier_uri"] == url


async def test_oidcc_registration_sector_bad(suite: Registrant, website: Hosted) -> None:
    """One that lists others is refused."""
    url = website.put("/suite-sector-bad", json.dumps(["https://example.org/somewhere"]).encode())
    answer = await suite.register(sector_identifier_uri=url)

    assert (answer.status, answer.error) == (400, "invalid_client_metadata")


async def test_oidcc_3rd_party_init_login(suite: Registrant) -> None:
    """initiate_login_uri is echoed at registration and by management."""
    said = await suite.registered(initiate_login_uri="https://rp.example/initiate")

    assert said["initiate_login_uri"] == "https://rp.example/initiate"
    assert (await suite.read(said)).body["initiate_login_uri"] == "https://rp.example/initiate"


async def test_oidcc_3rd_party_init_login_nohttps(suite: Registrant) -> None:
    """One without TLS is refused."""
    answer = await suite.register(initiate_login_uri="http://rp.example/initiate")

    assert (answer.status, answer.error) == (400, "invalid_client_metadata")
