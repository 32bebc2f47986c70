"""What another provider's word counts for: what is read of its claims, concluded from its acr and amr, and asked of it.

Only what an operator decided counts; anything of another type, too long or not printable is as if it was not said.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from idp.domain.assurance import Factor, Proof
from idp.domain.authorization import AuthorizationRequest, Prompt
from idp.domain.client import Client
from idp.domain.credential import plain_name
from idp.domain.json import Json
from idp.domain.upstream import LONGEST_LABEL, LONGEST_TOLD, MOST_TOLD, Arrival, Upstream, UpstreamIdentity
from idp.domain.user import BadIdentifier, plain_email
from idp.policy import lifetimes
from idp.policy.prompts import LONGEST_MAX_AGE, effective_max_age
from idp.policy.situation import Situation

LONGEST_CLAIM = 200
MOST_GROUPS = 100
URLS = frozenset({"profile", "picture", "website"})
_HTTPS = "https://"


def arrival_of(upstream: Upstream, claims: Mapping[str, Json], now: datetime) -> Arrival:
    """Return who somebody is by checked claims; an address is an address, and verified only where that is the truth."""
    email = _email(claims.get("email"))
    named = (claims.get("preferred_username"), email, claims.get("name"))
    label = next((plain_name(each)[:LONGEST_LABEL] for each in named if isinstance(each, str) and plain_name(each)), "")
    return Arrival(
        upstream_id=upstream.id,
        iss=upstream.issuer,
        sub=str(claims["sub"]),
        auth_time=_moment(claims.get("auth_time"), now),
        email=email,
        email_verified=email is not None and claims.get("email_verified") is True,  # the text "true" is no yes
        label=label,
        told=tuple(_told(claims))[:MOST_TOLD],
        claims={ours: value for theirs, ours in upstream.claims.items() if (value := _text(ours, claims.get(theirs)))},
        groups=_groups(upstream, claims.get(upstream.groups_claim) if upstream.groups_claim else None),
    )


def _email(value: Json) -> str | None:
    try:
        return plain_email(value) if isinstance(value, str) else None
    except BadIdentifier:
        return None


def _moment(value: Json, now: datetime) -> datetime | None:
    """Return when somebody signed in there; nothing for a time that has not come, as far as clocks may differ."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    if not 0 <= value <= (now + lifetimes.SKEW_AHEAD).timestamp():
        return None
    return min(datetime.fromtimestamp(value, UTC), now)


def _told(claims: Mapping[str, Json]) -> Iterator[str]:
    acr, amr = claims.get("acr"), claims.get("amr")
    said = [("acr", acr), *(("amr", each) for each in (amr if isinstance(amr, list) else []))]
    for claim, value in said:
        if isinstance(value, str) and 0 < len(value) <= LONGEST_TOLD and value.isprintable():
            yield f"{claim}:{value}"


def _text(name: str, value: Json) -> str | None:
    if not isinstance(value, str) or len(value) > (2048 if name in URLS else LONGEST_CLAIM):
        return None
    plain = plain_name(value) if name not in URLS else value
    is_url = plain.startswith(_HTTPS) and plain.isascii() and plain.isprintable() and " " not in plain
    return plain if name not in URLS or is_url else None


def _groups(upstream: Upstream, value: Json) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    found = (upstream.groups[each] for each in listed if isinstance(each, str) and each in upstream.groups)
    return tuple(sorted(dict.fromkeys(found)))[:MOST_GROUPS]


def groups_after(upstream: Upstream, arrival: Arrival, before: tuple[str, ...]) -> tuple[str, ...]:
    """Return which groups somebody is in after signing in there; those that nothing there maps to stay as they are."""
    if not upstream.groups_claim:
        return before
    return tuple(sorted({*(set(before) - set(upstream.groups.values())), *arrival.groups}))


def proof_of(upstream: Upstream, arrival: Arrival, identity: UpstreamIdentity, now: datetime) -> Proof:
    """Return what a sign-in there proves here: one first factor, and what the operator concludes from what was said."""
    believed = [factor for told in arrival.told for factor in upstream.believes.get(told, ())]
    return Proof(
        Factor.FEDERATED, arrival.auth_time or now, identity.id, believed=tuple(dict.fromkeys(believed)),
        told=arrival.told,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wishes:
    """What our request to another provider asks for, so that its answer fits the one that we have to give."""

    prompt: str | None = None
    max_age: int | None = None
    login_hint: str | None = None


def wishes(
    upstream: Upstream, request: AuthorizationRequest | None, client: Client | None, situation: Situation
) -> Wishes:
    """Return what to ask for, since it was asked of us; a hint goes to the home of its address only."""
    hint = request.login_hint if request is not None else None
    hint = hint if hint is not None and upstream.is_home_of(hint) else None
    interaction = situation.interaction
    if not upstream.forwards_freshness or interaction is None:
        return Wishes(login_hint=hint)
    chose_other = interaction.account_chosen and interaction.session_id == ""
    prompt = "select_account" if chose_other else None
    if request is None or client is None:
        within = interaction.fresh_within
        return Wishes(prompt, None if within is None else int(within.total_seconds()), hint)
    max_age = effective_max_age(request, client)
    if Prompt.LOGIN in request.prompts or max_age == 0:
        return Wishes("login", None, hint)
    return Wishes(prompt, max_age if max_age is not None and max_age < LONGEST_MAX_AGE else None, hint)


def is_fresh_enough(
    proof: Proof, request: AuthorizationRequest | None, client: Client | None, situation: Situation
) -> bool:
    """Say whether a sign-in elsewhere is as recent as this one must be (OIDC Core §3.1.2.1)."""
    since = _since(request, client, situation)
    return since is None or proof.verified_at >= since


def _since(request: AuthorizationRequest | None, client: Client | None, situation: Situation) -> datetime | None:
    interaction, now = situation.interaction, situation.now
    assert interaction is not None, "somebody came back to an interaction"
    if request is None or client is None:
        return None if interaction.fresh_within is None else now - interaction.fresh_within
    max_age = effective_max_age(request, client)
    if Prompt.LOGIN in request.prompts or max_age == 0:
        return interaction.created_at - lifetimes.SKEW_PAST  # by another clock than ours
    return None if max_age is None or max_age >= LONGEST_MAX_AGE else now - timedelta(seconds=max_age)
