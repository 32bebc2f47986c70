"""What the scopes of administration are called, and which scopes count as power over the provider."""

import pytest

from idp.domain.permission import Permission, is_of_administration, permissions_in, scope_of


def test_a_scope_carries_its_permission_and_no_other() -> None:
    for each in Permission:
        assert permissions_in(frozenset({scope_of(each), "openid", each.value})) == {each}


@pytest.mark.parametrize("scope", ["admin", *map(scope_of, Permission)])
def test_every_scope_of_administration_weighs_as_one(scope: str) -> None:
    assert is_of_administration(["openid", scope])


@pytest.mark.parametrize("scope", ["administer", "users.read", "orders:admin", "openid"])
def test_another_scope_does_not(scope: str) -> None:
    assert not is_of_administration([scope])
