"""What streams of security events are owed, and the tokens that carry it.

A stream tells of people who signed in to its client. The trail itself says who they are: from the first code that was
issued to the client on, until the account is gone and that was told.
"""

import json
from collections.abc import Mapping
from typing import Any

from idp.clock import Clock
from idp.domain.client import Client
from idp.domain.event import EventKind
from idp.domain.json import Json
from idp.flows.notices import UNDO_EMAIL
from idp.flows.webhook_planner import Owed
from idp.flows.webhook_sender import CannotSeal, Envelope
from idp.oauth import statements
from idp.oauth.context import Engine
from idp.oauth.extensions import ssf
from idp.oauth.extensions.ssf import Signal
from idp.oauth.keyring import NoSigningKey
from idp.storage.events import NumberedEvent
from idp.storage.stores import Stores, Transactions
from idp.storage.webhook_deliveries import Delivery
from idp.storage.webhooks import Webhook

#: By which a client comes to know somebody: a code, or tokens that need none.
_MEETINGS = frozenset({EventKind.CODE_ISSUED, EventKind.TOKENS_ISSUED})


class StreamSignals:
    """Turns events into what receivers are told."""

    def __init__(self, transactions: Transactions, engine: Engine, clock: Clock) -> None:
        """Keep what tokens are made with."""
        self._transactions = transactions
        self._engine = engine
        self._clock = clock

    async def owed(self, stores: Stores, hook: Webhook, event: NumberedEvent) -> Owed:
        """Return what a stream is owed for an event; note whom its client has met."""
        if hook.client_id is None:
            return ()
        if event.kind in _MEETINGS and event.client_id == hook.client_id and event.user_id is not None:
            await stores.webhook_subjects.note(hook.id, event.user_id)
            return ()
        signal = ssf.signal_of(event)
        if signal is None or not await stores.webhook_subjects.is_wanted(hook.id, signal.user_id):
            return ()
        if signal.type == ssf.ACCOUNT_PURGED:
            await stores.webhook_subjects.forget(hook.id, signal.user_id)
        client = await stores.clients.find(hook.client_id)
        if signal.type not in hook.kinds or client is None or not ssf.is_receiver(client):
            return ()
        claims = await self._claims(stores, client, signal)
        return () if claims is None else ((signal.type, written(claims)),)

    async def _claims(self, stores: Stores, client: Client, signal: Signal) -> Mapping[str, Json] | None:
        issuer, now = self._engine.issuer, self._clock.now()
        if signal.type != ssf.IDENTIFIER_CHANGED:
            subject = self._engine.subjects.of(client, signal.user_id)
            return ssf.claims(issuer, client.id, signal, subject, digester=self._engine.digester, now=now)
        # Addresses are no news for whoever may know them; the trail has none, the link that undoes the change has both.
        undo = await stores.links.newest(UNDO_EMAIL, signal.user_id, now)
        if undo is None or not await stores.webhook_subjects.knows(client.id, signal.user_id, "email"):
            return None
        old, new, user = undo.text("old"), undo.text("new"), await stores.users.find(signal.user_id)
        if user is None or user.email != new:  # the link is of another change
            return None
        return ssf.of_address(issuer, client.id, old=old, new=new, now=now)

    async def prepare(self) -> None:
        """Read the keys if they have changed; to be done before tokens are made."""
        await statements.prepare(self._engine.keyring)

    def token(self, delivery: Delivery) -> str:
        """Return the token of a delivery: another signature each time, the same `jti`; raise NoSigningKey."""
        claims: dict[str, Json] = json.loads(delivery.body) | {"jti": delivery.id}
        return self._engine.keyring.sign(claims, alg=ssf.ALG, typ=ssf.TYP)

    async def seal(self, hook: Webhook, delivery: Delivery) -> Envelope:
        """Return a token as it is pushed (RFC 8935 §2.1); raise CannotSeal if it may not or cannot be made now."""
        async with self._transactions.open(write=False) as stores:
            client = await stores.clients.find(hook.client_id or "")
        if not ssf.is_receiver(client):
            raise CannotSeal("the client is no receiver any more")
        try:
            await self.prepare()
            body = self.token(delivery).encode("ascii")
        except NoSigningKey as error:
            raise CannotSeal(f"no signing key: {error}") from error
        headers = {"content-type": f"application/{ssf.TYP}", "accept": "application/json"}
        if hook.authorization is not None:
            headers["authorization"] = hook.authorization
        return Envelope(body, headers)


def written(claims: Mapping[str, Any]) -> bytes:
    """Return claims as they are kept until they are delivered."""
    return json.dumps(claims, separators=(",", ":"), ensure_ascii=False).encode()
