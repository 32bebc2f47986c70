"""Puts together what weighs risk: the operator's policy, tables and files."""

from pathlib import Path

from idp.clock import Clock
from idp.domain.secret import Digester
from idp.flows.advising import Advising
from idp.flows.policy_rollout import PolicyRollout
from idp.oauth.context import Engine
from idp.password_wiring import brand_name
from idp.policy import lint, shipped
from idp.policy.findings import BadPolicy
from idp.policy.rules import Policy
from idp.providers.geo.networks import BadList, Lists, Networks, NoNetworks
from idp.risk.active_policies import ActivePolicies
from idp.risk.consultant import Consultant
from idp.risk.desk import RiskDesk
from idp.risk.scorer import Scorer
from idp.risk.shared_advice import SharedAdvice
from idp.risk.shipped import default_tables
from idp.settings import BadSettings, Mode, Settings
from idp.storage.caches import EpochWatch
from idp.storage.stores import Transactions
from idp.wiring.adviser import adviser, prices


def risk_desk(settings: Settings, watch: EpochWatch, digester: Digester) -> RiskDesk:
    """Return who scores and which policy decides; raise BadSettings with file, line and reason for a bad policy."""
    usual = settings.mode is not Mode.PRODUCTION
    scorer = Scorer(default_tables(), networks(settings), digester, programs_are_usual=usual)
    return RiskDesk(scorer, ActivePolicies(watch, own_policy(settings), digester), settings.decisions_kept)


def build_advising(settings: Settings, transactions: Transactions, clock: Clock, digester: Digester) -> Advising:
    """Return who asks for second opinions."""
    shared = SharedAdvice(transactions, prices=prices(settings), clock=clock)
    chosen = adviser(settings)
    consultant = Consultant(chosen, shared.stores(), clock=clock, digester=digester)
    return Advising(consultant, chosen, transactions, digester)


def build_rollout(settings: Settings, transactions: Transactions, clock: Clock, engine: Engine) -> PolicyRollout:
    """Return who moves versions of the policy."""
    assert engine.risk is not None
    own = engine.risk.policies.own
    return PolicyRollout(transactions, clock, own, rules=engine.rules, brand=brand_name(settings))


def own_policy(settings: Settings) -> Policy:
    """Return the policy that the options name."""
    name = settings.policy_file
    try:
        return lint.load(own_text(settings), name)
    except OSError as error:
        raise BadSettings([f"IDP_POLICY_FILE: {name}: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise BadSettings([f"IDP_POLICY_FILE: {name}: not UTF-8"]) from error
    except BadPolicy as error:
        raise BadSettings([f"IDP_POLICY_FILE: {line}" for line in str(error).splitlines()]) from error


def own_text(settings: Settings) -> str:
    """Return the text of the policy that the options name, as it stands now; raise OSError if there is none."""
    name = settings.policy_file
    return shipped.text(name) if name in shipped.NAMES else Path(name).read_text(encoding="utf-8")


def networks(settings: Settings) -> Networks:
    """Return who says what an address is."""
    if settings.asn_db is None and settings.geo_db is None and settings.network_lists is None:
        return NoNetworks()
    from idp.providers.geo.maxmind import MaxMindNetworks, UnreadableFile

    try:
        lists = Lists.read(settings.network_lists) if settings.network_lists is not None else None
        return MaxMindNetworks(asn=settings.asn_db, geo=settings.geo_db, lists=lists)
    except (UnreadableFile, BadList) as error:
        raise BadSettings([f"IDP_ASN_DB, IDP_GEO_DB or IDP_NETWORK_LISTS: {error}"]) from error
