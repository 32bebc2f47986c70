"""Tells clients that a session has ended – Back-Channel Logout 1.0 §2.5, §2.8: in parallel, soon, three times at most.

A try is counted before it is made, so that a worker that dies ends nothing; each try has a token of its own. Whoever
answers slowly gets a few places, and holds up nobody else.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import structlog

from idp.clock import Clock
from idp.domain.client import Client
from idp.domain.event import Actor, ActorKind, Event, EventKind
from idp.metrics import LOGOUTS
from idp.oauth.context import Engine
from idp.oauth.keyring import NoSigningKey
from idp.oauth.openid.backchannel_logout import form_of, logout_token
from idp.oauth.tokens.encryption import NoEncryptionKey
from idp.policy.encryption import encrypts
from idp.providers.fetch.port import FetchDelayed, FetchRejected, Post
from idp.storage.logout_deliveries import LogoutDelivery
from idp.storage.stores import Transactions

LEASE = timedelta(seconds=30)  # a try lasts five at most
PAUSES = (timedelta(seconds=10), timedelta(seconds=60))
MAX_TRIES = len(PAUSES) + 1
PLACES = 16
PLACES_OF_ONE = 4  # of one client
LOOK_SECONDS = 0.5
DRAIN_SECONDS = 5.0
_HEADERS = {"content-type": "application/x-www-form-urlencoded"}
log = structlog.get_logger("logouts")


class End(StrEnum):
    """What became of a try."""

    TAKEN = "taken"
    FAILED = "failed"  # and may go well another time
    REFUSED = "refused"  # for good (§2.8)
    GONE = "gone"  # the client wants to know no more, or has ended


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a try, with words for those who look after the client."""

    end: End
    reason: str = ""


class LogoutWorker:
    """Tells whoever is to be told."""

    def __init__(self, transactions: Transactions, post: Post, engine: Engine, clock: Clock) -> None:
        """Keep what the chore needs."""
        self._transactions = transactions
        self._post = post
        self._engine = engine
        self._clock = clock

    @property
    def news(self) -> asyncio.Event:
        """Return what is set as soon as this process has committed something to tell."""
        return self._transactions.news

    async def deliver(self) -> int:
        """Tell of what is due until nothing is; return how many tries were made."""
        tries = 0
        at_work: dict[asyncio.Task[None], str] = {}
        try:
            while True:
                self.news.clear()
                for delivery in await self._claim(at_work):
                    at_work[asyncio.create_task(self._serve(delivery))] = delivery.client_id
                    tries += 1
                if not at_work:
                    return tries
                done, _ = await asyncio.wait(at_work, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    del at_work[task]
                    task.result()
        finally:
            await _finish(set(at_work))

    async def _claim(self, at_work: dict[asyncio.Task[None], str]) -> list[LogoutDelivery]:
        """Begin as many tries as there are places, a few for each client."""
        now, free = self._clock.now(), PLACES - len(at_work)
        async with self._transactions.open(write=False) as stores:
            if free <= 0 or not await stores.logout_deliveries.any_due(now):
                return []
        at_once, claimed = Counter(at_work.values()), list[LogoutDelivery]()
        async with self._transactions.open(write=True) as stores:
            while free > 0:
                busy = [client_id for client_id, count in at_once.items() if count >= PLACES_OF_ONE]
                most = max((count for count in at_once.values() if count < PLACES_OF_ONE), default=0)
                room = min(free, PLACES_OF_ONE - most)  # whosever they turn out to be, nobody gets more
                taken = await stores.logout_deliveries.claim(now, until=now + LEASE, limit=room, busy=busy)
                if not taken:
                    break
                at_once.update(each.client_id for each in taken)
                claimed += taken
                free -= len(taken)
        return claimed

    async def _serve(self, delivery: LogoutDelivery) -> None:
        outcome = await self._try(delivery)
        LOGOUTS.labels(outcome.end.value).inc()
        is_last = outcome.end is not End.FAILED or delivery.tries >= MAX_TRIES
        write = log.info if outcome.end in (End.TAKEN, End.GONE) else log.warning
        write("logout told", outcome=outcome.end.value, reason=outcome.reason, client_id=delivery.client_id,
              tries=delivery.tries)  # fmt: skip
        now = self._clock.now()
        async with self._transactions.open(write=True) as stores:
            if not is_last:
                await stores.logout_deliveries.postpone(delivery, now + PAUSES[delivery.tries - 1])
            elif await stores.logout_deliveries.end(delivery) and outcome.end in (End.FAILED, End.REFUSED):
                event = Event(
                    EventKind.LOGOUT_UNDELIVERED, client_id=delivery.client_id, session_id=delivery.session_id,
                    detail={"reason": outcome.reason, "tries": delivery.tries}, actor=Actor(ActorKind.SYSTEM),
                )  # fmt: skip
                await stores.events.add(event, now)

    async def _try(self, delivery: LogoutDelivery) -> Outcome:
        async with self._transactions.open(write=False) as stores:
            client = await stores.clients.find(delivery.client_id)
        if client is None or not client.is_active or client.backchannel_logout_uri is None:
            return Outcome(End.GONE)
        if delivery.tries > MAX_TRIES:
            return Outcome(End.FAILED, "no try came to an end")
        try:
            body = form_of(await self._token(client, delivery))
            answered = await self._post.post(client.backchannel_logout_uri, body, headers=_HEADERS)
        except (FetchRejected, FetchDelayed) as error:
            return Outcome(End.FAILED, str(error))
        except NoSigningKey as error:
            return Outcome(End.FAILED, f"no signing key: {error}")
        except NoEncryptionKey:
            return Outcome(End.FAILED, "the client publishes no key to encrypt to")
        if answered.status in (200, 204):
            return Outcome(End.TAKEN)
        return Outcome(End.REFUSED if answered.status == 400 else End.FAILED, f"answered {answered.status}")

    async def _token(self, client: Client, delivery: LogoutDelivery) -> str:
        engine = self._engine
        await engine.keyring.refresh()
        if encrypts(client) and engine.remote_keys is not None:
            await engine.remote_keys.learn(client, None)
        return logout_token(
            engine, client, user_id=delivery.user_id, session_id=delivery.session_id, now=self._clock.now()
        )


async def _finish(at_work: set[asyncio.Task[None]]) -> None:
    """Let go of what is under way: with some patience, since what was taken and not noted is told twice."""
    if not at_work:
        return
    _, late = await asyncio.wait(at_work, timeout=DRAIN_SECONDS)
    for task in late:
        task.cancel()
    await asyncio.gather(*at_work, return_exceptions=True)
