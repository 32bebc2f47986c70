"""Who calls an operation and what they may: by role at the pages, by scope at the API, all at the command line."""

from collections.abc import Iterable

from idp.domain.event import Actor, ActorKind
from idp.domain.permission import Permission, permissions_in
from idp.domain.user import Role, User
from idp.flows.admin.operation import Caller
from idp.policy.administration import PERMISSIONS


def role_may(role: Role, permission: Permission) -> bool:
    """Say whether a role has a permission."""
    return permission in PERMISSIONS[role]


def of_person(user: User, *, is_fresh: bool, address: str | None, request_id: str | None) -> Caller:
    """Return a person at the administrators' pages."""
    actor = Actor(ActorKind.USER, user.id, user.role.value)
    return Caller(actor, user.role, PERMISSIONS[user.role], is_fresh, address, request_id)


def of_token(
    user: User | None, client_id: str, scopes: Iterable[str], *, is_fresh: bool, address: str | None,
    request_id: str | None,
) -> Caller:  # fmt: skip
    """Return the bearer of an access token: a person by the client they use, or a client by itself.

    A person may what their role allows and the scopes carry; a client by itself what its scopes carry, as an
    administrator, since an owner gave it those scopes.
    """
    carried = permissions_in(frozenset(scopes))
    if user is not None:
        actor = Actor(ActorKind.USER, user.id, user.role.value)
        allowed = PERMISSIONS[user.role] & carried
        return Caller(actor, user.role, allowed, is_fresh, address, request_id, via=client_id)
    actor = Actor(ActorKind.CLIENT, client_id, Role.ADMINISTRATOR.value)
    return Caller(actor, Role.ADMINISTRATOR, carried, is_fresh, address, request_id)


def of_command(actor: Actor) -> Caller:
    """Return somebody at the command line, who could change the database itself: they may everything."""
    return Caller(actor, Role.OWNER, frozenset(Permission), is_fresh=True)
