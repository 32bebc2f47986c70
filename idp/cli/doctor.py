"""`idp doctor`: compares what is configured with what is there, and prints the fix for each fault."""

import asyncio
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import click

from idp import resources, settings
from idp.account_settings import Registration
from idp.cli.running import default_mode, json_option, read_settings, show
from idp.clock import SystemClock
from idp.message_settings import MailSenderName, read_mailbox
from idp.providers.mail.port import MessageDelayed, Reachable
from idp.settings import BadSettings, Settings
from idp.storage import schema
from idp.storage.database import Database, DatabaseAway
from idp.wiring import build, senders

LOCAL_SENDERS = ("mailbox", "console", "off")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `fix` says what to do when it is not right."""

    subject: str
    is_right: bool
    saw: str
    fix: str | None = None


@click.command()
@json_option
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Look for faults in the installation; exit 1 if there is one."""
    options = read_settings(context, mode=default_mode())
    findings = [*_configuration(options), *_files(options), *asyncio.run(_outside(options))]
    lines = []
    for finding in findings:
        lines.append(f"{'ok   ' if finding.is_right else 'FAULT'} {finding.subject}: {finding.saw}")
        if not finding.is_right and finding.fix:
            lines.append(f"      fix: {finding.fix}")
    documents = [{"subject": f.subject, "ok": f.is_right, "saw": f.saw, "fix": f.fix} for f in findings]
    show(as_json, documents, "\n".join(lines))
    if not all(finding.is_right for finding in findings):
        context.exit(1)


def _configuration(options: Settings) -> Iterator[Finding]:
    faults = settings.production_faults(options)
    for fault in faults:
        yield Finding("settings", False, fault, "set it as described in docs/settings.md")
    if not faults:
        yield Finding("settings", True, f"fit for mode {options.mode.value}")
    parts = urlsplit(options.issuer)
    is_local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    yield Finding(
        "issuer", options.is_secure or is_local, options.issuer,
        "use an https URL: browsers keep cookies from http sites only on localhost",
    )  # fmt: skip
    cookie = "__Host-idp_session" if options.is_secure else "idp_session (no __Host- prefix without https)"
    yield Finding("cookies", options.is_secure or is_local, cookie, "serve the issuer over https")
    behind_proxy = options.is_secure and not options.trusted_proxies
    yield Finding(
        "proxy headers", not behind_proxy, ", ".join(map(str, options.trusted_proxies)) or "none trusted",
        "TLS ends in front of this server: set IDP_TRUSTED_PROXIES to that proxy's network, "
        "or every visitor counts as one address",
    )  # fmt: skip
    rp_id, host = options.webauthn_rp_id or parts.hostname or "", parts.hostname or ""
    fits = (host == rp_id or host.endswith(f".{rp_id}")) and not host.replace(".", "").isdigit() and ":" not in host
    yield Finding(
        "passkeys", fits, f"RP ID {rp_id}",
        "IDP_WEBAUTHN_RP_ID must be the issuer's host or a parent of it, and a name, not an address: browsers refuse "
        "others",
    )  # fmt: skip
    if options.registration is Registration.OPEN and options.mail is MailSenderName.OFF:
        yield Finding("sign-up", False, "open, but no mail leaves", "choose a sender with IDP_MAIL: codes go by mail")
    year = SystemClock().now().year
    yield Finding("clock", 2025 < year < 2100, SystemClock().now().isoformat(), "set the machine's clock")


def _files(options: Settings) -> Iterator[Finding]:
    folder = options.keys_dir
    if not folder.is_dir():
        yield Finding("keys folder", True, f"{folder} will be made at the first start")
        return
    loose = [path.name for path in folder.glob("*.key") if stat.S_IMODE(path.stat().st_mode) & 0o077]
    yield Finding("key files", not loose, f"{folder}: {len(loose)} readable by others", f"chmod 600 {folder}/*.key")
    yield Finding("keys folder", os.access(folder, os.W_OK), str(folder), f"let the server's user write to {folder}")


async def _outside(options: Settings) -> list[Finding]:
    return [*await _database(options), *await _messages(options)]


async def _messages(options: Settings) -> list[Finding]:
    mail, sms, chosen = options.mail.value, options.sms.value, senders(options)
    origin = read_mailbox(options.mail_from)
    is_real = mail not in LOCAL_SENDERS
    findings = [
        Finding("mail", mail != "off" or options.is_dev, _sender(mail), "choose a sender with IDP_MAIL"),
        Finding(
            "mail sender", not is_real or origin.domain != "localhost", origin.addr_spec,
            "set IDP_MAIL_FROM to an address of your own, or most servers will refuse the mail",
        ),
        Finding("sms", True, _sender(sms)),
    ]  # fmt: skip
    for channel, sender in chosen.items():
        if isinstance(sender, Reachable):
            findings.append(await _reached(f"{channel.value} server", sender))
    return findings


def _sender(name: str) -> str:
    """Say who sends; what a sender needs was looked at when the settings were read."""
    return name if name in LOCAL_SENDERS else f"{name}, settings complete"


async def _reached(subject: str, sender: Reachable) -> Finding:
    try:
        await sender.reach()
    except MessageDelayed as error:
        return Finding(subject, False, str(error), "check address, port, encryption, user and password in IDP_SMTP_URL")
    return Finding(subject, True, "answers and lets us in")


async def _database(options: Settings) -> list[Finding]:
    kind = options.database_url.partition("://")[0]
    database = Database(options.database_url)
    try:
        async with database.transaction(write=False) as connection:
            revision = await schema.current(connection)
    except DatabaseAway as error:
        return [Finding("database", False, f"{kind}: {error}", "check IDP_DATABASE_URL and that the server runs")]
    finally:
        await database.close()
    newest = schema.newest(resources.folder("alembic"))
    findings = [
        Finding("database", True, kind),
        Finding("schema", revision == newest, str(revision or "empty"), "run: idp db upgrade"),
    ]
    if revision != newest:
        return findings
    try:
        site = await build(options)
    except BadSettings as error:
        return [*findings, *(Finding("master key", False, fault, "use the key this database was made with")
                             for fault in error.faults)]  # fmt: skip
    try:
        findings.append(Finding("master key", True, "opens the database"))
        active = [key.alg for key in await site.keys.known() if key.state.value == "active"]
        findings.append(
            Finding("signing keys", bool(active), " ".join(active) or "none", "they are made at the first start")
        )
        for client in await site.clients.list():
            bad = [uri for uri in client.redirect_uris if not client.may_register(uri)]
            if bad:
                findings.append(Finding(f"client {client.id}", False, bad[0], "idp client update with a safe URI"))
    finally:
        await site.close()
    return findings
