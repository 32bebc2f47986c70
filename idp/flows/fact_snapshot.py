"""The facts that a policy sees of an attempt: a snapshot of what is known, without what is not."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from ipaddress import ip_address, ip_network

from idp.domain import assurance
from idp.domain.assurance import Factor
from idp.domain.client import Client
from idp.domain.session import Session
from idp.domain.user import Role, User
from idp.flows.assessment import Assessed, Attempt, local_time
from idp.policy import facts as fact_file
from idp.policy.facts import SHORT_NAMES, Facts, Value
from idp.policy.rules import Policy
from idp.risk.profile import device_age_days
from idp.risk.scorer import Scored

#: Signals that do not depend on whose account is tried.
_OF_THE_NETWORK = ("SPRAY_", "LIST_", "NET_KIND", "VELOCITY_NET", "AUTOMATION")


def facts_for(
    now: datetime, user: User, attempt: Attempt, assessed: Assessed, enrolled: frozenset[Factor] | None, score: int
) -> Facts:
    """Return the snapshot that the policy sees; what is not known is left out."""
    assessment = assessed.scored.assessment
    policy, session = assessed.chosen.policy, attempt.session
    return _known(_of_the_attempt(attempt, assessed), {
        "groups": frozenset(user.groups),
        "signals": signals_of(assessed, attempt),
        "scope": frozenset(attempt.request.scopes) if attempt.request is not None else frozenset(),
        "enrolled": None if enrolled is None else frozenset(factor.value for factor in enrolled),
        "user.class": "standard" if user.role is Role.USER else "privileged",
        "risk.score": score,
        "risk.band": policy.band(score),
        "risk.user_band": policy.band(assessed.user_risk),
        "risk.session_band": policy.band(session.risk if session is not None else 0),
        "history.logins": assessment.logins,
        "device.age": _device_age(assessed.scored),
        "user.break_glass": policy.break_glass_group in user.groups,
        "session.acr": _session_acr(session),
        "session.age": now - session.created_at if session is not None else None,
        "session.verified_age": now - session.auth_time if session is not None else None,
        "account.age": now - user.created_at if user.created_at is not None else None,
        "email.verified_age": now - user.email_verified_at if user.email_verified_at is not None else None,
        "time.local": _clock(user, now),
    })  # fmt: skip


def network_facts(attempt: Attempt, assessed: Assessed) -> Facts:
    """Return what is known before a password was looked at and says nothing of whose account it is."""
    ours = frozenset(code for code in signals_of(assessed, attempt) if code.startswith(_OF_THE_NETWORK))
    return _known(_of_the_attempt(attempt, assessed), {"signals": ours})


def _of_the_attempt(attempt: Attempt, assessed: Assessed) -> dict[str, Value | None]:
    """Return what is known of request, network and browser, whoever's account it is."""
    found, policy = assessed.scored.circumstances, assessed.chosen.policy
    return {
        "net.named": _named(policy, found.address),
        "client.id": attempt.client.id if attempt.client is not None else None,
        "client.trust": _trust(attempt.client),
        "event": attempt.event.value,
        "net.kind": found.net_kind.value if found.net_kind is not None else None,
        "net.country": found.country,
        "net.asn": found.asn,
        "device.known": assessed.scored.found.dev == 0,
    }


def _known(*parts: Mapping[str, Value | None]) -> Facts:
    return fact_file.checked({name: value for part in parts for name, value in part.items() if value is not None})


def signals_of(assessed: Assessed, attempt: Attempt) -> frozenset[str]:
    """Return every signal that fired."""
    codes = set(assessed.scored.assessment.codes) | assessed.sequences
    codes |= {"CRED_BREACHED"} if attempt.is_breached else set()
    return frozenset(code for code in codes if fact_file.FACTS["signals"].accepts(code))


def _trust(client: Client | None) -> str | None:
    return None if client is None else "first_party" if client.is_first_party else "third_party"


def _named(policy: Policy, address: str | None) -> frozenset[str]:
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return frozenset()
    return frozenset(
        name for name, nets in policy.networks.items() if any(parsed in ip_network(net, strict=False) for net in nets)
    )


def _device_age(scored: Scored) -> timedelta | None:
    if scored.seen.device is None:
        return None
    days = device_age_days(scored.profile, scored.seen.device, scored.seen.day)
    return None if days is None else timedelta(days=days)


def _session_acr(session: Session | None) -> str | None:
    acr = assurance.acr(session.proofs) if session is not None else None
    return SHORT_NAMES.get(acr) if acr is not None else None


def _clock(user: User, now: datetime) -> time | None:
    local = local_time(user, now)
    return None if local is None else local.time().replace(microsecond=0)
