"""The parts that tell others of events."""

from dataclasses import dataclass

from idp.clock import Clock
from idp.flows.alerts import Alerts
from idp.flows.webhook_planner import WebhookPlanner
from idp.flows.webhook_sender import WebhookSender
from idp.flows.webhook_worker import WebhookWorker
from idp.password_wiring import guarded_fetch
from idp.settings import Settings
from idp.storage.stores import Transactions


@dataclass(frozen=True, slots=True)
class Webhooks:
    """What is done to tell others of events."""

    sender: WebhookSender
    planner: WebhookPlanner
    worker: WebhookWorker


def build_webhooks(settings: Settings, transactions: Transactions, clock: Clock, alerts: Alerts) -> Webhooks:
    """Put the parts together."""
    sender = WebhookSender(guarded_fetch(settings), clock)
    return Webhooks(
        sender=sender,
        planner=WebhookPlanner(transactions, clock),
        worker=WebhookWorker(transactions, sender, alerts, clock),
    )
