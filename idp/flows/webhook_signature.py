"""Signatures of deliveries, by the Standard Webhooks scheme: HMAC-SHA-256 over id, time and the very bytes sent."""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

from idp.domain.secret import random_bytes

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """Return a secret as its receiver keeps it: what is behind the prefix is base64 of the key."""
    return PREFIX + base64.b64encode(random_bytes(SECRET_BYTES)).decode()


def signed_headers(delivery_id: str, body: bytes, secrets: Sequence[str], now: datetime) -> Mapping[str, str]:
    """Return the headers by which a receiver tells that a body is ours, new, and not one it has had."""
    timestamp = str(int(now.timestamp()))
    signed = b".".join((delivery_id.encode(), timestamp.encode(), body))
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{_mac(secret, signed)}" for secret in secrets),
    }


def _mac(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
