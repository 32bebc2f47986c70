"""OAuth 2.0 Protected Resource Metadata – RFC 9728: our own APIs say what they are, and where one gets a token."""

import re
from collections.abc import AsyncIterator

import pytest

from tests.support.databases import fresh_database
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import Provider, at_once
from tests.support.relying_party import RelyingParty

WELL_KNOWN = "/.well-known/oauth-protected-resource"
APIS = ("/api/admin/v1", "/scim/v2", "/userinfo")
CALLS = {"/api/admin/v1": "/api/admin/v1/users", "/scim/v2": "/scim/v2/Users", "/userinfo": "/userinfo"}


@pytest.fixture(scope="module")
async def tenant(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """A provider whose issuer has a path."""
    folder = tmp_path_factory.mktemp("tenant")
    issuer = "https://id.example/tenants/one"
    async with fresh_database("sqlite", folder) as url, Provider.running(folder, url, issuer=issuer) as provider:
        yield provider


@pytest.fixture
async def machine(provider: Provider) -> RelyingParty:
    """A program that may look at people."""
    return await provider.client(
        grant_types=["client_credentials"], redirect_uris=None, scope="admin:users.read admin:groups.read"
    )


@pytest.mark.parametrize("path", APIS)
async def test_each_api_of_ours_describes_itself(provider: Provider, path: str) -> None:
    """§2, §3.2: JSON, for anybody, with the identifier that it stands under."""
    answer = await provider.http.get(f"{provider.issuer}{WELL_KNOWN}{path}", headers={"Origin": "https://any.example"})

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "public, max-age=600"
    assert answer.headers["access-control-allow-origin"] == "*"
    told = answer.json()
    assert told["resource"] == provider.issuer + path
    assert told["authorization_servers"] == [provider.issuer]
    assert "header" in told["bearer_methods_supported"]
    metadata = await provider.metadata()
    assert told["dpop_signing_alg_values_supported"] == metadata["dpop_signing_alg_values_supported"]
    assert "tls_client_certificate_bound_access_tokens" not in told  # §2: absent means false


@pytest.mark.parametrize("path", ["", "/", "/api", "/api/admin", "/token", "/api/admin/v1/users", "/userinfo/"])
async def test_nothing_else_does(provider: Provider, path: str) -> None:
    """§3.3: a client must not take one resource for another."""
    assert (await provider.http.get(f"{provider.issuer}{WELL_KNOWN}{path}")).status_code == 404


async def test_only_get_is_answered(provider: Provider) -> None:
    """§3.1."""
    answer = await provider.http.post(f"{provider.issuer}{WELL_KNOWN}/userinfo")

    assert (answer.status_code, "GET" in answer.headers["allow"]) == (405, True)


@pytest.mark.parametrize("path", APIS)
async def test_below_a_path_the_name_stands_between_host_and_path(tenant: Provider, path: str) -> None:
    """§3."""
    told = await tenant.http.get(f"https://id.example{WELL_KNOWN}/tenants/one{path}")

    assert (told.status_code, told.json()["resource"]) == (200, tenant.issuer + path)
    assert (await tenant.http.get(f"https://id.example{WELL_KNOWN}/tenants/two{path}")).status_code == 404


@pytest.mark.parametrize("path", ["/api/admin/v1", "/scim/v2"])
async def test_a_challenge_leads_to_the_metadata(provider: Provider, tenant: Provider, path: str) -> None:
    """§5.1: with an error and without one."""
    for each in (provider, tenant):
        for headers in ({}, {"Authorization": "Bearer nonsense"}):
            refused = await each.http.get(each.issuer + CALLS[path], headers=headers)
            assert refused.status_code == 401
            found = re.search(r'resource_metadata="([^"]+)"', refused.headers["www-authenticate"])
            assert found is not None, refused.headers["www-authenticate"]
            assert (await each.http.get(found[1])).json()["resource"] == each.issuer + path


async def test_a_token_for_one_api_is_good_there_and_nowhere_else(provider: Provider, machine: RelyingParty) -> None:
    """RFC 8707 §2, RFC 9728 §7.4: the identifier that is announced can be asked for."""
    for path in ("/api/admin/v1", "/scim/v2"):
        tokens = await machine.token(grant_type="client_credentials", resource=provider.issuer + path)
        assert tokens.status == 200, tokens.text
        assert (await machine.decode(tokens.access_token)).claims["aud"] == provider.issuer + path
        bearer = {"Authorization": f"Bearer {tokens.access_token}"}

        called = {other: await provider.http.get(provider.issuer + url, headers=bearer) for other, url in CALLS.items()}

        assert {other: answer.status_code for other, answer in called.items()} == {
            other: 200 if other == path else 401 for other in CALLS
        }


async def test_a_token_for_userinfo_alone_is_good_there(
    provider: Provider, browser: HtmlBrowser, rp: RelyingParty
) -> None:
    """RFC 8707 §2."""
    resource = f"{provider.issuer}/userinfo"
    tokens = await rp.redeem(await browser.authorize(rp, resource=resource))

    assert (await rp.decode(tokens.access_token)).claims["aud"] == resource
    assert (await rp.userinfo(tokens.access_token)).status == 200
    assert (await at_once(browser, rp, resource=f"{provider.issuer}/token", prompt="none")).error == "invalid_target"
