"""A refresh from a network where its family has never been – judged by the policy like any other attempt.

Works where the operator supplies a file of autonomous systems; without one nothing has moved. For a confidential client
the networks are the client's own, for a public one those of the person, whose profile may know more of them.
Not here: the reuse of a spent token → tokens/refresh_token.py.
"""

from dataclasses import dataclass

from idp.domain.assurance import Factor, Proof
from idp.domain.client import Client
from idp.domain.risk import Band
from idp.oauth.context import Context
from idp.policy import facts as fact_file
from idp.policy.ability import Ability
from idp.policy.facts import Event, Value
from idp.policy.rules import Decision, EffectKind
from idp.policy.verdict import decide
from idp.risk.profile import match
from idp.risk.session_risk import moved
from idp.risk.signal import Circumstances
from idp.storage.grants import LiveGrant

SESSION_MOVED, KEY_CHANGED = "SESSION_MOVED", "DPOP_KEY_CHANGED"
MOST_NETWORKS = 8


@dataclass(frozen=True, slots=True)
class Moved:
    """A refresh that the policy refuses, and whether the whole family ends with it."""

    ends_family: bool


async def begin(context: Context, grant_id: str) -> None:
    """Note the network from which a family begins."""
    system = _system_of(context)
    if system is not None:
        await context.stores.grants.note_networks(grant_id, (system,))


async def check(context: Context, client: Client, live: LiveGrant) -> Moved | None:
    """Say whether the policy refuses a refresh from here; a network that is no surprise joins the family's own."""
    desk, system, user = context.engine.risk, _system_of(context), live.user
    if desk is None or system is None or user is None or system in live.networks:
        return None
    knows = not client.is_confidential and await _is_known(context, user.id)
    family = [int(each, 16) for each in live.networks]
    is_moved = moved(
        int(system, 16), family, profile_knows_asn=knows, agent_unchanged=True, confidential=client.is_confidential
    )
    if is_moved:
        refused = await _judged(context, client, live, SESSION_MOVED)
        if refused is not None:
            return refused
    await context.stores.grants.note_networks(live.grant.id, (*live.networks, system)[-MOST_NETWORKS:])
    return None


async def key_changed(context: Context, client: Client, live: LiveGrant) -> bool:
    """Say whether the family ends because its token came with another key, as the policy says.

    Refused it is anyway (RFC 9449 §5), and whoever uses the session next proves more: a copy is in other hands.
    """
    if live.grant.session_id is not None:
        await context.stores.sessions.raise_risk(live.grant.session_id, Band.HIGH.start)
    if context.engine.risk is None or live.user is None:
        return False
    refused = await _judged(context, client, live, KEY_CHANGED)
    return refused is not None and refused.ends_family


def _system_of(context: Context) -> str | None:
    """Return what stands for the autonomous system of the caller: a digest of this deployment alone."""
    desk = context.engine.risk
    if desk is None:
        return None
    asn = desk.scorer.locate(Circumstances(context.now, context.http.address)).asn
    return None if asn is None else f"{desk.scorer.digest('asn', str(asn)):016x}"


async def _is_known(context: Context, user_id: str) -> bool:
    desk = context.engine.risk
    assert desk is not None
    located = desk.scorer.locate(Circumstances(context.now, context.http.address))
    _version, profile = await desk.scorer.profile_of(context.stores, user_id)
    return max(match(profile, desk.scorer.observe(located)).net) <= 1


async def _judged(context: Context, client: Client, live: LiveGrant, signal: str) -> Moved | None:
    desk, user, grant, now = context.engine.risk, live.user, live.grant, context.now
    assert desk is not None
    assert user is not None
    chosen = await desk.policies.of(context.stores, user.id)
    known: dict[str, Value] = {
        "event": Event.REFRESH.value,
        "signals": frozenset({signal}),
        "groups": frozenset(user.groups),
        "scope": frozenset(grant.scopes),
        "client.id": client.id,
        "client.trust": "first_party" if client.is_first_party else "third_party",
        "risk.band": Band.LOW,
        "user.break_glass": chosen.policy.break_glass_group in user.groups,
    }
    # What was proved then is not proved now: a refresh never renews it.
    proofs = (Proof(Factor.PASSWORD, grant.auth_time or grant.created_at),)
    ability = Ability(now, proofs, frozenset(Factor), act_began=now, denies=chosen.denies)
    resolution = decide(chosen.policy, fact_file.checked(known), ability).resolution
    ends_family = any(effect.kind is EffectKind.REVOKE_FAMILY for effect in resolution.effects)
    if resolution.decision is Decision.ALLOW and not ends_family:
        return None
    if grant.session_id is not None:
        await context.stores.sessions.raise_risk(grant.session_id, chosen.policy.bands[Band.HIGH])
    return Moved(ends_family)
