"""Who is told of an attempt: its person, a few times a day, and the administrators, once for each code and network.

A window lasts a quarter of an hour. The first alert of a code from a network is mailed at once, what follows is counted
and told in one digest when the window is over. All goes through the outbox, so nothing leaves for what was rolled back.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from idp.domain.risk import Band
from idp.domain.secret import Digest, Digester
from idp.domain.user import User
from idp.flows.notices import NOTICE_LIFE, Notices
from idp.flows.throttle import network_of
from idp.flows.verdict import Judged
from idp.flows.visit import Visit
from idp.oauth.context import Context
from idp.policy.rules import Decision, Notice
from idp.risk.consultation import State
from idp.storage.stores import Stores

WINDOW = timedelta(minutes=15)
COUNTED_FOR = timedelta(hours=2)  # longer than any window that a digest may still be owed for
WEEK = timedelta(days=7)
MOST_NETWORKS = 20  # mails at once for one code in one window: an attack from a thousand networks is one digest
NOWHERE = ""


class Code(StrEnum):
    """What administrators are told of."""

    HIGH_RISK = "high_risk"
    SPRAY = "spray"
    BREAK_GLASS = "break_glass"
    RULE = "rule"
    ENGINE_ERROR = "engine_error"
    NOT_ME = "not_me"
    POLICY_CHANGED = "policy_changed"
    POLICY_REVERTED = "policy_reverted"
    BREAKER_OPEN = "breaker_open"
    BUDGET_EXHAUSTED = "budget_exhausted"
    WEBHOOK_OFF = "webhook_off"


@dataclass(frozen=True, slots=True)
class Alert:
    """Something for administrators: from which network, if from any, and what names it in the records."""

    code: Code
    address: str = NOWHERE
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """How often a code was raised in a window, and how many of these were mailed at once."""

    raised: int
    mailed: int


def window_of(now: datetime) -> int:
    """Return the number of the window that a moment is in."""
    return int(now.timestamp()) // int(WINDOW.total_seconds())


def start_of(window: int) -> datetime:
    """Return when a window begins, in UTC."""
    return datetime.fromtimestamp(window * int(WINDOW.total_seconds()), UTC)


def codes_of(judged: Judged) -> tuple[Code, ...]:
    """Return what administrators are told of a judged attempt."""
    known, resolution = judged.judgement.facts.known, judged.verdict.resolution
    signals = known.get("signals")
    codes = []
    if known.get("user.break_glass") is True:
        codes.append(Code.BREAK_GLASS)
    if judged.judgement.policy.band(judged.judgement.score).at_least(Band.HIGH):
        codes.append(Code.HIGH_RISK)
    if isinstance(signals, frozenset) and "SPRAY_ACTIVE" in signals:
        codes.append(Code.SPRAY)
    if judged.assessed.advice is not None and judged.assessed.advice.state is State.MUTED:
        codes.append(Code.BUDGET_EXHAUSTED)
    if not codes and Notice.ADMIN in resolution.notify:
        # Only what stands in for a failed engine tells administrators without any rule.
        codes.append(Code.RULE if resolution.rules else Code.ENGINE_ERROR)
    return tuple(codes)


def kind_of(judged: Judged) -> str | None:
    """Return which mail the person gets of a judged attempt: blocked, challenged, or merely unusual; None if none."""
    decision, resolution = judged.verdict.decision, judged.verdict.resolution
    if Notice.USER not in resolution.notify:
        return None
    if decision is Decision.DENY:
        return "attempt_blocked"
    if not judged.judgement.policy.band(judged.judgement.score).at_least(Band.MEDIUM):
        return None
    return "attempt_challenged" if resolution.is_challenge else "attempt_unusual"


class Alerts:
    """Tells people and administrators."""

    def __init__(self, notices: Notices, digester: Digester) -> None:
        """Write by these notices; count under digests of this deployment."""
        self._notices = notices
        self._digester = digester

    async def of_attempt(
        self, context: Context, visit: Visit, user: User, judged: Judged, *, was_told: bool = False
    ) -> bool:
        """Tell whoever must know of a judged attempt; say whether its person was to be told.

        Somebody who was told of it when it began hears again only if it was refused.
        """
        decision = judged.judgement.decision_id or ""
        for code in codes_of(judged):
            await self.raised(context.stores, Alert(code, visit.address, decision), context.now)
        kind = kind_of(judged)
        if kind is not None and (not was_told or judged.verdict.decision is Decision.DENY):
            await self._notices.attempt(context.stores, user, visit, context.now, kind=kind, decision=decision)
        return kind is not None

    async def raised(self, stores: Stores, alert: Alert, now: datetime) -> None:
        """Tell administrators of something: by a mail the first time in its window, by the digest afterwards."""
        window = window_of(now)
        await self._count(stores, window, f"{alert.code}|raised", now)
        network = network_of(alert.address) if alert.address else NOWHERE
        if await self._count(stores, window, f"{alert.code}|from|{network}", now) > 1:
            return
        if await self._count(stores, window, f"{alert.code}|mailed", now) > MOST_NETWORKS:
            return
        for administrator in await stores.users.administrators():
            dedupe = self._subject(window, f"{alert.code}|to|{network}|{administrator.id}")
            await self._notices.mail(
                stores, "admin_alert", to=administrator.email or "", locale=self._notices.locale_of(administrator),
                now=now, life=NOTICE_LIFE, dedupe=dedupe, alert=alert.code.value, reference=alert.reference,
                place=self._notices.place_of(alert.address, administrator),
            )  # fmt: skip

    async def once(self, stores: Stores, alert: Alert, moment: str, now: datetime) -> None:
        """Tell administrators of something that is found again and again; `moment` names what must be told once."""
        told = self._digester.digest("alert", f"once|{alert.code}|{alert.reference}|{moment}")
        if await stores.attempts.count(told, now) or await stores.attempts.add_in_window(told, now, window=WEEK) > 1:
            return
        await self.raised(stores, alert, now)

    async def tally(self, stores: Stores, window: int, code: Code, now: datetime) -> Tally:
        """Return what was counted of a code in a window that is over."""
        raised = await stores.attempts.count(self._subject(window, f"{code}|raised"), now)
        mailed = await stores.attempts.count(self._subject(window, f"{code}|mailed"), now)
        return Tally(raised, min(mailed, MOST_NETWORKS))

    async def digest(self, stores: Stores, window: int, now: datetime) -> bool:
        """Tell administrators what came after the first mails of a window, once; say whether there was anything."""
        done = self._subject(window, "digest")
        if await stores.attempts.count(done, now):
            return False
        if await stores.attempts.add_in_window(done, now, window=COUNTED_FOR) > 1:
            return False
        tallies = {code: await self.tally(stores, window, code, now) for code in Code}
        counts = tuple((code.value, each.raised) for code, each in tallies.items() if each.raised > each.mailed)
        if not counts:
            return False
        for administrator in await stores.users.administrators():
            dedupe = self._subject(window, f"digest|{administrator.id}")
            await self._notices.mail(
                stores, "admin_digest", to=administrator.email or "", locale=self._notices.locale_of(administrator),
                now=now, life=NOTICE_LIFE, dedupe=dedupe, counts=counts, begin=start_of(window),
            )  # fmt: skip
        return True

    async def _count(self, stores: Stores, window: int, what: str, now: datetime) -> int:
        return await stores.attempts.add_in_window(self._subject(window, what), now, window=COUNTED_FOR)

    def _subject(self, window: int, what: str) -> Digest:
        return self._digester.digest("alert", f"{window}|{what}")
