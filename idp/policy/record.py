"""The decision record: one canonical document from which a decision can be explained, and made again, alone.

Canonical means keys in order, no spaces, UTF-8; its hash is of exactly those bytes. A replay reads facts and ability
from it and asks the policy: no clock, no network, no adviser.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256

from idp.domain.assurance import Factor, Proof, Requirement, Trait
from idp.policy import facts as fact_file
from idp.policy.ability import Ability
from idp.policy.facts import Facts, Json
from idp.policy.rules import Decision, Policy
from idp.policy.verdict import decide
from idp.policy.verdict_parts import Verdict

VERSION = 1
OWNER_LABELS = frozenset({"legit", "owner"})


@dataclass(frozen=True, slots=True)
class RecordedSignIn:
    """One decision as it was made: what was known, what came of it, and what was learnt about it later."""

    at: datetime
    user: str  # an opaque id
    facts: Facts
    ability: Ability
    verdict: Mapping[str, Json]  # what the policy said: decision, acr, rules, unknown, satisfied_by, policy, …
    assessed: Mapping[str, Json]  # what the engine said: score, band, local, llr, parts, floors, engine, tables, …
    advice: Mapping[str, Json] | None = None  # accepted or refused, raw
    taught: tuple[str, ...] = ()
    outcome: str | None = None  # passed, failed, abandoned
    label: str | None = None  # None or "legit" is the owner, anything else names an attacker

    @property
    def is_attack(self) -> bool:
        """Say whether somebody found this to be an attack."""
        return self.label is not None and self.label not in OWNER_LABELS

    @property
    def decision(self) -> Decision:
        """Return what was decided."""
        return DECISIONS[self.verdict["decision"]]


def of_verdict(
    verdict: Verdict, ability: Ability, *, user: str, assessed: Mapping[str, Json], label: str | None = None
) -> RecordedSignIn:
    """Return the record of a decision that was just made."""
    return RecordedSignIn(
        ability.now, user, verdict.matched.facts, ability, verdict.as_json(), assessed, label=label
    )  # fmt: skip


def replay(record: RecordedSignIn, policy: Policy) -> Verdict:
    """Return what a policy decides on the recorded facts; the policy of then gives the decision of then."""
    return decide(policy, record.facts, record.ability)


def to_json(record: RecordedSignIn) -> dict[str, Json]:
    """Return the record as one document."""
    return {
        **record.assessed,
        **record.verdict,
        "v": VERSION,
        "at": record.at.isoformat(),
        "user": record.user,
        "facts": record.facts.as_json(),
        "ability": _ability_json(record.ability),
        "advice": None if record.advice is None else dict(record.advice),
        "taught": list(record.taught),
        "outcome": record.outcome,
        "label": record.label,
    }


def canonical(document: Mapping[str, Json]) -> bytes:
    """Return the one way to write a document down.

    Raises ValueError for numbers that JSON does not know.
    """
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def content_hash(document: Mapping[str, Json]) -> str:
    """Return the name of a document by its content: sha256:…"""
    return f"sha256:{sha256(canonical(document)).hexdigest()}"


def from_json(document: Mapping[str, Json]) -> RecordedSignIn:
    """Return the record that a document holds.

    Raises ValueError if it holds none.
    """
    try:
        if document["v"] != VERSION:
            raise ValueError(f"version {document['v']} is unknown")
        facts, ability, taught = document["facts"], document["ability"], document["taught"]
        advice, label, outcome = document["advice"], document["label"], document["outcome"]
        if not (isinstance(facts, dict) and isinstance(ability, dict) and isinstance(taught, list)):
            raise TypeError("facts, ability or taught have another shape")
        at = datetime.fromisoformat(str(document["at"]))
        if document["decision"] not in DECISIONS:
            raise ValueError(f"no decision: {document['decision']!r}")
        return RecordedSignIn(
            at, str(document["user"]), fact_file.from_json(facts), read_ability(at, ability),
            verdict_of(document), assessed_of(document),
            advice if isinstance(advice, dict) else None, tuple(map(str, taught)),
            None if outcome is None else str(outcome), None if label is None else str(label),
        )  # fmt: skip
    except (KeyError, OverflowError, TypeError) as error:
        raise ValueError(f"no decision record: {error!r}") from error


def verdict_of(document: Mapping[str, Json]) -> dict[str, Json]:
    """Return the part of a document that the policy answers for."""
    return {key: document[key] for key in _VERDICT_KEYS if key in document}


def assessed_of(document: Mapping[str, Json]) -> dict[str, Json]:
    """Return the part of a document that the engine answers for."""
    return {key: value for key, value in document.items() if key not in _OTHER_KEYS}


DECISIONS: Mapping[object, Decision] = {decision.value: decision for decision in Decision}
_VERDICT_KEYS = frozenset(
    {"decision", "acr", "max_age", "effects", "notify", "rules", "unknown", "options", "satisfied_by", "policy",
     "denies_for", "refusal", "marks_enrolment", "shadow"}
)  # fmt: skip
_OTHER_KEYS = _VERDICT_KEYS | {"v", "at", "user", "facts", "ability", "advice", "taught", "outcome", "label"}


def _ability_json(ability: Ability) -> dict[str, Json]:
    return {
        "proofs": [
            {
                "factor": proof.factor.value,
                "at": proof.verified_at.isoformat(),
                "traits": [trait.value for trait in sorted(proof.traits)],
                **({"believed": [factor.value for factor in proof.believed]} if proof.believed else {}),
            }
            for proof in ability.proofs
        ],
        "enrolled": [factor.value for factor in sorted(ability.enrolled)],
        "has_bound_key": ability.has_bound_key,
        "enrolable": [factor.value for factor in sorted(ability.enrolable)],
        "attests": ability.attests,
        "order": [factor.value for factor in ability.order],
        "floor": _requirement_json(ability.floor),
        "request": _requirement_json(ability.request),
        "act_began": None if ability.act_began is None else ability.act_began.isoformat(),
        "denies": ability.denies,
        **({"only_revoked": True} if ability.only_revoked else {}),
    }


def read_ability(now: datetime, document: Mapping[str, Json]) -> Ability:
    """Return the ability that a document holds; raises KeyError, TypeError or ValueError if it holds none."""
    began = document["act_began"]
    return Ability(
        now,
        tuple([_read_proof(proof) for proof in _list(document["proofs"])]),
        frozenset(_factors(_words(document["enrolled"]))),
        document["has_bound_key"] is True,
        frozenset(_factors(_words(document["enrolable"]))),
        document["attests"] is True,
        _factors(_words(document["order"])),
        _read_requirement(document["floor"]),
        _read_requirement(document["request"]),
        None if began is None else datetime.fromisoformat(str(began)),
        document["denies"] is True,
        document.get("only_revoked") is True,
    )


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise TypeError("a list was expected")
    return value


def _words(value: Json) -> tuple[str, ...]:
    return tuple(map(str, _list(value)))


# The same few sets and requirements come again and again in a long history.
@lru_cache(512)
def _factors(words: tuple[str, ...]) -> tuple[Factor, ...]:
    return tuple(map(Factor, words))


@lru_cache(64)
def _traits(words: tuple[str, ...]) -> frozenset[Trait]:
    return frozenset(map(Trait, words))


def _read_proof(document: Json) -> Proof:
    if not isinstance(document, dict):
        raise TypeError("a proof was expected")
    (factor,) = _factors((str(document["factor"]),))
    return Proof(
        factor, datetime.fromisoformat(str(document["at"])), None, _traits(_words(document["traits"])),
        _factors(_words(document.get("believed", []))),
    )  # fmt: skip


def _requirement_json(requirement: Requirement) -> list[Json]:
    """Return the five parts of a requirement; its age in seconds."""
    age = None if requirement.max_age is None else int(requirement.max_age.total_seconds())
    return [
        requirement.factors, requirement.checked, requirement.phishing_resistant, requirement.hardware_bound, age,
    ]  # fmt: skip


def _read_requirement(document: Json) -> Requirement:
    factors, checked, resistant, bound, age = _list(document)
    if not isinstance(factors, int) or not (age is None or isinstance(age, int)):
        raise TypeError("a requirement was expected")
    return _requirement(factors, checked is True, resistant is True, bound is True, age)


@lru_cache(512)
def _requirement(factors: int, checked: bool, resistant: bool, bound: bool, age: int | None) -> Requirement:
    return Requirement(factors, checked, resistant, bound, None if age is None else timedelta(seconds=age))
