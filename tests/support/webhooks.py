"""Subscriptions, deliveries, and receivers that behave as told."""

from typing import Any

from idp.storage.webhook_deliveries import Delivery
from idp.storage.webhooks import Form, Webhook
from tests.support.builders import NOW


def webhook(**changes: Any) -> Webhook:
    """Return a subscription to everything."""
    given = {
        "id": "w1", "form": Form.WEBHOOK, "name": "Siren", "url": "https://siren.example/in", "kinds": ("*",),
        "secrets": ("whsec_AAAA",), "maker": ("command line", "ada"), "cursor": 0, "created_at": NOW, "changed_at": NOW,
    }  # fmt: skip
    return Webhook(**(given | changes))


def delivery(**changes: Any) -> Delivery:
    """Return a delivery that is due."""
    given = {
        "id": "d1", "webhook_id": "w1", "seq": 1, "kind": "signed_in", "body": b"{}", "created_at": NOW, "due_at": NOW,
    }  # fmt: skip
    return Delivery(**(given | changes))
