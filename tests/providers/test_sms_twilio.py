"""SMS by Twilio, against a service that misbehaves."""

import base64
import time

import pytest

from idp.domain.message import Channel, Message
from idp.providers.mail.port import MessageDelayed, MessageRejected
from idp.providers.sms.twilio import TwilioAccount, TwilioSender
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

SID, TOKEN, FROM, VERIFY = "AC0123", "the-token", "+4930000000", "VA4567"
TAKEN = {"sid": "SM1", "status": "queued", "error_code": None}
BAD_REQUEST = 400


def sms(**changes: object) -> Message:
    plain = {"channel": Channel.SMS, "to": "+4915112345678", "subject": None, "html": None, "text": "Code: 123456"}
    return message(**{**plain, **changes})


def sender_to(
    service: Awkward | str, *, seconds: float = 5, verify: str | None = None, sender: str = FROM
) -> TwilioSender:
    url = service if isinstance(service, str) else service.url
    return TwilioSender(TwilioAccount(SID, TOKEN, sender, url, verify), seconds=seconds)


async def test_an_sms_is_handed_over_whole() -> None:
    async with awkward() as service:
        service.behave(says(201, TAKEN))
        await sender_to(service).send(sms())

    (call,) = service.calls
    assert (call.method, call.path) == ("POST", f"/2010-04-01/Accounts/{SID}/Messages.json")
    assert call.headers["authorization"] == "Basic " + base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()
    assert call.form() == {"To": "+4915112345678", "From": FROM, "Body": "Code: 123456"}


async def test_a_messaging_service_chooses_the_number() -> None:
    service_sid = "MG" + "0" * 32
    async with awkward() as service:
        service.behave(says(201, TAKEN))
        await sender_to(service, sender=service_sid).send(sms())

    assert service.calls[0].form()["MessagingServiceSid"] == service_sid
    assert "From" not in service.calls[0].form()


async def test_verify_is_given_our_own_code() -> None:
    async with awkward() as service:
        service.behave(says(201, {"sid": "VE1", "status": "pending"}))
        await sender_to(service, verify=VERIFY).send(sms(code="123456"))

    (call,) = service.calls
    assert call.path == f"/v2/Services/{VERIFY}/Verifications"
    assert call.form() == {"To": "+4915112345678", "Channel": "sms", "CustomCode": "123456"}


@pytest.mark.parametrize(("verify", "code"), [(VERIFY, None), (None, "123456")])
async def test_only_codes_go_by_verify_and_only_if_it_is_named(verify: str | None, code: str | None) -> None:
    async with awkward() as service:
        service.behave(says(201, TAKEN))
        await sender_to(service, verify=verify).send(sms(code=code))

    assert service.calls[0].path.endswith("/Messages.json")


@pytest.mark.parametrize("code", [21211, 21214, 21217, 21408, 21610, 21612, 21614, 60200, 60205])
async def test_a_number_that_cannot_be_reached_is_final(code: int) -> None:
    async with awkward() as service:
        service.behave(says(BAD_REQUEST, {"code": code, "message": "+4915112345678 is bad", "status": BAD_REQUEST}))

        with pytest.raises(MessageRejected) as rejected:
            await sender_to(service).send(sms())

    assert "+49" not in str(rejected.value)
    assert str(code) in str(rejected.value)


@pytest.mark.parametrize(
    "behaviour",
    [
        says(429, {"code": 60203, "message": "Max send attempts reached"}),
        says(400, {"code": 60203}),
        says(400, {"code": 21606, "message": "From is not a number of yours"}),
        says(400, {"code": "21211"}),
        says(400, {}),
        says(401, {"code": 20003}),
        says(403, {"code": 21610}),
        says(429, {"code": 20429}),
        says(404, {"code": 20404}),
        says(500, {"code": 21211}),
        says(503, {"code": 20503}),
        says(302, {}, headers="Location: /elsewhere\r\n"),
        says(201, {}),
        says(201, ["SM1"]),
        says(201, {"sid": 7, "status": "queued"}),
        says_bytes(201, b"<html>Welcome to the hotel's wireless network</html>"),
        says_bytes(201, b"\xff\xfe"),
        says_bytes(201, b'{"sid":"' + b"S" * 100_000 + b'","status":"queued"}'),
        half(201),
        garbage,
        resets,
    ],
)
async def test_everything_else_is_tried_again(behaviour: Behaviour) -> None:
    async with awkward() as service:
        service.behave(behaviour)

        with pytest.raises(MessageDelayed):
            await sender_to(service).send(sms())


async def test_an_sms_that_failed_at_once_is_final() -> None:
    async with awkward() as service:
        service.behave(says(201, {"sid": "SM1", "status": "failed"}))

        with pytest.raises(MessageRejected):
            await sender_to(service).send(sms())


@pytest.mark.parametrize("behaviour", [silent, drips])
async def test_a_service_that_never_ends_is_left(behaviour: Behaviour) -> None:
    began = time.monotonic()
    async with awkward() as service:
        service.behave(behaviour)

        with pytest.raises(MessageDelayed):
            await sender_to(service, seconds=0.2).send(sms())

    assert time.monotonic() - began < 5


async def test_nobody_there_is_tried_again() -> None:
    with pytest.raises(MessageDelayed):
        await sender_to(f"http://127.0.0.1:{await refusing_port()}").send(sms())
