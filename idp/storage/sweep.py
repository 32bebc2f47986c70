"""Removes what has expired, in batches, so that no sweep holds a lock for long."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Column, Table, delete, select, tuple_

from idp.storage.access_tokens import access_tokens
from idp.storage.adviser import adviser_answers, shared_states
from idp.storage.attempts import attempts, network_accounts
from idp.storage.ciba_requests import ciba_requests
from idp.storage.client_tests import client_tests
from idp.storage.codes import codes
from idp.storage.database import Transaction
from idp.storage.decisions import decisions
from idp.storage.device_requests import device_requests
from idp.storage.failure_hours import failure_hours
from idp.storage.figure_hours import figure_hours
from idp.storage.grants import grants
from idp.storage.idempotency import idempotent_answers
from idp.storage.initial_access_tokens import initial_access_tokens
from idp.storage.interactions import interactions
from idp.storage.known_devices import known_devices
from idp.storage.links import links
from idp.storage.logout_deliveries import logout_deliveries
from idp.storage.one_time_codes import one_time_codes
from idp.storage.outbox import outbox
from idp.storage.pushed_requests import pushed_requests
from idp.storage.remembered_browsers import remembered_browsers
from idp.storage.replays import replays
from idp.storage.revoked_tokens import revoked_tokens
from idp.storage.sessions import sessions
from idp.storage.signups import signups
from idp.storage.upstream_requests import upstream_arrivals, upstream_requests
from idp.storage.webauthn_challenges import webauthn_challenges
from idp.storage.webhook_deliveries import webhook_deliveries

BATCH = 1000
# What is swept, by which column, and how long a row is kept beyond it.
EXPIRING: tuple[tuple[Table, Column[datetime], timedelta], ...] = (
    (codes, codes.c.code_expires_at, timedelta(hours=1)),
    (device_requests, device_requests.c.request_expires_at, timedelta(hours=1)),
    (ciba_requests, ciba_requests.c.request_expires_at, timedelta(hours=1)),
    (interactions, interactions.c.expires_at, timedelta(hours=1)),
    (pushed_requests, pushed_requests.c.expires_at, timedelta(hours=1)),  # they are spent as late as interactions end
    (access_tokens, access_tokens.c.expires_at, timedelta()),
    (revoked_tokens, revoked_tokens.c.expires_at, timedelta(minutes=5)),
    (replays, replays.c.expires_at, timedelta(minutes=5)),
    (attempts, attempts.c.expires_at, timedelta()),
    (network_accounts, network_accounts.c.expires_at, timedelta()),
    (links, links.c.expires_at, timedelta(days=1)),
    (outbox, outbox.c.expires_at, timedelta(days=7)),
    (grants, grants.c.expires_at, timedelta(days=1)),
    (sessions, sessions.c.expires_at, timedelta(days=1)),
    (one_time_codes, one_time_codes.c.expires_at, timedelta(hours=1)),
    (webauthn_challenges, webauthn_challenges.c.expires_at, timedelta()),
    (remembered_browsers, remembered_browsers.c.expires_at, timedelta()),
    (decisions, decisions.c.expires_at, timedelta()),
    (adviser_answers, adviser_answers.c.expires_at, timedelta()),
    (shared_states, shared_states.c.expires_at, timedelta()),
    (known_devices, known_devices.c.expires_at, timedelta()),
    (failure_hours, failure_hours.c.expires_at, timedelta()),
    (figure_hours, figure_hours.c.expires_at, timedelta()),
    (idempotent_answers, idempotent_answers.c.expires_at, timedelta()),
    (client_tests, client_tests.c.expires_at, timedelta(hours=1)),
    (signups, signups.c.expires_at, timedelta(hours=1)),
    (webhook_deliveries, webhook_deliveries.c.expires_at, timedelta()),
    (logout_deliveries, logout_deliveries.c.expires_at, timedelta()),
    (upstream_requests, upstream_requests.c.expires_at, timedelta(hours=1)),
    (upstream_arrivals, upstream_arrivals.c.expires_at, timedelta(hours=1)),
    (initial_access_tokens, initial_access_tokens.c.expires_at, timedelta(days=30)),
)


class SweepStore:
    """Housekeeping of one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection

    async def batch(self, now: datetime) -> Mapping[str, int]:
        """Remove at most BATCH expired rows of each table; return how many went, by table."""
        removed: dict[str, int] = {}
        for table, column, kept in EXPIRING:
            key = tuple(table.primary_key.columns)
            old = select(*key).where(column <= now - kept).limit(BATCH)
            which = tuple_(*key).in_(old)
            done = await self._connection.execute(delete(table).where(which).returning(key[0]))
            removed[table.name] = len(done.all())
        return removed
