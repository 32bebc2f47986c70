"""Who may do what to whom: ranks, permissions, and that nobody raises themselves."""

from itertools import product

import pytest

from idp.domain.permission import Permission, permissions_in, scope_of
from idp.domain.user import Role
from idp.policy.administration import PERMISSIONS, RANKS, may_change, may_grant, sees_claims, sees_every_client

BELOW_ADMINISTRATORS = [role for role in Role if RANKS[role] < RANKS[Role.ADMINISTRATOR]]


@pytest.mark.parametrize(("actor", "target"), list(product(Role, Role)))
def test_only_people_below_can_be_changed_and_by_owners_everybody(actor: Role, target: Role) -> None:
    assert may_change(actor, target) is (actor is Role.OWNER or RANKS[actor] > RANKS[target])


@pytest.mark.parametrize(("actor", "old", "new"), list(product(Role, Role, Role)))
def test_nobody_makes_anybody_their_equal_but_an_owner(actor: Role, old: Role, new: Role) -> None:
    if may_grant(actor, old, new, is_self=False):
        assert actor is Role.OWNER or max(RANKS[old], RANKS[new]) < RANKS[actor]


@pytest.mark.parametrize(("actor", "new"), list(product(Role, Role)))
def test_nobody_raises_themselves(actor: Role, new: Role) -> None:
    if may_grant(actor, actor, new, is_self=True):
        assert RANKS[new] < RANKS[actor]


@pytest.mark.parametrize("role", BELOW_ADMINISTRATORS)
def test_nobody_below_administrators_gives_roles_or_writes_what_decides_over_others(role: Role) -> None:
    too_much = {
        Permission.ROLES_GRANT, Permission.USERS_WRITE, Permission.GROUPS_WRITE, Permission.KEYS_WRITE,
        Permission.POLICIES_WRITE, Permission.REGISTRATION_WRITE,
    }  # fmt: skip

    assert not PERMISSIONS[role] & too_much
    assert not sees_claims(role)


def test_people_without_a_role_may_nothing_and_an_auditor_changes_nothing() -> None:
    assert PERMISSIONS[Role.USER] == frozenset()
    assert all(permission.value.endswith(".read") for permission in PERMISSIONS[Role.AUDITOR])
    assert Permission.USERS_READ not in PERMISSIONS[Role.AUDITOR]


def test_a_client_manager_sees_their_own_clients_only() -> None:
    assert [role for role in Role if not sees_every_client(role)] == [Role.CLIENT_MANAGER]


def test_a_scope_carries_one_permission_and_another_scope_none() -> None:
    assert permissions_in(frozenset({"openid", "admin", "admin:", "admin:users.read "})) == frozenset()
    for permission in Permission:
        assert permissions_in(frozenset({scope_of(permission), "openid"})) == {permission}
