"""Sends one delivery, and says what became of it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from idp.clock import Clock
from idp.flows.webhook_signature import signed_headers
from idp.providers.fetch.port import FetchDelayed, FetchRejected, Post
from idp.storage.webhook_deliveries import Delivery
from idp.storage.webhooks import Form, Webhook

GONE = 410


class End(StrEnum):
    """What became of a try."""

    TAKEN = "taken"
    FAILED = "failed"  # and may go well another time
    REFUSED = "refused"  # this one delivery, for good
    GONE = "gone"  # nobody is there any more


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a try, with the status that was answered, if any, and words for those who look after it."""

    end: End
    status: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """What goes over the wire."""

    body: bytes
    headers: Mapping[str, str]


class CannotSeal(Exception):
    """A delivery cannot be signed now."""


Seal = Callable[[Webhook, Delivery], Awaitable[Envelope]]


def envelope(hook: Webhook, delivery: Delivery, now: datetime) -> Envelope:
    """Return a webhook as it is sent at this moment: the body is that of every other try, the signature is new."""
    signed = signed_headers(delivery.id, delivery.body, hook.signing(now), now)
    return Envelope(delivery.body, {"content-type": "application/json", **signed})


class WebhookSender:
    """Sends to vetted addresses only, and believes nothing of what is answered but the status."""

    def __init__(self, post: Post, clock: Clock, *, token: Seal | None = None) -> None:
        """Send by this way out; `token` makes a security event token of what a stream is owed."""
        self.post = post
        self._clock = clock
        self._token = token

    async def send(self, hook: Webhook, delivery: Delivery) -> Outcome:
        """Send once."""
        try:
            sealed = await self._sealed(hook, delivery)
            answered = await self.post.post(hook.url, sealed.body, headers=sealed.headers)
        except (FetchRejected, FetchDelayed, CannotSeal) as error:
            return Outcome(End.FAILED, None, str(error))
        status = answered.status
        if 200 <= status < 300:
            return Outcome(End.TAKEN, status, "")
        if status == GONE:
            return Outcome(End.GONE, status, "answered 410: gone")
        is_refused = status == 400 and hook.form is Form.PUSH  # RFC 8935 §2.3: the receiver will never take this token
        return Outcome(End.REFUSED if is_refused else End.FAILED, status, f"answered {status}")

    async def _sealed(self, hook: Webhook, delivery: Delivery) -> Envelope:
        if hook.form is Form.WEBHOOK:
            return envelope(hook, delivery, self._clock.now())
        if self._token is None:
            raise CannotSeal("streams are not served here")
        return await self._token(hook, delivery)
