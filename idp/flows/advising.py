"""Asks the adviser about an attempt whose password was right, outside of every transaction.

The local score stands whenever there is no answer in time. What comes late raises the risk of the session that was
opened meanwhile, under the same bounds.
"""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta

from idp.domain.assurance import Factor, Proof
from idp.domain.permission import is_of_administration
from idp.domain.risk import Part
from idp.domain.secret import Digester, make_id
from idp.domain.user import Role, User
from idp.domain.vocabulary import ListHit, NetKind, ScopeClass, UserClass
from idp.flows.assessment import Assessed, Attempt
from idp.flows.fact_snapshot import facts_for
from idp.flows.throttle import network_of
from idp.flows.verdict import advice_json
from idp.flows.visit import Visit
from idp.policy.ability import Ability
from idp.policy.rules import Decision
from idp.policy.verdict import decide, floor_plus_one
from idp.policy.verdict_parts import Resolution
from idp.providers.adviser.port import Adviser
from idp.risk.advice import Bounds, Mode
from idp.risk.consultant import Consultant
from idp.risk.consultation import Caller, Consequence, Occasion, Question, Record, occasion
from idp.risk.payload import Observed, describe, top_reasons
from idp.storage.stores import Transactions

EVERYTHING = frozenset(Factor)
SAMPLED = 100  # one in so many low scores is asked about, for the record only


def tenant_of(digester: Digester) -> bytes:
    """Return under which name this deployment's budget is kept."""
    return digester.digest("tenant", "all")


class Advising:
    """Asks for a second opinion on sign-ins."""

    def __init__(
        self, consultant: Consultant, adviser: Adviser, transactions: Transactions, digester: Digester
    ) -> None:
        """Ask this adviser by its consultant; note what comes late in transactions of its own."""
        self._adviser = adviser
        self._consultant = consultant
        self._transactions = transactions
        self._digester = digester

    async def ask(self, visit: Visit, user: User, attempt: Attempt, assessed: Assessed) -> Assessed:
        """Return the attempt with what an adviser made of it."""
        question = self._question(visit, user, attempt, assessed, assessed.scored.circumstances.at)
        if question.occasion is Occasion.NONE:
            return assessed
        decision_id = assessed.decision_id

        async def on_late(record: Record) -> None:
            await self._note(decision_id, record)

        return replace(assessed, advice=await self._consultant.consult(question, on_late))

    async def close(self) -> None:
        """Give up what is under way."""
        await self._consultant.close()
        await self._adviser.close()

    def _question(self, visit: Visit, user: User, attempt: Attempt, assessed: Assessed, now: datetime) -> Question:
        local = assessed.scored.assessment.score
        usual = _resolved(user, attempt, assessed, now, local)

        def weigh(score: int) -> Consequence:
            raised = _resolved(user, attempt, assessed, now, score)
            if raised.decision is Decision.DENY and usual.decision is not Decision.DENY:
                return Consequence.DENY
            is_same = (raised.decision, raised.requirement) == (usual.decision, usual.requirement)
            return Consequence.NONE if is_same else Consequence.STRICTER

        chosen = assessed.chosen.policy.adviser
        return Question(
            payload=describe(_observed(user, attempt, assessed, now), local, top_reasons(assessed.scored.assessment)),
            caller=Caller(
                tenant_of(self._digester),
                self._digester.digest("adviser_user", user.id),
                self._digester.digest("adviser_network", network_of(visit.address)),
            ),
            bounds=Bounds(Mode(chosen.mode.value), chosen.up_max, budget=chosen.budget),
            weigh=weigh,
            occasion=occasion(
                local, is_sampled=_is_sampled(), is_review=False, is_at_top=usual.requirement.factors >= 2
            ),
        )

    async def _note(self, decision_id: str, record: Record) -> None:
        document = advice_json(record)
        assert document is not None
        async with self._transactions.open(write=True) as stores:
            await stores.decisions.note_advice(decision_id, document)
            stored = await stores.decisions.find(decision_id)
            if stored is not None and stored.session_id is not None and record.effect > 0:
                await stores.sessions.raise_risk(stored.session_id, record.final)


def _resolved(user: User, attempt: Attempt, assessed: Assessed, now: datetime, score: int) -> Resolution:
    """Return what a score leads to for somebody who has everything: only the policy's own demand counts here."""
    facts = facts_for(now, user, attempt, assessed, EVERYTHING, score)
    proofs = (Proof(Factor.PASSWORD, now),)
    ability = Ability(now, proofs, EVERYTHING, denies=assessed.chosen.denies)
    try:
        return decide(assessed.chosen.policy, facts, ability).resolution
    except Exception:  # noqa: BLE001 – the verdict itself says what failed, and tells administrators
        return floor_plus_one(ability)


def _is_sampled() -> bool:
    return hashlib.sha256(make_id().encode()).digest()[0] * SAMPLED < 256


def _observed(user: User, attempt: Attempt, assessed: Assessed, now: datetime) -> Observed:
    scored, circumstances = assessed.scored, assessed.scored.circumstances
    last, net = scored.profile.last, scored.found.net
    codes = scored.assessment.codes
    return Observed(
        logins=scored.assessment.logins,
        account_age=now - user.created_at if user.created_at is not None else timedelta(),
        since_last=timedelta(seconds=max(0, int(now.timestamp()) - last.at)) if last is not None else None,
        depths=scored.found.depths(devices="DEV_NO_COOKIE" in codes or "DEV_KNOWN" in codes),
        is_same_country=None if circumstances.country is None or len(net) > 1 else net[0] < 3,
        travel_kmh=None,
        hour_nats=_nats(scored.assessment.parts, "TIME_HOUR"),
        account_failures=circumstances.failures.account_1h or 0,
        network_failures=circumstances.failures.prefix_1h or 0,
        global_z=circumstances.failures.global_z,
        since_credential_change=circumstances.credential_age,
        is_breached=circumstances.breached is True,
        is_new_client=circumstances.new_client is True,
        is_automated="AUTOMATION" in codes,
        is_cookie_replayed="DEV_COOKIE_REPLAY" in codes,
        net_kind=NetKind(circumstances.net_kind.value) if circumstances.net_kind is not None else NetKind.UNKNOWN,
        scope=_scope_class(attempt),
        user=UserClass.STANDARD if user.role is Role.USER else UserClass.PRIVILEGED,
        lists=frozenset(ListHit(each.value) for each in circumstances.listed or ()),
    )


def _nats(parts: tuple[Part, ...], code: str) -> float | None:
    return next((part.nats for part in parts if part.code == code), None)


def _scope_class(attempt: Attempt) -> ScopeClass:
    scopes = frozenset(attempt.request.scopes) if attempt.request is not None else frozenset()
    if is_of_administration(scopes):
        return ScopeClass.ADMIN
    if "offline_access" in scopes:
        return ScopeClass.OFFLINE
    return ScopeClass.PROFILE if scopes & {"profile", "email", "phone", "address"} else ScopeClass.NONE
