"""Mail by SendGrid's own client, against a service that misbehaves."""

import asyncio
import time

import pytest

from idp.message_settings import read_mailbox
from idp.providers.mail.port import MessageDelayed, MessageRejected
from idp.providers.mail.sendgrid import SendGridSender
from tests.support.awkward import (
    Awkward,
    Behaviour,
    awkward,
    drips,
    garbage,
    half,
    refusing_port,
    resets,
    says,
    says_bytes,
    silent,
)
from tests.support.builders import message

KEY = "SG.key-of-the-account"
FROM = read_mailbox("Sign-in <no-reply@id.example.org>")
ERROR = {"errors": [{"message": "person@example.com is bad", "field": None}]}


def sender_to(service: Awkward | str, *, seconds: float = 5) -> SendGridSender:
    url = service if isinstance(service, str) else service.url
    return SendGridSender(KEY, FROM, url=url, wait_seconds=seconds, total_seconds=2 * seconds)


async def test_a_mail_is_handed_over_whole() -> None:
    mail = message(subject="Grüße")
    async with awkward() as service:
        service.behave(says(202))
        await sender_to(service).send(mail)

    (call,) = service.calls
    sent = call.json()
    assert (call.method, call.path) == ("POST", "/v3/mail/send")
    assert call.headers["authorization"] == f"Bearer {KEY}"
    assert sent["from"] == {"email": "no-reply@id.example.org", "name": "Sign-in"}
    assert sent["personalizations"] == [{"to": [{"email": mail.to}], "custom_args": {"message_id": mail.id}}]
    assert sent["subject"] == "Grüße"
    assert sent["content"] == [
        {"type": "text/plain", "value": mail.text},
        {"type": "text/html", "value": mail.html},
    ]
    assert sent["headers"]["Message-ID"] == f"<{mail.id}@id.example.org>"


async def test_nobody_learns_who_opened_or_clicked_what() -> None:
    """A reset link must not run through somebody else's redirector."""
    async with awkward() as service:
        service.behave(says(202))
        await sender_to(service).send(message(html=None))

    sent = service.calls[0].json()
    assert sent["tracking_settings"]["click_tracking"] == {"enable": False, "enable_text": False}
    assert sent["tracking_settings"]["open_tracking"] == {"enable": False}
    assert [part["type"] for part in sent["content"]] == ["text/plain"]


@pytest.mark.parametrize("status", [400, 413, 415, 422])
async def test_what_is_wrong_with_the_mail_is_final(status: int) -> None:
    async with awkward() as service:
        service.behave(says(status, ERROR))

        with pytest.raises(MessageRejected) as rejected:
            await sender_to(service).send(message())

    assert "person" not in str(rejected.value)


@pytest.mark.parametrize(
    "behaviour",
    [
        *(says(status, ERROR) for status in (401, 403, 404, 405, 408, 429, 500, 502, 503, 504)),
        says_bytes(200, b"<html>Welcome to the hotel's wireless network</html>"),
        says(302, headers="Location: /elsewhere\r\n"),
        half(202),
        half(400),
        garbage,
        resets,
    ],
)
async def test_everything_else_is_tried_again(behaviour: Behaviour) -> None:
    async with awkward() as service:
        service.behave(behaviour)

        with pytest.raises(MessageDelayed):
            await sender_to(service).send(message())


@pytest.mark.parametrize("behaviour", [silent, drips])
async def test_a_service_that_never_ends_is_left(behaviour: Behaviour) -> None:
    began = time.monotonic()
    async with awkward() as service:
        service.behave(behaviour)

        with pytest.raises(MessageDelayed):
            await sender_to(service, seconds=0.2).send(message())

    assert time.monotonic() - began < 5


async def test_nobody_there_is_tried_again() -> None:
    with pytest.raises(MessageDelayed):
        await sender_to(f"http://127.0.0.1:{await refusing_port()}").send(message())


async def test_one_hanging_call_holds_no_other() -> None:
    async with awkward() as slow, awkward() as quick:
        quick.behave(says(202))
        hanging = asyncio.create_task(sender_to(slow, seconds=0.5).send(message()))

        await asyncio.gather(*(sender_to(quick).send(message()) for _ in range(5)))

        assert not hanging.done()
        with pytest.raises(MessageDelayed):
            await hanging
    assert len(quick.calls) == 5
