"""The stores of subscriptions: part of all stores of a transaction."""

from functools import cached_property

from idp.domain.secret import Sealer
from idp.storage.database import Transaction
from idp.storage.webhook_deliveries import WebhookDeliveryStore
from idp.storage.webhook_subjects import WebhookSubjectStore
from idp.storage.webhooks import WebhookStore


class WebhookStores:
    """Stores of subscriptions and of what they are owed, on the connection of whoever inherits them."""

    connection: Transaction
    _sealer: Sealer

    @cached_property
    def webhooks(self) -> WebhookStore:
        """Who is told of events."""
        return WebhookStore(self.connection, self._sealer)

    @cached_property
    def webhook_deliveries(self) -> WebhookDeliveryStore:
        """What they are owed."""
        return WebhookDeliveryStore(self.connection, self._sealer)

    @cached_property
    def webhook_subjects(self) -> WebhookSubjectStore:
        """Whom streams of security events are about."""
        return WebhookSubjectStore(self.connection)
