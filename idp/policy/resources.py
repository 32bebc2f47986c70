"""Which APIs a client's tokens may be for, and which scopes go with them (RFC 8707 §2, RFC 9068 §3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from idp.domain.client import Client, TokenFormat
from idp.domain.definitions import Definitions
from idp.domain.permission import SCOPE_PREFIX
from idp.policy import lifetimes
from idp.policy.clients import SCOPES
from idp.policy.profiles import RULES

MOST = 10  # resources of one request
OPENID_SCOPES = frozenset(SCOPES)
Audience = tuple[str, ...]
ADMINISTRATION, SCIM, USERINFO = "/api/admin/v1", "/scim/v2", "/userinfo"
OWN_APIS = (ADMINISTRATION, SCIM, USERINFO)


class BadTarget(Exception):
    """No token of this client may be for that (RFC 8707 §2: invalid_target)."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How access tokens for an audience look and how long they live; whether they must be bound to a key."""

    alg: str
    format: TokenFormat
    life: timedelta
    requires_sender_constraint: bool = False


def is_allowed(client: Client, definitions: Definitions, target: str, *, issuer: str) -> bool:
    """Say whether a client may ask for tokens for a target; for the issuer and its own APIs every client may."""
    resource = definitions.resources.get(target)
    return target in owners_here(issuer) or (
        resource is not None and (resource.is_open_to_all or target in client.resources)
    )


def may_ask_for(client: Client, definitions: Definitions, scope: str) -> bool:
    """Say whether a client may ask for a scope: one it is registered for, or what an API that is open to all defines.

    The latter is for clients that nobody here registered: there is nobody to say which scopes they need.
    """
    if scope in client.scopes or not client.is_self_registered or scope.startswith(SCOPE_PREFIX):
        return scope in client.scopes
    return any(each.is_open_to_all and scope in each.scope_names for each in definitions.resources.values())


def audience_of(client: Client, definitions: Definitions, asked: Sequence[str], *, issuer: str) -> Audience:
    """Return whom tokens are for: what was asked, else the client's default, else the issuer; raise BadTarget."""
    targets = tuple(dict.fromkeys(asked)) or ((client.default_resource or issuer),)
    if len(targets) > MOST:
        raise BadTarget(f"more than {MOST} resources were asked for")
    if not all(is_allowed(client, definitions, each, issuer=issuer) for each in targets):
        raise BadTarget("a resource is not registered, or not for this client")
    return targets


def part_of(granted: Audience, asked: Sequence[str]) -> Audience:
    """Return the part of what was granted that one token is for; raise BadTarget for more than was granted."""
    if not set(asked) <= set(granted):
        raise BadTarget("a resource was not granted")
    return tuple(each for each in granted if each in asked) if asked else granted


def still_allowed(client: Client, definitions: Definitions, granted: Audience, *, issuer: str) -> Audience:
    """Return what a client may still have of what was granted once; raise BadTarget if nothing is left."""
    left = tuple(each for each in granted if is_allowed(client, definitions, each, issuer=issuer))
    if not left:
        raise BadTarget("the resources that were granted are not for this client any more")
    return left


def token_scopes(definitions: Definitions, scopes: Sequence[str], audience: Audience, *, issuer: str) -> Audience:
    """Return those scopes that an audience defines; what no resource server defines is the issuer's own."""
    return tuple(each for each in scopes if _owners(definitions, each, issuer) & set(audience))


def grant_scopes(definitions: Definitions, scopes: Sequence[str], audience: Audience, *, issuer: str) -> Audience:
    """Return what can be granted with an audience: its scopes, and those of OpenID, which speak of the ID token."""
    kept = set(token_scopes(definitions, scopes, audience, issuer=issuer))
    return tuple(each for each in scopes if each in kept or each in OPENID_SCOPES)


def _owners(definitions: Definitions, scope: str, issuer: str) -> frozenset[str]:
    return definitions.owners(scope) or owners_here(issuer)


@lru_cache(maxsize=8)
def owners_here(issuer: str) -> frozenset[str]:
    """Return whom the scopes belong to that no resource server defines: the issuer, and each API of its own."""
    return frozenset({issuer, *(issuer + path for path in OWN_APIS)})


def shape_of(client: Client, definitions: Definitions, audience: Audience, *, issuer: str) -> Shape:
    """Return how one token for an audience looks; raise BadTarget if its members want different tokens."""
    resources = [definitions.resources[each] for each in audience if each in definitions.resources]
    if not resources:
        life = lifetimes.ACCESS_TOKEN[client.token_format]
        return Shape(client.access_token_alg, client.token_format, life)
    first, *others = resources
    if first.token_alg not in RULES[client.profile].access_token_algs:
        raise BadTarget(f"this resource takes tokens by {first.token_alg}, which clients of this profile do not have")
    if any((each.token_alg, each.token_format) != (first.token_alg, first.token_format) for each in others):
        raise BadTarget("these resources take different kinds of tokens; ask for one at a time")
    return Shape(
        first.token_alg, first.token_format, min(each.life for each in resources),
        any(each.requires_sender_constraint for each in resources),
    )  # fmt: skip


def consent_words(definitions: Definitions, scopes: Sequence[str], audience: Audience, *, issuer: str) -> set[str]:
    """Return what a person decides about: scopes, those of an API with its identifier, and an API without a scope.

    The same scope of another API is another question. No identifier has a fragment, so `#` divides.
    """
    words = set()
    for scope in scopes:
        owners = _owners(definitions, scope, issuer) & set(audience)
        words |= {scope} if not owners or issuer in owners else set()
        words |= {f"{owner}#{scope}" for owner in owners if owner != issuer}
    bare = [each for each in audience if each != issuer and not any(word.startswith(f"{each}#") for word in words)]
    return words | {f"{each}#" for each in bare}
