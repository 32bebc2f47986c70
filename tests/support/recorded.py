"""Sign-ins of people who do not exist, decided by a policy and written down: the same for the same seed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from random import Random

from idp.domain.assurance import LOA2, REQUIREMENTS, Factor, Proof, Requirement, Trait
from idp.domain.risk import Band
from idp.policy.ability import Ability
from idp.policy.facts import ADVERSE_SIGNALS, Event, Facts, Value, ordinary
from idp.policy.record import RecordedSignIn, of_verdict
from idp.policy.rules import Policy
from idp.policy.verdict import decide

START = datetime(2026, 10, 1, tzinfo=UTC)
GROUPS = ("admins", "staff", "contractors")
MAY_BE_UNKNOWN = ("net.country", "net.asn", "net.kind", "device.age", "email.verified_age", "device.known")
ENROLMENTS = (
    frozenset({Factor.PASSWORD, Factor.EMAIL_OTP}),
    frozenset({Factor.PASSWORD, Factor.TOTP, Factor.EMAIL_OTP}),
    frozenset({Factor.PASSWORD, Factor.WEBAUTHN, Factor.RECOVERY_CODE}),
    frozenset({Factor.WEBAUTHN, Factor.EMAIL_OTP}),
    frozenset({Factor.PASSWORD}),
)


def facts(random: Random, *, policy: Policy, groups: frozenset[str], enrolled: frozenset[Factor]) -> Facts:
    """Return the facts of some sign-in, most of them ordinary."""
    score = random.choices((5, 33, 50, 75, 95), (70, 20, 7, 2, 1))[0]
    known: dict[str, Value] = {
        "groups": groups,
        "enrolled": frozenset(factor.value for factor in enrolled),
        "risk.score": score,
        "risk.band": policy.band(score),
        "device.known": random.random() < 0.9,
        "history.logins": random.choice((0, 1, 3, 12, 40)),
        "event": random.choices([event.value for event in Event], [60, 20] + [2.5] * 8)[0],
        "time.local": time(random.randrange(24), random.randrange(60)),
        "email.verified_age": timedelta(minutes=random.choice((10, 90, 100_000))),
        "client.id": random.choice(("shop", "payments")),
    }
    if random.random() < 0.1:
        known["signals"] = frozenset(random.sample(sorted(ADVERSE_SIGNALS), random.randrange(1, 4)))
    hidden = frozenset(name for name in MAY_BE_UNKNOWN if random.random() < 0.05)
    return ordinary().but(known, hidden)


def ability(random: Random, now: datetime, enrolled: frozenset[Factor]) -> Ability:
    """Return what somebody with these factors proved so far, and is asked for in any case."""
    proved = [factor for factor in sorted(enrolled) if random.random() < 0.5] or sorted(enrolled)[:1]
    traits = frozenset({Trait.USER_VERIFIED})
    proofs = tuple(
        Proof(factor, now - timedelta(minutes=random.choice((0, 4, 8, 600))), None,
              traits if factor is Factor.WEBAUTHN else frozenset())
        for factor in proved
    )  # fmt: skip
    floor = random.choice((Requirement(), Requirement(), REQUIREMENTS[LOA2]))
    request = random.choice((Requirement(), Requirement(max_age=timedelta(minutes=5))))
    return Ability(now, proofs, enrolled, floor=floor, request=request, act_began=now - timedelta(minutes=1))


def history(policy: Policy, count: int, *, seed: int = 7, users: int = 200) -> Iterator[RecordedSignIn]:
    """Yield sign-ins within thirty days, in order of time, each decided by this policy."""
    random = Random(seed)
    people = [
        (
            f"u{number}",
            frozenset({random.choice(GROUPS)}) if number % 3 else frozenset[str](),
            random.choice(ENROLMENTS),
        )
        for number in range(users)
    ]
    for number in range(count):
        user, groups, enrolled = random.choice(people)
        now = START + timedelta(days=30) * number / max(1, count)
        now = now.replace(microsecond=0)
        known = facts(random, policy=policy, groups=groups, enrolled=enrolled)
        verdict = decide(policy, known, able := ability(random, now, enrolled))
        score = int(str(known["risk.score"]))
        assessed = {"score": score, "band": str(known["risk.band"]), "local": score, "llr": 0.0, "engine": "ndl-1"}
        label = "attack" if known["risk.band"] in (Band.HIGH, Band.CRITICAL) and random.random() < 0.5 else None
        yield replace(of_verdict(verdict, able, user=user, assessed=assessed), label=label, outcome="passed")
