"""Mail by SMTP, spoken to a real server (RFC 5321)."""

import asyncio
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from idp.domain.message import Message
from idp.message_settings import SmtpServer, read_mailbox
from idp.providers.mail.port import MessageDelayed, MessageRejected
from idp.providers.mail.smtp import SmtpSender
from tests.support.awkward import listening, refusing_port, silent
from tests.support.builders import message
from tests.support.mail_server import HANG, MailServer, contexts, mail_server

FROM = read_mailbox("Sign-in <no-reply@id.example.org>")
LOGIN = ("us@er", "pa:ss/word")


def sender_to(port: int, *, seconds: float = 5, context: ssl.SSLContext | None = None, **options: object) -> SmtpSender:
    server = SmtpServer("127.0.0.1", port, **options)  # type: ignore[arg-type]
    return SmtpSender(server, FROM, seconds=seconds, tls_context=context)


async def test_a_mail_arrives_as_text_and_html() -> None:
    mail = message(subject="Grüße", text="Ein Code:\n\n123456\n", html="<p>Ein Code: <b>123456</b></p>")
    async with mail_server() as server:
        await sender_to(server.port).send(mail)

    (arrived,) = server.mails
    text, html = arrived.get_body(("plain",)), arrived.get_body(("html",))
    assert arrived.get_content_type() == "multipart/alternative"
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == mail.text
    assert "<b>123456</b>" in html.get_content()
    assert arrived["Subject"] == "Grüße"
    assert arrived["From"] == "Sign-in <no-reply@id.example.org>"
    assert arrived["To"] == mail.to
    assert arrived["Auto-Submitted"] == "auto-generated"
    assert server.envelopes[0].mail_from == "no-reply@id.example.org"
    assert server.envelopes[0].rcpt_tos == [mail.to]


async def test_a_mail_that_is_sent_twice_can_be_recognised() -> None:
    mail = message()
    async with mail_server() as server:
        await sender_to(server.port).send(mail)
        await sender_to(server.port).send(mail)

    assert [arrived["Message-ID"] for arrived in server.mails] == [f"<{mail.id}@id.example.org>"] * 2
    assert server.mails[0]["Date"] == server.mails[1]["Date"]


async def test_a_mail_without_html_is_plain() -> None:
    async with mail_server() as server:
        await sender_to(server.port).send(message(html=None))

    assert server.mails[0].get_content_type() == "text/plain"


@pytest.mark.parametrize(
    ("command", "answer", "refusal"),
    [
        ("RCPT", "550 no such mailbox", MessageRejected),
        ("RCPT", "553 bad name", MessageRejected),
        ("RCPT", "451 greylisted", MessageDelayed),
        ("RCPT", "452 mailbox full", MessageDelayed),
        ("RCPT", "530 log in first", MessageDelayed),
        ("DATA", "554 looks like spam", MessageRejected),
        ("DATA", "552 too large", MessageRejected),
        ("DATA", "451 disk full", MessageDelayed),
        ("DATA", "421 going down", MessageDelayed),
        ("MAIL", "550 not from you", MessageDelayed),
        ("MAIL", "552 too large", MessageRejected),
        ("MAIL", "451 later", MessageDelayed),
        ("MAIL", "not SMTP", MessageDelayed),
    ],
)
async def test_a_refusal_of_the_mail_is_final_and_one_of_ours_is_not(
    command: str, answer: str, refusal: type[Exception]
) -> None:
    async with mail_server() as server:
        server.answers[command] = answer

        with pytest.raises(refusal) as refused:
            await sender_to(server.port).send(message())

    assert type(refused.value) is refusal
    assert "person" not in str(refused.value)


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
async def test_a_server_that_hangs_is_left(command: str) -> None:
    async with mail_server() as server:
        server.answers[command] = HANG

        with pytest.raises(MessageDelayed):
            await sender_to(server.port, seconds=0.3).send(message())


async def test_a_mail_that_was_taken_is_sent_even_if_the_server_never_says_goodbye() -> None:
    """Anything else would send it again."""
    async with mail_server() as server:
        server.answers["QUIT"] = HANG

        await sender_to(server.port, seconds=0.5).send(message())

    assert len(server.mails) == 1


async def test_a_server_that_never_greets_is_left() -> None:
    async with listening(lambda _reader, writer: silent(writer)) as port:
        with pytest.raises(MessageDelayed):
            await sender_to(port, seconds=0.2).send(message())


async def test_a_server_that_speaks_nonsense_or_hangs_up_is_tried_again() -> None:
    async def nonsense(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with listening(nonsense) as port:
        with pytest.raises(MessageDelayed):
            await sender_to(port).send(message())


async def test_nobody_there_is_tried_again() -> None:
    with pytest.raises(MessageDelayed):
        await sender_to(await refusing_port()).send(message())


@pytest.mark.parametrize(
    "changes",
    [
        {"to": "a@example.org, b@example.org"},
        {"to": "a@example.org\r\nBcc: b@example.org"},
        {"to": "nobody"},
        {"to": ""},
        {"subject": "Hello\r\nBcc: b@example.org"},
        {"text": "\ud800"},
    ],
)
async def test_what_cannot_be_a_mail_to_one_person_is_rejected(changes: dict[str, str]) -> None:
    """No CR or LF reaches a header, and no second recipient sneaks in."""
    async with mail_server() as server:
        with pytest.raises(MessageRejected):
            await sender_to(server.port).send(replace(message(), **changes))

    assert server.envelopes == []


async def test_we_log_in_with_user_and_password() -> None:
    async with mail_server(login=LOGIN) as server:
        await sender_to(server.port, username=LOGIN[0], password=LOGIN[1]).send(message())

    assert len(server.mails) == 1


async def test_a_wrong_password_is_ours_to_mend() -> None:
    async with mail_server(login=LOGIN) as server:
        with pytest.raises(MessageDelayed) as delayed:
            await sender_to(server.port, username=LOGIN[0], password="wrong").send(message())

    assert "wrong" not in str(delayed.value)


async def test_starttls_encrypts_before_anything_is_said(tmp_path: Path) -> None:
    theirs, ours = contexts(tmp_path)
    async with mail_server(start_tls=theirs, login=LOGIN) as server:
        await sender_to(server.port, context=ours, start_tls=True, username=LOGIN[0], password=LOGIN[1]).send(message())

    assert server.encrypted == [True]


async def test_tls_from_the_start(tmp_path: Path) -> None:
    theirs, ours = contexts(tmp_path)
    async with mail_server(tls=theirs) as server:
        await sender_to(server.port, context=ours, use_tls=True, start_tls=False).send(message())

    assert server.encrypted == [True]


async def test_a_server_without_the_starttls_we_demand_gets_nothing() -> None:
    async with mail_server(login=LOGIN) as server:
        with pytest.raises(MessageDelayed):
            await sender_to(server.port, start_tls=True, username=LOGIN[0], password=LOGIN[1]).send(message())

    assert server.envelopes == []


async def test_a_certificate_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    theirs, _ = contexts(tmp_path)
    async with mail_server(start_tls=theirs) as server:
        with pytest.raises(MessageDelayed):
            await sender_to(server.port, start_tls=True).send(message())

    assert server.envelopes == []


async def test_an_address_in_another_script_is_written_as_it_is() -> None:
    async with mail_server() as server:
        await sender_to(server.port).send(message(to="josé@example.org"))

    assert server.envelopes[0].rcpt_tos == ["josé@example.org"]


async def test_reaching_the_server_sends_nothing() -> None:
    async with mail_server(login=LOGIN) as server:
        await sender_to(server.port, username=LOGIN[0], password=LOGIN[1]).reach()
        with pytest.raises(MessageDelayed):
            await sender_to(server.port, username=LOGIN[0], password="wrong").reach()

    assert server.envelopes == []


async def test_many_mails_leave_at_once() -> None:
    async def send(server: MailServer, mail: Message) -> None:
        await sender_to(server.port).send(mail)

    async with mail_server() as server:
        await asyncio.gather(*(send(server, message()) for _ in range(10)))

    assert len({mail["Message-ID"] for mail in server.mails}) == 10
