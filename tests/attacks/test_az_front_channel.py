"""AZ16, RFC 9700 §2.1.2: what travels by the browser's address can be read there, so it must open next to nothing."""

import base64
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from idp.domain.client import Profile
from tests.support.admin_api import ROOT
from tests.support.databases import fresh_database
from tests.support.oidf import RESPONSE_TYPES
from tests.support.provider import Provider, ask, at_once
from tests.support.relying_party import RelyingParty

ON = {"IDP_IMPLICIT_AND_HYBRID": "on"}
GRANTS = ["authorization_code", "implicit", "refresh_token"]
FRONT = RESPONSE_TYPES[1:]
WITH_TOKEN = [each for each in FRONT if "token" in each.split(" ")]


@pytest.fixture(scope="module")
async def liberal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """A provider whose operator has switched implicit and hybrid flows on."""
    folder = tmp_path_factory.mktemp("liberal")
    async with fresh_database("sqlite", folder) as url, Provider.running(folder, url, settings=ON) as provider:
        yield provider


async def old_fashioned(provider: Provider, **members: object) -> RelyingParty:
    """Return a client that registered every response type."""
    return await provider.client(
        profile=Profile.OIDC, grant_types=GRANTS, response_types=RESPONSE_TYPES, **members  # type: ignore[arg-type]
    )  # fmt: skip


async def leaked(provider: Provider, rp: RelyingParty, response_type: str = "id_token token") -> str:
    """Return an access token as it stands in a browser's history."""
    async with provider.browser(await provider.person()) as browser:
        return (await browser.answer(rp, response_type=response_type)).parameters["access_token"]


@pytest.mark.parametrize("response_type", FRONT)
@pytest.mark.parametrize("mode", ["query", "query.jwt", "QUERY", "fragment query"])
async def test_az16_no_response_mode_puts_a_token_into_a_query(
    liberal: Provider, response_type: str, mode: str
) -> None:
    rp = await old_fashioned(liberal)
    async with liberal.browser(await liberal.person()) as browser:
        answer = await at_once(browser, rp, response_type=response_type, response_mode=mode)

    assert (answer.mode, answer.error) == ("fragment", "invalid_request")


@pytest.mark.parametrize("uri", ["https://evil.example/callback", "https://rp.example/callback/../x", None])
@pytest.mark.parametrize("response_type", FRONT)
async def test_no_response_type_checks_less_of_the_addressee(
    liberal: Provider, response_type: str, uri: str | None
) -> None:
    """RFC 9700 §4.1: a fragment survives redirects, so an open address would give the token away."""
    rp = await old_fashioned(liberal)
    async with liberal.browser(await liberal.person()) as browser:
        page = await ask(browser, rp, response_type=response_type, redirect_uri=uri)

    assert (page.status, page.name, page.location) == (400, "error", None)


@pytest.mark.parametrize("response_type", WITH_TOKEN)
async def test_a_leaked_token_opens_userinfo_and_nothing_else(liberal: Provider, response_type: str) -> None:
    """RFC 9700 §2.3: neither the administrators' API nor a resource server, whatever the client may ask for."""
    rp = await old_fashioned(liberal, scope="openid profile offline_access admin:clients.read orders.write")
    api = await liberal.client(grant_types=["client_credentials"], response_types=[], audiences=[liberal.issuer])
    token = await leaked(liberal, rp, response_type)
    bearer = {"Authorization": f"Bearer {token}"}

    opened = await liberal.http.get(f"{liberal.issuer}{ROOT}/clients", headers=bearer)
    in_url = await liberal.http.get(f"{liberal.issuer}/userinfo?{urlencode({'access_token': token})}")

    assert opened.status_code == 401
    assert in_url.status_code == 401
    assert not await api.is_active(token)
    assert (await rp.introspect(token)).body["scope"] == "openid profile"
    assert (await rp.refresh(token)).error == "invalid_grant"
    assert (await rp.userinfo(token)).status == 200


async def test_a_leaked_token_cannot_be_ended_by_another_client_but_by_its_own(liberal: Provider) -> None:
    """RFC 7009 §2.1."""
    rp, other = await old_fashioned(liberal), await old_fashioned(liberal)
    token = await leaked(liberal, rp)

    await other.revoke(token)
    assert (await rp.userinfo(token)).status == 200
    await rp.revoke(token)

    assert (await rp.userinfo(token)).status == 401


@pytest.mark.parametrize("response_type", FRONT)
async def test_a_request_cannot_choose_a_flow_that_its_client_did_not_register(
    liberal: Provider, response_type: str
) -> None:
    """RFC 9700 §2.1.2: an attacker who makes the request would otherwise choose the weakest flow."""
    for profile in (Profile.OAUTH21, Profile.OIDC, Profile.NATIVE):
        rp = await liberal.client(profile=profile)
        async with liberal.browser(await liberal.person()) as browser:
            answer = await at_once(browser, rp, response_type=response_type)
        assert answer.error == "unauthorized_client"
        assert not answer.parameters.keys() & {"code", "access_token", "id_token"}


async def test_switched_off_it_is_off_for_clients_that_registered_before(tmp_path: Path) -> None:
    """RFC 9700 §2.1.2: and such a client can still be disabled."""
    key = {"IDP_MASTER_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")}
    async with fresh_database("sqlite", tmp_path) as url:
        async with Provider.running(tmp_path, url, settings={**ON, **key}) as before:
            client_id = (await old_fashioned(before)).client_id
            person = await before.person()
        async with Provider.running(tmp_path, url, settings=key) as after:
            rp = await after.client(profile=Profile.OIDC)
            rp.client_id = client_id
            async with after.browser(person) as browser:
                answers = [await at_once(browser, rp, response_type=each) for each in FRONT]
                code = (await browser.answer(rp)).code
            disabled = await after.site.clients.set_active(await after.registration(rp), is_active=False)

    assert {answer.error for answer in answers} == {"unsupported_response_type"}
    assert code
    assert not disabled.is_active
