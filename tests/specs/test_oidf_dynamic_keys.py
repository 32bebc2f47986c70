"""OpenID Foundation, Dynamic OP profile, modules about keys and request objects, each test named after its module.

What each asks is said in our own words. Not here: modules about registration itself → test_oidf_dynamic.py.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey, KeySet, RSAKey

from tests.support import oidf, oidf_modules
from tests.support.client_auth import Assertion
from tests.support.hosted import Hosted
from tests.support.html_browser import HtmlBrowser
from tests.support.jose import forge
from tests.support.provider import Person, Provider
from tests.support.registrant import CALLBACK, Registrant
from tests.support.relying_party import AuthorizationAnswer, RelyingParty

OLD, NEW = (RSAKey.generate_key(2048, {"kid": kid, "alg": "RS256", "use": "sig"}) for kid in ("1", "2"))
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


async def test_oidcc_ensure_client_assertion_with_iss_aud_succeeds(
    dynamic: Provider, suite: Registrant, website: Hosted, browser: HtmlBrowser
) -> None:
    """private_key_jwt with the issuer as audience, and with the token endpoint URL."""
    rp = await keyed(dynamic, suite, website, "/audience")
    assert isinstance(rp.auth, Assertion)

    for audience in (rp.issuer, f"{rp.issuer}/token"):
        rp.auth = replace(rp.auth, audience=audience)
        await signed_in(rp, browser)


async def test_oidcc_server_rotate_keys(dynamic: Provider, suite: Registrant, browser: HtmlBrowser) -> None:
    """After a rotation the key set has a new kid beside the old one; what the old one signed is still believed."""
    rp = await suite.client(dynamic, await suite.registered())
    before = await kids(dynamic)
    old = await signed_in(rp, browser)
    dynamic.clock.advance(timedelta(days=1))

    await dynamic.site.keys.rotate()
    await dynamic.settle()

    after = await kids(dynamic)
    assert before < after
    assert old["kid"] in after
    assert (await signed_in(rp, browser))["kid"] in after


async def kids(provider: Provider) -> set[str]:
    """Return the kids of the published keys."""
    return {key["kid"] for key in (await provider.http.get(f"{provider.issuer}/jwks")).json()["keys"]}


async def referring(suite: Registrant, website: Hosted, path: str) -> Json:
    """Register a client that keeps its request objects, and its keys, at its own server."""
    keys = publish(website, path + "-keys", OLD)
    return await suite.registered(jwks_uri=keys, request_uris=[website.url(path) + "#digest"])


async def sent_by_reference(
    rp: RelyingParty, browser: HtmlBrowser, website: Hosted, path: str, **header: str
) -> AuthorizationAnswer:
    """Keep a request object without exp at the client's server, and ask by its address."""
    request = await rp.authorization_request(**NO_PKCE)
    key = None if header.get("alg") == "none" else OLD
    text = forge({"alg": "RS256", "kid": "1", **header}, {**request.parameters}, key, header.get("alg", "RS256"))
    website.put(path, text.encode(), "application/oauth-authz-req+jwt")
    asked = await rp.authorization_request(
        request_uri=website.url(path) + "#digest", state=request.parameters["state"], **NO_PKCE
    )
    return await browser.finish(rp, await browser.open(asked.url, came_from_elsewhere=True))


async def test_oidcc_request_uri_signed_rs256(
    dynamic: Provider, suite: Registrant, website: Hosted, browser: HtmlBrowser
) -> None:
    """A registered address with a fragment is fetched, and what is there verified; it needs no exp."""
    rp = await suite.client(dynamic, await referring(suite, website, "/signed"))

    answer = await sent_by_reference(rp, browser, website, "/signed")

    assert answer.code
    assert "/signed" in website.asked


async def test_oidcc_request_uri_unsigned(
    dynamic: Provider, suite: Registrant, website: Hosted, browser: HtmlBrowser
) -> None:
    """Not listed: `none` is no algorithm of request objects, and refused."""
    rp = await suite.client(dynamic, await referring(suite, website, "/unsigned"))

    answer = await sent_by_reference(rp, browser, website, "/unsigned", alg="none")

    assert answer.error == "invalid_request_object"
    assert "none" not in (await dynamic.metadata())["request_object_signing_alg_values_supported"]


async def test_oidcc_ensure_request_object_with_redirect_uri(dynamic: Provider) -> None:
    """In a signed object the inner redirect URI wins over a wrong one outside."""
    async with oidf.suite(dynamic, "code") as static:
        await oidf_modules.ensure_request_object_with_redirect_uri(static)


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
