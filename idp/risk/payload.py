"""All an adviser ever sees: numbers of one attempt, put into coarse words (`domain/advice.Payload`).

Nothing here takes text. Agent, names, addresses and headers have been turned into depths and counts by others, so
whatever an attacker writes into them changes no byte beyond the words below.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from typing import TypeVar

from idp.domain.advice import IS_TRUE, MAX_TOP, Payload, Reason
from idp.domain.risk import Assessment, Depths
from idp.domain.vocabulary import (
    AccountAge,
    AgentDepth,
    CredentialChange,
    DeviceCookie,
    Failures,
    Geo,
    GlobalFailures,
    HistoryBucket,
    HourRarity,
    LastSeen,
    ListHit,
    NetDepth,
    NetKind,
    RecentAction,
    ScopeClass,
    SessionEvent,
    TravelSpeed,
    UserClass,
)

Word = TypeVar("Word", bound=Enum)
DAY = timedelta(days=1)
NETS = (NetDepth.IP_KNOWN, NetDepth.ASN_KNOWN, NetDepth.COUNTRY_KNOWN, NetDepth.NEW)
AGENTS = tuple(AgentDepth)
# Nats of the hour part, which runs from -1.0 to +1.2; first judgements.
UNCOMMON_NATS = 0.4
RARE_NATS = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What is known of one attempt; None wherever it is not. Ages are from now, counts of the last hour."""

    logins: int
    account_age: timedelta
    since_last: timedelta | None
    depths: Depths
    is_same_country: bool | None
    travel_kmh: float | None
    hour_nats: float | None
    account_failures: int
    network_failures: int
    global_z: float | None
    since_credential_change: timedelta | None
    is_breached: bool
    is_new_client: bool
    is_automated: bool = False
    is_cookie_replayed: bool = False
    net_kind: NetKind = NetKind.UNKNOWN
    scope: ScopeClass = ScopeClass.NONE
    user: UserClass = UserClass.STANDARD
    event: SessionEvent = SessionEvent.LOGIN
    lists: AbstractSet[ListHit] = frozenset()
    actions: AbstractSet[RecentAction] = frozenset()


def describe(seen: Observed, local: int, top: Sequence[Reason] = ()) -> Payload:
    """Put an attempt into words; `local` is its score, `top` the reasons behind it, weightiest first.

    Reasons that are not true in those words are left out, and all beyond the third.
    """
    bare = Payload(
        history_bucket=_word(HistoryBucket, seen.logins, (1, 2, 4, 8, 16, 32)),
        account_age_bucket=_word(AccountAge, seen.account_age // DAY, (8, 91, 366, 3 * 365 + 1)),
        days_since_last=_days(LastSeen, seen.since_last, (2, 8, 31, 91)),
        net_depth=NetDepth.UNKNOWN if seen.depths.net is None else NETS[seen.depths.net],
        net_kind=seen.net_kind,
        geo=_GEO[seen.is_same_country],
        travel_kmh_bucket=_travel(seen.travel_kmh),
        # A browser that cannot be placed accuses nobody.
        agent_depth=AgentDepth.UA_KNOWN if seen.depths.agent is None else AGENTS[seen.depths.agent],
        automation=seen.is_automated,
        device_cookie=DeviceCookie.REPLAYED if seen.is_cookie_replayed else _COOKIES[seen.depths.dev],
        hour_rarity=_rarity(seen.hour_nats),
        fail_account_1h=_word(Failures, seen.account_failures, (1, 3, 6, 21)),
        fail_subnet_1h=_word(Failures, seen.network_failures, (1, 3, 6, 21)),
        fail_global_z=_word(GlobalFailures, seen.global_z or 0, (1, 2, 3)),
        breached_password=seen.is_breached,
        cred_change_days=_days(CredentialChange, seen.since_credential_change, (2, 8)),
        new_client=seen.is_new_client,
        scope_class=seen.scope,
        user_class=seen.user,
        session_event=seen.event,
        list_hits=_in_order(ListHit, seen.lists),
        recent_actions=_in_order(RecentAction, seen.actions),
        local_score=local,
        top=(),
    )
    return _with_top(bare, top)


def top_reasons(assessment: Assessment) -> tuple[Reason, ...]:
    """Return the reasons behind a score, weightiest first; codes that mean none of them are passed over."""
    heavy = sorted((part for part in assessment.parts if part.nats > 0), key=lambda part: -part.nats)
    codes = [floor.code for floor in assessment.floors]
    codes += [code for part in heavy for code in part.code.split("+")]
    return tuple(dict.fromkeys(REASON_OF[code] for code in codes if code in REASON_OF))


#: Code of a signal or a depth → the reason that says the same to an adviser.
REASON_OF: Mapping[str, Reason] = {
    "NET_ASN_KNOWN": Reason.NET_NEW_IP,
    "NET_COUNTRY_KNOWN": Reason.NET_NEW_ASN,
    "NET_NEW": Reason.NET_NEW_COUNTRY,
    "NET_KIND": Reason.NET_HOSTING,
    "DEV_NO_COOKIE": Reason.DEV_NO_COOKIE,
    "AGENT_BROWSER_KNOWN": Reason.DEV_NEW_AGENT,
    "AGENT_SYSTEM_KNOWN": Reason.DEV_NEW_AGENT,
    "AGENT_DEVICE_KNOWN": Reason.DEV_NEW_AGENT,
    "AGENT_NEW": Reason.DEV_NEW_AGENT,
    "AUTOMATION": Reason.DEV_AUTOMATION,
    "TRAVEL_IMPOSSIBLE": Reason.TRAVEL_FAST,
    "TIME_HOUR": Reason.TIME_RARE,
    "VELOCITY_ACCOUNT": Reason.VELOCITY_ACCOUNT,
    "VELOCITY_NET": Reason.VELOCITY_NET,
    "SPRAY_ACTIVE": Reason.VELOCITY_GLOBAL,
    "ACCOUNT_DORMANT": Reason.TIME_DORMANT,
    "CRED_BREACHED": Reason.CRED_BREACHED,
    "CRED_CHANGED": Reason.CRED_CHANGED,
    "LIST_TOR": Reason.LIST_TOR,
    "LIST_DENY": Reason.LIST_DENY,
}

_GEO: Mapping[bool | None, Geo] = {True: Geo.SAME, False: Geo.NEW, None: Geo.UNKNOWN}
_COOKIES: Mapping[int | None, DeviceCookie] = {
    0: DeviceCookie.KNOWN,
    1: DeviceCookie.ABSENT,
    None: DeviceCookie.OFF,
}


def _with_top(bare: Payload, top: Iterable[Reason]) -> Payload:
    named = tuple(dict.fromkeys(reason for reason in top if reason in IS_TRUE and IS_TRUE[reason](bare)))
    return replace(bare, top=named[:MAX_TOP])


def _word(words: type[Word], value: float, starts: Sequence[float]) -> Word:
    """Return the word for a number: the first below all starts, the next from each start on."""
    return tuple(words)[sum(value >= start for start in starts)]


def _days(words: type[Word], age: timedelta | None, starts: Sequence[int]) -> Word:
    return tuple(words)[-1] if age is None else _word(words, age // DAY, starts)


def _travel(kmh: float | None) -> TravelSpeed:
    if kmh is None or math.isnan(kmh):
        return TravelSpeed.UNKNOWN
    return TravelSpeed.IMPOSSIBLE if kmh > 2000 else TravelSpeed.FAST if kmh > 900 else TravelSpeed.POSSIBLE


def _rarity(nats: float | None) -> HourRarity:
    return HourRarity.UNKNOWN if nats is None else _word(HourRarity, nats, (UNCOMMON_NATS, RARE_NATS))


def _in_order(words: type[Word], given: AbstractSet[Word]) -> tuple[Word, ...]:
    return tuple(word for word in words if word in given)
