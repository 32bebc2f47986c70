"""Subscriptions, deliveries, and receivers that behave as told."""

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from idp.flows.alerts import Alert
from idp.flows.webhook_planner import WebhookPlanner
from idp.flows.webhook_sender import WebhookSender
from idp.flows.webhook_worker import WebhookWorker
from idp.providers.fetch.guarded import GuardedFetch
from idp.storage.stores import Stores, Transactions
from idp.storage.webhook_deliveries import Delivery, DeliveryState
from idp.storage.webhooks import Form, Webhook
from tests.support.audit_trail import Trail
from tests.support.builders import NOW

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # the example of the specification
SETTLED = timedelta(seconds=16)
TOLERANCE = timedelta(minutes=5)


def webhook(**changes: Any) -> Webhook:
    """Return a subscription to everything."""
    given = {
        "id": "w1", "form": Form.WEBHOOK, "name": "Siren", "url": "https://siren.example/in", "kinds": ("*",),
        "secrets": (SECRET,), "maker": ("command line", "ada"), "cursor": 0, "created_at": NOW, "changed_at": NOW,
    }  # fmt: skip
    return Webhook(**(given | changes))


def delivery(**changes: Any) -> Delivery:
    """Return a delivery that is due."""
    given = {
        "id": "d1", "webhook_id": "w1", "seq": 1, "kind": "signed_in", "body": b"{}", "created_at": NOW, "due_at": NOW,
    }  # fmt: skip
    return Delivery(**(given | changes))


@dataclass(frozen=True)
class Received:
    """A request as it came over the wire."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """What tells a delivery from every other one."""
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)

    def is_signed_by(self, secret: str, now: datetime) -> bool:
        """Verify as a receiver does, by the text of the Standard Webhooks specification."""
        stamp = int(self.headers["webhook-timestamp"])
        if abs(stamp - now.timestamp()) > TOLERANCE.total_seconds():
            return False
        content = f"{self.headers['webhook-id']}.{stamp}.".encode() + self.body
        key = base64.b64decode(secret.split("_", 1)[1], validate=True)
        mac = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        given = [each.split(",", 1) for each in self.headers["webhook-signature"].split(" ")]
        return any(version == "v1" and hmac.compare_digest(said, mac) for version, said in given)


def saying(status: int, body: bytes = b"", **headers: str) -> bytes:
    """Return an answer as bytes."""
    lines = [f"HTTP/1.1 {status} X", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"content-length: {len(body)}", "connection: close", "", ""]).encode() + body


OK = saying(204)
RESET, SILENCE = b"reset", b"silence"


@dataclass
class Receiver:
    """A server that takes what is posted: the next answer of `answers`, then `usual` for ever."""

    port: int = 0
    usual: bytes = OK
    answers: list[bytes] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    most_at_once: int = 0
    hold: asyncio.Event | None = None
    _open: int = 0

    @property
    def place(self) -> str:
        """Host and port, as an operator allows them."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Where to post."""
        return f"http://{self.place}/in"

    @property
    def seqs(self) -> list[int]:
        """The numbers of the events that came, in their order."""
        return [each.json["data"]["seq"] for each in self.received]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request."""
        self.connections += 1
        self._open += 1
        self.most_at_once = max(self.most_at_once, self._open)
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.received.append(Received(head[0].split(" ")[1], headers, body))
            if self.hold is not None:
                await self.hold.wait()
            await self._answer(writer, self.answers.pop(0) if self.answers else self.usual)
        self._open -= 1
        writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, answer: bytes) -> None:
        if answer == RESET:
            writer.transport.abort()
        elif answer == SILENCE:
            await asyncio.Event().wait()
        else:
            writer.write(answer)
            await writer.drain()


@asynccontextmanager
async def receiver(*, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Receive on a loopback port until the block ends."""
    made, tasks = Receiver(), set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        await made.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Told:
    """Whom administrators are told by: it only remembers."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []

    async def once(self, stores: Stores, alert: Alert, moment: str, now: datetime) -> None:
        """Remember an alert."""
        self.alerts.append(alert)


@dataclass
class Desk:
    """A trail, and the chores that tell of it, as one process has them."""

    trail: Trail
    fetch: GuardedFetch
    told: Told
    planner: WebhookPlanner
    worker: WebhookWorker

    @classmethod
    def over(cls, trail: Trail, *allowed: Receiver, fetch: GuardedFetch | None = None, seconds: float = 5.0) -> "Desk":
        """Return the chores of one process, which may reach these receivers."""
        fetch = fetch or GuardedFetch(allow=frozenset(each.place for each in allowed), seconds=seconds)
        told, sender = Told(), WebhookSender(fetch, trail.clock)
        worker = WebhookWorker(trail.transactions, sender, told, trail.clock)  # type: ignore[arg-type]
        return cls(trail, fetch, told, WebhookPlanner(trail.transactions, trail.clock), worker)

    @property
    def transactions(self) -> Transactions:
        """The database."""
        return self.trail.transactions

    async def subscribe(self, to: Receiver, **changes: Any) -> Webhook:
        """Subscribe a receiver, to everything unless said otherwise."""
        hook = webhook(**({"url": to.url} | changes))
        async with self.transactions.open(write=True) as stores:
            await stores.webhooks.add(hook)
        return hook

    async def happen(self, count: int = 1, **members: Any) -> None:
        """Let something happen, and let it be numbered and written down as owed."""
        await self.trail.write(count, **members)
        self.trail.clock.advance(SETTLED)
        await self.trail.chain.link()
        await self.planner.plan()

    async def hook(self, hook_id: str = "w1") -> Webhook:
        """Return a subscription as it stands."""
        async with self.transactions.open(write=False) as stores:
            found = await stores.webhooks.find(hook_id)
        assert found is not None
        return found

    async def change(self, hook: Webhook, **changes: Any) -> None:
        """Change a subscription behind the operations' back."""
        async with self.transactions.open(write=True) as stores:
            await stores.webhooks.save(replace(hook, **changes))

    async def deliveries(self, state: DeliveryState | None = None, hook_id: str = "w1") -> Sequence[Delivery]:
        """Return deliveries in the order of the trail."""
        async with self.transactions.open(write=False) as stores:
            found = await stores.webhook_deliveries.page(hook_id, state=state, before=None, limit=2000)
        return sorted(found, key=lambda each: each.seq or 0)


@asynccontextmanager
async def desk(url: str, folder: Path, *allowed: Receiver, **choice: Any) -> AsyncIterator[Desk]:
    """Yield the chores of one process on a database."""
    async with Trail.at(url, folder) as trail:
        yield Desk.over(trail, *allowed, **choice)
