"""How many guesses a new password withstands: zxcvbn over its first 64 code points and its owner's words.

zxcvbn is loaded at the first new password, keeps the owner's words in a table of its module, and is slow: estimates run
one at a time, in one thread, and what would wait too long is refused at once.
"""

import asyncio
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum

from idp.factors.password import HashPoolBusy, common_passwords, step_back

LOOKED_AT = 64  # code points; zxcvbn refuses more than 72
_MOST_READINGS = 16
# The signs that zxcvbn may read as a letter, those that most often mean nothing but themselves first.
_AMBIGUOUS_SIGNS = "[{(<|+%!$@"
_NAMES = frozenset({"male_names", "female_names", "surnames"})


class Weakness(StrEnum):
    """What makes a password easy to guess; stable codes, the words stand in the templates."""

    OWN_WORD = "own_word"
    COMMON = "common"
    NAME = "name"
    WORD = "word"
    KEYBOARD = "keyboard"
    REPEAT = "repeat"
    SEQUENCE = "sequence"
    YEAR = "year"
    DATE = "date"


_PATTERNS = {
    "spatial": Weakness.KEYBOARD,
    "repeat": Weakness.REPEAT,
    "sequence": Weakness.SEQUENCE,
    "regex": Weakness.YEAR,
    "date": Weakness.DATE,
}


@dataclass(frozen=True, slots=True)
class Strength:
    """An estimate: guesses as a power of ten, a score from 0 to 4, and what a guesser would try first."""

    guesses_log10: float
    score: int
    weaknesses: tuple[Weakness, ...] = ()


class StrengthEstimator:
    """Estimates passwords without blocking the event loop."""

    def __init__(self) -> None:
        """Make the thread; it starts with the first estimate."""
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="strength", initializer=step_back)
        self._waiting = 0

    async def estimate(self, password: str, own_words: tuple[str, ...], *, room: int) -> Strength:
        """Return the strength of a normalised password; raise HashPoolBusy when `room` estimates wait already.

        The list of common passwords is loaded afterwards, too.
        """
        if self._waiting >= room:
            raise HashPoolBusy
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, _estimate, password, own_words)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Stop the thread."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _estimate(password: str, own_words: tuple[str, ...]) -> Strength:
    from zxcvbn import matching, zxcvbn

    common_passwords()
    try:
        result = zxcvbn(_readable(password[:LOOKED_AT]), own_words)
    finally:
        matching.RANKED_DICTIONARIES.pop("user_inputs", None)  # nobody's name stays in the memory of the process
    weaknesses = dict.fromkeys(_weaknesses(result["sequence"]))
    return Strength(float(result["guesses_log10"]), int(result["score"]), tuple(weaknesses))


def _readable(text: str) -> str:
    """Return the text with so many signs made letterless that zxcvbn has few ways to read the rest.

    It tries every combination of `4@`, `([{<`, `1!|` and the like as letters: 1.7 s for a text full of them.
    """
    for sign in _AMBIGUOUS_SIGNS:
        if _readings(text) <= _MOST_READINGS:
            break
        text = text.replace(sign, chr(0xE000 + ord(sign)))  # of private use: in no dictionary, and still one of a kind
    return text


def _readings(text: str) -> int:
    from zxcvbn.matching import L33T_TABLE

    return math.prod(max(1, sum(sign in text for sign in signs)) for signs in L33T_TABLE.values())


def _weaknesses(sequence: list[dict[str, object]]) -> Iterator[Weakness]:
    for match in sequence:
        pattern, dictionary = str(match["pattern"]), match.get("dictionary_name")
        if pattern in _PATTERNS:
            yield _PATTERNS[pattern]
        elif dictionary == "user_inputs":
            yield Weakness.OWN_WORD
        elif dictionary == "passwords":
            yield Weakness.COMMON
        elif dictionary is not None:
            yield Weakness.NAME if dictionary in _NAMES else Weakness.WORD
