"""Lets the policy judge an attempt, and keeps the record that explains and replays the decision.

Within one interaction the risk is the highest that was found so far, and a session's own risk counts wherever that
session is used.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

import structlog

from idp.domain.assurance import Factor, Proof
from idp.domain.event import EventKind
from idp.domain.json import Json
from idp.domain.risk import Part
from idp.domain.user import User
from idp.flows.assessment import Assessed, Attempt
from idp.flows.fact_snapshot import facts_for
from idp.oauth.context import Context
from idp.policy import facts as fact_file
from idp.policy import record as records
from idp.policy import record_text
from idp.policy.judgement import Account, Judgement, ability_of, verdict_of
from idp.policy.rules import Decision
from idp.policy.verdict import floor_plus_one
from idp.policy.verdict_parts import Matched, Verdict
from idp.risk import second_opinion
from idp.risk.consultation import Record as Advice
from idp.risk.signal import Circumstances
from idp.storage.decisions import KeptRecord, StoredDecision

log = structlog.get_logger("risk")


@dataclass(frozen=True, slots=True)
class Judged:
    """A judgement, and the decision it came to at that moment."""

    judgement: Judgement
    assessed: Assessed
    verdict: Verdict


def judge(
    context: Context, user: User, attempt: Attempt, assessed: Assessed, account: Account, proofs: tuple[Proof, ...],
    *, at_least: int = 0,
) -> Judged:  # fmt: skip
    """Let the policy judge an attempt at its highest risk so far."""
    score = max(score_of(attempt, assessed), at_least)
    enrolled = account.facts.enrolled | {Factor.PASSWORD}
    facts = facts_for(context.now, user, attempt, assessed, enrolled, score)
    judgement = Judgement(
        assessed.chosen.policy, facts, score, assessed.chosen.denies, assessed.decision_id, assessed.score
    )
    return Judged(judgement, assessed, _verdict_of(judgement, account, proofs))


def score_of(attempt: Attempt, assessed: Assessed) -> int:
    """Return the score that counts: the highest of this attempt's, the person's and the session's."""
    return max(assessed.score, assessed.user_risk, attempt.session.risk if attempt.session is not None else 0)


def _verdict_of(judgement: Judgement, account: Account, proofs: tuple[Proof, ...]) -> Verdict:
    """Let the policy decide; where it fails one factor more is asked, and the record knows nothing of any rule."""
    try:
        return verdict_of(judgement, account, proofs)
    except Exception:  # whatever a rule does, people sign in, and nobody gets in for less
        log.exception("policy_failed", decision=judgement.decision_id)
        nothing = Matched(judgement.policy, judgement.facts, (None,) * len(judgement.policy.rules))
        return Verdict(floor_plus_one(ability_of(judgement, account, proofs)), nothing)


async def keep(
    context: Context, user: User, attempt: Attempt, judged: Judged, account: Account, proofs: tuple[Proof, ...]
) -> None:
    """Store the decision with all that is needed to explain it, and to make it again."""
    judgement, assessed = judged.judgement, judged.assessed
    assert judgement.decision_id is not None
    record = records.of_verdict(
        judged.verdict, ability_of(judgement, account, proofs), user=user.id, assessed=assessed_json(judged)
    )
    document = records.to_json(record)
    await context.stores.decisions.add(
        StoredDecision(
            id=judgement.decision_id,
            user_id=user.id,
            session_id=attempt.session.id if attempt.session is not None else None,
            client_id=attempt.client.id if attempt.client is not None else None,
            event=attempt.event.value,
            decided_at=context.now,
            decision=judged.verdict.decision.value,
            band=judgement.policy.band(judgement.score).value,
            score=judgement.score,
            policy=judgement.policy.digest,
            record=records.canonical(document).decode(),
            digest=records.content_hash(document).removeprefix("sha256:"),
            expires_at=context.now + _kept(context),
            advice=advice_json(assessed.advice),
            country=_country(judgement),
            refusal=refusal.value if (refusal := judged.verdict.resolution.refusal) is not None else None,
        )
    )
    if judged.verdict.decision is not Decision.ALLOW:
        kind = EventKind.ATTEMPT_DENIED if judged.verdict.decision is Decision.DENY else EventKind.ATTEMPT_ASKED
        await context.record(kind, user_id=user.id, decision=judgement.decision_id)


def _country(judgement: Judgement) -> str | None:
    """Return where the attempt came from as countries are counted, None if that is not known."""
    country = judgement.facts.known.get("net.country")
    return country if isinstance(country, str) and len(country) == 2 else None


def assessed_json(judged: Judged) -> Mapping[str, fact_file.Json]:
    """Return the part of a record that the engine answers for."""
    assessment, judgement = judged.assessed.scored.assessment, judged.judgement
    advice = judged.assessed.advice
    return {
        "score": judgement.score,
        "band": judgement.policy.band(judgement.score).value,
        "local": assessment.score,
        "adviser": {
            "mode": judgement.policy.adviser.mode.value,
            "state": advice.state.value if advice is not None else "off",
            "score": advice.advice.score if advice is not None and advice.advice is not None else None,
            "effect": advice.effect if advice is not None else 0,
        },
        "llr": assessment.llr,
        "parts": [_part(part) for part in assessment.parts],
        "floors": [{"code": each.code, "band": each.band.value} for each in assessment.floors],
        "history": assessment.logins,
        "seen": second_opinion.to_json(judged.assessed.scored.seen),
        **_connection(judged.assessed.scored.circumstances),
        "engine": assessment.engine,
        "tables": assessment.tables,
    }


def _connection(found: Circumstances) -> Mapping[str, fact_file.Json]:
    """Return how the connection looked, if a proxy tells: for those who look at a decision, and of no weight."""
    told = {"ja4": found.ja4, "ja4h": found.ja4h, "rtt_ms": found.rtt_ms}
    known: dict[str, fact_file.Json] = {name: value for name, value in told.items() if value is not None}
    return {"connection": known} if known else {}


def _part(part: Part) -> fact_file.Json:
    return {"code": part.code, "nats": part.nats}


def advice_json(advice: Advice | None) -> Mapping[str, Json] | None:
    """Return what is kept of an adviser: byte for byte what was sent, and what came back."""
    if advice is None:
        return None
    raw = advice.raw
    return {
        "payload": advice.payload.decode("ascii"),
        "payload_hash": advice.payload_hash,
        "model": advice.model,
        "prompt_hash": advice.prompt_hash,
        "state": advice.state.value,
        "why": advice.why.value if advice.why is not None else None,
        "occasion": advice.occasion.value,
        "local": advice.local,
        "final": advice.final,
        "proposed": advice.proposed,
        "answer": raw.text if raw is not None else None,
    }


def read_record(stored: StoredDecision | KeptRecord) -> records.RecordedSignIn:
    """Return the record of a stored decision; raises ValueError if it was damaged."""
    if sha256(stored.record.encode()).hexdigest() != stored.digest:
        raise ValueError("the record is not what its digest was made of")
    return record_text.read(stored.record, outcome=stored.outcome, label=stored.label)


def _kept(context: Context) -> timedelta:
    assert context.engine.risk is not None, "nothing was weighed"
    return context.engine.risk.decisions_kept
