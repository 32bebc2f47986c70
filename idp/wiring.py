"""The only place that picks implementations and puts the parts of a process together."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import SecretStr

from idp import resources
from idp.clock import Clock, SystemClock
from idp.domain.message import Channel
from idp.domain.probe import Probe
from idp.domain.secret import Digester, SealBroken, base64url, random_bytes
from idp.factors.password import PasswordHasher
from idp.flows.client_administration import ClientAdministration
from idp.flows.housekeeping import Housekeeping
from idp.flows.login import Login
from idp.flows.notices import Notices
from idp.flows.signing_keys import SigningKeys
from idp.flows.user_administration import UserAdministration
from idp.hooks import FileProbe, HookedClock, ProbedKeyStore, ProbedSender
from idp.message_settings import MailSenderName, SmsSenderName, read_mailbox
from idp.messages.outbox import DailyCap, OutboxWorker
from idp.oauth.context import Engine
from idp.oauth.keyring import Keyring
from idp.providers.keystore.local import LocalKeyStore
from idp.providers.keystore.port import KeyStore
from idp.providers.keystore.sealing import AesSealer, derive
from idp.providers.mail.console import ConsoleSender, MailboxSender
from idp.providers.mail.port import MessageSender
from idp.settings import BadSettings, Settings, Switch
from idp.storage import schema
from idp.storage.caches import ClientDirectory, EpochWatch
from idp.storage.data_keys import DataKeyStore
from idp.storage.database import Database, DatabaseAway
from idp.storage.stores import Stores, Transactions
from idp.templating import Templates

__all__ = ["STATIC", "DatabaseAway", "Site", "Stores", "build"]  # what the web may name of the rooms below

T = TypeVar("T")
DATA_KEYS = ("digest", "pepper", "pairwise")
STATIC = Path(__file__).parent / "web" / "static"
MASTER_KEY_FILE = "master.key"


@dataclass(frozen=True, slots=True)
class Site:
    """One process of the provider, wired up."""

    settings: Settings
    clock: Clock
    database: Database
    transactions: Transactions
    watch: EpochWatch
    engine: Engine
    hasher: PasswordHasher
    login: Login
    users: UserAdministration
    clients: ClientAdministration
    keys: SigningKeys
    notices: Notices
    housekeeping: Housekeeping
    templates: Templates
    digester: Digester

    async def close(self) -> None:
        """Let go of everything."""
        self.hasher.close()
        await self.database.close()


def master_keys(settings: Settings) -> tuple[bytes, ...]:
    """Return the master keys; in dev one is made at the first use and kept beside the signing keys.

    Raises BadSettings when there is none and none may be made.
    """
    given = settings.master_keys()
    if given:
        return given
    path = settings.keys_dir / MASTER_KEY_FILE
    if not settings.is_dev:
        raise BadSettings(["IDP_MASTER_KEY is missing; make one with: idp keys master"])
    settings.keys_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return settings.model_copy(update={"master_key": SecretStr(path.read_text().strip())}).master_keys()
    with os.fdopen(handle, "w") as file:
        file.write(base64url(random_bytes(32)))
    return master_keys(settings)


async def data_keys(database: Database, masters: tuple[bytes, ...]) -> Mapping[str, bytes]:
    """Return the deployment's data keys, made at the first use.

    Raises BadSettings if the master key does not open them. A key sealed under an older master key of the list is
    sealed anew under the first.
    """
    sealer = AesSealer(masters, purpose="data keys")
    async with database.transaction(write=True) as connection:
        store = DataKeyStore(connection)
        known = await store.all()
        for name in DATA_KEYS:
            if name not in known:
                await store.add(name, sealer.seal(random_bytes(32), place=f"data_keys|sealed|{name}"))
        opened: dict[str, bytes] = {}
        for name, sealed in (await store.all()).items():
            try:
                opened[name] = sealer.open(sealed, place=f"data_keys|sealed|{name}")
            except SealBroken as error:
                raise BadSettings(["IDP_MASTER_KEY does not open this database; was it changed?"]) from error
            if not sealer.is_current(sealed):
                await store.replace(name, sealer.seal(opened[name], place=f"data_keys|sealed|{name}"))
    return opened


async def build(settings: Settings, *, clock: Clock | None = None) -> Site:
    """Put a process together; raise BadSettings if the schema is not current or the master key is wrong."""
    clock = clock or SystemClock()
    probe: Probe | None = None
    if settings.test_hooks is not None:
        clock, probe = HookedClock(clock, settings.test_hooks), FileProbe(settings.test_hooks)
    masters = master_keys(settings)
    database = Database(settings.database_url, pool_size=settings.database_pool, probe=probe)
    async with database.transaction(write=False) as connection:
        revision = await schema.current(connection)
    if revision != schema.newest(resources.folder("alembic")):
        await database.close()
        raise BadSettings(["the database schema is not current; run: idp db upgrade"])
    try:
        keys = await data_keys(database, masters)
    except BadSettings:
        await database.close()
        raise
    return _assemble(settings, clock, database, masters, keys, probe)


def _assemble(
    settings: Settings,
    clock: Clock,
    database: Database,
    masters: tuple[bytes, ...],
    keys: Mapping[str, bytes],
    probe: Probe | None,
) -> Site:
    sealer, digester = AesSealer(masters, purpose="records"), Digester(derive(keys["digest"], "digests"))
    transactions, watch = Transactions(database, sealer=sealer, digester=digester), EpochWatch(database)
    keystore = _keystore(settings, masters, probe)
    hasher = _hasher(settings, keys["pepper"], probe)
    templates = Templates(resources.folder("templates"), asset_versions=asset_versions(), base=settings.base_path)
    signing = SigningKeys(transactions, keystore, clock)
    sms_cap = DailyCap(digester.digest("sms-cap", "all"), settings.sms_per_day)
    outbox = OutboxWorker(transactions, _probed(senders(settings), probe), clock, sms_cap=sms_cap)
    brand = settings.brand_name or settings.issuer.partition("://")[2].partition("/")[0]
    limits_floods = settings.rate_limits is Switch.ON
    return Site(
        settings=settings,
        clock=clock,
        database=database,
        transactions=transactions,
        watch=watch,
        engine=Engine(
            issuer=settings.issuer,
            keyring=Keyring(database, watch, keystore, clock),
            clients=ClientDirectory(watch),
            digester=digester,
            sealer=sealer,
            limits_floods=limits_floods,
            docs_url=settings.docs_url,
        ),
        hasher=hasher,
        login=Login(transactions, hasher, digester, clock, limits_floods=limits_floods),
        users=UserAdministration(transactions, hasher, digester, clock, product=brand),
        clients=ClientAdministration(transactions, digester, clock),
        keys=signing,
        notices=Notices(templates, brand=brand, account_url=f"{settings.issuer}/account"),
        housekeeping=Housekeeping(transactions, signing, outbox, clock),
        templates=templates,
        digester=digester,
    )


def _keystore(settings: Settings, masters: tuple[bytes, ...], probe: Probe | None) -> KeyStore:
    local = LocalKeyStore(settings.keys_dir, AesSealer(masters, purpose="signing keys"))
    return local if probe is None else ProbedKeyStore(local, probe)


def _hasher(settings: Settings, pepper: bytes, probe: Probe | None) -> PasswordHasher:
    return PasswordHasher(
        pepper,
        pepper_id=hashlib.sha256(pepper).hexdigest()[:8],
        rounds=settings.bcrypt_rounds,
        threads=settings.hash_threads or os.cpu_count() or 1,
        queue=settings.hash_queue,
        probe=probe,
    )


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


def _probed(senders: Mapping[Channel, MessageSender], probe: Probe | None) -> Mapping[Channel, MessageSender]:
    if probe is None:
        return senders
    return {channel: ProbedSender(sender, probe, f"{channel.value}.send") for channel, sender in senders.items()}


def asset_versions() -> dict[str, str]:
    """Return a digest of each static file, so that browsers may keep it for ever."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in STATIC.iterdir() if path.is_file()
    }
