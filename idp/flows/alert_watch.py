"""The chore that tells administrators what no request tells them: digests, policies that moved, an adviser that fails.

It may run in many processes at once, and again after a crash: what was told is not told twice.
"""

from datetime import timedelta

from idp.clock import Clock
from idp.flows.alerts import Alert, Alerts, Code, window_of
from idp.flows.policy_ledger import REVERTED
from idp.risk import shared_advice_json
from idp.risk.active_policies import CANARY, ENFORCED, SHADOW
from idp.risk.allowance import Prices
from idp.risk.breaker import FIRST_PAUSE
from idp.risk.shared_advice import BREAKER, SPENT
from idp.storage.policies import PolicyChange
from idp.storage.stores import Stores, Transactions

WINDOWS = 4  # that a digest may still be owed for: an hour of standstill loses none
MOVES_FOR = timedelta(hours=1)
RETIRED = "retired"


class AlertWatch:
    """Looks for what is to be told."""

    def __init__(
        self, transactions: Transactions, clock: Clock, alerts: Alerts, *, prices: Prices | None = None
    ) -> None:
        """Keep what the chore needs; `prices` are what the adviser may cost in a day."""
        self._prices = prices
        self._transactions = transactions
        self._clock = clock
        self._alerts = alerts

    async def look(self) -> None:
        """Tell what is due."""
        async with self._transactions.open(write=True) as stores:
            await self._moves(stores)
            await self._adviser(stores)
            now = self._clock.now()
            for over in range(window_of(now) - WINDOWS, window_of(now)):
                await self._alerts.digest(stores, over, now)

    async def _moves(self, stores: Stores) -> None:
        """Tell of policies that were put to use or taken back, whoever did it and in whichever process."""
        now = self._clock.now()
        for change in await stores.policies.changes(limit=20):
            code = _code_of(change)
            if code is not None and now - change.at < MOVES_FOR:
                alert = Alert(code, reference=f"v{change.version}")
                await self._alerts.once(stores, alert, f"{change.state} {change.at.isoformat()}", now)

    async def _adviser(self, stores: Stores) -> None:
        """Tell of an adviser that keeps failing, once an outage, and of a day whose budget is spent."""
        now = self._clock.now()
        breaker = shared_advice_json.breaker((await stores.adviser.state(BREAKER))[1])
        if breaker.open_until is not None and breaker.pause == FIRST_PAUSE:  # later pauses belong to the same outage
            await self._alerts.once(stores, Alert(Code.BREAKER_OPEN), breaker.open_until.isoformat(), now)
        spent = shared_advice_json.spent((await stores.adviser.state(SPENT))[1], now.date())
        if self._prices is not None and spent.calls and spent.on(now.date()).reserve(self._prices) is None:
            await self._alerts.once(stores, Alert(Code.BUDGET_EXHAUSTED), spent.day.isoformat(), now)


def _code_of(change: PolicyChange) -> Code | None:
    if change.why.startswith(REVERTED):
        return Code.POLICY_REVERTED if change.state == RETIRED else None
    return Code.POLICY_CHANGED if change.state in (SHADOW, CANARY, ENFORCED) else None
