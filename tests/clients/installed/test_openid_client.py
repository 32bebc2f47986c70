"""openid-client (npm), certified by the OpenID Foundation, and jose, the library below it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from idp.domain.client import Profile
from tests.support.back_office import BackOffice, Person, Registration
from tests.support.html_browser import HtmlBrowser
from tests.support.node_client import ClientFault, NodeClient, node_client
from tests.support.registrant import initial_token

pytestmark = pytest.mark.xdist_group("foreign-clients")

REDIRECT_URI = "https://rp.example/callback"
SIGNED_OUT_URI = "https://rp.example/signed-out"
PARAMETERS = {"redirect_uri": REDIRECT_URI, "scope": "openid profile email offline_access"}
Json = dict[str, Any]


@dataclass
class Website:
    """A website built on openid-client."""

    node: NodeClient
    office: BackOffice

    async def discover(self, registration: Registration, method: str, **options: Any) -> Json:
        """Configure it from the provider's metadata."""
        metadata: Json = await self.node.tell(
            "discover",
            issuer=self.office.server.issuer,
            clientId=registration.client_id,
            method=method,
            secret=registration.client_secret,
            **options,
        )
        return metadata

    async def sign_in(self, browser: HtmlBrowser, max_age: int | None = None, **parameters: str) -> Json:
        """Send the person to the provider and redeem what comes back, in whichever mode it comes."""
        wanted = {**PARAMETERS, **parameters} | ({} if max_age is None else {"max_age": str(max_age)})
        begun = await self.node.tell("begin", parameters=wanted)
        page = await browser.leave(await browser.open(begun["url"], came_from_elsewhere=True))
        if page.name == "form-post":
            posted = page.answer().parameters
            return dict(await self.node.tell("finish", url=REDIRECT_URI, form=dict(posted)))
        return dict(await self.node.tell("finish", url=page.location, maxAge=max_age))


@pytest.fixture
async def website(office: BackOffice) -> AsyncIterator[Website]:
    """A running one, not configured yet."""
    async with node_client() as node:
        yield Website(node, office)


@pytest.fixture
async def registration(office: BackOffice) -> Registration:
    """A confidential website that is also a machine."""
    return await office.client(
        [REDIRECT_URI],
        grant_types=["authorization_code", "refresh_token", "client_credentials"],
        post_logout_redirect_uris=[SIGNED_OUT_URI],
    )


async def test_openid_client_reads_our_metadata(website: Website, registration: Registration) -> None:
    """OIDC Discovery §4.3: it refuses a document whose issuer is not the one it asked."""
    metadata = await website.discover(registration, "client_secret_basic")

    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert metadata["code_challenge_methods_supported"] == ["S256"]


async def test_a_person_signs_in_and_is_known(
    website: Website, registration: Registration, browser: HtmlBrowser, person: Person
) -> None:
    """OIDC Core §3.1, RFC 7636, RFC 9207; openid-client checks signature, iss, aud, azp, nonce and times."""
    await website.discover(registration, "client_secret_basic")

    tokens = await website.sign_in(browser)
    userinfo = await website.node.tell("userinfo")

    assert tokens["claims"]["sub"] == userinfo["sub"] == person.sub
    assert userinfo["email"] == person.email


async def test_an_answer_by_form_post_is_understood(
    website: Website, registration: Registration, browser: HtmlBrowser, person: Person
) -> None:
    """OAuth 2.0 Form Post Response Mode."""
    await website.discover(registration, "client_secret_basic")

    tokens = await website.sign_in(browser, response_mode="form_post")

    assert tokens["claims"]["sub"] == person.sub


async def test_max_age_is_proved_by_auth_time(
    website: Website, registration: Registration, browser: HtmlBrowser
) -> None:
    await website.discover(registration, "client_secret_basic")

    tokens = await website.sign_in(browser, max_age=300)

    assert tokens["claims"]["auth_time"]


async def test_tokens_are_renewed_introspected_and_revoked(
    website: Website, registration: Registration, browser: HtmlBrowser, person: Person
) -> None:
    """RFC 6749 §6, OIDC Core §12.2, RFC 7662, RFC 7009."""
    await website.discover(registration, "client_secret_basic")
    first = await website.sign_in(browser)

    second = await website.node.tell("refresh")
    described = await website.node.tell("introspect", which="access_token")
    await website.node.tell("revoke", which="refresh_token")

    assert second["refresh_token"] != first["refresh_token"]
    assert second["claims"]["sub"] == person.sub
    assert (described["active"], described["sub"]) == (True, person.sub)
    assert await website.node.tell("introspect", which="access_token") == {"active": False}
    with pytest.raises(ClientFault) as refused:
        await website.node.tell("refresh")
    assert refused.value.error == "invalid_grant"


async def test_a_machine_gets_a_token_for_itself(website: Website, registration: Registration) -> None:
    """RFC 6749 §4.4."""
    await website.discover(registration, "client_secret_basic")

    token = await website.node.tell("machine")

    assert token["token_type"] == "bearer"  # openid-client's spelling
    assert "refresh_token" not in token


@pytest.mark.parametrize("method", ["client_secret_post", "client_secret_jwt", "none"])
async def test_other_ways_to_prove_who_the_client_is(
    method: str, website: Website, office: BackOffice, browser: HtmlBrowser, person: Person
) -> None:
    """OIDC Core §9, in the default profile: openid-client's assertions name the issuer and live a minute."""
    registration = await office.client([REDIRECT_URI], token_endpoint_auth_method=method)
    await website.discover(registration, method)

    tokens = await website.sign_in(browser)

    assert tokens["claims"]["sub"] == person.sub


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "Ed25519"])
async def test_a_client_signs_its_own_assertion(
    alg: str, website: Website, office: BackOffice, browser: HtmlBrowser, person: Person
) -> None:
    """RFC 7523 §2.2, RFC 10070; RFC 9864 calls EdDSA on this curve Ed25519."""
    key: RSAKey | ECKey | OKPKey
    if alg == "ES256":
        key = ECKey.generate_key("P-256", {"kid": "own"})
    elif alg == "Ed25519":
        key = OKPKey.generate_key("Ed25519", {"kid": "own"})
    else:
        key = RSAKey.generate_key(2048, {"kid": "own"})
    public = {**key.as_dict(private=False), "kid": "own"}
    registration = await office.client(
        [REDIRECT_URI], token_endpoint_auth_method="private_key_jwt", jwks={"keys": [public]}
    )
    await website.discover(registration, "private_key_jwt", jwk=key.as_dict(private=True), alg=alg)

    tokens = await website.sign_in(browser)
    described = await website.node.tell("introspect", which="access_token")

    assert tokens["claims"]["sub"] == person.sub
    assert described["active"] is True


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
async def test_jose_verifies_our_tokens(
    alg: str, website: Website, office: BackOffice, browser: HtmlBrowser, person: Person
) -> None:
    """RFC 7515, RFC 9068 §4: the ID token as a client, the access token as a resource server."""
    registration = await office.client(
        [REDIRECT_URI], id_token_signed_response_alg=alg, access_token_signed_response_alg=alg
    )
    await website.discover(registration, "client_secret_basic", metadata={"id_token_signed_response_alg": alg})
    await website.sign_in(browser)

    verified = await website.node.tell("verify", alg=alg, audience=office.server.issuer)

    assert verified["id"]["sub"] == verified["access"]["sub"] == person.sub
    assert verified["access"]["client_id"] == registration.client_id


async def test_the_end_session_url_signs_the_person_out(
    website: Website, registration: Registration, browser: HtmlBrowser
) -> None:
    """RP-Initiated Logout §2."""
    await website.discover(registration, "client_secret_basic")
    await website.sign_in(browser)
    parameters = {"post_logout_redirect_uri": SIGNED_OUT_URI, "state": "bye"}
    logout = await website.node.tell("endSession", parameters=parameters)

    page = await browser.open(logout["url"], came_from_elsewhere=True)

    assert page.location == f"{SIGNED_OUT_URI}?state=bye"
    begun = await website.node.tell("begin", parameters={**PARAMETERS, "prompt": "none"})
    with pytest.raises(ClientFault) as refused:
        await website.node.tell("finish", url=(await browser.open(begun["url"])).location)
    assert refused.value.error == "login_required"


@pytest.mark.parametrize("method", ["client_secret_post", "none"])
async def test_it_registers_itself_and_signs_a_person_in(
    website: Website, office: BackOffice, browser: HtmlBrowser, person: Person, method: str
) -> None:
    """RFC 7591 §3: with an initial access token, and nothing that an operator typed in; it posts its secret unasked."""
    native = method == "none"
    token = await initial_token(office, profile=Profile.NATIVE if native else Profile.OAUTH21)
    metadata = {
        "client_name": "Harbour Books", "redirect_uris": [REDIRECT_URI], "token_endpoint_auth_method": method,
        "grant_types": ["authorization_code", "refresh_token"],
    }  # fmt: skip

    said = await website.node.tell("register", issuer=office.server.issuer, metadata=metadata, initialAccessToken=token)
    tokens = await website.sign_in(browser)

    assert ("client_secret" in said) is not native
    assert tokens["claims"]["sub"] == person.sub
