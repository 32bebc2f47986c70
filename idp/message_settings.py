"""The options of mail and SMS: who sends them, and what that sender needs."""

from dataclasses import dataclass, field
from email.headerregistry import Address
from email.utils import parseaddr
from enum import StrEnum
from typing import Annotated
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import AfterValidator, BaseModel, Field, SecretStr

MESSAGE_SECRETS = ("smtp_url", "sendgrid_api_key", "twilio_auth_token")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_SMTP_SHAPE = "must look like smtp://user:pass@host:587?starttls=true, user and password percent-encoded"
_SWITCHES = {"true": True, "1": True, "on": True, "false": False, "0": False, "off": False}


class MailSenderName(StrEnum):
    """Where mail goes."""

    MAILBOX = "mailbox"
    CONSOLE = "console"
    SMTP = "smtp"
    SENDGRID = "sendgrid"
    OFF = "off"


class SmsSenderName(StrEnum):
    """Where SMS go."""

    MAILBOX = "mailbox"
    CONSOLE = "console"
    TWILIO = "twilio"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A server that takes our mail; `start_tls` None means: if it offers it."""

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    use_tls: bool = False
    start_tls: bool | None = None


def read_smtp_url(url: str) -> SmtpServer:
    """Read `smtp://user:pass@host:587?starttls=true` or `smtps://…`.

    Raises ValueError, without anything secret in it, if the URL cannot be used.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # its words may quote the password
        raise ValueError(_SMTP_SHAPE) from None
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path not in ("", "/") or parts.fragment:
        raise ValueError(_SMTP_SHAPE)
    use_tls = parts.scheme == "smtps"
    start_tls = _start_tls(parts.query)
    if use_tls and start_tls:
        raise ValueError("smtps:// is encrypted from the start; leave out starttls")
    username = None if parts.username is None else unquote(parts.username)
    password = None if parts.password is None else unquote(parts.password)
    if (username is None) != (password is None):
        raise ValueError("needs both a user and a password, or neither")
    if password is not None and not use_tls and not start_tls and parts.hostname not in _LOOPBACK:
        raise ValueError("would send the password in the clear; add ?starttls=true or use smtps://")
    return SmtpServer(
        parts.hostname,
        port or (465 if use_tls else 587 if start_tls else 25),
        username,
        password,
        use_tls=use_tls,
        start_tls=False if use_tls else start_tls,
    )


def _start_tls(query: str) -> bool | None:
    options = dict(parse_qsl(query, keep_blank_values=True))
    value = options.pop("starttls", None)
    if options or (value is not None and value.lower() not in _SWITCHES):
        raise ValueError("knows one option only: starttls=true or starttls=false")
    return None if value is None else _SWITCHES[value.lower()]


def read_mailbox(text: str) -> Address:
    """Read `Name <address>` or a bare address; raise ValueError if it is not exactly one."""
    name, address = parseaddr(text)
    local, _, domain = address.rpartition("@")
    if not local or not domain or not text.isprintable() or text.count("@") != 1:
        raise ValueError("must look like: Name <address@example.org>")
    return Address(display_name=name, username=local, domain=domain)


def _mailbox(text: str) -> str:
    read_mailbox(text)
    return text


def _base_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("must be an http(s) URL without user, query and fragment")
    return text.rstrip("/")


def _credential(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value().isascii() or not secret.get_secret_value().isprintable():
        raise ValueError("holds characters that no header may hold")
    return secret


BaseUrl = Annotated[str, AfterValidator(_base_url)]
Credential = Annotated[SecretStr, AfterValidator(_credential)]


class MessageSettings(BaseModel):
    """What leaves the house as mail and SMS."""

    mail: MailSenderName = Field(
        MailSenderName.OFF, description="`mailbox` (dev), `console`, `smtp`, `sendgrid` or `off`"
    )
    mail_from: Annotated[str, AfterValidator(_mailbox)] = Field(
        "Sign-in <no-reply@localhost>", description="sender of mail, `Name <address>`"
    )
    smtp_url: SecretStr | None = Field(
        None,
        description="`smtp://user:pass@host:587?starttls=true` or `smtps://…`; user and password percent-encoded",
    )
    sendgrid_api_key: Credential | None = Field(None, description="key of the SendGrid account")
    sendgrid_url: BaseUrl = Field("https://api.sendgrid.com", description="where SendGrid's client sends to")
    sms: SmsSenderName = Field(SmsSenderName.OFF, description="`mailbox` (dev), `console`, `twilio` or `off`")
    sms_per_day: int = Field(
        1000, ge=0, le=10_000_000, description="how many SMS may leave in a day; more wait, and a warning is logged"
    )
    twilio_account_sid: str | None = Field(None, pattern="^[A-Za-z0-9]{1,64}$", description="Twilio account, `AC…`")
    twilio_auth_token: Credential | None = Field(None, description="token of the Twilio account")
    twilio_from: str | None = Field(
        None, max_length=64, description="number or name that SMS come from, or a messaging service, `MG…`"
    )
    twilio_url: BaseUrl | None = Field(None, description="another address for all calls to Twilio")
    twilio_verify_service: str | None = Field(
        None,
        pattern="^[A-Za-z0-9]{1,64}$",
        description="Verify service, `VA…`, that sends our codes; it must allow custom codes. Messages without a code "
        "go the usual way",
    )

    def smtp_server(self) -> SmtpServer:
        """Return the mail server; raise ValueError if its URL cannot be used."""
        if self.smtp_url is None:
            raise ValueError("is missing")
        return read_smtp_url(self.smtp_url.get_secret_value())

    def message_faults(self) -> list[str]:
        """Return what the chosen senders lack, one line for each fault."""
        faults: list[str] = []
        if self.mail is MailSenderName.SMTP:
            try:
                self.smtp_server()
            except ValueError as error:
                faults.append(f"IDP_SMTP_URL {error}" if self.smtp_url else _missing("smtp_url", "IDP_MAIL=smtp"))
        if self.mail is MailSenderName.SENDGRID and self.sendgrid_api_key is None:
            faults.append(_missing("sendgrid_api_key", "IDP_MAIL=sendgrid"))
        if self.sms is SmsSenderName.TWILIO:
            needed = ("twilio_account_sid", "twilio_auth_token", "twilio_from")
            faults += [_missing(name, "IDP_SMS=twilio") for name in needed if getattr(self, name) is None]
        return faults


def _missing(name: str, reason: str) -> str:
    return f"IDP_{name.upper()} is missing; {reason} needs it"
