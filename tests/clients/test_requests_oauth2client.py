"""requests_oauth2client, a strict client that signs, checks and validates with a JOSE library of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from jwskate import Jwk
from requests_oauth2client import (
    BearerToken,
    ClientSecretBasic,
    ClientSecretJwt,
    ClientSecretPost,
    InvalidClient,
    InvalidGrant,
    OAuth2AccessTokenAuth,
    OAuth2Client,
    OAuth2ClientCredentialsAuth,
    PrivateKeyJwt,
    PublicApp,
)

from idp.domain.assurance import LOA1
from tests.support.back_office import BackOffice, Person, Registration
from tests.support.html_browser import HtmlBrowser

pytestmark = pytest.mark.xdist_group("foreign-clients")

REDIRECT_URI = "https://rp.example/callback"
SCOPE = "openid profile email offline_access"
GRANTS = ["authorization_code", "refresh_token", "client_credentials"]


@pytest.fixture
def http() -> Iterator[requests.Session]:
    """The session that the library sends everything over."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


@dataclass
class Website:
    """A website built on requests_oauth2client."""

    client: OAuth2Client

    async def sign_in(self, browser: HtmlBrowser, **parameters: Any) -> BearerToken:
        """Send the person to the provider, check the answer, redeem the code, check the ID token."""
        request = self.client.authorization_request(
            scope=SCOPE, authorization_response_iss_parameter_supported=True, **parameters
        )
        page = await browser.leave(await browser.open(request.uri, came_from_elsewhere=True))
        assert page.location is not None
        return self.client.authorization_code(request.validate_callback(page.location), validate=True)


def discover(office: BackOffice, http: requests.Session, auth: requests.auth.AuthBase) -> OAuth2Client:
    """Configure the library from the discovery document; `testing` is its word for http on localhost."""
    return OAuth2Client.from_discovery_endpoint(
        issuer=office.server.issuer, auth=auth, redirect_uri=REDIRECT_URI, session=http, testing=True
    )


@pytest.fixture
async def registration(office: BackOffice) -> Registration:
    """A confidential website that is also a machine."""
    return await office.client([REDIRECT_URI], grant_types=GRANTS)


@pytest.fixture
async def website(office: BackOffice, http: requests.Session, registration: Registration) -> Website:
    """That website, with its secret in the Authorization header."""
    assert registration.client_secret is not None
    return Website(discover(office, http, ClientSecretBasic(registration.client_id, registration.client_secret)))


async def test_the_metadata_tells_the_library_all_it_needs(website: Website, office: BackOffice) -> None:
    """RFC 8414 §2, RFC 9207 §3: the library demands `iss` in answers because the metadata says so."""
    client = website.client

    assert client.issuer == office.server.issuer
    assert client.authorization_response_iss_parameter_supported
    assert client.introspection_endpoint == f"{office.server.issuer}/introspect"
    assert client.revocation_endpoint == f"{office.server.issuer}/revoke"


async def test_a_person_signs_in_and_is_known(website: Website, browser: HtmlBrowser, person: Person) -> None:
    """OIDC Core §3.1.3.7: the library checks issuer, audience, azp, nonce, at_hash, alg and times."""
    token = await website.sign_in(browser)

    userinfo = website.client.userinfo(token)

    assert token.id_token is not None
    assert token.id_token.subject == userinfo["sub"] == person.sub
    assert userinfo["email"] == person.email


async def test_max_age_and_acr_are_honoured(website: Website, browser: HtmlBrowser) -> None:
    """OIDC Core §3.1.2.1; the library refuses an ID token without the auth_time or acr that it asked for."""
    token = await website.sign_in(browser, max_age=300, acr_values=LOA1)

    assert token.id_token is not None
    assert token.id_token.auth_datetime is not None


async def test_tokens_are_renewed_introspected_and_revoked(
    website: Website, browser: HtmlBrowser, person: Person
) -> None:
    """RFC 6749 §6, RFC 7662, RFC 7009."""
    client = website.client
    first = await website.sign_in(browser)

    second = client.refresh_token(first)
    described = client.introspect_token(second)
    of_refresh_token = client.introspect_token(second, token_type_hint="refresh_token")
    is_revoked = client.revoke_refresh_token(second)

    assert second.refresh_token != first.refresh_token
    assert (described["active"], described["sub"], described["iss"]) == (True, person.sub, client.issuer)
    assert of_refresh_token["active"] is True
    assert is_revoked is True
    assert client.introspect_token(second) == {"active": False}
    with pytest.raises(InvalidGrant):
        client.refresh_token(second)


async def test_revoking_an_access_token_ends_only_that(website: Website, browser: HtmlBrowser) -> None:
    """RFC 7009 §2.1."""
    client = website.client
    token = await website.sign_in(browser)

    assert client.revoke_access_token(token) is True

    assert client.introspect_token(token) == {"active": False}
    assert client.introspect_token(client.refresh_token(token))["active"] is True


async def test_the_library_renews_a_token_while_a_resource_is_used(
    website: Website, browser: HtmlBrowser, http: requests.Session, person: Person
) -> None:
    token = await website.sign_in(browser)
    expired = BearerToken(token.access_token, expires_in=-60, refresh_token=token.refresh_token)
    auth = OAuth2AccessTokenAuth(client=website.client, token=expired)

    assert website.client.userinfo_endpoint is not None
    answer = http.get(website.client.userinfo_endpoint, auth=auth)

    assert answer.json()["sub"] == person.sub
    assert auth.token is not None
    assert auth.token.access_token != token.access_token


async def test_a_machine_gets_a_token_for_itself(
    website: Website, http: requests.Session, registration: Registration
) -> None:
    """RFC 6749 §4.4."""
    auth = OAuth2ClientCredentialsAuth(client=website.client)
    assert website.client.introspection_endpoint is not None

    token = website.client.client_credentials()
    auth.renew_token()

    assert website.client.introspect_token(token)["client_id"] == registration.client_id
    assert token.refresh_token is None
    assert auth.token is not None


async def test_a_code_cannot_be_redeemed_with_another_verifier(website: Website, browser: HtmlBrowser) -> None:
    """RFC 7636 §4.6."""
    request = website.client.authorization_request(scope=SCOPE)
    page = await browser.leave(await browser.open(request.uri, came_from_elsewhere=True))
    assert page.location is not None
    answer = request.validate_callback(page.location)

    with pytest.raises(InvalidGrant):
        website.client.authorization_code(answer.code, code_verifier="v" * 43, redirect_uri=REDIRECT_URI)


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
async def test_a_client_signs_its_own_assertion(
    alg: str, office: BackOffice, http: requests.Session, browser: HtmlBrowser, person: Person
) -> None:
    """RFC 7523 §2.2, RFC 10070: the audience is the issuer; the library's default is the endpoint."""
    key = Jwk.generate(alg=alg).with_kid_thumbprint()
    registration = await office.client(
        [REDIRECT_URI], token_endpoint_auth_method="private_key_jwt", jwks={"keys": [dict(key.public_jwk())]}
    )
    auth = PrivateKeyJwt(registration.client_id, key, aud=office.server.issuer)
    website = Website(discover(office, http, auth))

    token = await website.sign_in(browser)

    assert website.client.userinfo(token)["sub"] == person.sub
    assert website.client.introspect_token(token)["active"] is True


async def test_an_assertion_for_the_token_endpoint_is_refused(office: BackOffice, http: requests.Session) -> None:
    """RFC 10070: outside the profile `oidc` the issuer is the only audience."""
    key = Jwk.generate(alg="ES256").with_kid_thumbprint()
    registration = await office.client(
        [REDIRECT_URI],
        grant_types=["client_credentials"],
        token_endpoint_auth_method="private_key_jwt",
        jwks={"keys": [dict(key.public_jwk())]},
    )
    client = discover(office, http, PrivateKeyJwt(registration.client_id, key))

    with pytest.raises(InvalidClient):
        client.client_credentials()


async def test_a_client_signs_with_its_secret(
    office: BackOffice, http: requests.Session, browser: HtmlBrowser, person: Person
) -> None:
    """OIDC Core §9, client_secret_jwt."""
    registration = await office.client([REDIRECT_URI], token_endpoint_auth_method="client_secret_jwt")
    assert registration.client_secret is not None
    auth = ClientSecretJwt(registration.client_id, registration.client_secret, aud=office.server.issuer)
    website = Website(discover(office, http, auth))

    token = await website.sign_in(browser)

    assert website.client.userinfo(token)["sub"] == person.sub


async def test_a_client_posts_its_secret(office: BackOffice, http: requests.Session, browser: HtmlBrowser) -> None:
    registration = await office.client([REDIRECT_URI], token_endpoint_auth_method="client_secret_post")
    assert registration.client_secret is not None
    website = Website(discover(office, http, ClientSecretPost(registration.client_id, registration.client_secret)))

    token = await website.sign_in(browser)

    assert website.client.introspect_token(token)["active"] is True


async def test_a_public_client_needs_only_pkce(
    office: BackOffice, http: requests.Session, browser: HtmlBrowser, person: Person
) -> None:
    registration = await office.client([REDIRECT_URI], token_endpoint_auth_method="none")
    website = Website(discover(office, http, PublicApp(registration.client_id)))

    token = await website.sign_in(browser)
    renewed = website.client.refresh_token(token)

    assert website.client.userinfo(renewed)["sub"] == person.sub
