"""SMS by Twilio: its Messages API, and for codes its Verify service if one is named.

Verify is given our own code (it must allow custom codes), so who may pass is decided here, never there. Not its own
client library: that knows no other address than Twilio's.
"""

import asyncio
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx2

from idp.domain.json import BadJson, Json, read_object
from idp.domain.message import Message
from idp.providers.mail.port import MessageDelayed, MessageRejected

MESSAGES_URL = "https://api.twilio.com"
VERIFY_URL = "https://verify.twilio.com"
SECONDS = 5.0
MAX_ANSWER = 64 * 1024
MESSAGING_SERVICE = re.compile("MG[0-9a-fA-F]{32}")
# Numbers that are wrong, out of reach, or do not want to hear from us; the same try fails for ever.
REJECTED = frozenset(
    {21211, 21214, 21217, 21408, 21610, 21612, 21614, 60200, 60205}  # 60205: a landline cannot take SMS
)
REFUSED_FOR_GOOD = frozenset({"failed", "undelivered", "canceled"})


@dataclass(frozen=True, slots=True)
class TwilioAccount:
    """Who pays, and as whom we write; `url` replaces Twilio's own addresses."""

    sid: str
    token: str = field(repr=False)
    sender: str
    url: str | None = None
    verify_service: str | None = None


class TwilioSender:
    """Sends SMS by one Twilio account."""

    def __init__(self, account: TwilioAccount, *, seconds: float = SECONDS) -> None:
        """Give up on each SMS after that many seconds."""
        self._account = account
        self._seconds = seconds
        self._tls = ssl.create_default_context()

    async def send(self, message: Message) -> None:
        """Return once Twilio has taken the SMS."""
        url, form = _request(self._account, message)
        try:
            async with asyncio.timeout(self._seconds):
                status, text = await self._post(url, form)
        except TimeoutError as error:
            raise MessageDelayed("the service took too long") from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise MessageDelayed(f"no answer: {type(error).__name__}") from error
        _judge(status, text)

    async def _post(self, url: str, form: Mapping[str, str]) -> tuple[int, str]:
        account = self._account
        async with (
            httpx2.AsyncClient(verify=self._tls, timeout=self._seconds, auth=(account.sid, account.token)) as client,
            client.stream("POST", url, data=form, headers={"Accept": "application/json"}) as response,
        ):
            body = bytearray()
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > MAX_ANSWER:
                    raise MessageDelayed("the service said too much")
            return response.status_code, body.decode(errors="replace")


def _request(account: TwilioAccount, message: Message) -> tuple[str, dict[str, str]]:
    if account.verify_service is not None and message.code is not None:
        url = f"{account.url or VERIFY_URL}/v2/Services/{account.verify_service}/Verifications"
        return url, {"To": message.to, "Channel": "sms", "CustomCode": message.code}
    url = f"{account.url or MESSAGES_URL}/2010-04-01/Accounts/{account.sid}/Messages.json"
    origin = "MessagingServiceSid" if MESSAGING_SERVICE.fullmatch(account.sender) else "From"
    return url, {"To": message.to, origin: account.sender, "Body": message.text}


def _judge(status: int, text: str) -> None:
    """Say by the answer what became of the SMS: taken, if it returns, else by the port's exceptions."""
    answer = _read(status, text)
    code = answer.get("code", answer.get("error_code"))
    if 400 <= status < 500 and status not in (401, 403, 429) and code in REJECTED:
        raise MessageRejected(f"the service said {status}, code {code}")
    if not 200 <= status < 300:
        number = code if isinstance(code, int) else "none"
        raise MessageDelayed(f"the service said {status}, code {number}")
    if not isinstance(answer.get("sid"), str) or not isinstance(answer.get("status"), str):
        raise MessageDelayed("the service's answer names no message")
    if answer["status"] in REFUSED_FOR_GOOD:
        raise MessageRejected(f"the service said {answer['status']}")


def _read(status: int, text: str) -> dict[str, Json]:
    try:
        return read_object(text)
    except BadJson as error:
        raise MessageDelayed(f"the service said {status}, and no JSON") from error
