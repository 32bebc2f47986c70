"""Resource indicators – RFC 8707: which APIs an access token is for, and which scopes go with it.

At /authorize a request names a set; at /token a part of it may be asked for. Without any the client's default counts,
else the issuer. A token has the scopes that its audience defines: those of OpenID only if it is for the issuer too.
Not here: which client may ask for what → policy/resources.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from authlib.oauth2.rfc6749 import InvalidRequestError

from idp.domain.client import Client
from idp.domain.definitions import Definitions
from idp.domain.tokens import Confirmation
from idp.oauth.bridge import wait
from idp.oauth.context import Context
from idp.oauth.errors import InvalidTarget, RedirectError
from idp.oauth.request import Pairs
from idp.policy import resources
from idp.policy.resources import BadTarget, Shape

PARAMETER = "resource"


@dataclass(frozen=True, slots=True)
class Target:
    """What one access token is for, and how it looks."""

    audience: tuple[str, ...]
    shape: Shape
    definitions: Definitions
    issuer: str

    def scopes(self, granted: Sequence[str]) -> tuple[str, ...]:
        """Return those of the granted scopes that the token has."""
        return resources.token_scopes(self.definitions, granted, self.audience, issuer=self.issuer)

    def check_binding(self, confirmation: Confirmation | None) -> None:
        """Refuse a bearer token for a resource server that takes none (RFC 9449 §5, RFC 8705 §3)."""
        if self.shape.requires_sender_constraint and confirmation is None:
            raise InvalidRequestError(
                "this resource takes tokens that are bound to a key: a DPoP proof or a client certificate is due"
            )


def asked_in(pairs: Pairs) -> tuple[str, ...]:
    """Return the resources that a request names; a parameter without a value is absent."""
    return tuple(value for name, value in pairs if name == PARAMETER and value)


def settle(
    definitions: Definitions, client: Client, asked: Sequence[str], scopes: Sequence[str], *, issuer: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the audience of a request and those of its scopes that can be granted with it; raise BadTarget."""
    audience = resources.audience_of(client, definitions, asked, issuer=issuer)
    return audience, resources.grant_scopes(definitions, scopes, audience, issuer=issuer)


def at_authorize(
    definitions: Definitions, client: Client, asked: Sequence[str], scopes: Sequence[str], *, issuer: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the same for an authorization request; raise RedirectError (RFC 8707 §2.1)."""
    try:
        audience, kept = settle(definitions, client, asked, scopes, issuer=issuer)
    except BadTarget as error:
        raise RedirectError("invalid_target", str(error)) from error
    if not kept:
        raise RedirectError("invalid_scope", "none of these scopes belongs to the resources that were asked for")
    return audience, kept


def at_endpoint(
    context: Context, client: Client, pairs: Pairs, scopes: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the same for a request that a client sends itself, whoever answers it; raise InvalidTarget.

    To be called from inside `bridge.run`.
    """
    definitions, issuer = wait(context.definitions()), context.engine.issuer
    try:
        return settle(definitions, client, asked_in(pairs), scopes, issuer=issuer)
    except BadTarget as error:
        raise InvalidTarget(str(error)) from error


def given(definitions: Definitions, client: Client, audience: tuple[str, ...], *, issuer: str) -> Target:
    """Return what a token is for where an operator's rule says so; raise InvalidTarget for what is not registered."""
    try:
        if any(each != issuer and each not in definitions.resources for each in audience):
            raise BadTarget("a resource is not registered any more")
        return Target(audience, resources.shape_of(client, definitions, audience, issuer=issuer), definitions, issuer)
    except BadTarget as error:
        raise InvalidTarget(str(error)) from error


def aimed(
    definitions: Definitions, client: Client, granted: tuple[str, ...], asked: Sequence[str], *, issuer: str
) -> Target:
    """Return what a token is for: the part of a grant's audience that was asked for, as far as it is still allowed.

    Raises InvalidTarget (RFC 8707 §2.2).
    """
    try:
        part = resources.part_of(granted, asked)
        audience = resources.still_allowed(client, definitions, part, issuer=issuer)
        return Target(audience, resources.shape_of(client, definitions, audience, issuer=issuer), definitions, issuer)
    except BadTarget as error:
        raise InvalidTarget(str(error)) from error
