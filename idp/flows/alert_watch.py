"""The chore that tells administrators what no request tells them: digests of windows, and policies taken back.

It may run in many processes at once, and again after a crash: what was told is not told twice.
"""

from datetime import timedelta

from idp.clock import Clock
from idp.flows.alerts import Alert, Alerts, Code, window_of
from idp.flows.policy_ledger import REVERTED
from idp.storage.stores import Stores, Transactions

WINDOWS = 4  # that a digest may still be owed for: an hour of standstill loses none
REVERTS_FOR = timedelta(hours=1)


class AlertWatch:
    """Looks for what is to be told."""

    def __init__(self, transactions: Transactions, clock: Clock, alerts: Alerts) -> None:
        """Keep what the chore needs."""
        self._transactions = transactions
        self._clock = clock
        self._alerts = alerts

    async def look(self) -> None:
        """Tell what is due."""
        async with self._transactions.open(write=True) as stores:
            await self._reverts(stores)
            now = self._clock.now()
            for over in range(window_of(now) - WINDOWS, window_of(now)):
                await self._alerts.digest(stores, over, now)

    async def _reverts(self, stores: Stores) -> None:
        """Tell of policies that were taken back, whoever did it and in whichever process."""
        now = self._clock.now()
        for change in await stores.policies.changes(limit=20):
            if change.why.startswith(REVERTED) and change.state == "retired" and now - change.at < REVERTS_FOR:
                reference = f"v{change.version}"
                moment = change.at.isoformat()
                await self._alerts.once(stores, Alert(Code.POLICY_REVERTED, reference=reference), moment, now)
