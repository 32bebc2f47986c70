"""What another provider's word counts for: only what an operator decided, and only of the type that it must have."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from idp.domain.assurance import LOA1V, LOA2, PHR, PHRH, Factor, Proof, acr, amr, holds
from idp.domain.upstream import Arrival, Upstream
from idp.policy import step_up, upstreams
from idp.policy.ability import Ability, ways
from tests.support.builders import NOW
from tests.support.upstreams import ISSUER, arrival, identity, upstream

CLAIMS: dict[str, Any] = {"sub": "1", "iss": ISSUER}


PLAIN = upstream()


def arrived(*, at: Upstream = PLAIN, **claims: Any) -> Arrival:
    return upstreams.arrival_of(at, {**CLAIMS, **claims}, NOW)


def proof(believes: dict[str, tuple[Factor, ...]], *told: str) -> Proof:
    return upstreams.proof_of(upstream(believes=believes), arrival(told=told), identity("u"), NOW)


def test_a_sign_in_elsewhere_is_one_first_factor_without_a_word_of_its_own() -> None:
    """RFC 8176 has none for it."""
    plain = proof({}, "acr:high", "amr:mfa")

    assert not plain.is_checked
    assert acr((plain,)) == "urn:idp:loa:1"
    assert amr((plain,)) == ()
    assert not holds(LOA2, (plain, Proof(Factor.PASSWORD, NOW)))  # two of the weakest kind are one
    assert holds(LOA2, (plain, Proof(Factor.TOTP, NOW)))
    assert plain.told == ("acr:high", "amr:mfa")


@pytest.mark.parametrize(
    ("believed", "holding", "lacking"),
    [
        ((Factor.PASSWORD,), (), (LOA1V, LOA2)),
        ((Factor.EMAIL_OTP,), (LOA1V,), (LOA2, PHR)),
        ((Factor.PASSWORD, Factor.TOTP), (LOA1V, LOA2), (PHR,)),
        ((Factor.WEBAUTHN,), (PHR,), (LOA2, PHRH)),
        ((Factor.PASSWORD, Factor.WEBAUTHN), (PHR, LOA2), (PHRH,)),
    ],
)
def test_what_is_believed_counts_as_what_it_stands_for_and_no_more(
    believed: tuple[Factor, ...], holding: tuple[str, ...], lacking: tuple[str, ...]
) -> None:
    shown = proof({"acr:x": believed}, "acr:x")

    assert shown.believed == believed
    assert all(holds(each, (shown,)) for each in holding)
    assert not any(holds(each, (shown,)) for each in lacking)


def test_what_is_believed_differently_is_weighed_differently() -> None:
    """What was found for one sign-in elsewhere is not handed to another that looks like it."""
    weak, strong = proof({}, "acr:x"), proof({"acr:x": (Factor.PASSWORD, Factor.TOTP)}, "acr:x")
    needed = step_up.REQUIREMENTS[LOA2]
    able = Ability(NOW, (weak,), frozenset({Factor.PASSWORD, Factor.TOTP}))

    assert not ways(needed, (weak,), able).is_met
    assert ways(needed, (strong,), able).is_met
    assert not ways(needed, (weak,), able).is_met


@pytest.mark.parametrize("said", [True, "yes", 1, ["a"], {"a": 1}, None, "a@b@c", "", "a b@example.org", "x" * 300])
def test_what_is_no_address_is_none(said: Any) -> None:
    found = arrived(email=said, email_verified=True)

    assert found.email is None
    assert not found.email_verified


@pytest.mark.parametrize("said", ["true", 1, "1", None, [True], False])
def test_only_the_truth_verifies_an_address(said: Any) -> None:
    assert not arrived(email="ada@example.org", email_verified=said).email_verified
    assert arrived(email="ada@example.org", email_verified=True).email_verified


@pytest.mark.parametrize("said", ["1", True, -1, NOW.timestamp() + 31, None, [1], 10**30])
def test_a_time_that_is_none_or_has_not_come_is_the_time_of_the_answer(said: Any) -> None:
    found = arrived(auth_time=said)

    assert found.auth_time is None
    assert upstreams.proof_of(upstream(), found, identity("u"), NOW).verified_at == NOW


def test_a_time_that_is_ahead_by_no_more_than_clocks_differ_is_now() -> None:
    assert arrived(auth_time=NOW.timestamp() + 20).auth_time == NOW
    assert arrived(auth_time=int(NOW.timestamp()) - 60).auth_time == NOW.replace(microsecond=0) - timedelta(minutes=1)


def test_claims_go_where_the_operator_said_and_nowhere_else() -> None:
    at = upstream(claims={"nick": "nickname", "site": "website"})
    found = arrived(at=at, nick="Ada\n\u202e", site="https://ada.example/", name="Ada", groups=["a"], role="owner")

    assert found.claims == {"nickname": "Ada", "website": "https://ada.example/"}
    assert found.groups == ()


@pytest.mark.parametrize(
    "site", ["javascript:alert(1)", "http://a.example", "https://a b", "https://ä.example", 7, "x" * 3000]
)
def test_an_address_of_a_page_is_one_of_https(site: Any) -> None:
    assert arrived(at=upstream(claims={"site": "website"}), site=site).claims == {}


def test_groups_are_those_that_the_operator_mapped() -> None:
    at = upstream(groups_claim="roles", groups={"admins": "staff", "readers": "library"})

    assert arrived(at=at, roles=["admins", "owner", 7]).groups == ("staff",)
    assert arrived(at=at, roles="readers").groups == ("library",)
    assert upstreams.groups_after(at, arrived(at=at), ("choir", "staff")) == ("choir",)
    assert upstreams.groups_after(upstream(), arrived(), ("choir", "staff")) == ("choir", "staff")


def test_a_provider_vouches_for_addresses_of_its_domains_only_and_only_if_it_is_trusted() -> None:
    plain, trusted = upstream(), upstream(trusts_email=True)
    bound = replace(trusted, domains=("works.example",))

    assert not plain.vouches_for("ada@works.example")
    assert trusted.vouches_for("ada@anywhere.example")
    assert bound.vouches_for("ada@Works.Example")
    assert not bound.vouches_for("ada@evil-works.example")
    assert not bound.vouches_for("ada@works.example.evil.example")


json_values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False, allow_infinity=False) | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=5,
)
NAMES = ("email", "email_verified", "auth_time", "acr", "amr", "name", "preferred_username", "roles", "given_name")


@given(some.dictionaries(some.sampled_from(NAMES), json_values))
def test_whatever_a_provider_says_is_read_without_a_fault(said: dict[str, Any]) -> None:
    at = upstream(groups_claim="roles", groups={"a": "b"}, believes={"acr:1": (Factor.TOTP,)})

    found = arrived(at=at, **said)

    assert found.label.isprintable()
    assert len(found.label) <= 120
    assert len(found.told) <= 12
    assert all(isinstance(value, str) for value in found.claims.values())
