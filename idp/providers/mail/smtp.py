"""Mail by SMTP – RFC 5321, with STARTTLS (RFC 3207) or TLS from the start (RFC 8314).

A recipient or content that is refused for good is rejected; everything that an operator or time can mend is delayed.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime

import aiosmtplib
from aiosmtplib import SMTPException, SMTPResponseException

from idp.domain.message import Message
from idp.message_settings import SmtpServer
from idp.providers.mail.port import MessageDelayed, MessageRejected

TOTAL_SECONDS = 10.0
GOODBYE_SECONDS = 1.0
PERMANENT = 500
SIZE_EXCEEDED = 552
# Exactly one, without quotes and comments, so that no second recipient hides in it.
ONE_ADDRESS = re.compile(r'([^\s@<>(),;:"\\\[\]]+)@([^\s@<>(),;:"\\\[\]]+)')
NEEDS_LOGIN = frozenset({530, 534, 535, 538})  # RFC 4954 §6: refused because of us, not of the message


class SmtpSender:
    """Sends mail to one server, a connection for each."""

    def __init__(
        self,
        server: SmtpServer,
        sender: Address,
        *,
        seconds: float = TOTAL_SECONDS,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        """Send from that address, each mail within that many seconds."""
        self._server = server
        self._from = sender
        self._seconds = seconds
        self._tls_context = tls_context

    async def send(self, message: Message) -> None:
        """Return once the server has taken the mail."""
        mail = compose(message, self._from)
        async with self._connected() as client:
            with _as_ours():
                await client.send_message(mail, sender=self._from.addr_spec, recipients=[message.to])

    async def reach(self) -> None:
        """Connect, encrypt and sign in as for a mail."""
        async with self._connected() as client:
            with _as_ours():
                await client.ehlo()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[aiosmtplib.SMTP]:
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.use_tls,
            start_tls=server.start_tls,
            tls_context=self._tls_context,
            local_hostname=self._from.domain,  # the library's own guess asks DNS
            timeout=self._seconds,
        )
        try:
            async with asyncio.timeout(self._seconds):
                try:
                    await client.connect()
                except (SMTPException, OSError, ValueError) as error:
                    raise MessageDelayed(f"no connection: {_words(error)}") from error
                yield client
            # The mail is accepted: whatever happens from here on must not have it sent again.
            with suppress(SMTPException, OSError):
                await client.quit(timeout=min(GOODBYE_SECONDS, self._seconds))
        except TimeoutError as error:
            raise MessageDelayed("the server took too long") from error
        finally:
            client.close()


def compose(message: Message, sender: Address) -> EmailMessage:
    """Write the mail; sent again, it has the same Message-ID, by which a duplicate shows. Raises MessageRejected."""
    mail = EmailMessage(policy=SMTP_POLICY)
    try:
        mail["From"] = sender
        mail["To"] = _recipient(message.to)
        mail["Subject"] = message.subject or ""
        mail["Date"] = format_datetime(message.created_at)
        mail["Message-ID"] = f"<{message.id}@{sender.domain}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody answers that they are on holiday
        mail.set_content(message.text)
        if message.html is not None:
            mail.add_alternative(message.html, subtype="html")
    except (ValueError, MessageError) as error:
        raise MessageRejected("the mail cannot be written") from error
    return mail


def _recipient(text: str) -> Address:
    found = ONE_ADDRESS.fullmatch(text)
    if found is None:
        raise ValueError("not one plain address")
    return Address(username=found[1], domain=found[2])


@contextmanager
def _as_ours() -> Iterator[None]:
    """Turn a refusal of the mail into the port's exceptions."""
    try:
        yield
    except aiosmtplib.SMTPRecipientsRefused as error:
        codes = [refused.code for refused in error.recipients]
        _refuse(min(codes, default=0), error)
    except aiosmtplib.SMTPSenderRefused as error:
        if error.code != SIZE_EXCEEDED:
            raise MessageDelayed(f"the sender's address was refused: {error.code}") from error
        _refuse(error.code, error)
    except SMTPResponseException as error:
        _refuse(error.code, error)
    except (aiosmtplib.SMTPNotSupported, ValueError) as error:  # an address that this server can never write to
        raise MessageRejected("the server cannot write to such an address") from error
    except TimeoutError:
        raise
    except (SMTPException, OSError) as error:
        raise MessageDelayed(f"the conversation broke off: {_words(error)}") from error


def _refuse(code: int, error: Exception) -> None:
    if code >= PERMANENT and code not in NEEDS_LOGIN:
        raise MessageRejected(f"the server said {code}") from error
    raise MessageDelayed(f"the server said {code}") from error


def _words(error: Exception) -> str:
    """Say what happened without the server's own words, which may quote what we sent."""
    code = f" {error.code}" if isinstance(error, SMTPResponseException) else ""
    return f"{type(error).__name__}{code}"
