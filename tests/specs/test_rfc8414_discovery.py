"""Authorization server metadata – RFC 8414 §2, §3; OIDC Discovery §4: where the document is, and that it is one."""

from collections.abc import AsyncIterator

import pytest

from tests.support.databases import fresh_database
from tests.support.provider import Provider

RFC8414 = "/.well-known/oauth-authorization-server"
OPENID = "/.well-known/openid-configuration"
ENDPOINTS = (
    "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "end_session_endpoint",
    "revocation_endpoint", "introspection_endpoint",
)  # fmt: skip


@pytest.fixture(scope="module")
async def tenant(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """A provider whose issuer has a path."""
    folder = tmp_path_factory.mktemp("tenant")
    issuer = "https://id.example/tenants/one"
    async with fresh_database("sqlite", folder) as url, Provider.running(folder, url, issuer=issuer) as provider:
        yield provider


async def test_both_addresses_give_one_document(provider: Provider) -> None:
    """RFC 8414 §5: compatible with OpenID Connect Discovery."""
    oauth, openid = [await provider.http.get(provider.issuer + path) for path in (RFC8414, OPENID)]

    assert oauth.content == openid.content
    assert oauth.headers["content-type"] == openid.headers["content-type"] == "application/json"


async def test_the_issuer_is_the_one_that_was_asked(provider: Provider) -> None:
    """RFC 8414 §3.3, OIDC Discovery §4.3: identical, or clients must not use the document."""
    assert (await provider.metadata())["issuer"] == provider.issuer


async def test_every_address_is_https_and_below_the_issuer(provider: Provider) -> None:
    """RFC 8414 §2."""
    metadata = await provider.metadata()

    for name in ENDPOINTS:
        assert metadata[name].startswith(provider.issuer + "/"), name


async def test_nothing_is_empty_or_null(provider: Provider) -> None:
    """RFC 8414 §3.2: members without a value are left out."""
    metadata = await provider.metadata()

    assert all(value not in (None, "", [], {}) for value in metadata.values())
    assert all(len(value) == len(set(value)) for value in metadata.values() if isinstance(value, list))


async def test_only_registered_members_stand_there(provider: Provider) -> None:
    """RFC 8414 §7.1: no member of our own invention, and none whose feature does not work."""
    assert (await provider.metadata()).keys() == {
        "issuer", *ENDPOINTS, "registration_endpoint",
        "scopes_supported", "response_types_supported", "response_modes_supported",
        "backchannel_logout_supported", "backchannel_logout_session_supported",
        "userinfo_signing_alg_values_supported", "introspection_signing_alg_values_supported",
        *(f"{what}_encryption_{how}_values_supported"
          for what in ("id_token", "userinfo", "authorization", "introspection") for how in ("alg", "enc")),
        "frontchannel_logout_supported", "frontchannel_logout_session_supported",
        "grant_types_supported", "subject_types_supported", "id_token_signing_alg_values_supported",
        "token_endpoint_auth_methods_supported", "token_endpoint_auth_signing_alg_values_supported",
        "revocation_endpoint_auth_methods_supported", "revocation_endpoint_auth_signing_alg_values_supported",
        "introspection_endpoint_auth_methods_supported", "introspection_endpoint_auth_signing_alg_values_supported",
        "code_challenge_methods_supported", "authorization_response_iss_parameter_supported",
        "request_parameter_supported", "request_uri_parameter_supported", "require_request_uri_registration",
        "request_object_signing_alg_values_supported", "authorization_signing_alg_values_supported",
        "pushed_authorization_request_endpoint", "device_authorization_endpoint", "dpop_signing_alg_values_supported",
        "backchannel_authentication_endpoint", "backchannel_token_delivery_modes_supported",
        "backchannel_authentication_request_signing_alg_values_supported",
        "backchannel_user_code_parameter_supported",
        "claims_supported", "claim_types_supported", "claims_parameter_supported", "acr_values_supported",
        "prompt_values_supported", "display_values_supported", "ui_locales_supported",
    }  # fmt: skip


async def test_an_issuer_with_a_path_has_its_document_between_host_and_path(tenant: Provider) -> None:
    """RFC 8414 §3.1; the OpenID document is there as well, because some clients ask only there."""
    for path in (RFC8414, OPENID):
        response = await tenant.http.get(f"https://id.example{path}/tenants/one")

        assert response.status_code == 200, path
        assert response.json()["issuer"] == tenant.issuer


async def test_an_issuer_with_a_path_has_the_openid_document_after_it(tenant: Provider) -> None:
    """OIDC Discovery §4.1: the well-known part is appended."""
    response = await tenant.http.get(tenant.issuer + OPENID)

    assert (response.status_code, response.json()["issuer"]) == (200, tenant.issuer)


@pytest.mark.parametrize("path", ["/tenants/two", "/tenants", "/tenants/one/x", "/other"])
async def test_other_paths_are_other_issuers(tenant: Provider, path: str) -> None:
    """RFC 8414 §3.3: nobody is told about an issuer that is not us."""
    assert (await tenant.http.get(f"https://id.example{RFC8414}{path}")).status_code == 404


async def test_every_endpoint_of_an_issuer_with_a_path_answers(tenant: Provider) -> None:
    """RFC 8414 §2: below the path, and a whole sign-in goes through."""
    person, rp = await tenant.person(), await tenant.client()

    async with tenant.browser(person) as browser:
        code = await browser.authorize(rp)
        tokens = await rp.redeem(code)
        claims = await rp.check_id_token(tokens, rp.codes[code])
        page = await browser.open(f"{tenant.issuer}/end_session?id_token_hint={tokens.id_token}")

    assert claims["iss"] == "https://id.example/tenants/one"
    assert (await rp.userinfo(tokens.access_token)).body["sub"] == person.id
    assert await rp.is_active(tokens.refresh_token)
    assert page.name == "signed-out"
