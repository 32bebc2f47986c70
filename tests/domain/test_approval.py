"""User codes: how people type them, and how they are shown (RFC 8628 §6.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.approval import (
    USER_CODE_LENGTH,
    USER_CODE_LETTERS,
    Channel,
    read_user_code,
    show_user_code,
)
from idp.domain.secret import make_word


@pytest.mark.parametrize(
    "typed", ["", "WDJB", "WDJBMJH", "WDJBMJHTX", "WDJB-MJHA", "WDJB-MJH1", "ＷＤＪＢＭＪＨＴ", "WDJB\0MJHT", "W" * 65]
)
def test_what_cannot_be_a_code_is_none(typed: str) -> None:
    assert read_user_code(typed) is None


@pytest.mark.parametrize(
    "typed",
    ["WDJB-MJHT", "wdjb-mjht", "WDJBMJHT", " WDJB  MJHT ", "W-D-J-B-M-J-H-T", "WDJB–MJHT", "wdjb_mjht", "WDJB.MJHT"],
)
def test_case_spaces_and_dashes_do_not_count(typed: str) -> None:
    assert read_user_code(typed) == "WDJBMJHT"


@given(st.text(max_size=100))
def test_whatever_is_typed_is_a_code_or_none(typed: str) -> None:
    read = read_user_code(typed)

    assert read is None or (len(read) == USER_CODE_LENGTH and set(read) <= set(USER_CODE_LETTERS))


def test_what_is_shown_is_read_again() -> None:
    for _ in range(100):
        code = make_word(USER_CODE_LENGTH, USER_CODE_LETTERS)
        assert read_user_code(show_user_code(code)) == code


def test_a_code_is_hard_to_guess() -> None:
    """RFC 8628 §5.1: 34 bits, and ten guesses in ten minutes."""
    assert len(set(USER_CODE_LETTERS)) ** USER_CODE_LENGTH > 2**34


def test_the_grant_types_are_those_of_the_specifications() -> None:
    assert Channel.DEVICE.grant_type == "urn:ietf:params:oauth:grant-type:device_code"
    assert Channel.CIBA.grant_type == "urn:openid:params:grant-type:ciba"
