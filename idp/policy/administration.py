"""Who may do what to the system itself, and to whom: least privilege, and nobody raises themselves.

A role is a set of permissions and a rank. Ranks say whom somebody may change: only people below, and for owners
everybody. The set says what they may do at all.
"""

from collections.abc import Mapping

from idp.domain.permission import Permission as P
from idp.domain.user import Role

RANKS: Mapping[Role, int] = {
    Role.USER: 0, Role.SUPPORT: 1, Role.CLIENT_MANAGER: 1, Role.AUDITOR: 1, Role.ADMINISTRATOR: 2, Role.OWNER: 3,
}  # fmt: skip
_SUPPORT = frozenset({
    P.DASHBOARD_READ, P.USERS_READ, P.USERS_HELP, P.GROUPS_READ, P.SESSIONS_READ, P.SESSIONS_END, P.CONSENTS_READ,
    P.MESSAGES_READ, P.INVITATIONS_WRITE,
})  # fmt: skip
_CLIENT_MANAGER = frozenset({P.CLIENTS_READ, P.CLIENTS_WRITE})
_AUDITOR = frozenset({
    P.DASHBOARD_READ, P.CLIENTS_READ, P.RESOURCES_READ, P.GROUPS_READ, P.DECISIONS_READ, P.POLICIES_READ, P.KEYS_READ,
    P.EVENTS_READ, P.SETTINGS_READ, P.UPSTREAMS_READ,
})  # fmt: skip
PERMISSIONS: Mapping[Role, frozenset[P]] = {
    Role.USER: frozenset(),
    Role.SUPPORT: _SUPPORT,
    Role.CLIENT_MANAGER: _CLIENT_MANAGER,
    Role.AUDITOR: _AUDITOR,
    Role.ADMINISTRATOR: frozenset(P),
    Role.OWNER: frozenset(P),
}


def may_change(actor: Role, target: Role) -> bool:
    """Say whether somebody may change an account of this role: one below their own; an owner every one."""
    return actor is Role.OWNER or RANKS[actor] > RANKS[target]


def may_grant(actor: Role, old: Role, new: Role, *, is_self: bool) -> bool:
    """Say whether somebody may turn one role into another: both below their own, for owners any; never their own up."""
    if P.ROLES_GRANT not in PERMISSIONS[actor]:
        return False
    if is_self:
        return RANKS[new] < RANKS[old]
    return actor is Role.OWNER or (RANKS[actor] > RANKS[old] and RANKS[actor] > RANKS[new])


def sees_every_client(role: Role) -> bool:
    """Say whether somebody who may read clients sees all of them; a client manager sees their own."""
    return role is not Role.CLIENT_MANAGER


def sees_claims(role: Role) -> bool:
    """Say whether somebody who may read people sees all that is known of them, and not only who they are."""
    return RANKS[role] >= RANKS[Role.ADMINISTRATOR]
