"""Dynamic client registration – RFC 7591, OpenID Connect Dynamic Client Registration 1.0."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey

from idp.domain.client import Profile
from tests.support.databases import fresh_database
from tests.support.hosted import PNG, Hosted
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import Provider, at_once
from tests.support.registrant import CALLBACK, Registrant, initial_token

KEY = ECKey.generate_key("P-256", {"kid": "k"})
PUBLIC_KEYS = {"keys": [KEY.as_dict(private=False)]}
Json = dict[str, Any]


async def test_the_metadata_names_the_endpoint_unless_registration_is_off(provider: Provider) -> None:
    """RFC 8414 §2; OIDC Discovery §3."""
    assert (await provider.metadata())["registration_endpoint"] == f"{provider.issuer}/register"


async def test_a_registration_is_answered_with_everything_that_was_stored(anybody: Registrant) -> None:
    """RFC 7591 §3.2.1: 201, no-store, what was registered with its defaults, and how to come back."""
    answer = await anybody.register(client_name="Harbour Books", client_uri="https://rp.example/")
    said = answer.body

    assert answer.status == 201
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    assert said.pop("client_id")
    assert len(said.pop("client_secret")) >= 43
    assert len(said.pop("registration_access_token")) >= 43
    assert said.pop("registration_client_uri").startswith(f"{anybody.issuer}/register/c-")
    assert said.pop("client_id_issued_at") > 1_890_000_000
    assert said == {
        "client_name": "Harbour Books",
        "client_uri": "https://rp.example/",
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_basic",
        "client_secret_expires_at": 0,
        "application_type": "web",
        "subject_type": "public",
        "scope": "openid profile email address phone offline_access",
        "id_token_signed_response_alg": "RS256",
        "introspection_signed_response_alg": "RS256",
        "require_auth_time": True,
    }


async def test_a_registered_client_signs_people_in(open_provider: Provider, anybody: Registrant) -> None:
    """RFC 7591 §1.2: what was given out works at once, for both kinds of client."""
    for method in ("client_secret_basic", "client_secret_post", "none"):
        said = await anybody.registered(
            token_endpoint_auth_method=method, grant_types=["authorization_code", "refresh_token"]
        )
        rp = await anybody.client(open_provider, said)
        person = await open_provider.person()
        async with open_provider.browser(person) as browser:
            tokens = await rp.redeem(await browser.authorize(rp))

        assert tokens.status == 200
        assert (await rp.refresh(tokens.refresh_token)).status == 200


@pytest.mark.parametrize(
    ("method", "profile", "members"),
    [
        ("client_secret_basic", "oauth21", {}),
        ("client_secret_post", "oauth21", {}),
        ("client_secret_jwt", "oauth21", {"token_endpoint_auth_signing_alg": "HS256"}),
        ("private_key_jwt", "oauth21", {"jwks": PUBLIC_KEYS}),
        ("none", "native", {}),
    ],
)
async def test_a_secret_is_made_for_methods_that_need_one_and_no_other(
    open_provider: Provider, anybody: Registrant, method: str, profile: str, members: Json
) -> None:
    """RFC 7591 §2, §3.2.1: client_secret and client_secret_expires_at come together; the profile follows."""
    said = await anybody.registered(token_endpoint_auth_method=method, **members)
    client = await open_provider.site.clients.find(said["client_id"])

    assert client is not None
    assert client.profile == profile
    assert ("client_secret" in said) == ("client_secret_expires_at" in said) == method.startswith("client_secret")


async def test_unknown_members_and_those_of_the_operator_are_dropped(
    open_provider: Provider, anybody: Registrant
) -> None:
    """RFC 7591 §2: the server ignores what it does not understand; nobody chooses id, secret, profile or consent."""
    wishes = {
        "client_id": "mine", "client_secret": "hush", "profile": "oidc", "first_party": True, "active": False,
        "is_first_party": True, "self_registered": False, "default_scope": "openid", "access_token_format": "opaque",
        "audiences": ["https://api.example"], "allowed_cors_origins": ["https://evil.example"],
        "response_modes": ["query"], "brand_color": "#000000", "client_name#fr": "Livres", "x": {"y": [1]},
        "registration_access_token": "mine", "client_id_issued_at": 0, "client_secret_expires_at": 1,
    }  # fmt: skip
    said = await anybody.registered(**wishes)
    client = await open_provider.site.clients.find(said["client_id"])

    assert said["client_secret_expires_at"] == 0
    assert not {name: said[name] for name in wishes if said.get(name) == wishes[name]}
    assert client is not None
    assert (client.profile, client.is_first_party, client.is_active) == (Profile.OAUTH21, False, True)
    assert client.is_self_registered
    assert (client.audiences, client.allowed_cors_origins, client.default_scopes) == ((), (), ())


async def test_a_member_that_is_null_counts_as_absent(anybody: Registrant) -> None:
    """RFC 7592 §2.2, applied to both."""
    said = await anybody.registered(policy_uri=None) | await anybody.registered()
    answer = await anybody.post({"redirect_uris": [CALLBACK], "policy_uri": None, "token_endpoint_auth_method": None})

    assert answer.status == 201
    assert "policy_uri" not in answer.body
    assert answer.body["token_endpoint_auth_method"] == said["token_endpoint_auth_method"]


KEPT: Json = {
    "client_name": "Bücher & Söhne",
    "redirect_uris": ["https://rp.example/callback?a=b&c=d", "https://rp.example/2"],
    "post_logout_redirect_uris": ["https://rp.example/bye"],
    "initiate_login_uri": "https://rp.example/login",
    "policy_uri": "https://rp.example/privacy",
    "tos_uri": "https://rp.example/terms",
    "contacts": ["ops@rp.example"],
    "application_type": "web",
    "subject_type": "public",
    "software_id": "4NRB1-0XZABZI9E6-5SM3R",
    "software_version": "2.1",
    "default_max_age": 0,
    "default_acr_values": ["urn:idp:loa:2"],
    "require_auth_time": True,
    "id_token_signed_response_alg": "ES256",
    "backchannel_logout_uri": "https://rp.example/back",
    "backchannel_logout_session_required": True,
    "frontchannel_logout_uri": "https://rp.example/front",
    "frontchannel_logout_session_required": True,
    "require_pushed_authorization_requests": True,
    "require_signed_request_object": True,
    "dpop_bound_access_tokens": True,
    "jwks": PUBLIC_KEYS,
    "scope": "openid email",
}


@pytest.mark.parametrize("name", KEPT)
async def test_a_member_is_kept_and_echoed(anybody: Registrant, name: str) -> None:
    """OIDC Registration §2, §3.2; the logout specifications; RFC 9126 §6, RFC 9101 §10.5, RFC 9449 §5.2."""
    said = await anybody.registered(**{name: KEPT[name]})

    assert said[name] == KEPT[name]
    assert (await anybody.read(said)).body[name] == KEPT[name]


async def test_what_was_promised_is_kept_even_where_it_keeps_the_client_out(
    open_provider: Provider, anybody: Registrant
) -> None:
    """RFC 9126 §6, RFC 9101 §10.5, RFC 9449 §5.2: a plain request, or one without a proof, is refused."""
    async with open_provider.browser(await open_provider.person()) as browser:
        for name in ("require_pushed_authorization_requests", "require_signed_request_object"):
            rp = await anybody.client(open_provider, await anybody.registered(**{name: True}))
            assert (await at_once(browser, rp)).error == "invalid_request"
        rp = await anybody.client(open_provider, await anybody.registered(dpop_bound_access_tokens=True))
        assert (await rp.redeem(await browser.authorize(rp))).error == "invalid_request"


@pytest.mark.parametrize(
    "members",
    [
        {"userinfo_signed_response_alg": "none"}, {"request_object_signing_alg": "none"},
        {"request_uris": ["https://rp.example/request"]}, {"id_token_encrypted_response_alg": "RSA-OAEP-256"},
        {"userinfo_encrypted_response_alg": "RSA-OAEP-256"}, {"request_object_encryption_alg": "RSA-OAEP-256"},
        {"authorization_signed_response_alg": "HS256"}, {"tls_client_certificate_bound_access_tokens": True},
        {"token_endpoint_auth_method": "tls_client_auth"}, {"subject_type": "secret"},
        {"id_token_signed_response_alg": "none"}, {"id_token_signed_response_alg": "HS256"},
        {"response_types": ["id_token"]}, {"response_types": ["code", "code id_token"]}, {"grant_types": ["implicit"]},
        {"backchannel_token_delivery_mode": "push"}, {"use_mtls_endpoint_aliases": True},
        {"grant_types": ["urn:openid:params:grant-type:ciba"], "response_types": []},
    ],
    ids=str,
)  # fmt: skip
async def test_what_is_not_offered_is_refused_and_never_promised(anybody: Registrant, members: Json) -> None:
    """RFC 7591 §3.2.2."""
    answer = await anybody.register(**members)

    assert (answer.status, answer.error) == (400, "invalid_client_metadata")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "members",
    [
        {"grant_types": ["client_credentials"], "response_types": ["code"]},
        {"grant_types": ["authorization_code"], "response_types": []},
        {"grant_types": ["refresh_token"], "response_types": []},
        {"grant_types": []},
    ],
    ids=str,
)
async def test_grant_types_and_response_types_must_agree(invited: Registrant, members: Json) -> None:
    """RFC 7591 §2.1."""
    answer = await invited.register(**members)

    assert (answer.status, answer.error) == (400, "invalid_client_metadata")


async def test_response_types_follow_the_grant_types_where_none_are_said(invited: Registrant) -> None:
    """RFC 7591 §2.1: a machine needs no redirect URI."""
    said = await invited.registered(grant_types=["client_credentials"], redirect_uris=None)

    assert (said["response_types"], said["redirect_uris"]) == ([], [])


@pytest.mark.parametrize(
    "members",
    [
        {"redirect_uris": [5]}, {"redirect_uris": "https://rp.example/cb"}, {"redirect_uris": []},
        {"redirect_uris": None}, {"redirect_uris": {}}, {"redirect_uris": [CALLBACK + "#"]},
        {"redirect_uris": [CALLBACK, "http://rp.example/cb"]}, {"redirect_uris": ["com.example.app:/cb"]},
        {"redirect_uris": ["myapp:/cb"], "token_endpoint_auth_method": "none"},
        {"redirect_uris": ["https://rp.example/" + "x" * 2048]},
        {"post_logout_redirect_uris": ["javascript:alert(1)"]},
    ],
    ids=str,
)  # fmt: skip
async def test_a_bad_redirect_uri_has_an_error_of_its_own(anybody: Registrant, members: Json) -> None:
    """RFC 7591 §3.2.2."""
    answer = await anybody.register(**members)

    assert (answer.status, answer.error) == (400, "invalid_redirect_uri")


@pytest.mark.parametrize(
    "members",
    [
        {"client_name": {}}, {"client_name": "x" * 101}, {"client_name": "a\nb"}, {"client_name": "a\u202eb"},
        {"client_name": ""}, {"scope": 5}, {"scope": ["openid"]}, {"scope": 'a"b'}, {"contacts": "ops@rp.example"},
        {"contacts": [1]}, {"jwks": {}}, {"jwks": "keys"}, {"jwks": PUBLIC_KEYS, "jwks_uri": "https://rp.example/jwks"},
        {"jwks": {"keys": [KEY.as_dict(private=True)]}}, {"jwks_uri": 5}, {"jwks_uri": "http://rp.example/jwks"},
        {"default_max_age": -1}, {"default_max_age": True}, {"default_max_age": "5"}, {"require_auth_time": "yes"},
        {"dpop_bound_access_tokens": 1}, {"token_endpoint_auth_method": "password"}, {"token_endpoint_auth_method": []},
        {"token_endpoint_auth_method": "private_key_jwt"}, {"token_endpoint_auth_signing_alg": "none"},
        {"application_type": "desktop"}, {"initiate_login_uri": "http://rp.example/login"}, {"client_uri": "x"},
        {"policy_uri": "javascript:alert(1)"}, {"frontchannel_logout_uri": "https://other.example/out"},
        {"grant_types": "authorization_code"}, {"grant_types": [{}]}, {"software_id": "x" * 256},
    ],
    ids=lambda members: str(members)[:40],
)  # fmt: skip
async def test_a_member_of_the_wrong_kind_is_refused(anybody: Registrant, members: Json) -> None:
    """RFC 7591 §2, §3.2.2; OIDC Registration §3.3."""
    answer = await anybody.register(**members)

    assert (answer.status, answer.error) == (400, "invalid_client_metadata")
    assert answer.body["error_description"]


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "null", '"x"', "{'a':1}", '{"redirect_uris":[],"redirect_uris":[]}', '{"a":NaN}',
             "[" * 9999, b"\xff\xfe", json.dumps({str(number): 0 for number in range(2000)})]
)  # fmt: skip
async def test_a_body_that_is_no_clear_json_object_is_refused(anybody: Registrant, body: str | bytes) -> None:
    """RFC 7591 §3.1; a member that appears twice means nothing."""
    answer = await anybody.post(body)

    assert answer.status == 400
    assert answer.error == ("invalid_request" if body == b"\xff\xfe" else "invalid_client_metadata")


@pytest.mark.parametrize("media_type", ["application/x-www-form-urlencoded", "text/plain", "application/jwt", ""])
async def test_the_body_is_json_and_nothing_else(anybody: Registrant, media_type: str) -> None:
    """RFC 7591 §3.1; RFC 9110 §15.5.16."""
    assert (await anybody.post("{}", content_type=media_type)).status == 415


async def test_a_body_has_an_end(anybody: Registrant) -> None:
    """RFC 9110 §15.5.14."""
    assert (await anybody.register(client_name="x" * 70_000)).status == 413


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_there_is_one_method(anybody: Registrant, method: str) -> None:
    """RFC 7591 §3: POST."""
    answer = await anybody.send(method, f"{anybody.issuer}/register", None)

    assert (answer.status, answer.headers["allow"]) == (405, "POST")


async def test_no_script_of_another_origin_reads_an_answer(anybody: Registrant) -> None:
    """Fetch §3.2: no origin is allowed here, not even a client's own."""
    answer = await anybody.post({"redirect_uris": [CALLBACK]}, origin="https://rp.example")

    assert answer.status == 201
    assert "access-control-allow-origin" not in answer.headers


async def test_without_an_initial_token_nobody_registers_where_one_is_needed(provider: Provider) -> None:
    """RFC 7591 §3, RFC 6750 §3.1: a bare challenge for who brings nothing."""
    missing = await Registrant(provider.http, provider.issuer).register()
    wrong = await Registrant(provider.http, provider.issuer, "x" * 43).register()

    assert (missing.status, missing.error) == (wrong.status, wrong.error) == (401, "invalid_token")
    assert missing.headers["www-authenticate"] == 'Bearer realm="registration"'
    assert 'error="invalid_token"' in wrong.headers["www-authenticate"]


async def test_a_wrong_initial_token_is_refused_even_where_none_is_needed(open_provider: Provider) -> None:
    """RFC 6750 §3.1."""
    answer = await Registrant(open_provider.http, open_provider.issuer, "x").register()

    assert (answer.status, answer.error) == (401, "invalid_token")


async def test_an_initial_token_is_spent_by_registrations_and_not_by_refusals(provider: Provider) -> None:
    """RFC 7591 §3: the operator says how many."""
    holder = Registrant(provider.http, provider.issuer, await initial_token(provider, uses=2))

    assert (await holder.register(redirect_uris=[])).status == 400
    assert [(await holder.register()).status for _ in range(3)] == [201, 201, 401]


async def test_of_two_registrations_at_once_one_takes_the_last_use(each_provider: Provider) -> None:
    """RFC 7591 §3."""
    holder = Registrant(each_provider.http, each_provider.issuer, await initial_token(each_provider, uses=1))

    answers = await asyncio.gather(*(holder.register() for _ in range(5)))

    assert sorted(answer.status for answer in answers) == [201, 401, 401, 401, 401]


async def test_an_initial_token_ends_when_its_time_has_come_and_not_before(provider: Provider) -> None:
    """RFC 6750 §3.1."""
    holder = Registrant(provider.http, provider.issuer, await initial_token(provider, life=timedelta(minutes=5)))

    provider.clock.advance(timedelta(minutes=5) - timedelta(microseconds=1))
    assert (await holder.register()).status == 201
    provider.clock.advance(timedelta(microseconds=1))
    assert (await holder.register()).status == 401


@pytest.mark.parametrize("profile", list(Profile))
async def test_an_initial_token_gives_its_profile_and_an_operators_word(provider: Provider, profile: Profile) -> None:
    """RFC 7591 §3: no registrant chooses; such a client counts as one that an operator made."""
    holder = Registrant(provider.http, provider.issuer, await initial_token(provider, profile=profile))

    said = await holder.registered(**({"jwks": PUBLIC_KEYS} if profile is Profile.FAPI2 else {}))
    client = await provider.site.clients.find(said["client_id"])

    assert client is not None
    assert (client.profile, client.is_self_registered, client.is_first_party) == (profile, False, False)
    usual = {Profile.NATIVE: "none", Profile.FAPI2: "private_key_jwt"}
    assert said["token_endpoint_auth_method"] == usual.get(profile, "client_secret_basic")


async def test_an_initial_token_bounds_scopes_and_grant_types(provider: Provider) -> None:
    """RFC 7591 §2: scopes beyond it are left out and the answer tells; a grant type beyond it is refused."""
    token = await initial_token(provider, scopes=("openid", "orders.read"), grant_types=("authorization_code",))
    holder = Registrant(provider.http, provider.issuer, token)

    assert (await holder.registered())["scope"] == "openid orders.read"
    assert (await holder.registered(scope="openid email orders.read orders.write"))["scope"] == "openid orders.read"
    assert (await holder.register(scope="email")).error == "invalid_client_metadata"
    assert (await holder.register(grant_types=["authorization_code", "refresh_token"])).status == 400


async def test_a_stranger_gets_no_other_scopes_than_the_public_ones_and_no_machine(anybody: Registrant) -> None:
    """RFC 7591 §2: what acts without a person is the operator's to register."""
    assert (await anybody.registered(scope="openid orders.read idp.admin"))["scope"] == "openid"
    assert (await anybody.register(scope="idp.admin")).status == 400
    assert (await anybody.register(grant_types=["client_credentials"], redirect_uris=None)).status == 400


async def test_consent_for_a_strangers_client_is_asked_each_time_with_a_warning(
    open_provider: Provider, anybody: Registrant
) -> None:
    """RFC 7591 §5: nobody checked it, so people learn that, and where this very request sends them."""
    said = await anybody.registered(
        client_name="Your bank", redirect_uris=["https://bank.example/cb", "https://evil.example/cb"]
    )
    rp = await anybody.client(open_provider, said)
    rp.redirect_uri = "https://evil.example/cb"
    async with open_provider.browser(await open_provider.person()) as browser:
        await browser.authorize(rp)
        page = await browser.open((await rp.authorization_request()).url)

        assert page.name == "consent"
        warning = page.document.texts["client-unverified"]
        assert "evil.example" in warning
        assert "bank.example" not in warning
        assert (await at_once(browser, rp, prompt="none")).error == "consent_required"


async def test_consent_for_an_invited_client_is_remembered(
    provider: Provider, invited: Registrant, browser: HtmlBrowser
) -> None:
    """RFC 7591 §5: an initial access token is an operator's word."""
    rp = await invited.client(provider, await invited.registered())
    await browser.authorize(rp)

    assert (await at_once(browser, rp, prompt="none")).code


async def test_a_sector_document_must_list_every_redirect_uri(anybody: Registrant, website: Hosted) -> None:
    """OIDC Registration §5."""
    url = website.put("/sector", json.dumps([CALLBACK, "https://rp.example/2"]).encode())

    good = await anybody.registered(sector_identifier_uri=url, redirect_uris=[CALLBACK])
    bad = await anybody.register(sector_identifier_uri=url, redirect_uris=[CALLBACK, "https://rp.example/3"])

    assert good["sector_identifier_uri"] == url
    assert (bad.status, bad.error) == (400, "invalid_client_metadata")


@pytest.mark.parametrize(
    ("body", "media_type"),
    [(b"{}", "application/json"), (b"[", "application/json"), (b'["https://rp.example/callback"]', "text/html"),
     (b'"https://rp.example/callback"', "application/json"), (b'[["https://rp.example/callback"]]', "application/json"),
     (b"\xff", "application/json")],
)  # fmt: skip
async def test_a_sector_document_is_a_json_array(
    anybody: Registrant, website: Hosted, body: bytes, media_type: str
) -> None:
    """OIDC Registration §5."""
    url = website.put("/strange-sector", body, media_type)

    assert (await anybody.register(sector_identifier_uri=url)).error == "invalid_client_metadata"
    assert (await anybody.register(sector_identifier_uri=website.url("/missing"))).error == "invalid_client_metadata"


async def test_a_logo_is_fetched_once_and_served_from_our_origin(
    open_provider: Provider, anybody: Registrant, website: Hosted
) -> None:
    """OIDC Registration §2; OIDC Core §3.1.2.4: the pages load nothing from elsewhere."""
    url = website.put("/logo.png", PNG, "image/png")
    website.asked.clear()

    said = await anybody.registered(logo_uri=url)
    shown = [await open_provider.http.get(f"{anybody.issuer}/brand/{said['client_id']}/logo") for _ in range(2)]

    assert said["logo_uri"] == url
    assert [(each.status_code, each.content, each.headers["content-type"]) for each in shown] == [
        (200, PNG, "image/png")
    ] * 2
    assert website.asked == ["/logo.png"]


@pytest.mark.parametrize(
    ("body", "media_type"),
    [(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"), (b"<svg/>", "image/png"),
     (b"<html>", "text/html"), (PNG + bytes(256 * 1024), "image/png"), (b"RIFF\0\0\0\0AVI ", "image/webp")],
)  # fmt: skip
async def test_a_logo_that_is_no_small_raster_image_is_left_out(
    open_provider: Provider, anybody: Registrant, website: Hosted, body: bytes, media_type: str
) -> None:
    """OIDC Registration §2: and so the answer does not have it."""
    said = await anybody.registered(logo_uri=website.put("/strange-logo", body, media_type))

    assert "logo_uri" not in said
    assert (await open_provider.http.get(f"{anybody.issuer}/brand/{said['client_id']}/logo")).status_code == 404


async def test_registration_can_be_off(tmp_path_factory: pytest.TempPathFactory) -> None:
    """RFC 8414 §2: then there is no endpoint, and none is listed."""
    folder = tmp_path_factory.mktemp("off")
    async with (
        fresh_database("sqlite", folder) as url,
        Provider.running(folder, url, settings={"IDP_CLIENT_REGISTRATION": "off"}) as provider,
    ):
        registrant = Registrant(provider.http, provider.issuer, await initial_token(provider))

        assert "registration_endpoint" not in await provider.metadata()
        assert (await registrant.register()).status == 404
        assert (await registrant.send("GET", f"{provider.issuer}/register/x", "x")).status == 404
