"""requests_oauth2client, the strict client, with what came after RFC 6749: pushed, signed, bound to a key."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from jwskate import Jwk, Jwt
from requests_oauth2client import (
    AuthorizationResponse,
    AuthorizationResponseError,
    BearerToken,
    ClientSecretBasic,
    DPoPToken,
    InvalidGrant,
    InvalidRequest,
    OAuth2Client,
    PrivateKeyJwt,
    PublicApp,
)

from tests.support.back_office import BackOffice, Person
from tests.support.html_browser import HtmlBrowser

pytestmark = pytest.mark.xdist_group("foreign-clients")

REDIRECT_URI = "https://rp.example/callback"
SCOPE = "openid profile email offline_access"


@pytest.fixture
def http() -> Iterator[requests.Session]:
    """The session that the library sends everything over."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


def discover(office: BackOffice, http: requests.Session, auth: requests.auth.AuthBase, **options: Any) -> OAuth2Client:
    """Configure the library from the discovery document; `testing` is its word for http on localhost."""
    return OAuth2Client.from_discovery_endpoint(
        issuer=office.server.issuer, auth=auth, redirect_uri=REDIRECT_URI, session=http, testing=True, **options
    )


async def website(office: BackOffice, http: requests.Session, **members: object) -> OAuth2Client:
    """Register a website with a secret."""
    registration = await office.client([REDIRECT_URI], **members)
    assert registration.client_secret is not None
    return discover(office, http, ClientSecretBasic(registration.client_id, registration.client_secret))


async def bank(office: BackOffice, http: requests.Session) -> tuple[OAuth2Client, Jwk]:
    """Register a client of profile fapi2."""
    key = Jwk.generate(alg="ES256").with_kid_thumbprint()
    registration = await office.client(
        [REDIRECT_URI], profile="fapi2", token_endpoint_auth_method="private_key_jwt",
        jwks={"keys": [dict(key.public_jwk())]},
    )  # fmt: skip
    auth = PrivateKeyJwt(registration.client_id, key, aud=office.server.issuer)
    return discover(office, http, auth, id_token_signed_response_alg="ES256"), key


async def through(browser: HtmlBrowser, uri: str) -> str:
    """Take a request through the browser and return where the answer went."""
    page = await browser.leave(await browser.open(uri, came_from_elsewhere=True))
    assert page.location is not None
    return page.location


def redeemed(client: OAuth2Client, answer: AuthorizationResponse) -> DPoPToken:
    """Redeem a code for a token bound to the request's key; the library cannot check the ID token beside one."""
    token = client.authorization_code(answer, validate=False)
    assert isinstance(token, DPoPToken)
    return token


async def test_a_request_is_pushed(
    office: BackOffice, http: requests.Session, browser: HtmlBrowser, person: Person
) -> None:
    """RFC 9126: nothing of the request passes through the browser."""
    client = await website(office, http)
    request = client.authorization_request(scope=SCOPE, authorization_response_iss_parameter_supported=True)

    pushed = client.pushed_authorization_request(request)
    assert request.state is not None
    assert request.state not in pushed.uri
    token = client.authorization_code(request.validate_callback(await through(browser, pushed.uri)), validate=True)

    assert client.userinfo(token)["sub"] == person.sub


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
async def test_a_request_is_signed(
    office: BackOffice, http: requests.Session, browser: HtmlBrowser, person: Person, alg: str
) -> None:
    """RFC 9101: by value, with the issuer as audience."""
    key = Jwk.generate(alg=alg).with_kid_thumbprint()
    client = await website(office, http, jwks={"keys": [dict(key.public_jwk())]})
    request = client.authorization_request(scope=SCOPE, iss=client.client_id, aud=office.server.issuer)

    signed = request.sign(key, alg=alg, lifetime=60)
    token = client.authorization_code(request.validate_callback(await through(browser, signed.uri)), validate=True)

    assert client.userinfo(token)["sub"] == person.sub


@pytest.mark.parametrize("has_nonce", [False, True])
async def test_tokens_are_bound_to_a_key(
    office: BackOffice, http: requests.Session, browser: HtmlBrowser, person: Person, has_nonce: bool
) -> None:
    """RFC 9449: the code is bound by dpop_jkt; the library meets use_dpop_nonce and tries again by itself."""
    client = await website(office, http, dpop_bound_access_tokens=True, require_dpop_nonce=has_nonce)
    request = client.authorization_request(scope=SCOPE, dpop=True)

    token = redeemed(client, request.validate_callback(await through(browser, request.uri)))
    userinfo = http.get(str(client.userinfo_endpoint), auth=token)

    assert userinfo.json()["sub"] == person.sub
    stolen = http.get(str(client.userinfo_endpoint), headers={"Authorization": f"Bearer {token.access_token}"})
    assert stolen.status_code == 401


async def test_a_public_client_keeps_its_key(
    office: BackOffice, http: requests.Session, browser: HtmlBrowser, person: Person
) -> None:
    """RFC 9449 §5: its refresh token is worth nothing without it."""
    registration = await office.client([REDIRECT_URI], profile="native", token_endpoint_auth_method="none")
    client = discover(office, http, PublicApp(registration.client_id))
    request = client.authorization_request(scope=SCOPE, dpop=True)
    token = redeemed(client, request.validate_callback(await through(browser, request.uri)))

    renewed = client.refresh_token(token)

    assert isinstance(renewed, DPoPToken)
    assert http.get(str(client.userinfo_endpoint), auth=renewed).json()["sub"] == person.sub
    with pytest.raises((InvalidRequest, InvalidGrant)):
        client.refresh_token(BearerToken(renewed.access_token, refresh_token=renewed.refresh_token))


async def test_a_bank_does_all_of_it(
    office: BackOffice, http: requests.Session, browser: HtmlBrowser, person: Person
) -> None:
    """FAPI 2.0: assertion, pushed request, PKCE, key-bound tokens with a nonce, iss in the answer."""
    client, _key = await bank(office, http)
    request = client.authorization_request(scope=SCOPE, dpop=True, authorization_response_iss_parameter_supported=True)

    pushed = client.pushed_authorization_request(request)
    answer = request.validate_callback(await through(browser, pushed.uri))
    token = redeemed(client, answer)

    assert token.id_token is not None
    assert token.id_token.alg == "ES256"
    assert http.get(str(client.userinfo_endpoint), auth=token).json()["sub"] == person.sub
    assert client.introspect_token(token)["token_type"] == "DPoP"


async def test_a_banks_signed_request_is_pushed(
    office: BackOffice, http: requests.Session, browser: HtmlBrowser, person: Person
) -> None:
    """FAPI 2.0 Message Signing §5.3.1."""
    client, key = await bank(office, http)
    own: dict[str, Any] = {"iss": client.client_id, "aud": office.server.issuer, "nbf": Jwt.timestamp()}
    request = client.authorization_request(scope=SCOPE, dpop=True, **own)

    signed = str(request.sign_request_jwt(key, alg="ES256", lifetime=60))  # the library signs, but cannot push that
    endpoint = str(client.pushed_authorization_request_endpoint)
    pushed = http.post(endpoint, data={"request": signed, "client_id": client.client_id}, auth=client.auth).json()
    uri = f"{client.authorization_endpoint}?" + urlencode(
        {"client_id": client.client_id, "request_uri": pushed["request_uri"]}
    )
    token = redeemed(client, request.validate_callback(await through(browser, uri)))

    assert http.get(str(client.userinfo_endpoint), auth=token).json()["sub"] == person.sub


async def test_a_banks_plain_request_is_refused(
    office: BackOffice, http: requests.Session, browser: HtmlBrowser
) -> None:
    """FAPI 2.0 §5.3.2.2."""
    client, _key = await bank(office, http)
    request = client.authorization_request(scope=SCOPE, dpop=True)

    with pytest.raises(AuthorizationResponseError) as refused:
        request.validate_callback(await through(browser, request.uri))

    assert refused.value.error == "invalid_request"
