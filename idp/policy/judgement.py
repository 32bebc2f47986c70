"""How unusual an attempt is and what a policy makes of it, from the moment it was scored to the end of its interaction.

The facts stay those of that moment; what was proved since then is weighed against them on every page, so that one
function decides everywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from idp.domain.assurance import Proof, Requirement
from idp.domain.json import Json
from idp.policy import ability as abilities
from idp.policy import facts as fact_file
from idp.policy import step_up
from idp.policy.ability import Ability
from idp.policy.facts import Facts
from idp.policy.rules import Policy
from idp.policy.verdict import decide, floor_plus_one
from idp.policy.verdict_parts import Resolution, Verdict


@dataclass(frozen=True, slots=True)
class Judgement:
    """One attempt before its policy; `score` is its risk, `decision_id` names the record that explains it."""

    policy: Policy
    facts: Facts
    score: int = 0
    denies: bool = True
    decision_id: str | None = None
    local: int = 0  # of this attempt alone: what a session falls to when a step-up is passed

    def as_json(self) -> dict[str, Json]:
        """Return what an interaction keeps of it; the policy is found again by the person."""
        return {
            "facts": self.facts.as_json(), "score": self.score, "denies": self.denies, "decision": self.decision_id,
            "local": self.local,
        }  # fmt: skip


def from_json(document: Mapping[str, Json], policy: Policy) -> Judgement:
    """Return what an interaction kept; raises ValueError if that cannot be read."""
    facts, score, decision = document.get("facts"), document.get("score"), document.get("decision")
    local = document.get("local")
    if not isinstance(facts, dict) or not isinstance(score, int):
        raise ValueError("not a judgement")  # noqa: TRY004 – what was stored is wrong, not its type
    return Judgement(
        policy, fact_file.from_json(facts), score, document.get("denies") is True,
        decision if isinstance(decision, str) else None, local if isinstance(local, int) else score,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Account:
    """What the rest of the provider knows of the person and this request."""

    facts: step_up.Facts
    rules: step_up.Rules
    base: Requirement  # of the account, the client and the request
    now: datetime
    act_began: datetime | None = None


def ability_of(judgement: Judgement, account: Account, proofs: tuple[Proof, ...]) -> Ability:
    """Return the person at the moment of a decision."""
    found = abilities.of_facts(account.now, proofs, account.facts, account.rules)
    return replace(found, request=account.base, act_began=account.act_began, denies=judgement.denies)


def verdict_of(judgement: Judgement, account: Account, proofs: tuple[Proof, ...]) -> Verdict:
    """Return what the policy decides, with its explanation."""
    return decide(judgement.policy, judgement.facts, ability_of(judgement, account, proofs))


def weigh(judgement: Judgement, account: Account, proofs: tuple[Proof, ...]) -> Resolution:
    """Return what the policy decides; a fault of the engine asks for one factor more, and never opens a door."""
    try:
        return verdict_of(judgement, account, proofs).resolution
    except Exception:  # noqa: BLE001 – whatever a rule does, people sign in, and nobody gets in for less
        return floor_plus_one(ability_of(judgement, account, proofs))
