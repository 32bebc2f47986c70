"""Which implementation each option names."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from idp.account_settings import Attestation, Registration, SecondFactor
from idp.client_settings import ImplicitAndHybrid
from idp.domain.message import Channel
from idp.domain.probe import Probe
from idp.factors import attestation
from idp.factors.webauthn_ceremony import RelyingParty
from idp.hooks import ProbedSender
from idp.message_settings import MailSenderName, SmsSenderName, read_mailbox
from idp.password_wiring import brand_name
from idp.policy.offers import Offers
from idp.policy.step_up import Rules
from idp.providers.geo.port import Nowhere, Places
from idp.providers.mail.console import ConsoleSender, MailboxSender
from idp.providers.mail.port import MessageSender
from idp.settings import BadSettings, Settings

T = TypeVar("T")
STATIC = Path(__file__).parents[1] / "web" / "static"


def rules(settings: Settings) -> Rules:
    """Return what the operator decided about factors."""
    return Rules(
        demands_second_factor=settings.second_factor is SecondFactor.REQUIRED,
        remembers_browsers=settings.remember_browsers,
        sends_sms=settings.sms is not SmsSenderName.OFF,
        attests=settings.webauthn_attestation is Attestation.DIRECT and settings.webauthn_roots_file is not None,
        sends_mail=settings.mail is not MailSenderName.OFF,
        revoked=revoked_makes(settings),
    )


def offers(settings: Settings) -> Offers:
    """Return what the operator switched on."""
    return Offers(
        front_channel=settings.implicit_and_hybrid is ImplicitAndHybrid.ON,
        sign_up=settings.registration is Registration.OPEN,
        mutual_tls=settings.mtls_url is not None,
    )


def revoked_makes(settings: Settings) -> frozenset[str]:
    """Return the makes that the operator no longer trusts; raise BadSettings if their file cannot be used."""
    path = settings.webauthn_revoked_file
    if path is None:
        return frozenset()
    try:
        return attestation.read_makes(path.read_text("utf-8"))
    except OSError as error:
        raise BadSettings([f"IDP_WEBAUTHN_REVOKED_FILE: {path}: {error.strerror}"]) from error
    except ValueError as error:
        raise BadSettings([f"IDP_WEBAUTHN_REVOKED_FILE: {path}: {error}"]) from error


def relying_party(settings: Settings) -> RelyingParty:
    """Return who we are to authenticators."""
    parts = urlsplit(settings.issuer)
    roots: tuple[bytes, ...] = ()
    if settings.webauthn_roots_file is not None:
        try:
            pem = settings.webauthn_roots_file.read_bytes()
        except OSError as error:
            raise BadSettings([f"IDP_WEBAUTHN_ROOTS_FILE: {settings.webauthn_roots_file}: {error.strerror}"]) from error
        end = b"-----END CERTIFICATE-----"
        roots = tuple(part.strip() + b"\n" + end + b"\n" for part in pem.split(end) if b"BEGIN" in part)
    return RelyingParty(
        rp_id=settings.webauthn_rp_id or parts.hostname or "",
        origins=(f"{parts.scheme}://{parts.netloc}", *settings.webauthn_origins),
        name=brand_name(settings),
        wants_attestation=settings.webauthn_attestation is Attestation.DIRECT,
        aaguids=frozenset(settings.webauthn_aaguids),
        revoked=revoked_makes(settings),
        roots=roots,
    )


def places(settings: Settings) -> Places:
    """Return who knows where an address is; raise BadSettings if the operator's file cannot be used."""
    if settings.geo_db is None:
        return Nowhere()
    from idp.providers.geo.maxmind import MaxMindPlaces, UnreadableFile

    try:
        return MaxMindPlaces(settings.geo_db)
    except UnreadableFile as error:
        raise BadSettings([f"IDP_GEO_DB: {error}"]) from error


def senders(settings: Settings) -> Mapping[Channel, MessageSender]:
    """Return who sends what; only the libraries of the chosen vendors are loaded."""
    chosen = {Channel.MAIL: _mail_sender(settings), Channel.SMS: _sms_sender(settings)}
    return {channel: sender for channel, sender in chosen.items() if sender is not None}


def _mail_sender(settings: Settings) -> MessageSender | None:
    match settings.mail:
        case MailSenderName.MAILBOX:
            return MailboxSender()
        case MailSenderName.CONSOLE:
            return ConsoleSender()
        case MailSenderName.SMTP:
            from idp.providers.mail.smtp import SmtpSender

            return SmtpSender(settings.smtp_server(), read_mailbox(settings.mail_from))
        case MailSenderName.SENDGRID:
            from idp.providers.mail.sendgrid import SendGridSender

            key, sender = _chosen(settings.sendgrid_api_key), read_mailbox(settings.mail_from)
            return SendGridSender(key.get_secret_value(), sender, url=settings.sendgrid_url)
        case MailSenderName.OFF:
            return None


def _sms_sender(settings: Settings) -> MessageSender | None:
    match settings.sms:
        case SmsSenderName.MAILBOX:
            return MailboxSender()
        case SmsSenderName.CONSOLE:
            return ConsoleSender()
        case SmsSenderName.TWILIO:
            from idp.providers.sms.twilio import TwilioAccount, TwilioSender

            sid, token = _chosen(settings.twilio_account_sid), _chosen(settings.twilio_auth_token)
            number, service = _chosen(settings.twilio_from), settings.twilio_verify_service
            return TwilioSender(TwilioAccount(sid, token.get_secret_value(), number, settings.twilio_url, service))
        case SmsSenderName.OFF:
            return None


def _chosen(value: T | None) -> T:
    assert value is not None, "settings.message_faults() refuses a sender without what it needs"
    return value


def probed(senders: Mapping[Channel, MessageSender], probe: Probe | None) -> Mapping[Channel, MessageSender]:
    """Let a test's probe see and break what the senders do."""
    if probe is None:
        return senders
    return {channel: ProbedSender(sender, probe, f"{channel.value}.send") for channel, sender in senders.items()}


def asset_versions() -> dict[str, str]:
    """Return a digest of each static file, so that browsers may keep it for ever."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in STATIC.iterdir() if path.is_file()
    }
