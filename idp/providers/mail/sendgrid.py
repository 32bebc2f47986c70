"""Mail by SendGrid's official client, which blocks: each call runs in a thread."""

import asyncio
import logging
from email.headerregistry import Address
from http.client import HTTPException

from anyio import CapacityLimiter, to_thread
from python_http_client.exceptions import HTTPError  # type: ignore[import-untyped]
from sendgrid import SendGridAPIClient  # type: ignore[import-untyped]

from idp.domain.json import JsonObject
from idp.domain.message import Message
from idp.providers.mail.port import MessageDelayed, MessageRejected

WAIT_SECONDS = 5.0  # for each step: connecting, and each piece of the answer
TOTAL_SECONDS = 10.0
THREADS = 10
ACCEPTED = 202
REJECTED = frozenset({400, 413, 415, 422})  # what is wrong with the mail itself, and stays wrong
# At DEBUG the client prints the mail and the key.
logging.getLogger("python_http_client").setLevel(logging.WARNING)


class SendGridSender:
    """Sends mail by SendGrid's API."""

    def __init__(
        self,
        api_key: str,
        sender: Address,
        *,
        url: str,
        wait_seconds: float = WAIT_SECONDS,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        """Send from that address by the API at that URL."""
        self._client = SendGridAPIClient(api_key, host=url)
        self._client.client.timeout = wait_seconds
        self._from = sender
        self._seconds = total_seconds
        self._threads = CapacityLimiter(THREADS)

    async def send(self, message: Message) -> None:
        """Return once SendGrid has taken the mail."""
        document = compose(message, self._from)
        try:
            async with asyncio.timeout(self._seconds):
                # A thread cannot be stopped: one that waits for a dripping answer is left to itself.
                await to_thread.run_sync(self._post, document, abandon_on_cancel=True, limiter=self._threads)
        except TimeoutError as error:
            raise MessageDelayed("the service took too long") from error

    def _post(self, document: JsonObject) -> None:
        try:
            status: object = self._client.send(document).status_code
        except HTTPError as error:
            status = error.status_code
        except (OSError, HTTPException, ValueError) as error:  # URLError is an OSError
            raise MessageDelayed(f"no answer: {type(error).__name__}") from error
        if status in REJECTED:
            raise MessageRejected(f"the service said {status}")
        if status != ACCEPTED:  # a redirect that was followed, or a page of some proxy, took no mail
            raise MessageDelayed(f"the service said {status}")


def compose(message: Message, sender: Address) -> JsonObject:
    """Write the mail as SendGrid's v3 API reads it; links stay as they are, and nobody learns who opened what."""
    name: JsonObject = {"name": sender.display_name} if sender.display_name else {}
    content: list[JsonObject] = [{"type": "text/plain", "value": message.text}]
    if message.html is not None:
        content.append({"type": "text/html", "value": message.html})
    return {
        "personalizations": [{"to": [{"email": message.to}], "custom_args": {"message_id": message.id}}],
        "from": {"email": sender.addr_spec, **name},
        "subject": message.subject or "",
        "content": [*content],
        "headers": {"Auto-Submitted": "auto-generated", "Message-ID": f"<{message.id}@{sender.domain}>"},
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
        },
    }
