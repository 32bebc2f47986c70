"""The stores of risk and policy: part of all stores of a transaction."""

from functools import cached_property

from idp.storage.adviser import AdviserStore
from idp.storage.database import Transaction
from idp.storage.decisions import DecisionStore
from idp.storage.drafts import DraftStore
from idp.storage.policies import PolicyStore
from idp.storage.risk_population import RiskPopulationStore
from idp.storage.risk_profiles import RiskProfileStore


class RiskStores:
    """Stores of what was learnt and decided about sign-ins, on the connection of whoever inherits them."""

    connection: Transaction

    @cached_property
    def risk_profiles(self) -> RiskProfileStore:
        """What people's sign-ins taught."""
        return RiskProfileStore(self.connection)

    @cached_property
    def risk_population(self) -> RiskPopulationStore:
        """What all sign-ins taught together."""
        return RiskPopulationStore(self.connection)

    @cached_property
    def decisions(self) -> DecisionStore:
        """What was decided about sign-ins."""
        return DecisionStore(self.connection)

    @cached_property
    def drafts(self) -> DraftStore:
        """What was drafted for operators."""
        return DraftStore(self.connection)

    @cached_property
    def policies(self) -> PolicyStore:
        """Versions of the step-up policy."""
        return PolicyStore(self.connection)

    @cached_property
    def adviser(self) -> AdviserStore:
        """What processes share about an adviser."""
        return AdviserStore(self.connection)
