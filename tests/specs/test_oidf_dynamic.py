"""OpenID Foundation, Dynamic OP profile: what its modules ask of registration, each test named after its module.

What each asks is said in our own words. Every client registers itself with an initial access token of profile oidc.
Not here: modules of features that the metadata does not offer (signed userinfo, implicit, request objects).
"""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey, KeySet, RSAKey

from idp.domain.client import Profile
from tests.support.client_auth import Assertion
from tests.support.databases import fresh_database
from tests.support.hosted import PNG, Hosted
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import Person, Provider, ask
from tests.support.registrant import CALLBACK, Registrant, initial_token
from tests.support.relying_party import RelyingParty

OLD, NEW = (RSAKey.generate_key(2048, {"kid": kid, "alg": "RS256", "use": "sig"}) for kid in ("1", "2"))
NO_PKCE: dict[str, str | None] = {"code_challenge": None, "code_challenge_method": None}
Json = dict[str, Any]


@pytest.fixture(scope="session")
async def dynamic(tmp_path_factory: pytest.TempPathFactory, website: Hosted) -> AsyncIterator[Provider]:
    """A provider as it is set up for the suite: the suite's web server may be fetched from."""
    folder = tmp_path_factory.mktemp("dynamic")
    settings = {"IDP_OUTBOUND_ALLOW": website.place}
    async with (
        fresh_database("sqlite", folder) as url,
        Provider.running(folder, url, settings=settings) as provider,
    ):
        yield provider


@pytest.fixture
async def suite(dynamic: Provider) -> Registrant:
    """The suite, which brings a token."""
    return Registrant(dynamic.http, dynamic.issuer, await initial_token(dynamic, profile=Profile.OIDC))


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


async def test_oidcc_idtoken_rs256(dynamic: Provider, suite: Registrant, browser: HtmlBrowser) -> None:
    """What was registered signs."""
    said = await suite.registered(id_token_signed_response_alg="RS256")

    assert (await signed_in(await suite.client(dynamic, said), browser))["alg"] == "RS256"


@pytest.mark.parametrize("uri", [None, CALLBACK + "?a=b", CALLBACK + "?foo=bar&x=y"])
async def test_oidcc_redirect_uri_query_mismatch_added_and_missing(
    dynamic: Provider, suite: Registrant, browser: HtmlBrowser, uri: str | None
) -> None:
    """ensure-redirect-uri-in-authorization-request, redirect-uri-query-mismatch, redirect-uri-query-added: a page."""
    registered = CALLBACK + "?foo=bar" if uri is not None and "?" in uri and "x=y" not in uri else CALLBACK
    rp = await suite.client(dynamic, await suite.registered(redirect_uris=[registered]))

    page = await ask(browser, rp, redirect_uri=uri)

    assert (page.status, page.location, page.name) == (400, None, "error")


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


@pytest.mark.parametrize("name", ["policy_uri", "tos_uri"])
async def test_oidcc_registration_policy_uri_and_tos_uri(
    dynamic: Provider, suite: Registrant, browser: HtmlBrowser, name: str
) -> None:
    """registration-policy-uri, registration-tos-uri: the link is on the sign-in page."""
    said = await suite.registered(**{name: "https://rp.example/words"})

    page = await ask(browser, await suite.client(dynamic, said), **NO_PKCE)

    assert page.document.attributes["client-" + name.removesuffix("_uri")]["href"] == "https://rp.example/words"


async def keyed(dynamic: Provider, suite: Registrant, website: Hosted, path: str) -> RelyingParty:
    """Return a client whose keys are at an address of its own."""
    url = publish(website, path, OLD)
    said = await suite.registered(
        token_endpoint_auth_method="private_key_jwt", jwks_uri=url, grant_types=["authorization_code", "refresh_token"]
    )
    auth = Assertion(OLD, "RS256", now=dynamic.clock.timestamp)
    rp = RelyingParty(dynamic.http, dynamic.issuer, said["client_id"], auth, CALLBACK, now=dynamic.clock.timestamp)
    rp.scope = "openid offline_access"
    return rp


def publish(website: Hosted, path: str, *keys: RSAKey | ECKey) -> str:
    """Serve keys."""
    return website.put(path, json.dumps(KeySet([*keys]).as_dict(private=False)).encode())


async def test_oidcc_registration_jwks_uri(
    dynamic: Provider, suite: Registrant, website: Hosted, browser: HtmlBrowser
) -> None:
    """Keys are fetched from where the client has them."""
    await signed_in(await keyed(dynamic, suite, website, "/one"), browser)


async def test_oidcc_refresh_token_rp_key_rotation(
    dynamic: Provider, suite: Registrant, website: Hosted, browser: HtmlBrowser
) -> None:
    """A key that is new at the address is accepted a minute later."""
    rp = await keyed(dynamic, suite, website, "/two")
    answer = await browser.answer(rp, prompt="consent", **NO_PKCE)
    tokens = await rp.redeem(answer.code, code_verifier=None)

    publish(website, "/two", NEW)
    dynamic.clock.advance(timedelta(minutes=1))
    rp.auth = Assertion(NEW, "RS256", now=dynamic.clock.timestamp)

    assert (await rp.refresh(tokens.refresh_token)).status == 200


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
