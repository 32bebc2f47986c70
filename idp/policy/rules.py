"""The nouns of a policy: what it demands, of whom, and what else happens. Frozen; read from a file by rule_file.py."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from idp.domain.assurance import LOA1, REQUIREMENTS, Requirement
from idp.domain.risk import BAND_STARTS, Band
from idp.policy import durations
from idp.policy.condition_text import Explanation, explained
from idp.policy.conditions import ALWAYS, Condition, Predicate, compiled, facts_of
from idp.policy.facts import Facts

if TYPE_CHECKING:
    from idp.policy.verdict_parts import Resolution


class Mode(StrEnum):
    """Whether a rule counts: not at all, on paper only, or for real."""

    OFF = "off"
    SHADOW = "shadow"
    ENFORCE = "enforce"


class Decision(StrEnum):
    """What happens to an attempt."""

    ALLOW = "allow"
    STEP_UP = "step_up"
    VERIFY_EMAIL = "verify_email"
    ENROL = "enrol"
    DENY = "deny"


class Unenrolled(StrEnum):
    """What happens to somebody who has nothing that would meet the demand; the strictest comes last."""

    VERIFY_EMAIL = "verify_email"
    ENROL = "enrol"
    DENY = "deny"


class Notice(StrEnum):
    """Who is told."""

    USER = "user"
    ADMIN = "admin"


class EffectKind(StrEnum):
    """What else happens beside the decision."""

    NO_ENROLMENT = "no_enrolment"
    NO_RECOVERY_CHANGE = "no_recovery_change"
    SHORT_SESSION = "short_session"
    CHANGE_PASSWORD = "change_password"
    PROOF_OF_WORK = "proof_of_work"
    REVOKE_FAMILY = "revoke_family"


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect; only a short session has a length."""

    kind: EffectKind
    length: timedelta | None = None

    def __str__(self) -> str:
        """Return the effect as policy files spell it."""
        return f"{self.kind}:{durations.spell(self.length)}" if self.length is not None else self.kind.value


@dataclass(frozen=True, slots=True)
class Require:
    """A demand: an acr, how fresh, what makes it void, and what goes first if the person has it."""

    acr: str
    max_age: timedelta | None = None
    unless_verified_within: timedelta | None = None
    prefer: tuple[str, ...] = ()
    requirement: Requirement = field(init=False)

    @property
    def preferences(self) -> tuple[Requirement, ...]:
        """Return what is preferred as predicates over proofs."""
        return tuple(REQUIREMENTS[acr] for acr in self.prefer)

    def __post_init__(self) -> None:
        """Keep the demand as a predicate over proofs, too."""
        object.__setattr__(self, "requirement", REQUIREMENTS[self.acr].join(Requirement(max_age=self.max_age)))


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: when it matches, it demands, denies, or has effects."""

    id: str
    when: Condition = ALWAYS
    require: Require | None = None
    denies_for: timedelta | None = None  # this network and device, never the account
    unenrolled: Unenrolled | None = None
    effects: tuple[Effect, ...] = ()
    notify: frozenset[Notice] = frozenset()
    mode: Mode | None = None  # instead of the policy's
    line: int = field(default=0, compare=False)
    predicate: Predicate = field(init=False, compare=False, repr=False)
    because: Explanation = field(init=False, compare=False, repr=False)  # why it does not match
    facts: frozenset[str] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Compile the condition, once."""
        object.__setattr__(self, "predicate", compiled(self.when))
        object.__setattr__(self, "because", explained(self.when))
        object.__setattr__(self, "facts", frozenset(facts_of(self.when)))

    @property
    def is_deny(self) -> bool:
        """Say whether the rule refuses the attempt."""
        return self.denies_for is not None


@dataclass(frozen=True, slots=True)
class RuleTest:
    """An example in the file: facts, and what must come of them."""

    facts: Facts
    decision: Decision | None = None
    acr: str | None = None
    effects: frozenset[str] | None = None
    line: int = field(default=0, compare=False)


class AdviserMode(StrEnum):
    """How far a second opinion counts."""

    OFF = "off"
    SHADOW = "shadow"
    RAISE_ONLY = "raise_only"


@dataclass(frozen=True, slots=True)
class AdviserBounds:
    """What a second opinion may do."""

    mode: AdviserMode = AdviserMode.RAISE_ONLY
    up_max: int = 25
    budget: timedelta = timedelta(milliseconds=700)
    friction_budget: float = 0.01  # raises that change an outcome, per login


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for everybody, and where a rule is silent."""

    floor: str = LOA1
    unenrolled: Unenrolled = Unenrolled.VERIFY_EMAIL
    on_engine_error: str = "floor_plus_one"
    deny_message: str = "generic"


@dataclass(frozen=True, slots=True)
class TakingPart:
    """The rules that take part in a decision, and the ages that they and ways out of it tell proofs apart by."""

    enforced: tuple[Rule, ...]
    shadowed: tuple[Rule, ...]
    ages: tuple[timedelta, ...]  # youngest first
    ids: tuple[tuple[str, ...], tuple[str, ...]] = field(init=False)

    def __post_init__(self) -> None:
        """Name the rules, once."""
        ids = tuple(tuple(rule.id for rule in rules) for rules in (self.enforced, self.shadowed))
        object.__setattr__(self, "ids", ids)


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole policy file, read."""

    break_glass_group: str
    digest: str  # sha256:…, of the text
    mode: Mode = Mode.ENFORCE
    bands: Mapping[Band, int] = field(default_factory=lambda: dict(BAND_STARTS))
    adviser: AdviserBounds = AdviserBounds()
    defaults: Defaults = Defaults()
    networks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    tests: tuple[RuleTest, ...] = ()
    schema: int = 1
    #: What verdict.py found out already: which rules take part, and what they come to. Never part of what a policy is.
    taking: dict[tuple[bool | None, ...], TakingPart] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )
    decided: dict[tuple[object, ...], tuple["Resolution", "Resolution | None"]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def mode_of(self, rule: Rule) -> Mode:
        """Return the mode of a rule: its own before the policy's."""
        return rule.mode or self.mode

    def band(self, score: int) -> Band:
        """Return the band of a score of 0 to 100, by the bands of this policy."""
        return next(band for band in reversed(Band) if score >= self.bands[band])
