"""What the rest of the provider needs to weigh risk: who scores, and which policy decides."""

from dataclasses import dataclass, field
from datetime import timedelta

from idp.risk.active_policies import ActivePolicies
from idp.risk.scorer import Scorer
from idp.risk.surge import Surges


@dataclass(frozen=True, slots=True)
class RiskDesk:
    """The scorer and the policies of one deployment."""

    scorer: Scorer
    policies: ActivePolicies
    decisions_kept: timedelta = timedelta(days=90)
    surges: Surges = field(default_factory=Surges)
