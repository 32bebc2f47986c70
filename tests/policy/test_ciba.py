"""Which clients may ask people on their own devices: confidential, vouched for, and told where to be notified."""

from typing import Any

import pytest

from idp.domain.approval import Channel
from idp.domain.client import AuthMethod, BadClient, Profile
from idp.policy import ciba, clients
from tests.support.builders import client

JWKS = {"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]}
ASKS: dict[str, Any] = {"grant_types": (Channel.CIBA.grant_type,), "redirect_uris": (), "response_types": ()}
PING = {
    "backchannel_token_delivery_mode": "ping",
    "backchannel_client_notification_endpoint": "https://rp.example/ping",
}


@pytest.mark.parametrize(
    "members",
    [
        {"auth_method": AuthMethod.NONE, "secret_digests": ()},
        {"auth_method": AuthMethod.NONE, "secret_digests": (), "profile": Profile.NATIVE},
        {"is_self_registered": True},
        {"backchannel_token_delivery_mode": "push"},
        {"backchannel_token_delivery_mode": "ping"},
        {"backchannel_client_notification_endpoint": "https://rp.example/ping"},
        PING | {"backchannel_token_delivery_mode": "poll"},
        PING | {"backchannel_client_notification_endpoint": "http://rp.example/ping"},
        PING | {"backchannel_client_notification_endpoint": "javascript:alert(1)"},
        {"backchannel_authentication_request_signing_alg": "ES256"},
        {"backchannel_authentication_request_signing_alg": "RS256", "jwks": JWKS},
        {"backchannel_authentication_request_signing_alg": "HS256", "jwks": JWKS},
        {"backchannel_authentication_request_signing_alg": "none", "jwks": JWKS},
    ],
)
def test_a_registration_that_is_not_coherent_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(BadClient):
        clients.check(client(**ASKS | members))


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"backchannel_token_delivery_mode": "poll"},
        PING,
        *({"backchannel_authentication_request_signing_alg": alg, "jwks": JWKS} for alg in ciba.SIGNING_ALGS),
        {"backchannel_authentication_request_signing_alg": "PS256", "jwks_uri": "https://rp.example/jwks"},
    ],
)
def test_a_registration_that_is_coherent_is_taken(members: dict[str, Any]) -> None:
    clients.check(client(**ASKS | members))


def test_only_a_client_that_registered_ping_is_notified() -> None:
    assert ciba.is_pinged(client(**ASKS | PING))
    assert not ciba.is_pinged(client(**ASKS | {"backchannel_token_delivery_mode": "poll"}))
    assert not ciba.is_pinged(client(**ASKS))


@pytest.mark.parametrize("profile", [Profile.OAUTH21, Profile.NATIVE])
def test_a_device_needs_neither_a_secret_nor_a_redirect_uri_nor_anybody_who_vouches_for_it(profile: Profile) -> None:
    grants = {"grant_types": (Channel.DEVICE.grant_type, "refresh_token"), "redirect_uris": (), "response_types": ()}

    clients.check(
        client(**grants, profile=profile, auth_method=AuthMethod.NONE, secret_digests=(), is_self_registered=True)
    )
