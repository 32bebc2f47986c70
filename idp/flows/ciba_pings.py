"""Tells clients that their person has answered – CIBA §10.2: a ping, which carries nothing but the name of the request.

At least once: what was sent and not noted, since the worker died, is sent again. The answer is believed in nothing but
its status, no redirect is followed, and nothing is tried once the request has ended: by then the client gets no more.
"""

import json
from datetime import datetime, timedelta

import structlog

from idp.clock import Clock
from idp.providers.fetch.port import FetchDelayed, FetchRejected, Post
from idp.storage.ciba_requests import Ping
from idp.storage.stores import Transactions

LEASE = timedelta(seconds=15)  # a try lasts five at most
AT_ONCE = 10
TAKEN = frozenset({200, 204})  # CIBA §10.2
PAUSES = tuple(timedelta(seconds=each) for each in (1, 5, 15, 30, 60, 120))
log = structlog.get_logger("ciba")


class CibaPings:
    """Sends the notifications that clients are owed."""

    def __init__(self, transactions: Transactions, post: Post, clock: Clock) -> None:
        """Send by this way out, which reaches public addresses only."""
        self._transactions = transactions
        self._post = post
        self._clock = clock

    async def deliver(self) -> int:
        """Send what is due; return how many tries were made."""
        tries = 0
        while pings := await self._claim():
            for ping in pings:
                await self._settle(ping, reason=await self._send(ping))
            tries += len(pings)
        return tries

    async def _claim(self) -> list[Ping]:
        now = self._clock.now()
        async with self._transactions.open(write=False) as stores:
            if not await stores.ciba_requests.any_ping_due(now):
                return []
        async with self._transactions.open(write=True) as stores:
            return list(await stores.ciba_requests.claim_pings(now, until=now + LEASE, limit=AT_ONCE))

    async def _send(self, ping: Ping) -> str | None:
        """Return None if the client took it, else why not."""
        async with self._transactions.open(write=False) as stores:
            client = await stores.clients.find(ping.client_id)
        endpoint = client.backchannel_client_notification_endpoint if client and client.is_active else None
        if endpoint is None or self._clock.now() >= ping.ends_at:
            return None
        body = json.dumps({"auth_req_id": ping.auth_req_id}).encode()
        headers = {"content-type": "application/json", "authorization": f"Bearer {ping.token}"}
        try:
            answered = await self._post.post(endpoint, body, headers=headers)
        except (FetchRejected, FetchDelayed) as error:
            return str(error)
        return None if answered.status in TAKEN else f"answered {answered.status}"

    async def _settle(self, ping: Ping, *, reason: str | None) -> None:
        due_at = self._next_try(ping) if reason is not None else None
        if reason is not None:
            log.info("ping not taken", client_id=ping.client_id, reason=reason, tries=ping.tries, ends=due_at is None)
        async with self._transactions.open(write=True) as stores:
            await stores.ciba_requests.settle_ping(ping.request_id, due_at)

    def _next_try(self, ping: Ping) -> datetime | None:
        """Return when to try again; None when all tries were made, or the request ends before."""
        if ping.tries > len(PAUSES):
            return None
        due_at = self._clock.now() + PAUSES[ping.tries - 1]
        return due_at if due_at < ping.ends_at else None
