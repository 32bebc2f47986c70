"""A calculation that a browser does before its password is looked at, while passwords are being sprayed.

It makes guessing at many accounts expensive and costs a person half a second. A challenge belongs to one sign-in, the
answer to one name in it; both work once. Who runs no scripts waits instead.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from idp.domain.secret import Digester, equal, make_id
from idp.flows import throttle
from idp.flows.assessment import NOBODY, Assessed, Attempt
from idp.flows.fact_snapshot import network_facts
from idp.flows.visit import Visit
from idp.oauth.context import Context
from idp.policy.rules import EffectKind, Mode, Policy, Rule
from idp.policy.verdict import match
from idp.risk.signals.failed_attempts import SURGE
from idp.storage.stores import Stores

BITS = 15  #: leading zero bits of an answer's digest: 33,000 tries on average
WAIT = timedelta(seconds=20)  #: after which a form without an answer is taken, for browsers without scripts
LIFE = timedelta(minutes=10)
MAX_ANSWER = 20


@dataclass(frozen=True, slots=True)
class Work:
    """What a form brought: the challenge as it was given, and the number that was found, if any."""

    challenge: str = ""
    answer: str = ""


NO_WORK = Work()


def asks_for_work(policy: Policy) -> bool:
    """Say whether any rule of a policy ever wants a calculation."""
    return any(_wants_work(rule) for rule in policy.rules)


def _wants_work(rule: Rule) -> bool:
    return any(effect.kind is EffectKind.PROOF_OF_WORK for effect in rule.effects)


def is_demanded(attempt: Attempt, assessed: Assessed) -> bool:
    """Say whether the policy wants a calculation before this password is looked at.

    Only what says nothing of the account counts, so that known and unknown names are asked alike.
    """
    policy = assessed.chosen.policy
    if not asks_for_work(policy):
        return False
    truths = match(policy, network_facts(attempt, assessed)).truths
    return any(
        _wants_work(rule) and truth is not False and (rule.mode or policy.mode) is Mode.ENFORCE
        for rule, truth in zip(policy.rules, truths, strict=True)
    )


async def is_likely(context: Context, visit: Visit) -> bool:
    """Say whether a sign-in from here will need a calculation, before anybody said who they are."""
    desk = context.engine.risk
    if desk is None or visit.device is not None:
        return False
    chosen = await desk.policies.of(context.stores, NOBODY)
    if not asks_for_work(chosen.policy):
        return False
    surge = await desk.surges.z(context.stores, context.now)
    return (surge is not None and surge >= SURGE) or await throttle.is_sprayed_from(
        context.stores, context.engine.digester, address=visit.address, now=context.now
    )


def challenge(digester: Digester, interaction_id: str, now: datetime) -> str:
    """Return a new challenge for a sign-in; nothing is stored before it is spent."""
    made, salt = int(now.timestamp()), make_id()
    return f"{made}.{salt}.{_tag(digester, interaction_id, made, salt)}"


async def is_done(
    stores: Stores, digester: Digester, interaction_id: str, *, username: str, work: Work, now: datetime
) -> bool:
    """Say whether a form brought the calculation, or waited long enough; its challenge is spent."""
    made = _made(digester, interaction_id, work.challenge)
    if made is None or not timedelta() <= (age := now - made) < LIFE:
        return False
    if not (answers(work.challenge, username, work.answer) or (not work.answer and age >= WAIT)):
        return False
    return await stores.replays.remember(digester.digest("work", work.challenge), made + LIFE)


def answers(challenge: str, username: str, answer: str) -> bool:
    """Say whether a number is the answer: SHA-256 of challenge, name and number begins with enough zero bits."""
    if not answer or len(answer) > MAX_ANSWER:
        return False
    digest = hashlib.sha256(f"{challenge}|{username}|{answer}".encode("utf-8", "backslashreplace")).digest()
    return int.from_bytes(digest[:4]) >> (32 - BITS) == 0


def _made(digester: Digester, interaction_id: str, challenge: str) -> datetime | None:
    made, salt, tag = (*challenge.split("."), "", "", "")[:3]
    if not (made.isascii() and made.isdigit() and len(made) <= 12 and challenge.isascii()):
        return None
    if not equal(tag.encode(), _tag(digester, interaction_id, int(made), salt).encode()):
        return None
    return datetime.fromtimestamp(int(made), tz=UTC)


def _tag(digester: Digester, interaction_id: str, made: int, salt: str) -> str:
    return digester.tag("work", f"{interaction_id}|{made}|{salt}")
