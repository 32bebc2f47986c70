"""openid-client (npm) with what came after OAuth 2.0: pushed, signed, bound to a key, encrypted, on another device."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from tests.clients.installed.test_openid_client import PARAMETERS, REDIRECT_URI, Website
from tests.support.back_office import BackOffice, Person
from tests.support.html_browser import HtmlBrowser
from tests.support.node_client import ClientFault, node_client

pytestmark = pytest.mark.xdist_group("foreign-clients")

Json = dict[str, Any]


@pytest.fixture
async def website(office: BackOffice) -> AsyncIterator[Website]:
    """A running one, not configured yet."""
    async with node_client() as node:
        yield Website(node, office)


async def signed_in(website: Website, browser: HtmlBrowser, parameters: Json | None = None, **options: Any) -> Json:
    """Begin in some way, go through the browser, and redeem."""
    begun = await website.node.tell("begin", parameters={**PARAMETERS, **(parameters or {})}, **options)
    page = await browser.leave(await browser.open(begun["url"], came_from_elsewhere=True))
    if page.name == "form-post":
        return dict(await website.node.tell("finish", url=REDIRECT_URI, form=dict(page.answer().parameters)))
    return dict(await website.node.tell("finish", url=page.location))


async def test_a_request_is_pushed(website: Website, office: BackOffice, browser: HtmlBrowser, person: Person) -> None:
    """RFC 9126."""
    registration = await office.client([REDIRECT_URI], require_pushed_authorization_requests=True)
    await website.discover(registration, "client_secret_basic")

    tokens = await signed_in(website, browser, push=True)

    assert tokens["claims"]["sub"] == person.sub


@pytest.mark.parametrize("push", [False, True])
async def test_a_request_is_signed(
    website: Website, office: BackOffice, browser: HtmlBrowser, person: Person, push: bool
) -> None:
    """RFC 9101, by value and pushed."""
    key = ECKey.generate_key("P-256", {"kid": "own"}, private=True)
    jwks = {"keys": [{**key.as_dict(private=False), "kid": "own"}]}
    registration = await office.client([REDIRECT_URI], jwks=jwks, require_signed_request_object=True)
    await website.discover(registration, "client_secret_basic")

    sign = {"jwk": {**key.as_dict(private=True), "kid": "own"}, "alg": "ES256"}
    tokens = await signed_in(website, browser, push=push, sign=sign)

    assert tokens["claims"]["sub"] == person.sub


@pytest.mark.parametrize("alg", ["ES256", "PS256", "Ed25519"])
@pytest.mark.parametrize("push", [False, True])
async def test_tokens_are_bound_to_a_key(
    website: Website, office: BackOffice, browser: HtmlBrowser, person: Person, alg: str, push: bool
) -> None:
    """RFC 9449: the library meets use_dpop_nonce and tries again, at each endpoint."""
    registration = await office.client([REDIRECT_URI], dpop_bound_access_tokens=True, require_dpop_nonce=True)
    await website.discover(registration, "client_secret_basic", features={"dpop": alg})

    tokens = await signed_in(website, browser, push=push)
    renewed = await website.node.tell("refresh")

    assert (tokens["token_type"], renewed["token_type"]) == ("dpop", "dpop")  # openid-client's spelling
    assert (await website.node.tell("userinfo"))["sub"] == person.sub


async def test_a_bank_does_all_of_it(
    website: Website, office: BackOffice, browser: HtmlBrowser, person: Person
) -> None:
    """FAPI 2.0 Security Profile and Message Signing: assertion, signed and pushed request, JARM, DPoP."""
    key = ECKey.generate_key("P-256", {"kid": "own"}, private=True)
    jwks = {"keys": [{**key.as_dict(private=False), "kid": "own", "alg": "ES256"}]}
    registration = await office.client(
        [REDIRECT_URI], profile="fapi2", token_endpoint_auth_method="private_key_jwt", jwks=jwks,
        require_signed_request_object=True,
    )  # fmt: skip
    private = {**key.as_dict(private=True), "kid": "own"}
    await website.discover(
        registration, "private_key_jwt", jwk=private, alg="ES256", features={"dpop": "ES256", "jwtResponse": True},
        metadata={"authorization_signed_response_alg": "ES256", "id_token_signed_response_alg": "ES256"},
    )  # fmt: skip

    tokens = await signed_in(website, browser, push=True, sign={"jwk": private, "alg": "ES256"})

    assert tokens["claims"]["sub"] == (await website.node.tell("userinfo"))["sub"] == person.sub


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
async def test_answers_are_signed(
    website: Website, office: BackOffice, browser: HtmlBrowser, person: Person, alg: str
) -> None:
    """JARM: the library checks signature, iss, aud and exp of the response."""
    registration = await office.client([REDIRECT_URI], authorization_signed_response_alg=alg)
    metadata = {"authorization_signed_response_alg": alg}
    await website.discover(registration, "client_secret_basic", metadata=metadata, features={"jwtResponse": True})

    assert (await signed_in(website, browser))["claims"]["sub"] == person.sub


async def test_a_hybrid_answer_is_checked(
    website: Website, office: BackOffice, browser: HtmlBrowser, person: Person
) -> None:
    """OIDC Core §3.3: c_hash and both ID tokens agree."""
    registration = await office.client(
        [REDIRECT_URI], profile="oidc", response_types=["code id_token"],
        grant_types=["authorization_code", "implicit", "refresh_token"],
    )  # fmt: skip
    await website.discover(registration, "client_secret_basic", features={"codeIdToken": True})

    tokens = await signed_in(website, browser, {"response_type": "code id_token", "response_mode": "form_post"})

    assert tokens["claims"]["sub"] == person.sub


async def test_an_implicit_answer_is_checked(
    website: Website, office: BackOffice, browser: HtmlBrowser, person: Person
) -> None:
    """OIDC Core §3.2: an ID token alone, in the fragment."""
    registration = await office.client(
        [REDIRECT_URI], profile="oidc", response_types=["id_token"], grant_types=["implicit"]
    )
    await website.discover(registration, "client_secret_basic", features={"idToken": True})
    parameters = {"redirect_uri": REDIRECT_URI, "scope": "openid email", "response_type": "id_token"}

    begun = await website.node.tell("begin", parameters=parameters)
    page = await browser.leave(await browser.open(begun["url"], came_from_elsewhere=True))
    claims = await website.node.tell("implicit", url=page.location)

    assert (claims["sub"], claims["email"]) == (person.sub, person.email)


@pytest.mark.parametrize("alg", ["RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"])
async def test_an_encrypted_id_token_is_opened(
    website: Website, office: BackOffice, browser: HtmlBrowser, person: Person, alg: str
) -> None:
    """RFC 7516, OIDC Core §10.2: signed, then encrypted to the client's key."""
    key: RSAKey | ECKey
    if alg.startswith("RSA"):
        key = RSAKey.generate_key(2048, {"kid": "enc"}, private=True)
    else:
        key = ECKey.generate_key("P-256", {"kid": "enc"}, private=True)
    public = {**key.as_dict(private=False), "kid": "enc", "use": "enc", "alg": alg}
    registration = await office.client([REDIRECT_URI], jwks={"keys": [public]}, id_token_encrypted_response_alg=alg)
    decrypt = {**key.as_dict(private=True), "kid": "enc", "alg": alg}
    await website.discover(registration, "client_secret_basic", features={"decrypt": decrypt})

    assert (await signed_in(website, browser))["claims"]["sub"] == person.sub


async def test_a_device_is_let_in(website: Website, office: BackOffice, browser: HtmlBrowser, person: Person) -> None:
    """RFC 8628: the library polls while the person answers."""
    registration = await office.client(
        [], token_endpoint_auth_method="none", profile="native",
        grant_types=["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
    )  # fmt: skip
    await website.discover(registration, "none", features={"dpop": "ES256"})
    shown = await website.node.tell("device", parameters={"scope": "openid email"})

    polling = asyncio.create_task(website.node.tell("pollDevice"))
    await browser.open(shown["verification_uri_complete"])
    await browser.sign_in()
    await browser.submit("user-code-submit")
    await browser.submit("consent-allow")

    assert (await polling)["claims"]["sub"] == person.sub


async def test_who_denies_a_device_is_heard(website: Website, office: BackOffice, browser: HtmlBrowser) -> None:
    """RFC 8628 §3.5: access_denied ends the polling."""
    registration = await office.client(
        [], token_endpoint_auth_method="none", profile="native",
        grant_types=["urn:ietf:params:oauth:grant-type:device_code"],
    )  # fmt: skip
    await website.discover(registration, "none")
    shown = await website.node.tell("device", parameters={"scope": "openid"})

    polling = asyncio.create_task(website.node.tell("pollDevice"))
    await browser.open(shown["verification_uri_complete"])
    await browser.sign_in()
    await browser.submit("user-code-submit")
    await browser.submit("consent-deny")

    with pytest.raises(ClientFault) as refused:
        await polling
    assert refused.value.error == "access_denied"


async def test_a_person_is_asked_on_their_own_device(
    website: Website, office: BackOffice, browser: HtmlBrowser, person: Person
) -> None:
    """CIBA Core §7, §10, poll mode."""
    registration = await office.client(
        [], grant_types=["urn:openid:params:grant-type:ciba"], backchannel_token_delivery_mode="poll"
    )
    await website.discover(registration, "client_secret_basic")
    parameters = {"scope": "openid email", "login_hint": person.username, "binding_message": "A-17"}
    begun = await website.node.tell("ciba", parameters=parameters)

    polling = asyncio.create_task(website.node.tell("pollCiba"))
    await browser.open(f"{office.server.issuer}/ciba/approve/{await office.waiting_approval(person)}")
    await browser.sign_in()
    assert "A-17" in browser.page.text("binding-message")
    await browser.submit("consent-allow")

    assert begun["interval"] >= 1
    assert (await polling)["claims"]["sub"] == person.sub
