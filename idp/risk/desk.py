"""What the rest of the provider needs to weigh risk: who scores, and which policy decides."""

from dataclasses import dataclass
from datetime import timedelta

from idp.risk.active_policies import ActivePolicies
from idp.risk.scorer import Scorer


@dataclass(frozen=True, slots=True)
class RiskDesk:
    """The scorer and the policies of one deployment."""

    scorer: Scorer
    policies: ActivePolicies
    decisions_kept: timedelta = timedelta(days=90)
