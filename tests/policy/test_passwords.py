"""Which new passwords are refused, and why (NIST SP 800-63B-4 §3.1.1.2; ASVS 6.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from idp.domain.refusal import Refusal
from idp.policy.passwords import LONGEST_BYTES, LONGEST_CODE_POINTS, SHORTEST, judge

COMMON = frozenset({"password", "qwertyuiop", "iloveyou", "correcthorsebattery"})
OWN = ("Alice", "alice@example.com", "Northwind", "Al")

TOO_SHORT, TOO_LONG = Refusal.PASSWORD_TOO_SHORT, Refusal.PASSWORD_TOO_LONG
BLOCKED, INVALID = Refusal.PASSWORD_BLOCKED, Refusal.PASSWORD_INVALID

JUDGED: dict[str, tuple[str, Refusal | None]] = {
    "nothing": ("", TOO_SHORT),
    "14 characters": ("brass-otter-7k", TOO_SHORT),
    "15 characters": ("brass-otter-7kq", None),
    "15 characters outside the BMP": ("😀😃😄😁😆😅🤣😂🙂🙃🫠😉😊😇🥰", None),
    "14 characters once composed": ("e\u0301" + "brass-otter-7", TOO_SHORT),
    "256 characters": ("brass-otter-7kq " * 16, None),
    "257 characters": ("brass-otter-7kq " * 16 + "x", TOO_LONG),
    "1024 bytes": ("😀😃😄😁😆😅🤣😂🙂🙃🫠😉😊😇🥰🥲" * 16, None),
    "a megabyte": ("x" * 1_000_000, TOO_LONG),
    "NUL": ("brass-otter-7kq\0", INVALID),
    "a lone surrogate": ("brass-otter-7kq\ud800", INVALID),
    "lower case only": ("brassottermoonlamp", None),
    "digits only": ("271828182845904523", None),
    "spaces": ("brass otter moon lamp", None),
    "one letter": ("a" * 20, BLOCKED),
    "four letters": ("abcd" * 5, BLOCKED),
    "a common one": ("correcthorsebattery", BLOCKED),
    "a common one in capitals": ("CorrectHorseBattery", BLOCKED),
    "a common one, doubled": ("passwordpassword", BLOCKED),
    "a common one with digits": ("password1234567890", BLOCKED),
    "a common one with signs": ("!!password!!2024!!", BLOCKED),
    "one's name with digits": ("alice1234567890123", BLOCKED),
    "the product's name with digits": ("Northwind2024!2024", BLOCKED),
    "one's address": ("alice@example.com", BLOCKED),
    "one's name and the product's": ("alice-northwind-alice", BLOCKED),
    "one's name in a phrase": ("alice keeps brass otters", None),
    "a short own word means nothing": ("also already almost", None),
}


@pytest.mark.parametrize(("password", "refusal"), JUDGED.values(), ids=JUDGED.keys())
def test_a_password_is_judged_by_length_and_blocklist(password: str, refusal: Refusal | None) -> None:
    assert judge(password, own_words=OWN, common=COMMON) is refusal


@given(some.text(max_size=300))
def test_every_text_is_judged(password: str) -> None:
    refusal = judge(password, own_words=OWN, common=COMMON)

    if refusal is None:
        assert "\0" not in password
        assert len(password) >= SHORTEST


def test_the_limits_are_those_that_were_promised() -> None:
    assert (SHORTEST, LONGEST_CODE_POINTS, LONGEST_BYTES) == (15, 256, 1024)
