"""Which new passwords are refused, and why (NIST SP 800-63B-4 §3.1.1.2; ASVS 6.2)."""

import math
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as some

from idp.domain.refusal import Refusal
from idp.policy import passwords
from idp.policy.passwords import Facts, Verdict, judge, judge_form, own_words

COMMON = frozenset({"password", "qwertyuiop", "iloveyou", "correcthorsebattery"})
OWN = own_words("Alice Zimmermann", "alice.z@example.com", "Northwind", "Al")

TOO_SHORT, TOO_LONG = Refusal.PASSWORD_TOO_SHORT, Refusal.PASSWORD_TOO_LONG
BLOCKED, INVALID = Refusal.PASSWORD_BLOCKED, Refusal.PASSWORD_INVALID
PERSONAL, GUESSABLE = Refusal.PASSWORD_PERSONAL, Refusal.PASSWORD_GUESSABLE


def facts(*, guesses_log10: float = 12.0, is_breached: bool = False, beside_second_factor: bool = False) -> Facts:
    return Facts(guesses_log10, OWN, COMMON, is_breached, beside_second_factor)


JUDGED: dict[str, tuple[str, Refusal | None]] = {
    "nothing": ("", TOO_SHORT),
    "14 characters": ("brass-otter-7k", TOO_SHORT),
    "15 characters": ("brass-otter-7kq", None),
    "15 characters outside the BMP": ("😀😃😄😁😆😅🤣😂🙂🙃🫠😉😊😇🥰", None),
    "14 characters once composed": ("e\u0301" + "brass-otter-7", TOO_SHORT),
    "256 characters": ("brass-otter-7kq " * 16, None),
    "257 characters": ("brass-otter-7kq " * 16 + "x", TOO_LONG),
    "256 characters, decomposed": ("\u0391\u0313\u0342\u0345" + "b" * 251 + "rass", None),
    "1024 bytes": ("😀😃😄😁😆😅🤣😂🙂🙃🫠😉😊😇🥰🥲" * 16, None),
    "a megabyte": ("x" * 1_000_000, TOO_LONG),
    "NUL": ("brass-otter-7kq\0", INVALID),
    "a lone surrogate": ("brass-otter-7kq\ud800", INVALID),
    "lower case only": ("brassottermoonlamp", None),
    "digits only": ("271828182845904523", None),
    "spaces": ("brass otter moon lamp", None),
    "one letter": ("a" * 20, GUESSABLE),
    "four letters": ("abcd" * 5, GUESSABLE),
    "a common one": ("correcthorsebattery", BLOCKED),
    "a common one in capitals": ("CorrectHorseBattery", BLOCKED),
    "a common one, doubled": ("passwordpassword", BLOCKED),
    "a common one with digits": ("password1234567890", BLOCKED),
    "a common one with signs": ("!!password!!2024!!", BLOCKED),
    "one's name with digits": ("alice1234567890123", PERSONAL),
    "one's surname with signs": ("...Zimmermann...!", PERSONAL),
    "the product's name with digits": ("Northwind2024!2024", PERSONAL),
    "one's address": ("alice.z@example.com", PERSONAL),
    "the domain of one's address": ("example.com!example", PERSONAL),
    "one's name and the product's": ("alice-northwind-alice", PERSONAL),
    "one's name and a common one": ("alice-password-alice", PERSONAL),
    "one's name in a phrase": ("alice keeps brass otters", None),
    "a short own word means nothing": ("also already almost", None),
}


@pytest.mark.parametrize(("password", "refusal"), JUDGED.values(), ids=JUDGED.keys())
def test_a_password_is_judged_by_length_and_blocklist(password: str, refusal: Refusal | None) -> None:
    assert judge(password, facts()).refusal is refusal


@pytest.mark.parametrize(
    ("length", "beside_second_factor", "refusal"),
    [(14, False, TOO_SHORT), (15, False, None), (7, True, TOO_SHORT), (8, True, None)],
)
def test_eight_characters_are_enough_beside_a_second_factor(
    length: int, beside_second_factor: bool, refusal: Refusal | None
) -> None:
    """NIST SP 800-63B-4 §3.1.1.2: fifteen alone, eight as a part of several."""
    password = "brass-otter-7kq"[:length]

    assert judge(password, facts(beside_second_factor=beside_second_factor)).refusal is refusal


@pytest.mark.parametrize(
    ("guesses_log10", "beside_second_factor", "refusal"),
    [(9.99, False, GUESSABLE), (10.0, False, None), (7.99, True, GUESSABLE), (8.0, True, None)],
)
def test_too_few_guesses_are_too_few(guesses_log10: float, beside_second_factor: bool, refusal: Refusal | None) -> None:
    known = facts(guesses_log10=guesses_log10, beside_second_factor=beside_second_factor)

    assert judge("brass otter moon", known).refusal is refusal


def test_what_leaked_is_refused_however_good_it_is() -> None:
    known = facts(guesses_log10=math.inf, is_breached=True)

    assert judge("brass otter moon lamp", known) == Verdict(Refusal.PASSWORD_BREACHED)


def test_the_word_it_is_made_of_is_told() -> None:
    """The longest one, as the person writes it."""
    assert judge("Zimmermann1234567", facts()).word == "Zimmermann"
    assert judge("zimmermann-alice-", facts()).word == "Zimmermann"
    assert judge("brass otter moon lamp", facts()).word is None


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("a.smith@mail.org",), {"a.smith@mail.org", "a.smith", "smith", "mail.org", "mail", "org"}),
        (("Anna O'Brien-Smith", None, ""), {"Anna O'Brien-Smith", "Anna", "Brien", "Smith"}),
        (("cafe\u0301_bar",), {"café_bar", "café", "bar"}),
        (("x" * 1000,), {"x" * 254}),
        ((), set()),
    ],
)  # fmt: skip
def test_names_are_known_whole_and_in_parts(names: tuple[str | None, ...], words: set[str]) -> None:
    assert set(own_words(*names)) == words


def test_a_crowd_of_names_is_cut() -> None:
    assert len(own_words(" ".join(f"ab{number}" for number in range(1000)), *(f"n{n}" for n in range(1000)))) == 64


@given(some.text(max_size=300), some.floats(0, 64), some.booleans(), some.booleans())
def test_every_text_is_judged(password: str, guesses_log10: float, is_breached: bool, beside: bool) -> None:
    known = facts(guesses_log10=guesses_log10, is_breached=is_breached, beside_second_factor=beside)

    verdict = judge(password, known)

    if verdict.is_acceptable:
        assert "\0" not in password
        assert len(password) >= passwords.shortest(beside_second_factor=beside)
        assert not is_breached
    assert (verdict.word is not None) == (verdict.refusal is PERSONAL)


@given(some.text(max_size=300))
def test_composed_and_decomposed_are_judged_alike(password: str) -> None:
    decomposed, composed = (unicodedata.normalize(form, password) for form in ("NFD", "NFC"))

    assert judge(decomposed, facts()) == judge(composed, facts())


def test_a_giant_is_refused_before_it_is_read() -> None:
    giant = "e\u0301" * 50_000_000
    began = time.process_time()

    assert judge_form(giant).refusal is TOO_LONG
    assert time.process_time() - began < 0.05


def test_the_limits_are_those_that_were_promised() -> None:
    assert passwords.shortest(beside_second_factor=False) == 15
    assert passwords.shortest(beside_second_factor=True) == 8
    assert (passwords.LONGEST_CODE_POINTS, passwords.LONGEST_BYTES) == (256, 1024)
