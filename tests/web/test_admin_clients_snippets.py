"""Ready configuration is right for one client: it parses, names what is registered, and says what is missing."""

import configparser
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from idp.flows.admin.clients import client_of
from idp.web.admin.clients_snippets import PLACEHOLDER, Connection, Snippet, callback_of, connection
from tests.support.databases import fresh_database
from tests.support.provider import Provider

ORIGIN = "https://shop.example"
SIGN_IN = {"authlib", "openid_client", "spring", "mod_auth_openidc", "oauth2_proxy", "authjs", "allauth", "grafana"}


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    folder: Path = tmp_path_factory.mktemp("snippets")
    async with fresh_database("sqlite", folder) as url, Provider.running(folder, url) as provider:
        yield provider


async def connected(provider: Provider, *, is_secret_known: bool = True, **members: Any) -> Connection:
    """Return the configuration of a client with these members."""
    given = {
        "client_name": "Corner \"Shop\" <b>", "redirect_uris": [f"{ORIGIN}/callback"],
        "grant_types": ["authorization_code", "refresh_token"], "scope": "openid profile email offline_access",
    } | members  # fmt: skip
    client, secret = await provider.site.clients.create(given)
    return connection(provider.site, client_of(client), secret if is_secret_known else None)


def named(found: Connection, name: str) -> Snippet:
    return next(each for each in found.snippets if each.name == name)


def value(text: str, name: str) -> str:
    """Return what stands behind a name in a list of lines."""
    return next(line.split(None, 1)[1] for line in text.splitlines() if line.split(None, 1)[0] == name)


async def test_a_web_application_gets_every_library(provider: Provider) -> None:
    found = await connected(provider)

    assert {each.name for each in found.snippets} == SIGN_IN | {"generic"}
    assert found.left_out == []
    assert all(provider.issuer in each.text for each in found.snippets)


async def test_spring_reads_its_configuration(provider: Provider) -> None:
    text = named(await connected(provider), "spring").text

    client = yaml.safe_load(text)["spring"]["security"]["oauth2"]["client"]

    assert client["provider"]["idp"] == {"issuer-uri": provider.issuer}
    registration = client["registration"]["idp"]
    assert registration["client-authentication-method"] == "client_secret_basic"
    assert registration["scope"].split(",") == ["openid", "profile", "email", "offline_access"]
    assert registration["redirect-uri"] == "{baseUrl}/login/oauth2/code/{registrationId}"
    assert "withPkce()" in text


async def test_oauth2_proxy_reads_its_configuration(provider: Provider) -> None:
    options = tomllib.loads(named(await connected(provider), "oauth2_proxy").text)

    assert options["oidc_issuer_url"] == provider.issuer
    assert options["redirect_url"] == f"{ORIGIN}/oauth2/callback"
    assert options["code_challenge_method"] == "S256"


@pytest.mark.parametrize(("method", "style"), [("client_secret_basic", "InHeader"), ("client_secret_post", "InParams")])
async def test_grafana_reads_its_configuration(provider: Provider, method: str, style: str) -> None:
    found = configparser.ConfigParser(interpolation=None)
    found.read_string(named(await connected(provider, token_endpoint_auth_method=method), "grafana").text)

    options = found["auth.generic_oauth"]
    assert (options["auth_style"], options["use_pkce"], options["use_refresh_token"]) == (style, "true", "true")
    assert options["auth_url"] == f"{provider.issuer}/authorize"
    assert options["token_url"] == f"{provider.issuer}/token"
    assert options["api_url"] == f"{provider.issuer}/userinfo"


async def test_allauth_reads_its_configuration(provider: Provider) -> None:
    settings: dict[str, Any] = {}

    exec(named(await connected(provider), "allauth").text, settings)

    options = settings["SOCIALACCOUNT_PROVIDERS"]["openid_connect"]
    assert options["OAUTH_PKCE_ENABLED"] is True
    assert options["APPS"][0]["provider_id"] == "idp"
    assert options["APPS"][0]["settings"] == {
        "server_url": f"{provider.issuer}/.well-known/openid-configuration",
        "token_auth_method": "client_secret_basic",
    }


async def test_auth_js_and_apache_name_method_and_pkce(provider: Provider) -> None:
    found = await connected(provider, token_endpoint_auth_method="client_secret_post")

    authjs, apache = named(found, "authjs").text, named(found, "mod_auth_openidc").text
    assert 'token_endpoint_auth_method: "client_secret_post"' in authjs
    assert 'checks: ["pkce", "state"]' in authjs
    assert value(apache, "OIDCProviderTokenEndpointAuth") == "client_secret_post"
    assert value(apache, "OIDCPKCEMethod") == "S256"
    assert value(apache, "OIDCRedirectURI") == f"{ORIGIN}/callback"


async def test_the_list_of_values_is_complete(provider: Provider) -> None:
    text = named(await connected(provider), "generic").text

    metadata = await provider.metadata()
    assert value(text, "issuer") == provider.issuer
    for words, name in (
        ("authorization endpoint", "authorization_endpoint"), ("token endpoint", "token_endpoint"),
        ("userinfo endpoint", "userinfo_endpoint"), ("end session endpoint", "end_session_endpoint"),
        ("revocation endpoint", "revocation_endpoint"), ("introspection endpoint", "introspection_endpoint"),
        ("keys (JWKS)", "jwks_uri"),
    ):  # fmt: skip
        line = next(line for line in text.splitlines() if line.startswith(words))
        assert line.split()[-1] == metadata[name]


@pytest.mark.parametrize(
    ("method", "left"),
    [
        ("none", {"authlib", "openid_client", "spring", "generic"}),
        ("client_secret_jwt", {"openid_client", "generic"}),
    ],
)
async def test_what_cannot_authenticate_so_is_left_out_and_named(
    provider: Provider, method: str, left: set[str]
) -> None:
    found = await connected(provider, token_endpoint_auth_method=method)

    assert {each.name for each in found.snippets} == left
    assert "Grafana" in found.left_out
    assert all("client_secret" not in each.text for each in found.snippets if method == "none")


async def test_a_machine_gets_no_redirect_uri_and_no_pkce(provider: Provider) -> None:
    found = await connected(provider, redirect_uris=[], grant_types=["client_credentials"], scope="orders.read")

    assert {each.name for each in found.snippets} == {"authlib", "openid_client", "spring", "generic"}
    for each in found.snippets:
        assert "code_challenge" not in each.text
        assert "callback" not in each.text
        assert "orders.read" in each.text
        assert each.is_registered


async def test_a_resource_server_introspects(provider: Provider) -> None:
    found = await connected(
        provider, redirect_uris=[], grant_types=["client_credentials"], scope="", audiences=[provider.issuer]
    )

    assert {each.name for each in found.snippets} == {"spring", "mod_auth_openidc", "generic"}
    assert all(f"{provider.issuer}/introspect" in each.text for each in found.snippets)


async def test_without_its_secret_a_placeholder_stands_there(provider: Provider) -> None:
    found = await connected(provider, is_secret_known=False)

    assert all(PLACEHOLDER in each.text for each in found.snippets)


async def test_what_could_not_stand_between_quotes_is_left_out(provider: Provider) -> None:
    found = await connected(provider, scope="openid ${x} #y 'z'")

    for each in found.snippets:
        if each.name != "generic":
            assert "${x}" not in each.text
            assert "'z'" not in each.text


@pytest.mark.parametrize(
    ("path", "registered", "expected"),
    [
        (None, ["https://a.example/cb"], ("https://a.example/cb", True)),
        (None, [], ("https://your-application.example/callback", False)),
        ("/oauth2/callback", ["https://a.example/cb"], ("https://a.example/oauth2/callback", False)),
        (
            "/oauth2/callback", ["https://a.example/cb", "https://b.example/oauth2/callback"],
            ("https://b.example/oauth2/callback", True),
        ),
        ("/x", ["org.example:/cb"], ("https://your-application.example/x", False)),
    ],
)  # fmt: skip
def test_a_library_that_wants_another_address_says_which(
    path: str | None, registered: list[str], expected: tuple[str, bool]
) -> None:
    assert callback_of(path, registered) == expected
