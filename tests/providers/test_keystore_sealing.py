"""Sealed values open in the place they were sealed for, under a key that is listed, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from idp.domain.secret import SealBroken
from idp.providers.keystore.sealing import AesSealer, derive

OLD, NEW, STRANGER = b"o" * 32, b"n" * 32, b"s" * 32
PLACE = "users|profile|alice"


def sealer(*keys: bytes, purpose: str = "data") -> AesSealer:
    return AesSealer(keys, purpose=purpose)


@given(some.binary(max_size=300), some.text(max_size=30))
def test_what_was_sealed_opens_in_its_place(plain: bytes, place: str) -> None:
    sealed = sealer(OLD).seal(plain, place=place.encode("utf-8", "replace").decode())

    assert sealer(OLD).open(sealed, place=place.encode("utf-8", "replace").decode()) == plain
    assert len(sealed) == len(plain) + 1 + 4 + 12 + 16


def test_a_sealed_value_shows_nothing_and_is_never_the_same_twice() -> None:
    sealed = {sealer(OLD).seal(b"canary" * 10, place=PLACE) for _ in range(100)}

    assert len(sealed) == 100
    assert not any(b"canary" in value for value in sealed)


@pytest.mark.parametrize("place", ["users|profile|bob", "users|other|alice", "clients|profile|alice", "", PLACE + "|"])
def test_a_sealed_value_does_not_open_in_another_place(place: str) -> None:
    """Table, column and row are authenticated with the value."""
    sealed = sealer(OLD).seal(b"plain", place=PLACE)

    with pytest.raises(SealBroken):
        sealer(OLD).open(sealed, place=place)


@pytest.mark.parametrize("at", range(1 + 4 + 12 + 5 + 16))
def test_a_changed_byte_breaks_the_seal(at: int) -> None:
    sealed = bytearray(sealer(OLD).seal(b"plain", place=PLACE))

    sealed[at] ^= 1

    with pytest.raises(SealBroken):
        sealer(OLD).open(bytes(sealed), place=PLACE)


@given(some.binary(max_size=60) | some.integers(0, 37).map(lambda size: sealer(OLD).seal(b"plain", place=PLACE)[:size]))
def test_anything_else_is_a_broken_seal_and_no_other_error(sealed: bytes) -> None:
    with pytest.raises(SealBroken):
        sealer(OLD).open(sealed, place=PLACE)


def test_another_key_or_purpose_does_not_open() -> None:
    sealed = sealer(OLD, purpose="data").seal(b"plain", place=PLACE)

    for other in (sealer(STRANGER), sealer(OLD, purpose="keys")):
        with pytest.raises(SealBroken):
            other.open(sealed, place=PLACE)


def test_a_master_key_rotates_without_a_gap() -> None:
    """The first key seals, every listed one opens: new in front, re-seal, then drop the old one."""
    before, during, after = sealer(OLD), sealer(NEW, OLD), sealer(NEW)
    old_value = before.seal(b"plain", place=PLACE)

    new_value = during.seal(during.open(old_value, place=PLACE), place=PLACE)

    assert not during.is_current(old_value)
    assert during.is_current(new_value)
    assert after.open(new_value, place=PLACE) == b"plain"
    for late in (before, after):
        with pytest.raises(SealBroken):
            late.open(new_value if late is before else old_value, place=PLACE)


def test_the_same_key_twice_is_one_key() -> None:
    assert sealer(OLD, OLD).open(sealer(OLD).seal(b"plain", place=PLACE), place=PLACE) == b"plain"


def test_without_a_key_nothing_is_sealed() -> None:
    with pytest.raises(ValueError, match="at least one key"):
        sealer()


def test_derived_keys_differ_by_purpose_and_by_key() -> None:
    """RFC 5869."""
    derived = {derive(key, purpose) for key in (OLD, NEW) for purpose in ("data", "digest")}

    assert len(derived) == 4
    assert {len(key) for key in derived} == {32}
