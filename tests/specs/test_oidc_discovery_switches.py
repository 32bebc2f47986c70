"""Metadata by what is switched on – OIDC Discovery §3, RFC 8414 §2: every member with its feature, no other without."""

from collections.abc import AsyncIterator

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from idp.domain.client import BadClient, Profile
from idp.policy.encryption import ALGS, ENCS
from tests.support import dpop
from tests.support.databases import fresh_database
from tests.support.html_browser import HtmlBrowser
from tests.support.jose import fitting_key, forge
from tests.support.polled import bank
from tests.support.provider import HandClock, Person, Provider, ask
from tests.support.pushed import PUSHED
from tests.support.relying_party import RelyingParty
from tests.support.resources import API, defined, resource

FOUR = ["RS256", "PS256", "ES256", "EdDSA"]
SWITCHES = {
    "IDP_IMPLICIT_AND_HYBRID": "on", "IDP_CLIENT_ID_DOCUMENTS": "on", "IDP_CLIENT_REGISTRATION": "token",
    "IDP_MTLS_URL": "https://mtls.id.example", "IDP_TRUSTED_PROXIES": "127.0.0.0/8",
    "IDP_DOCS_URL": "https://docs.example/", "IDP_POLICY_URL": "https://docs.example/policy",
    "IDP_TERMS_URL": "https://docs.example/terms",
}  # fmt: skip
ENDPOINTS = {
    "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "end_session_endpoint",
    "revocation_endpoint", "introspection_endpoint", "pushed_authorization_request_endpoint",
    "device_authorization_endpoint", "backchannel_authentication_endpoint",
}  # fmt: skip
ALWAYS = ENDPOINTS | {
    "issuer", "scopes_supported", "response_types_supported", "response_modes_supported", "grant_types_supported",
    "request_uri_parameter_supported", "require_request_uri_registration", "request_parameter_supported",
    "request_object_signing_alg_values_supported", "token_endpoint_auth_methods_supported",
    "token_endpoint_auth_signing_alg_values_supported", "revocation_endpoint_auth_methods_supported",
    "revocation_endpoint_auth_signing_alg_values_supported", "introspection_endpoint_auth_methods_supported",
    "introspection_endpoint_auth_signing_alg_values_supported", "code_challenge_methods_supported",
    "dpop_signing_alg_values_supported", "authorization_response_iss_parameter_supported", "subject_types_supported",
    "claims_supported", "claim_types_supported", "claims_parameter_supported", "acr_values_supported",
    "prompt_values_supported", "ui_locales_supported", "display_values_supported",
    "backchannel_token_delivery_modes_supported", "backchannel_authentication_request_signing_alg_values_supported",
    "backchannel_user_code_parameter_supported", "backchannel_logout_supported",
    "backchannel_logout_session_supported", "frontchannel_logout_supported", "frontchannel_logout_session_supported",
    *(f"{what}_signing_alg_values_supported" for what in ("id_token", "userinfo", "authorization", "introspection")),
    *(f"{what}_encryption_{how}_values_supported"
      for what in ("id_token", "userinfo", "authorization", "introspection") for how in ("alg", "enc")),
}  # fmt: skip
SWITCHED = {
    "registration_endpoint", "tls_client_certificate_bound_access_tokens", "mtls_endpoint_aliases",
    "client_id_metadata_document_supported", "service_documentation", "op_policy_uri", "op_tos_uri",
}  # fmt: skip
DEFINED = {"protected_resources", "authorization_details_types_supported"}


@pytest.fixture(scope="module")
async def everything(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """A provider with every switch on."""
    folder = tmp_path_factory.mktemp("everything")
    async with fresh_database("sqlite", folder) as url, Provider.running(folder, url, settings=SWITCHES) as provider:
        yield provider


@pytest.fixture(scope="module")
async def nothing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """A provider with every switch off, and no client yet."""
    folder = tmp_path_factory.mktemp("nothing")
    settings = {"IDP_CLIENT_REGISTRATION": "off"}
    async with fresh_database("sqlite", folder) as url, Provider.running(folder, url, settings=settings) as provider:
        yield provider


async def test_with_every_switch_off_only_what_always_works_is_listed(nothing: Provider) -> None:
    """RFC 8414 §2, §3.2: no session iframe, no signed metadata, nothing demanded of all, nothing of our invention."""
    metadata = await nothing.metadata()

    assert metadata.keys() == ALWAYS
    assert metadata["token_endpoint_auth_methods_supported"] == [
        "client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none",
    ]  # fmt: skip
    assert metadata["response_types_supported"] == ["code"]


async def test_with_every_switch_on_every_feature_is_listed_and_nothing_else(everything: Provider) -> None:
    """RFC 8414 §2, §7.1.1; RFC 8705 §3.3, §5; RFC 9728 §4; RFC 9396 §10."""
    detail = ("detail_types", {"type": "payment", "json_schema": {"type": "object"}, "template": "Pay"})
    async with defined(everything, ("resources", resource(API, "invoices.read", public=True)), detail):
        response = await everything.http.get(f"{everything.issuer}/.well-known/openid-configuration")
    metadata = response.json()

    assert metadata.keys() == ALWAYS | SWITCHED | DEFINED
    assert metadata["service_documentation"] == "https://docs.example/"
    assert metadata["op_policy_uri"] == "https://docs.example/policy"
    assert metadata["op_tos_uri"] == "https://docs.example/terms"
    assert metadata["response_types_supported"] == [
        "code", "id_token", "id_token token", "code id_token", "code token", "code id_token token",
    ]  # fmt: skip
    assert "implicit" in metadata["grant_types_supported"]
    methods = metadata["token_endpoint_auth_methods_supported"]
    assert methods[-3:] == ["tls_client_auth", "self_signed_tls_client_auth", "none"]
    assert metadata["introspection_endpoint_auth_methods_supported"] == methods[:-1]
    assert metadata["client_id_metadata_document_supported"] is True
    assert metadata["tls_client_certificate_bound_access_tokens"] is True
    assert set(metadata["mtls_endpoint_aliases"]) == {
        "token_endpoint", "pushed_authorization_request_endpoint", "userinfo_endpoint", "introspection_endpoint",
        "revocation_endpoint", "device_authorization_endpoint", "backchannel_authentication_endpoint",
    }  # fmt: skip


@pytest.mark.parametrize("endpoint", sorted(ENDPOINTS))
async def test_every_endpoint_is_https_below_the_issuer_and_answers(provider: Provider, endpoint: str) -> None:
    """RFC 8414 §2: whatever it says to a request without anything, it is there."""
    url = (await provider.metadata())[endpoint]

    assert url.startswith(provider.issuer + "/")
    assert url.startswith("https://")
    assert (await provider.http.get(url)).status_code not in (404, 500)


async def test_there_is_no_web_finger(provider: Provider) -> None:
    """OIDC Discovery §2: left out, since clients know their provider."""
    asked = {"resource": "acct:ada@example.org", "rel": "http://openid.net/specs/connect/1.0/issuer"}

    assert (await provider.http.get(f"{provider.issuer}/.well-known/webfinger", params=asked)).status_code == 404


async def test_references_are_offered_as_soon_as_somebody_may_use_them(nothing: Provider) -> None:
    """OIDC Discovery §3: absence of the first would mean true, so it is written out."""
    url = f"{nothing.issuer}/.well-known/openid-configuration"
    members = ("request_uri_parameter_supported", "require_request_uri_registration")
    before = (await nothing.http.get(url)).json()
    await nothing.client(profile=Profile.OIDC)
    await nothing.settle()
    after = (await nothing.http.get(url)).json()

    assert [before[name] for name in members] == [False, False]
    assert [after[name] for name in members] == [True, True]


async def test_every_proof_algorithm_works_and_no_other(provider: Provider, clock: HandClock) -> None:
    """RFC 9449 §5.1: dpop_signing_alg_values_supported."""
    rp = await provider.client(grant_types=["client_credentials"], redirect_uris=None, scope="reports")
    known = dpop.keys()
    others = {
        "RS256": RSAKey.generate_key(2048), "ES384": ECKey.generate_key("P-384"), "ES512": ECKey.generate_key("P-521"),
        "PS512": RSAKey.generate_key(2048), "Ed25519 ": OKPKey.generate_key("Ed25519"),
    }  # fmt: skip

    assert (await provider.metadata())["dpop_signing_alg_values_supported"] == list(known)
    for alg, key in known.items():
        key.now = clock.timestamp
        assert (await machine(rp, key.proof("POST", f"{rp.issuer}/token"))) == (200, None), alg
    for alg, other in others.items():
        key = dpop.ProofKey(other, alg.strip(), clock.timestamp)
        proof = key.proof("POST", f"{rp.issuer}/token", header={"alg": alg})
        assert (await machine(rp, proof)) == (400, "invalid_dpop_proof"), alg


async def machine(rp: RelyingParty, proof: str) -> tuple[int, str | None]:
    """Ask for a token of the client's own with a proof."""
    answer = await dpop.send(rp, "token_endpoint", proof, grant_type="client_credentials")
    return answer.status, answer.error


@pytest.mark.parametrize("what", ["objects", "questions"])
async def test_every_algorithm_of_signed_requests_works_and_no_other(
    provider: Provider, person: Person, what: str
) -> None:
    """RFC 9101 §4, CIBA §4: …signing_alg_values_supported of request objects and of authentication requests."""
    member = "request_object" if what == "objects" else "backchannel_authentication_request"
    listed = (await provider.metadata())[f"{member}_signing_alg_values_supported"]

    assert listed == [*(["RS256"] if what == "objects" else []), "PS256", "ES256", "EdDSA", "Ed25519"]
    for alg in ("RS256", "PS256", "ES256", "EdDSA", "Ed25519", "RS384", "PS512", "ES384", "ES512", "HS256", "none"):
        assert (await signs(provider, person, what, alg)) is (alg in listed), alg


async def signs(provider: Provider, person: Person, what: str, alg: str) -> bool:
    """Register a client that signs by an algorithm, and say whether what it signs is taken."""
    key = fitting_key(alg) if alg != "none" else None
    registered = {} if isinstance(key, bytes) or key is None else {"key": key}
    if what == "objects":
        rp = await provider.client(**registered)  # type: ignore[arg-type]
    else:
        try:
            rp = (await bank(provider, **registered, backchannel_authentication_request_signing_alg=alg)).rp
        except BadClient:
            return False
    now = int(rp.now())
    usual = {"iss": rp.client_id, "aud": rp.issuer, "iat": now, "nbf": now, "exp": now + 60, "jti": f"{what}{alg}"}
    if what == "questions":
        asked = forge({"alg": alg}, {**usual, "scope": "openid", "login_hint": (await provider.person()).username},
                      key, alg)  # fmt: skip
        return (await rp.post("backchannel_authentication_endpoint", {"request": asked})).status == 200
    request = (await rp.authorization_request()).parameters
    answer = await rp.post(
        PUSHED, {"client_id": rp.client_id, "request": forge({"alg": alg}, usual | request, key, alg)}
    )
    return answer.status == 201


@pytest.mark.parametrize("what", ["id_token", "userinfo", "authorization", "introspection"])
async def test_every_algorithm_of_answers_can_be_registered_and_no_other(provider: Provider, what: str) -> None:
    """OIDC Registration §2, JARM §3, RFC 9701 §6: …_signing_, _encryption_alg_ and _encryption_enc_values_supported."""
    metadata = await provider.metadata()
    keys = {"keys": [RSAKey.generate_key(2048, {"use": "enc"}).as_dict(private=False),
                     ECKey.generate_key("P-256", {"use": "enc"}).as_dict(private=False)]}  # fmt: skip
    name = f"{what}_signed_response_alg"

    assert metadata[f"{what}_signing_alg_values_supported"] == FOUR
    assert metadata[f"{what}_encryption_alg_values_supported"] == list(ALGS)
    assert metadata[f"{what}_encryption_enc_values_supported"] == list(ENCS)
    for alg in FOUR:
        assert await provider.client(**{name: alg})
    for alg in ALGS:
        for enc in ENCS:
            pair = {f"{what}_encrypted_response_alg": alg, f"{what}_encrypted_response_enc": enc}
            assert await provider.client(jwks=keys, **{name: "RS256"}, **pair)
    for bad in ("none", "HS256", "RS384", "ES512", "Ed25519"):
        with pytest.raises(BadClient):
            await provider.client(**{name: bad})
    for member, bad in (("alg", "RSA1_5"), ("alg", "RSA-OAEP"), ("alg", "dir"), ("alg", "A128KW"),
                        ("alg", "PBES2-HS256+A128KW"), ("enc", "A192GCM"), ("enc", "none")):  # fmt: skip
        pair = {f"{what}_encrypted_response_alg": "ECDH-ES", f"{what}_encrypted_response_{member}": bad}
        with pytest.raises(BadClient):
            await provider.client(jwks=keys, **{name: "RS256"}, **pair)


async def test_every_display_is_taken_and_shown_as_a_page(
    provider: Provider, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """OIDC Core §3.1.2.1: display_values_supported; what is not listed is no fault."""
    assert (await provider.metadata())["display_values_supported"] == ["page"]
    for display in ("page", "popup", "touch", "wap", "nonsense"):
        assert (await ask(browser, rp, display=display)).name == "login"


async def test_every_delivery_mode_can_be_registered_and_no_other(provider: Provider) -> None:
    """CIBA §4: backchannel_token_delivery_modes_supported; user codes are not offered."""
    metadata = await provider.metadata()
    there = {"backchannel_client_notification_endpoint": "https://rp.example/told"}

    assert metadata["backchannel_token_delivery_modes_supported"] == ["poll", "ping"]
    assert metadata["backchannel_user_code_parameter_supported"] is False
    assert await bank(provider, backchannel_token_delivery_mode="poll")
    assert await bank(provider, backchannel_token_delivery_mode="ping", **there)
    for other in ("push", "POLL", ""):
        with pytest.raises(BadClient):
            await bank(provider, backchannel_token_delivery_mode=other, **there)
    with pytest.raises(BadClient):
        await bank(provider, backchannel_user_code_parameter=True)
