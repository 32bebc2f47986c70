"""What every sender of mail or SMS promises (idp/providers/mail/port.py), kept by all of them."""

import asyncio
import io
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, redirect_stderr
from dataclasses import dataclass

import pytest

from idp.domain.message import Channel, Message
from idp.message_settings import SmtpServer, read_mailbox
from idp.providers.mail.console import ConsoleSender, MailboxSender
from idp.providers.mail.port import MessageDelayed, MessageRejected, MessageSender
from idp.providers.mail.sendgrid import SendGridSender
from idp.providers.mail.smtp import SmtpSender
from idp.providers.sms.twilio import TwilioAccount, TwilioSender
from tests.support.awkward import Awkward, awkward, says, silent
from tests.support.builders import message
from tests.support.mail_server import HANG, mail_server

SECRET = "the-secret-of-the-account"
FROM = read_mailbox("no-reply@id.example.org")
MAIL = message(to="canary@example.org", text="Canary-text\n", html="<p>Canary-html</p>", subject="Canary-subject")
SMS = message(
    channel=Channel.SMS, to="+491500canary", text="Canary-text 424242", html=None, subject=None, code="424242"
)
SECONDS = 0.3


@dataclass
class Subject:
    """A sender and the service behind it; the three calls say how the service answers from now on."""

    sender: MessageSender
    message: Message
    takes: Callable[[], None]
    refuses: Callable[[], None]
    fails: Callable[[], None]
    hangs: Callable[[], None]


@asynccontextmanager
async def smtp() -> AsyncIterator[Subject]:
    async with mail_server(login=("us", SECRET)) as server:
        yield Subject(
            SmtpSender(SmtpServer("127.0.0.1", server.port, "us", SECRET), FROM, seconds=SECONDS),
            MAIL,
            takes=server.answers.clear,
            refuses=lambda: server.answers.update(RCPT="550 canary@example.org is unknown"),
            fails=lambda: server.answers.update(DATA="451 canary@example.org must wait"),
            hangs=lambda: server.answers.update(DATA=HANG),
        )


@asynccontextmanager
async def sendgrid() -> AsyncIterator[Subject]:
    async with awkward() as service:
        sender = SendGridSender(SECRET, FROM, url=service.url, wait_seconds=SECONDS)
        yield over_http(sender, MAIL, service, taken=None, refused={"errors": [{"message": MAIL.to}]})


@asynccontextmanager
async def twilio(verify: str | None = None) -> AsyncIterator[Subject]:
    async with awkward() as service:
        sender = TwilioSender(TwilioAccount("AC1", SECRET, "+4930", service.url, verify), seconds=SECONDS)
        taken = {"sid": "SM1", "status": "queued"}
        yield over_http(sender, SMS, service, taken=taken, refused={"code": 21211, "message": SMS.to})


def over_http(sender: MessageSender, sent: Message, service: Awkward, *, taken: object, refused: object) -> Subject:
    return Subject(
        sender,
        sent,
        takes=lambda: service.behave(says(202, taken)),
        refuses=lambda: service.behave(says(400, refused)),
        fails=lambda: service.behave(says(503, refused)),
        hangs=lambda: service.behave(silent),
    )


REMOTE = {"smtp": smtp, "sendgrid": sendgrid, "twilio": twilio, "twilio verify": lambda: twilio("VA1")}


@pytest.fixture(params=REMOTE)
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(REMOTE[request.param]())


@pytest.mark.parametrize("sender", [ConsoleSender(), MailboxSender()])
@pytest.mark.parametrize("sent", [MAIL, SMS])
async def test_senders_at_home_take_everything(sender: MessageSender, sent: Message) -> None:
    await sender.send(sent)


async def test_a_message_that_the_service_takes_is_sent(subject: Subject) -> None:
    subject.takes()

    await subject.sender.send(subject.message)


async def test_a_message_that_the_service_refuses_is_rejected(subject: Subject) -> None:
    subject.refuses()

    with pytest.raises(MessageRejected):
        await subject.sender.send(subject.message)


async def test_a_service_in_trouble_delays_the_message(subject: Subject) -> None:
    subject.fails()

    with pytest.raises(MessageDelayed):
        await subject.sender.send(subject.message)


async def test_a_service_that_hangs_delays_the_message_in_time(subject: Subject) -> None:
    subject.hangs()

    async with asyncio.timeout(5):
        with pytest.raises(MessageDelayed):
            await subject.sender.send(subject.message)


async def test_a_sender_works_again_after_trouble(subject: Subject) -> None:
    for trouble in (subject.fails, subject.hangs):
        trouble()
        with pytest.raises(MessageDelayed):
            await subject.sender.send(subject.message)
        subject.takes()

        await subject.sender.send(subject.message)


async def test_a_cancelled_send_ends_at_once(subject: Subject) -> None:
    subject.hangs()
    sending = asyncio.create_task(subject.sender.send(subject.message))
    await asyncio.sleep(SECONDS / 3)

    sending.cancel()

    with pytest.raises(asyncio.CancelledError):
        await sending


async def test_no_log_and_no_error_names_the_person_the_text_or_our_secret(
    subject: Subject, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even at DEBUG; the libraries' own chatter included, except what our logging silences for all of them."""
    caplog.set_level(logging.DEBUG)
    said, errors = io.StringIO(), []
    with redirect_stderr(said):
        for behave in (subject.takes, subject.refuses, subject.fails, subject.hangs):
            subject.takes()
            behave()
            try:
                await subject.sender.send(subject.message)
            except (MessageRejected, MessageDelayed) as error:
                errors.append(str(error))

    ours = [f"{line.name} {line.getMessage()}" for line in caplog.records if line.name != "mail.log"]
    words = "\n".join([said.getvalue(), *errors, *ours]).lower()
    assert len(errors) == 3
    for secret in (SECRET, "canary", "424242"):
        assert secret not in words
