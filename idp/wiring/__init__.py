"""The only place that picks implementations and puts the parts of a process together."""

from collections.abc import Mapping
from dataclasses import dataclass

from idp import resources
from idp.clock import Clock, SystemClock
from idp.domain.event import Actor
from idp.domain.probe import Probe
from idp.domain.secret import Digester
from idp.factors.catalog import Catalog, build_catalog
from idp.factors.password import PasswordHasher
from idp.factors.password_judge import PasswordJudge
from idp.flows.admin.operation import Administration
from idp.flows.admin.tools import Tools
from idp.flows.advising import Advising
from idp.flows.alert_watch import AlertWatch
from idp.flows.alerts import Alerts
from idp.flows.client_administration import ClientAdministration
from idp.flows.client_id_document import ClientIdDocuments
from idp.flows.client_registration import ClientRegistration
from idp.flows.enrolment import Enrolment
from idp.flows.housekeeping import Housekeeping
from idp.flows.login import Login
from idp.flows.new_password import NewPassword
from idp.flows.notices import Notices
from idp.flows.own_data import OwnData
from idp.flows.policy_rollout import PolicyRollout
from idp.flows.policy_watch import PolicyWatch
from idp.flows.profile import Profile
from idp.flows.reasons import Reasons
from idp.flows.recovery import Recovery
from idp.flows.sign_in import SignIn
from idp.flows.signing_keys import SigningKeys
from idp.flows.signup import SignUp
from idp.flows.step_up import StepUp
from idp.flows.upstream_links import UpstreamLinks
from idp.flows.user_administration import UserAdministration
from idp.hooks import FileProbe, HookedClock
from idp.messages.outbox import DailyCap, OutboxWorker
from idp.oauth.context import Engine
from idp.oauth.keyring import Keyring
from idp.oauth.openid.subject import Subjects
from idp.oauth.remote_keys import RemoteKeys
from idp.oauth.remote_objects import RemoteObjects
from idp.password_wiring import brand_name, guarded_fetch, password_judge
from idp.policy.client_id_document import DocumentHosts
from idp.providers.adviser.port import Writer
from idp.providers.geo.port import Places
from idp.providers.keystore.sealing import AesSealer, derive
from idp.settings import BadSettings, Settings, Switch
from idp.storage import schema
from idp.storage.approved_drafts import ApprovedDrafts
from idp.storage.caches import ClientDirectory, DefinitionDirectory, EpochWatch
from idp.storage.database import Database, DatabaseAway
from idp.storage.stores import Stores, Transactions
from idp.templating import Templates
from idp.wiring.administration import build_administration
from idp.wiring.adviser import prices, writer
from idp.wiring.audit import Audit, build_audit
from idp.wiring.choices import STATIC, asset_versions, offers, places, probed, relying_party, rules, senders
from idp.wiring.keys import data_keys, make_hasher, make_keystore, master_keys
from idp.wiring.registration import build_clients, build_documents
from idp.wiring.risk import build_advising, build_rollout, risk_desk
from idp.wiring.upstreams import Upstreams, build_upstreams
from idp.wiring.webhooks import Webhooks, build_webhooks

__all__ = [
    "STATIC",
    "DatabaseAway",
    "Site",
    "Stores",
    "build",
    "data_keys",
    "master_keys",
    "senders",
]


@dataclass(frozen=True, slots=True)
class Accounts:
    """What people do with their own accounts."""

    signup: SignUp
    recovery: Recovery
    enrolment: Enrolment
    profile: Profile
    own_data: OwnData
    reasons: Reasons


@dataclass(frozen=True, slots=True)
class Site:
    """One process of the provider, wired up."""

    settings: Settings
    clock: Clock
    database: Database
    transactions: Transactions
    watch: EpochWatch
    engine: Engine
    rollout: PolicyRollout
    hasher: PasswordHasher
    passwords: PasswordJudge
    approved: ApprovedDrafts
    accounts: Accounts
    sign_in: SignIn
    login: Login
    advising: Advising
    writer: Writer | None
    step_up: StepUp
    users: UserAdministration
    clients: ClientAdministration
    registration: ClientRegistration | None
    documents: ClientIdDocuments
    keys: SigningKeys
    notices: Notices
    alerts: Alerts
    housekeeping: Housekeeping
    audit: Audit
    webhooks: Webhooks
    upstreams: Upstreams
    administration: Administration
    templates: Templates
    digester: Digester

    async def close(self) -> None:
        """Let go of everything."""
        await self.advising.close()
        if self.writer is not None:
            await self.writer.close()
        self.hasher.close()
        self.passwords.close()
        await self.database.close()


async def build(settings: Settings, *, clock: Clock | None = None, actor: Actor | None = None) -> Site:
    """Put a process together; raise BadSettings if the schema is not current or the master key is wrong.

    With `actor`, that is who does all that this process does: an operator's command.
    """
    clock = clock or SystemClock()
    probe: Probe | None = None
    if settings.test_hooks is not None:
        clock, probe = HookedClock(clock, settings.test_hooks), FileProbe(settings.test_hooks)
    masters = master_keys(settings)
    database = Database(settings.database_url, pool_size=settings.database_pool, probe=probe)
    approved = ApprovedDrafts(database)
    judge = password_judge(settings, approved_words=approved.words)
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
    return _assemble(settings, clock, database, masters, keys, probe, judge, approved, actor=actor)


def _assemble(
    settings: Settings, clock: Clock, database: Database, masters: tuple[bytes, ...], keys: Mapping[str, bytes],
    probe: Probe | None, judge: PasswordJudge, approved: ApprovedDrafts, *, actor: Actor | None,
) -> Site:  # fmt: skip
    sealer, digester = AesSealer(masters, purpose="records"), Digester(derive(keys["digest"], "digests"))
    transactions = Transactions(database, sealer=sealer, digester=digester, actor=actor)
    watch = EpochWatch(database)
    keystore, hasher = make_keystore(settings, masters, probe), make_hasher(settings, keys["pepper"], probe)
    templates = Templates(resources.folder("templates"), asset_versions=asset_versions(), base=settings.base_path)
    signing = SigningKeys(transactions, keystore, clock)
    cap = DailyCap(digester.digest("sms-cap", "all"), settings.sms_per_day)
    outbox = OutboxWorker(transactions, probed(senders(settings), probe), clock, sms_cap=cap)
    where = places(settings)
    notices = Notices(templates, digester, where, brand=brand_name(settings), issuer=settings.issuer)
    alerts, advising = Alerts(notices, digester), build_advising(settings, transactions, clock, digester)
    catalog, sign_in = build_catalog(digester, relying_party(settings)), SignIn(notices, alerts)
    subjects = Subjects(Digester(derive(keys["pairwise"], "subjects")))
    engine = _engine(settings, Keyring(database, watch, keystore, clock), watch, digester, sealer, subjects)
    rollout = build_rollout(settings, transactions, clock, engine)
    watches = _watches(settings, transactions, clock, rollout, alerts)
    audit = build_audit(settings, transactions, clock, engine)
    documents, registration = build_clients(settings, transactions, digester, clock)
    described = build_documents(settings, transactions, digester, clock, documents, engine)
    accounts = _accounts(settings, transactions, hasher, judge, catalog, sign_in, notices, alerts, where)
    hooks = build_webhooks(settings, transactions, clock, alerts, engine)
    upstreams = build_upstreams(settings, transactions, clock, engine.keyring, sign_in, accounts.signup)
    tools = Tools(
        transactions, clock, engine, notices, accounts.recovery, accounts.signup, signing, documents, rollout,
        hooks.sender, upstreams.client.directory,
    )  # fmt: skip
    housekeeping = Housekeeping(
        transactions, signing, outbox, clock, policies=watches[0], alerts=watches[1],
        audit=(audit.chain, audit.retention), webhooks=(hooks.planner, hooks.worker),
        logouts=hooks.logouts, pings=hooks.pings, documents=described,
    )  # fmt: skip
    administration = build_administration(settings, tools)
    return Site(
        settings=settings, clock=clock, database=database, transactions=transactions, watch=watch, engine=engine,
        rollout=rollout, hasher=hasher, passwords=judge, approved=approved, sign_in=sign_in, accounts=accounts,
        login=Login(transactions, hasher, judge, catalog.webauthn, sign_in, notices, advising), advising=advising,
        writer=writer(settings), step_up=StepUp(catalog, sign_in, notices),
        users=UserAdministration(administration, transactions, hasher, judge, digester, clock),
        clients=ClientAdministration(administration, transactions, clock), registration=registration,
        documents=described,
        keys=signing, notices=notices,
        alerts=alerts, housekeeping=housekeeping, audit=audit, webhooks=hooks, upstreams=upstreams,
        administration=administration,
        templates=templates, digester=digester,
    )  # fmt: skip


def _watches(
    settings: Settings, transactions: Transactions, clock: Clock, rollout: PolicyRollout, alerts: Alerts
) -> tuple[PolicyWatch, AlertWatch]:
    watch = AlertWatch(transactions, clock, alerts, prices=prices(settings))
    return PolicyWatch(transactions, clock, rollout), watch


def _engine(
    settings: Settings, keyring: Keyring, watch: EpochWatch, digester: Digester, sealer: AesSealer, subjects: Subjects
) -> Engine:
    return Engine(
        issuer=settings.issuer,
        keyring=keyring,
        clients=ClientDirectory(watch),
        definitions=DefinitionDirectory(watch),
        digester=digester,
        sealer=sealer,
        subjects=subjects,
        limits_floods=settings.rate_limits is Switch.ON,
        docs_url=settings.docs_url,
        rules=rules(settings),
        offers=offers(settings),
        bases=(settings.mtls_url,) if settings.mtls_url is not None else (),
        risk=risk_desk(settings, watch, digester),
        document_hosts=DocumentHosts.read(settings.client_id_documents),
        remote_keys=RemoteKeys(guarded_fetch(settings), keyring.clock),
        remote_objects=RemoteObjects(guarded_fetch(settings)),
    )


def _accounts(
    settings: Settings,
    transactions: Transactions,
    hasher: PasswordHasher,
    judge: PasswordJudge,
    catalog: Catalog,
    sign_in: SignIn,
    notices: Notices,
    alerts: Alerts,
    where: Places,
) -> Accounts:
    new_password = NewPassword(transactions, hasher, judge, history=settings.password_history)
    recovery = Recovery(new_password, notices, alerts, wait=settings.lost_factor_wait)
    return Accounts(
        signup=SignUp(catalog.codes, new_password, sign_in, notices, UpstreamLinks(notices)),
        recovery=recovery,
        enrolment=Enrolment(catalog, notices),
        profile=Profile(catalog.codes, new_password, recovery, notices),
        own_data=OwnData(notices, where, deletion_delay=settings.deletion_delay),
        reasons=Reasons(recovery, alerts, where),
    )
