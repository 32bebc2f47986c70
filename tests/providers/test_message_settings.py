"""Options of mail and SMS: what is read, and what is refused before anything starts."""

import asyncio
import sys
from pathlib import Path

import pytest

from idp.domain.message import Channel
from idp.message_settings import SmtpServer, read_mailbox, read_smtp_url
from idp.settings import BadSettings, Settings, load
from idp.wiring import senders
from tests.support.session import clean_environment


def settings(**options: str) -> Settings:
    return load(environment={"IDP_MODE": "test", **{f"IDP_{name.upper()}": value for name, value in options.items()}})


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mx.example.org", SmtpServer("mx.example.org", 25)),
        ("smtp://mx.example.org:2525/", SmtpServer("mx.example.org", 2525)),
        ("smtp://mx.example.org?starttls=true", SmtpServer("mx.example.org", 587, start_tls=True)),
        ("smtp://mx.example.org?starttls=false", SmtpServer("mx.example.org", 25, start_tls=False)),
        ("smtps://mx.example.org", SmtpServer("mx.example.org", 465, use_tls=True, start_tls=False)),
        (
            "smtp://us%40er:p%3Aa%2Fss@mx.example.org:587?starttls=true",
            SmtpServer("mx.example.org", 587, "us@er", "p:a/ss", start_tls=True),
        ),
        ("smtp://us:pass@127.0.0.1:1025", SmtpServer("127.0.0.1", 1025, "us", "pass")),
        ("smtp://[::1]:1025", SmtpServer("::1", 1025)),
    ],
)
def test_a_mail_server_is_read_from_its_url(url: str, server: SmtpServer) -> None:
    assert read_smtp_url(url) == server
    assert "pass" not in repr(read_smtp_url(url))


@pytest.mark.parametrize(
    "url",
    [
        "mx.example.org",
        "http://mx.example.org",
        "smtp://",
        "smtp://mx.example.org/path",
        "smtp://us:hun/ter2@mx.example.org",
        "smtp://us:hunter2@mx.example.org:notaport",
        "smtp://us@mx.example.org?starttls=true",
        "smtp://us:hunter2@mx.example.org",
        "smtp://us:hunter2@mx.example.org?starttls=false",
        "smtp://mx.example.org?starttls=perhaps",
        "smtp://mx.example.org?verify=off",
        "smtps://mx.example.org?starttls=true",
        "smtp://us:hunter2@[mx",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_telling_the_password(url: str) -> None:
    with pytest.raises(ValueError) as refused:
        read_smtp_url(url)

    assert "hun" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_the_sender_is_one_address_with_or_without_a_name() -> None:
    assert str(read_mailbox("Sign-in <no-reply@example.org>")) == "Sign-in <no-reply@example.org>"
    assert str(read_mailbox("no-reply@example.org")) == "no-reply@example.org"
    for text in ("", "Sign-in", "<>", "a@b, c@d", "a@b\r\nBcc: c@d", "@example.org", "no-reply@"):
        with pytest.raises(ValueError):
            read_mailbox(text)


@pytest.mark.parametrize(
    ("options", "faults"),
    [
        ({"mail": "smtp"}, ["IDP_SMTP_URL is missing; IDP_MAIL=smtp needs it"]),
        ({"mail": "sendgrid"}, ["IDP_SENDGRID_API_KEY is missing; IDP_MAIL=sendgrid needs it"]),
        (
            {"sms": "twilio", "twilio_account_sid": "AC1"},
            [
                "IDP_TWILIO_AUTH_TOKEN is missing; IDP_SMS=twilio needs it",
                "IDP_TWILIO_FROM is missing; IDP_SMS=twilio needs it",
            ],
        ),
    ],
)
def test_a_sender_without_what_it_needs_is_refused_with_a_line_for_each_fault(
    options: dict[str, str], faults: list[str]
) -> None:
    with pytest.raises(BadSettings) as refused:
        settings(**options)

    assert refused.value.faults == faults


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"mail": "pigeon"}, "IDP_MAIL"),
        ({"mail_from": "nobody"}, "IDP_MAIL_FROM"),
        ({"mail": "smtp", "smtp_url": "smtp://us:the-secret@mx.example.org"}, "IDP_SMTP_URL would send the password"),
        ({"sendgrid_api_key": "the-secret\nX-Evil: 1"}, "IDP_SENDGRID_API_KEY"),
        ({"sendgrid_url": "ftp://example.org"}, "IDP_SENDGRID_URL"),
        ({"twilio_url": "https://example.org/?x=1"}, "IDP_TWILIO_URL"),
        ({"twilio_account_sid": "../../AC"}, "IDP_TWILIO_ACCOUNT_SID"),
        ({"twilio_verify_service": "VA/../x"}, "IDP_TWILIO_VERIFY_SERVICE"),
    ],
)
def test_an_option_that_cannot_be_right_is_refused(options: dict[str, str], word: str) -> None:
    with pytest.raises(BadSettings) as refused:
        settings(**options)

    assert any(word in fault for fault in refused.value.faults)
    assert "the-secret" not in str(refused.value)


def test_secrets_may_come_from_files_and_are_never_shown(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("smtp://us:the-secret@127.0.0.1\n")

    read = settings(mail="smtp", smtp_url_file=str(secret), twilio_auth_token_file=str(secret))

    assert read.smtp_server().password == "the-secret"
    assert "the-secret" not in repr(read)


async def test_a_vendor_that_was_not_chosen_is_not_loaded() -> None:
    """Its library costs every worker memory, and is one more thing that could be attacked."""
    script = (
        "import sys; from idp.settings import load; from idp.wiring import senders; "
        "print(len(senders(load(environment={'IDP_MODE': 'test'})))); "
        "print([name for name in ('sendgrid', 'python_http_client', 'aiosmtplib') if name in sys.modules])"
    )
    done = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE, env=clean_environment()
    )
    said, _ = await done.communicate()

    assert said.decode().split("\n")[:2] == ["2", "[]"]


def test_each_choice_has_its_sender() -> None:
    chosen = senders(
        settings(
            mail="smtp", smtp_url="smtp://127.0.0.1:1025", sms="twilio",
            twilio_account_sid="AC1", twilio_auth_token="t", twilio_from="+49",
        )
    )  # fmt: skip
    other = senders(settings(mail="sendgrid", sendgrid_api_key="key", sms="off"))

    assert {channel: type(sender).__name__ for channel, sender in chosen.items()} == {
        Channel.MAIL: "SmtpSender",
        Channel.SMS: "TwilioSender",
    }
    assert {channel: type(sender).__name__ for channel, sender in other.items()} == {Channel.MAIL: "SendGridSender"}
