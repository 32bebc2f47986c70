"""Relying parties: read as they were registered, and every change bumps the epoch that caches watch."""

from dataclasses import fields, replace

import pytest

from idp.domain.client import AuthMethod, Profile, TokenFormat
from idp.storage.clients import EPOCH_NAME
from idp.storage.stores import Stores
from tests.support.builders import DAY, NOW, client, digest
from tests.support.storage import World

EVERYTHING = client(
    id="everything",
    name="Bücher & <Co>",
    profile=Profile.OIDC,
    auth_method=AuthMethod.PRIVATE_KEY_JWT,
    redirect_uris=("https://rp.example/cb?a=1&b=2", "http://127.0.0.1:5000/cb"),
    post_logout_redirect_uris=("https://rp.example/bye",),
    grant_types=("authorization_code", "refresh_token", "client_credentials"),
    response_modes=("form_post",),
    scopes=("openid", "https://api.example/read"),
    default_scopes=("openid",),
    jwks={"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "key_ops": ["verify"]}]},
    assertion_algs=("ES256",),
    id_token_alg="PS256",
    access_token_alg="EdDSA",
    token_format=TokenFormat.OPAQUE,
    is_first_party=True,
    is_self_registered=True,
    is_active=False,
    default_max_age=60,
    require_auth_time=False,
    default_acr_values=("urn:idp:loa:1",),
    initiate_login_uri="https://rp.example/login",
    client_uri="https://rp.example/",
    policy_uri="https://rp.example/privacy",
    tos_uri="https://rp.example/terms",
    logo_uri="https://rp.example/logo.png",
    jwks_uri="https://rp.example/jwks",
    contacts=("ops@rp.example",),
    application_type="native",
    subject_type="pairwise",
    sector_identifier_uri="https://rp.example/sector",
    software_id="software",
    software_version="1",
    software_statement="a.b.c",
    backchannel_logout_uri="https://rp.example/back",
    backchannel_logout_session_required=True,
    frontchannel_logout_uri="https://rp.example/front",
    frontchannel_logout_session_required=True,
    require_pushed_authorization_requests=True,
    require_signed_request_object=True,
    dpop_bound_access_tokens=True,
    require_dpop_nonce=True,
    tls_client_certificate_bound_access_tokens=True,
    tls_client_auth_subject_dn="CN=rp",
    tls_client_auth_san_dns="rp.example",
    tls_client_auth_san_uri="https://rp.example/",
    tls_client_auth_san_ip="2001:db8::1",
    tls_client_auth_san_email="ops@rp.example",
    rotate_refresh_tokens=True,
    request_object_alg="PS256",
    request_uris=("https://rp.example/object#1",),
    authorization_alg="ES256",
    userinfo_alg="ES256",
    introspection_alg="ES256",
    id_token_encryption_alg="ECDH-ES",
    id_token_encryption_enc="A128GCM",
    userinfo_encryption_alg="ECDH-ES",
    userinfo_encryption_enc="A128GCM",
    introspection_encryption_alg="ECDH-ES",
    introspection_encryption_enc="A128GCM",
    authorization_encryption_alg="ECDH-ES",
    authorization_encryption_enc="A128GCM",
    backchannel_token_delivery_mode="ping",
    backchannel_client_notification_endpoint="https://rp.example/ping",
    backchannel_authentication_request_signing_alg="ES256",
    resources=("https://api.example",),
    default_resource="https://api.example",
    authorization_details_types=("payment",),
    brand_color="#123456",
    allowed_cors_origins=("https://spa.example",),
    audiences=("https://api.example",),
    secret_digests=(digest(), digest()),
    old_secret_ends_at=1_800_000_000,
    hmac_secret="a secret that must be readable",
    extra={"contacts": "ops@rp.example"},
)


async def test_a_client_is_read_as_it_was_registered(stores: Stores) -> None:
    for registered in (client(), EVERYTHING):
        await stores.clients.add(registered, NOW)

        assert await stores.clients.find(registered.id) == registered


def test_the_example_says_something_about_every_member() -> None:
    """So that a new member of Client cannot be forgotten in the store."""
    plain = client(id="everything")
    same = {field.name for field in fields(EVERYTHING) if getattr(EVERYTHING, field.name) == getattr(plain, field.name)}

    assert same == {"id", "response_types", "has_logo", "created_at"}


@pytest.mark.parametrize("client_id", ["unknown", "", "\0", "a\0", "\ud800", "é", "x" * 10_000, "%"])
async def test_an_unknown_or_impossible_id_finds_no_client(stores: Stores, client_id: str) -> None:
    assert await stores.clients.find(client_id) is None


async def test_a_changed_client_is_stored_whole(stores: Stores, world: World) -> None:
    changed = replace(EVERYTHING, id=world.client.id)

    await stores.clients.save(changed, NOW + DAY)

    assert await stores.clients.find(world.client.id) == changed


async def test_a_secret_that_was_dropped_is_gone(stores: Stores) -> None:
    await stores.clients.add(EVERYTHING, NOW)

    await stores.clients.save(replace(EVERYTHING, hmac_secret=None, secret_digests=()), NOW)

    saved = await stores.clients.find(EVERYTHING.id)
    assert saved is not None
    assert (saved.hmac_secret, saved.secret_digests) == (None, ())


async def test_a_deleted_client_takes_its_grants_and_consents_along(stores: Stores, world: World) -> None:
    assert await stores.clients.delete(world.client.id)

    assert await stores.clients.find(world.client.id) is None
    assert await stores.grants.find_live(world.grant.id, NOW) is None
    assert await stores.users.find(world.user.id) == world.user
    assert not await stores.clients.delete(world.client.id)


async def test_clients_are_listed_by_name(stores: Stores, world: World) -> None:
    await stores.clients.delete(world.client.id)
    listed = [client(name="A"), client(id="b1", name="B"), client(id="b2", name="B")]
    for registered in reversed(listed):
        await stores.clients.add(registered, NOW)

    assert await stores.clients.list() == listed


async def test_a_logo_is_kept_beside_the_client(stores: Stores, world: World) -> None:
    assert await stores.clients.logo(world.client.id) is None

    await stores.clients.set_logo(world.client.id, b"\x89PNG\x00", "image/png")
    await stores.clients.save(world.client, NOW)

    found = await stores.clients.find(world.client.id)
    assert found is not None
    assert found.has_logo
    assert await stores.clients.logo(world.client.id) == (b"\x89PNG\x00", "image/png")
    assert await stores.clients.logo("unknown") is None


async def test_every_change_bumps_the_epoch(stores: Stores) -> None:
    registered = client()
    epochs = [await stores.clients.epoch()]

    for change in (
        stores.clients.add(registered, NOW),
        stores.clients.save(registered, NOW),
        stores.clients.set_logo(registered.id, b"x", "image/png"),
        stores.clients.delete(registered.id),
    ):
        await change
        epochs.append(await stores.clients.epoch())

    assert epochs == sorted(set(epochs))
    assert (await stores.epochs.all())[EPOCH_NAME] == epochs[-1]
