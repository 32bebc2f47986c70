"""A person's claims: typed as OIDC Core §5.1 wants them, and never in the place of what the protocol says."""

import pytest

from idp.domain.user import CLAIMS_BY_SCOPE, RESERVED_CLAIMS, STANDARD_CLAIMS, UserStatus, all_claims
from tests.support.builders import NOW, user


@pytest.mark.parametrize("name", sorted(RESERVED_CLAIMS))
def test_a_persons_attributes_never_set_a_claim_of_the_protocol(name: str) -> None:
    """OIDC Core §2; case TK37."""
    person = user(claims={name: "forged", "name": "Alice"})

    assert name not in all_claims(person)
    assert all_claims(person)["name"] == "Alice"


@pytest.mark.parametrize(
    "name",
    "iss sub aud exp iat nbf jti auth_time nonce acr amr azp sid at_hash cnf client_id scope".split(),  # noqa: SIM905
)
def test_every_claim_that_a_token_writes_is_reserved(name: str) -> None:
    assert name in RESERVED_CLAIMS
    assert name not in STANDARD_CLAIMS


def test_address_and_verification_come_from_the_account_only() -> None:
    """Case TK37: an attribute called email_verified changes nothing."""
    forged = {"email": "boss@example.com", "email_verified": True, "updated_at": 1}
    person = user(email="alice@example.com", email_verified=False, claims=forged)

    claims = all_claims(person)

    assert claims["email"] == "alice@example.com"
    assert claims["email_verified"] is False
    assert claims["updated_at"] == int(NOW.timestamp())


def test_without_an_address_no_claim_speaks_of_one() -> None:
    claims = all_claims(user(email=None, claims={"email": "boss@example.com", "email_verified": True}))

    assert "email" not in claims
    assert "email_verified" not in claims


@pytest.mark.parametrize(
    ("stored", "told"), [(True, True), (False, False), ("false", False), (1, False), (None, False)]
)
def test_a_phone_number_is_verified_only_by_a_true_flag(stored: object, told: bool) -> None:
    claims = all_claims(user(claims={"phone_number": "+4930123456", "phone_number_verified": stored}))

    assert claims["phone_number_verified"] is told


def test_without_a_phone_number_nothing_is_verified() -> None:
    assert "phone_number_verified" not in all_claims(user(claims={"phone_number_verified": True}))


def test_a_person_who_never_changed_has_no_time_of_change() -> None:
    assert "updated_at" not in all_claims(user(updated_at=None, claims={"updated_at": 1}))


def test_empty_claims_are_left_out_and_false_ones_kept() -> None:
    """OIDC Core §5.3.2: an empty value is omitted, not sent as null or an empty string."""
    claims = all_claims(user(claims={"nickname": "", "website": None, "vip": False, "level": 0, "roles": []}))

    assert {"nickname", "website"}.isdisjoint(claims)
    assert (claims["vip"], claims["level"], claims["roles"]) == (False, 0, [])


def test_the_username_is_the_preferred_one_unless_another_is() -> None:
    assert all_claims(user(username="alice"))["preferred_username"] == "alice"
    assert all_claims(user(username="alice", claims={"preferred_username": "Al"}))["preferred_username"] == "Al"
    assert "preferred_username" not in all_claims(user(username=None))


def test_the_scopes_give_the_claims_of_openid_connect() -> None:
    """OIDC Core §5.4."""
    assert {scope: len(names) for scope, names in CLAIMS_BY_SCOPE.items()} == {
        "profile": 14,
        "email": 2,
        "address": 1,
        "phone": 2,
    }


def test_a_disabled_person_is_not_active() -> None:
    assert user().is_active
    assert not user(status=UserStatus.DISABLED).is_active


def test_a_person_is_called_by_what_they_would_recognise() -> None:
    nameless = user(email="alice@example.com", username="alice", claims={"name": ""})

    assert nameless.label == nameless.display_name == "alice@example.com"
    assert user(email=None, username="alice", claims={}).display_name == "alice"
    bare = user(email=None, username=None, claims={"name": 7})
    assert bare.display_name == bare.id
    assert user(claims={"name": "Alice"}).display_name == "Alice"
