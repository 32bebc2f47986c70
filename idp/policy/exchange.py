"""What may come of an exchange of tokens: who acts for whom, and which scopes are left (RFC 8693 §2.1, §4.1, §4.4)."""

from collections.abc import Mapping, Sequence
from typing import Any

from idp.domain.definitions import Definitions
from idp.domain.exchange import ExchangeRule
from idp.domain.json import Json, JsonObject

DEEPEST = 4  # that act one after another


def acting(issuer: str, subject: str, *, before: JsonObject | None) -> JsonObject:
    """Return the claim `act` of somebody who acts now, with whoever acted before inside it (RFC 8693 §4.1)."""
    return {"iss": issuer, "sub": subject, **({"act": dict(before)} if before is not None else {})}


def depth(actor: Json) -> int:
    """Return how many act one after another."""
    found = 0
    while isinstance(actor, Mapping):
        found, actor = found + 1, actor.get("act")
    return found


def may_act(allowed: Json, *, issuer: str, subject: str) -> bool:
    """Say whether a claim `may_act` names this actor of ours (RFC 8693 §4.4)."""
    return isinstance(allowed, Mapping) and allowed.get("sub") == subject and allowed.get("iss", issuer) == issuer


def only_target(rules: Sequence[ExchangeRule]) -> tuple[str, ...]:
    """Return the one target that rules name, nothing if they name several."""
    named = {audience for rule in rules for audience in rule.audiences}
    return tuple(named) if len(named) == 1 else ()


def scopes(
    rule: ExchangeRule, definitions: Definitions, target: Sequence[str], *, carried: Sequence[str],
    good_for: Sequence[str], granted: Sequence[str], issuer: str,
) -> tuple[str, ...]:  # fmt: skip
    """Return the scopes that a new token may have: of the rule, of the target, and within what the person allowed.

    Of an API that the traded token is `good_for` already it gets no more than that token `carried`.
    """
    kept: list[str] = []
    for scope in rule.scopes:
        owners: Any = (definitions.owners(scope) or frozenset({issuer})) & set(target)
        within = carried if owners & set(good_for) else granted
        if owners and scope in within:
            kept.append(scope)
    return tuple(kept)
