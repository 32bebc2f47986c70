"""What proofs are worth in acr and amr, in the words of RFC 8176 and EAP ACR Values: what was done and no more."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from idp.domain import assurance
from idp.domain.assurance import (
    AMR,
    KINDS,
    LOA1,
    LOA1V,
    LOA2,
    PHR,
    PHRH,
    SUPPORTED_ACRS,
    Factor,
    Kind,
    Proof,
    Trait,
    authenticated_at,
    fresh,
    holds,
    merge,
)
from tests.support.builders import MINUTE, NOW, TICK

PASSWORD, TOTP, MAIL, SMS, CODE = (
    Proof(factor, NOW)
    for factor in (Factor.PASSWORD, Factor.TOTP, Factor.EMAIL_OTP, Factor.SMS_OTP, Factor.RECOVERY_CODE)
)


def key(*traits: Trait) -> Proof:
    return Proof(Factor.WEBAUTHN, NOW, "key", frozenset(traits))


SILENT, SYNCED = key(), key(Trait.USER_VERIFIED)
BOUND = key(Trait.USER_VERIFIED, Trait.DEVICE_BOUND)
ATTESTED = key(Trait.USER_VERIFIED, Trait.DEVICE_BOUND, Trait.ATTESTED)

PROVED: dict[str, tuple[tuple[Proof, ...], str, tuple[str, ...]]] = {
    "password": ((PASSWORD,), LOA1, ("pwd",)),
    "password, mail": ((PASSWORD, MAIL), LOA1V, ("pwd", "otp", "mca")),
    "password, app": ((PASSWORD, TOTP), LOA2, ("pwd", "otp", "mfa")),
    "password, SMS": ((PASSWORD, SMS), LOA2, ("pwd", "sms", "mca", "mfa")),
    "password, recovery code": ((PASSWORD, CODE), LOA2, ("pwd", "otp", "mfa")),
    "password, mail, app": ((PASSWORD, MAIL, TOTP), LOA2, ("pwd", "otp", "mca", "mfa")),
    "password, key": ((PASSWORD, SILENT), PHR, ("pwd", "swk", "mfa")),
    "key that verified nobody": ((SILENT,), PHR, ("swk",)),
    "synced passkey": ((SYNCED,), PHR, ("swk", "user", "mfa")),
    "bound passkey": ((BOUND,), PHR, ("hwk", "user", "mfa")),
    "attested key": ((ATTESTED,), PHRH, ("hwk", "user", "mfa")),
    "attested, but it may be synced": ((key(Trait.USER_VERIFIED, Trait.ATTESTED),), PHR, ("swk", "user", "mfa")),
    "mail alone": ((MAIL,), LOA1V, ("otp", "mca")),
    "app, SMS and code": ((TOTP, SMS, CODE), LOA1V, ("otp", "sms", "mca")),
}


@pytest.mark.parametrize(("proofs", "acr", "amr"), PROVED.values(), ids=PROVED)
def test_acr_and_amr_say_what_was_proved(proofs: tuple[Proof, ...], acr: str, amr: tuple[str, ...]) -> None:
    assert assurance.acr(proofs) == acr
    assert assurance.amr(proofs) == amr
    assert assurance.acr(proofs, (acr, LOA1)) == acr
    assert ("mfa" in amr) is holds(LOA2, proofs)


@pytest.mark.parametrize(
    ("proofs", "requested", "acr"),
    [
        ((PASSWORD, TOTP), (LOA1,), LOA1),
        ((PASSWORD, TOTP), ("phr", LOA1V), LOA1V),
        ((PASSWORD, TOTP), ("urn:unknown",), LOA2),
        ((ATTESTED,), (PHR,), PHR),
        ((PASSWORD, MAIL), (LOA2,), LOA1V),
        ((), (LOA1,), None),
    ],
)
def test_the_first_wish_that_holds_is_told(
    proofs: tuple[Proof, ...], requested: tuple[str, ...], acr: str | None
) -> None:
    assert assurance.acr(proofs, requested) == acr


@pytest.mark.parametrize("proofs", [(CODE,), (PASSWORD, CODE), (PASSWORD, TOTP, SMS, MAIL, CODE)])
def test_codes_are_never_phishing_resistant(proofs: tuple[Proof, ...]) -> None:
    """Case LG33."""
    assert not holds(PHR, proofs)
    assert not holds(PHRH, proofs)


def test_every_factor_but_the_passkey_has_its_words() -> None:
    assert set(KINDS) == set(Factor)
    assert set(AMR) == set(Factor) - {Factor.WEBAUTHN}
    assert Kind.INHERENCE in SYNCED.kinds
    assert Kind.INHERENCE not in SILENT.kinds


some_proofs = some.lists(
    some.builds(
        Proof,
        some.sampled_from(Factor),
        some.integers(0, 60).map(lambda minutes: NOW - minutes * MINUTE),
        some.none(),
        some.frozensets(some.sampled_from(Trait)),
    ),
    max_size=6,
).map(tuple)


@given(some_proofs)
def test_no_mail_ever_makes_two_factors(proofs: tuple[Proof, ...]) -> None:
    without = tuple(proof for proof in proofs if proof.factor is not Factor.EMAIL_OTP)

    assert ("mfa" in assurance.amr(proofs)) == ("mfa" in assurance.amr(without))


@given(some_proofs, some.sampled_from(SUPPORTED_ACRS))
def test_more_proof_is_never_worth_less(proofs: tuple[Proof, ...], acr: str) -> None:
    for index in range(len(proofs)):
        if holds(acr, proofs[:index]):
            assert holds(acr, proofs)


@given(some_proofs, some_proofs)
def test_of_each_factor_the_newest_proof_stays(older: tuple[Proof, ...], newer: tuple[Proof, ...]) -> None:
    merged = merge(older, newer)

    assert {proof.factor for proof in merged} == {proof.factor for proof in (*older, *newer)}
    assert len(merged) == len({proof.factor for proof in merged})
    assert list(merged) == sorted(merged, key=lambda proof: proof.verified_at)
    for proof in (*older, *newer):
        assert any(kept.factor is proof.factor and kept.verified_at >= proof.verified_at for kept in merged)
    assert merge(merged, merged) == merged


def test_a_proof_is_fresh_until_it_is_older() -> None:
    assert fresh((PASSWORD,), NOW) == (PASSWORD,)
    assert fresh((PASSWORD,), NOW + TICK) == ()


def test_auth_time_is_that_of_the_last_first_factor() -> None:
    """OIDC Core §2: a code that is added later does not make the sign-in younger."""
    later = Proof(Factor.TOTP, NOW + MINUTE)

    assert authenticated_at((PASSWORD, later)) == NOW
    assert authenticated_at((PASSWORD, Proof(Factor.WEBAUTHN, NOW + MINUTE), later)) == NOW + MINUTE
    assert authenticated_at((later,)) == NOW + MINUTE
