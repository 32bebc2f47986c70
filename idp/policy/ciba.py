"""Which clients may ask people on their own devices, and how they learn the answer – CIBA §4."""

from idp.domain.approval import Channel
from idp.domain.client import BadClient, Client, is_safe_uri

DELIVERY_MODES = ("poll", "ping")
SIGNING_ALGS = ("PS256", "ES256", "EdDSA", "Ed25519")


def is_pinged(client: Client) -> bool:
    """Say whether the client is notified of an answer; one that registered nothing polls."""
    return client.backchannel_token_delivery_mode == "ping"


def check(client: Client) -> None:
    """Raise BadClient unless what the client registered for CIBA is coherent (CIBA §4)."""
    mode, alg = client.backchannel_token_delivery_mode, client.backchannel_authentication_request_signing_alg
    if mode is not None and mode not in DELIVERY_MODES:
        raise BadClient(f"backchannel_token_delivery_mode is one of {', '.join(DELIVERY_MODES)}")
    if is_pinged(client) != (client.backchannel_client_notification_endpoint is not None):
        raise BadClient("backchannel_client_notification_endpoint and delivery mode ping go together")
    endpoint = client.backchannel_client_notification_endpoint
    if endpoint is not None and not is_safe_uri(endpoint):
        raise BadClient("backchannel_client_notification_endpoint is not an https URL")
    if alg is not None and alg not in SIGNING_ALGS:
        raise BadClient(f"backchannel_authentication_request_signing_alg is one of {', '.join(SIGNING_ALGS)}")
    if alg is not None and client.jwks is None and client.jwks_uri is None:
        raise BadClient("signed authentication requests need the client's public keys: jwks or jwks_uri")
    if Channel.CIBA.grant_type not in client.grant_types:
        return
    if not client.is_confidential:
        raise BadClient("CIBA is for confidential clients only (CIBA §4)")
    if client.is_self_registered:
        raise BadClient("CIBA is for clients that an operator made or invited")
