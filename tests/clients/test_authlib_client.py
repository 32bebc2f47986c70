"""Authlib's own client: the Starlette application client for people, the httpx session for everything else."""

from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.integrations.starlette_client import OAuth
from authlib.oauth2.rfc7523 import ClientSecretJWT, PrivateKeyJWT
from authlib.oauth2.rfc7591 import ClientMetadataClaims
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oidc.discovery import OpenIDProviderMetadata, get_well_known_url
from joserfc.jwk import ECKey, RSAKey

from tests.support.back_office import BackOffice, Person, Registration
from tests.support.html_browser import HtmlBrowser
from tests.support.registrant import initial_token

pytestmark = pytest.mark.xdist_group("foreign-clients")

REDIRECT_URI = "https://rp.example/callback"
SIGNED_OUT_URI = "https://rp.example/signed-out"
SCOPE = "openid profile email offline_access"
Json = dict[str, Any]


@dataclass
class AuthlibApp:
    """A website built on Authlib."""

    issuer: str
    registration: Registration
    method: str = "client_secret_basic"
    key: RSAKey | ECKey | None = None
    alg: str | None = None
    signing: ClientSecretJWT | None = None
    app: Any = field(init=False)

    def __post_init__(self) -> None:
        """Configure Authlib as its documentation says."""
        self.app = OAuth().register(
            "idp",
            client_id=self.registration.client_id,
            client_secret=self.key or self.registration.client_secret,
            server_metadata_url=get_well_known_url(self.issuer, external=True),
            client_kwargs={
                "scope": SCOPE,
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": self.method,
                "trust_env": False,
            },
            client_auth_methods=[self.signing] if self.signing else None,
        )

    async def sign_in(self, browser: HtmlBrowser) -> tuple[Json, Json]:
        """Send the person to the provider, redeem what comes back; return the tokens and the ID token's claims."""
        begun = await self.app.create_authorization_url(REDIRECT_URI)
        answer = (await browser.leave(await browser.open(begun["url"], came_from_elsewhere=True))).answer()
        assert answer.state == begun["state"]
        token = await self.app.fetch_access_token(
            REDIRECT_URI, code=answer.code, state=begun["state"], code_verifier=begun["code_verifier"]
        )
        return token, await self.app.parse_id_token(token, begun["nonce"])

    async def endpoint(self, name: str) -> str:
        """Return an endpoint of the provider."""
        return str((await self.app.load_server_metadata())[f"{name}_endpoint"])

    def session(self, **options: Any) -> AsyncOAuth2Client:
        """Return Authlib's session for requests without a person."""
        secret = self.key or self.registration.client_secret
        session = AsyncOAuth2Client(
            self.registration.client_id,
            secret,
            token_endpoint_auth_method=self.method,
            revocation_endpoint_auth_method=self.method,
            trust_env=False,
            **options,
        )
        if self.signing is not None:
            session.register_client_auth_method(self.signing)
        return session


@pytest.fixture
async def app(office: BackOffice) -> AuthlibApp:
    """A confidential website with a secret."""
    registration = await office.client(
        [REDIRECT_URI],
        post_logout_redirect_uris=[SIGNED_OUT_URI],
        grant_types=["authorization_code", "refresh_token", "client_credentials"],
    )
    return AuthlibApp(office.server.issuer, registration)


async def document_at(url: str) -> Json:
    async with httpx2.AsyncClient(trust_env=False) as http:
        return dict((await http.get(url)).json())


async def test_authlib_finds_nothing_wrong_with_the_openid_metadata(office: BackOffice) -> None:
    """OIDC Discovery §3; Authlib insists on https, as production does."""
    document = await document_at(get_well_known_url(office.server.issuer, external=True))
    secured = {name: value.replace("http://", "https://") if isinstance(value, str) else value
               for name, value in document.items()}  # fmt: skip

    OpenIDProviderMetadata(secured).validate()


async def test_authlib_finds_nothing_wrong_with_the_oauth_metadata(office: BackOffice) -> None:
    """RFC 8414 §2."""
    document = await document_at(f"{office.server.issuer}/.well-known/oauth-authorization-server")
    secured = {name: value.replace("http://", "https://") if isinstance(value, str) else value
               for name, value in document.items()}  # fmt: skip

    AuthorizationServerMetadata(secured).validate()


async def test_a_person_signs_in_and_is_known(
    app: AuthlibApp, person: Person, browser: HtmlBrowser, office: BackOffice
) -> None:
    """OIDC Core §3.1, RFC 7636; Authlib checks signature, issuer, audience, times, nonce and at_hash."""
    token, claims = await app.sign_in(browser)

    userinfo = await app.app.userinfo(token=token)

    assert claims["sub"] == userinfo["sub"] == person.sub
    assert userinfo["email"] == person.email
    assert userinfo["name"] == person.name


async def test_a_refresh_token_is_rotated_by_authlib(
    app: AuthlibApp, person: Person, browser: HtmlBrowser, office: BackOffice
) -> None:
    token, _ = await app.sign_in(browser)

    async with app.session(token=token) as session:
        renewed = await session.refresh_token(await app.endpoint("token"))
        answer = await session.get(await app.endpoint("userinfo"))

    assert renewed["refresh_token"] != token["refresh_token"]
    assert answer.json()["sub"] == person.sub


async def test_authlib_renews_an_expired_token_by_itself(app: AuthlibApp, browser: HtmlBrowser) -> None:
    token, _ = await app.sign_in(browser)
    stale = {**token, "access_token": "stale", "expires_at": 1}

    async with app.session(token=stale, token_endpoint=await app.endpoint("token")) as session:
        answer = await session.get(await app.endpoint("userinfo"))

    assert answer.status_code == 200


async def test_a_token_is_introspected_and_revoked(
    app: AuthlibApp, person: Person, browser: HtmlBrowser, office: BackOffice
) -> None:
    """RFC 7662, RFC 7009."""
    token, _ = await app.sign_in(browser)
    introspection, revocation = await app.endpoint("introspection"), await app.endpoint("revocation")

    async with app.session(token=token) as session:
        before = await session.introspect_token(introspection, token=token["access_token"])
        revoked = await session.revoke_token(revocation, token=token["refresh_token"])
        after = await session.introspect_token(introspection, token=token["access_token"])

    assert before.json()["active"] is True
    assert before.json()["sub"] == person.sub
    assert revoked.status_code == 200
    assert after.json() == {"active": False}


async def test_a_machine_gets_a_token_for_itself(app: AuthlibApp) -> None:
    """RFC 6749 §4.4."""
    async with app.session() as session:
        token = await session.fetch_token(await app.endpoint("token"), grant_type="client_credentials")

    assert token["token_type"] == "Bearer"
    assert "refresh_token" not in token


async def test_a_public_client_needs_only_pkce(person: Person, browser: HtmlBrowser, office: BackOffice) -> None:
    registration = await office.client([REDIRECT_URI], token_endpoint_auth_method="none")
    app = AuthlibApp(office.server.issuer, registration, method="none")

    token, claims = await app.sign_in(browser)

    assert claims["sub"] == person.sub
    assert token["access_token"]


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256"])
async def test_a_client_signs_its_own_assertion(
    alg: str, person: Person, browser: HtmlBrowser, office: BackOffice
) -> None:
    """RFC 7523 §2.2. Authlib's assertion names the token endpoint and lives an hour, so the profile is `oidc`."""
    key = ECKey.generate_key("P-256", {"kid": "own"}) if alg == "ES256" else RSAKey.generate_key(2048, {"kid": "own"})
    registration = await office.client(
        [REDIRECT_URI],
        profile="oidc",
        token_endpoint_auth_method="private_key_jwt",
        jwks={"keys": [key.as_dict(private=False)]},
    )
    signing = PrivateKeyJWT(f"{office.server.issuer}/token", alg=alg, headers={"kid": key.kid})
    app = AuthlibApp(office.server.issuer, registration, "private_key_jwt", key=key, signing=signing)

    _, claims = await app.sign_in(browser)

    assert claims["sub"] == person.sub


async def test_a_client_signs_with_its_secret(person: Person, browser: HtmlBrowser, office: BackOffice) -> None:
    """OIDC Core §9, client_secret_jwt."""
    registration = await office.client([REDIRECT_URI], profile="oidc", token_endpoint_auth_method="client_secret_jwt")
    signing = ClientSecretJWT(f"{office.server.issuer}/token")
    app = AuthlibApp(office.server.issuer, registration, "client_secret_jwt", signing=signing)

    _, claims = await app.sign_in(browser)

    assert claims["sub"] == person.sub


async def test_the_strict_profile_refuses_an_assertion_of_an_hour(browser: HtmlBrowser, office: BackOffice) -> None:
    """RFC 10070: the audience is the issuer, and the end is near; the relaxation is an operator's choice."""
    registration = await office.client([REDIRECT_URI], token_endpoint_auth_method="client_secret_jwt")
    signing = ClientSecretJWT(f"{office.server.issuer}/token")
    app = AuthlibApp(office.server.issuer, registration, "client_secret_jwt", signing=signing)

    with pytest.raises(Exception, match="invalid_client"):
        await app.sign_in(browser)


async def test_the_logout_url_signs_the_person_out(
    app: AuthlibApp, person: Person, browser: HtmlBrowser, office: BackOffice
) -> None:
    """RP-Initiated Logout §2."""
    token, _ = await app.sign_in(browser)
    logout = await app.app.create_logout_url(SIGNED_OUT_URI, id_token_hint=token["id_token"])

    page = await browser.open(logout["url"], came_from_elsewhere=True)

    assert page.location == f"{SIGNED_OUT_URI}?state={logout['state']}"
    begun = await app.app.create_authorization_url(REDIRECT_URI, prompt="none")
    assert (await browser.open(begun["url"])).answer().error == "login_required"


async def test_it_finds_nothing_wrong_with_a_registration_and_signs_a_person_in(
    office: BackOffice, browser: HtmlBrowser, person: Person
) -> None:
    """RFC 7591 §3.2.1, OIDC Registration §3.2: by Authlib's own reading of the answer."""
    token = await initial_token(office)
    async with AsyncOAuth2Client(token={"access_token": token, "token_type": "Bearer"}, trust_env=False) as session:
        endpoint = (await document_at(get_well_known_url(office.server.issuer, external=True)))["registration_endpoint"]
        answer = await session.post(endpoint, json={"client_name": "Harbour Books", "redirect_uris": [REDIRECT_URI]})
    said = answer.json()

    ClientMetadataClaims(said, {}).validate()
    app = AuthlibApp(office.server.issuer, Registration(said["client_id"], said["client_secret"], REDIRECT_URI))
    _tokens, claims = await app.sign_in(browser)

    assert answer.status_code == 201
    assert claims["sub"] == person.sub
