"""The parts that tell others of events."""

from dataclasses import dataclass

from idp.clock import Clock
from idp.flows.alerts import Alerts
from idp.flows.ciba_pings import CibaPings
from idp.flows.logout_worker import LogoutWorker
from idp.flows.webhook_planner import WebhookPlanner
from idp.flows.webhook_sender import WebhookSender
from idp.flows.webhook_signals import StreamSignals
from idp.flows.webhook_streams import Streams
from idp.flows.webhook_worker import WebhookWorker
from idp.oauth.context import Engine
from idp.password_wiring import guarded_fetch
from idp.settings import Settings
from idp.storage.stores import Transactions


@dataclass(frozen=True, slots=True)
class Webhooks:
    """What is done to tell others of events."""

    sender: WebhookSender
    planner: WebhookPlanner
    worker: WebhookWorker
    streams: Streams
    logouts: LogoutWorker
    pings: CibaPings


def build_webhooks(
    settings: Settings, transactions: Transactions, clock: Clock, alerts: Alerts, engine: Engine
) -> Webhooks:
    """Put the parts together."""
    post, signals = guarded_fetch(settings), StreamSignals(transactions, engine, clock)
    sender = WebhookSender(post, clock, token=signals.seal)
    return Webhooks(
        sender=sender,
        planner=WebhookPlanner(transactions, clock, streams=signals.owed),
        worker=WebhookWorker(transactions, sender, alerts, clock),
        streams=Streams(transactions, engine, clock, post, signals),
        logouts=LogoutWorker(transactions, post, engine, clock),
        pings=CibaPings(transactions, post, clock),
    )
