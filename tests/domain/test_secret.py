"""Secrets have enough bits, one spelling, and digests that differ by purpose and key."""

import base64
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as some

from idp.domain.client import BadClient, check_client_id
from idp.domain.secret import (
    Digester,
    base64url,
    equal,
    from_base64url,
    make_id,
    make_secret,
    make_user_id,
    random_bytes,
)
from idp.domain.user import USER_ID


@given(some.binary(max_size=80))
def test_base64url_reads_back_what_it_wrote(raw: bytes) -> None:
    assert from_base64url(base64url(raw)) == raw


@given(some.text(alphabet="AQgw-_+/=\n zé", max_size=12))
def test_a_value_has_one_spelling(text: str) -> None:
    """RFC 7515 §2: no padding, no other alphabet, no slack bits; a second spelling would be a second token."""
    try:
        raw = from_base64url(text)
    except ValueError:
        return
    assert base64url(raw) == text


@pytest.mark.parametrize(
    "text",
    ["QQ==", "QR", "A", "AAAAA", "+/+/", "QQ\n", " QQ", "QQ ", "Q Q", "QQ=", "=", "ＱＱ", "QQ\x00", "\ud800", "🔑"],
)
def test_other_spellings_of_base64url_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        from_base64url(text)


def test_every_last_character_but_the_canonical_one_is_refused() -> None:
    """The last of 43 characters carries 4 bits: of 64 spellings 16 are canonical."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    accepted = 0
    for last in alphabet:
        try:
            accepted += len(from_base64url("A" * 42 + last)) == 32
        except ValueError:
            continue
    assert accepted == 16


@pytest.mark.parametrize(("make", "bits"), [(make_secret, 256), (make_id, 128)])
def test_secrets_and_ids_are_as_long_as_promised(make: type[str], bits: int) -> None:
    """RFC 6749 §10.10; G10: at least 128 bits, tokens and codes 256."""
    made = {make() for _ in range(200)}

    assert len(made) == 200
    assert {len(from_base64url(value)) * 8 for value in made} == {bits}


def test_a_user_id_has_128_bits_and_a_shape_of_its_own() -> None:
    made = {make_user_id() for _ in range(200)}

    assert len(made) == 200
    assert all(USER_ID.fullmatch(value) for value in made)
    assert {len(base64.b32decode(value.upper() + "======")) for value in made} == {16}


def test_a_client_id_never_has_the_shape_of_a_user_id() -> None:
    """RFC 9700 §4.15: client ids and user subs never share a space."""
    with pytest.raises(BadClient):
        check_client_id(make_user_id())


@pytest.mark.parametrize("client_id", ["", "a b", "a/b", "a\n", "ä", "a" * 129, "a%20b", '"', "a\x00"])
def test_a_client_id_that_a_url_or_log_would_garble_is_refused(client_id: str) -> None:
    with pytest.raises(BadClient):
        check_client_id(client_id)


@pytest.mark.parametrize("client_id", ["a", "shop", "a.B_c~d-9", "a" * 128, "a" * 25, "a" * 27])
def test_an_ordinary_client_id_is_accepted(client_id: str) -> None:
    check_client_id(client_id)


def test_a_digest_depends_on_key_purpose_and_value() -> None:
    keys, purposes, values = (b"k" * 32, b"l" * 32), ("code", "session"), ("a", "b")

    digests = {Digester(key).digest(purpose, value) for key, purpose, value in product(keys, purposes, values)}

    assert len(digests) == 8
    assert {len(digest) for digest in digests} == {32}
    assert Digester(b"k" * 32).digest("code", "a") in digests


@given(some.text())
def test_any_text_has_a_digest(text: str) -> None:
    """Also a lone surrogate, which a form can carry and UTF-8 cannot."""
    digester = Digester(b"k" * 32)

    assert digester.tag("code", text) == base64url(digester.digest("code", text))


def test_comparison_knows_equal_from_different() -> None:
    assert equal(b"abc", b"abc")
    assert not equal(b"abc", b"abd")
    assert not equal(b"abc", b"abcd")


def test_random_bytes_are_as_many_as_asked() -> None:
    assert len(random_bytes(20)) == 20
    assert random_bytes(20) != random_bytes(20)


def test_no_command_takes_an_id_for_an_option() -> None:
    assert not [made for made in (make_id() for _ in range(2000)) if made.startswith("-")]
