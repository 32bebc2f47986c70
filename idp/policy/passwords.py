"""Which passwords are acceptable (NIST SP 800-63B-4 §3.1.1.2): length, a blocklist and guessability.

No composition rules and no expiry. Whoever asks gathers the facts: what guessers try first, what leaked, whose password
it is, and how many guesses it would take.
"""

import re
import unicodedata
from dataclasses import dataclass

from idp.domain.refusal import Refusal

SHORTEST = 15
SHORTEST_BESIDE_SECOND_FACTOR = 8
LONGEST_CODE_POINTS = 256
LONGEST_BYTES = 1024
LEAST_GUESSES_LOG10 = 10.0
LEAST_GUESSES_LOG10_BESIDE_SECOND_FACTOR = 8.0  # what eight characters without any pattern have
FEWEST_DIFFERENT = 5
_MOST_JOINED = 4  # code points that NFC ever makes into one
_SHORTEST_OWN_WORD = 4
_LONGEST_OWN_WORD = 254
_MOST_OWN_WORDS = 64
_BETWEEN_WORDS = re.compile(r"[^\w]+|_+")


@dataclass(frozen=True, slots=True)
class Facts:
    """What must be known of a new password besides itself.

    `own_words` are the person's, the product's and its surroundings' names; `common` are passwords that everybody
    tries first, folded; `guesses_log10` is an estimate of the guesses it withstands.
    """

    guesses_log10: float
    own_words: tuple[str, ...] = ()
    common: frozenset[str] = frozenset()
    is_breached: bool = False
    beside_second_factor: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a password may be used; if not, why, and which word it is made of."""

    refusal: Refusal | None = None
    word: str | None = None

    @property
    def is_acceptable(self) -> bool:
        """Say whether the password may be used."""
        return self.refusal is None


def normalise(password: str) -> str:
    """Return the password as it is judged and hashed: NFC, and nothing else folded."""
    return unicodedata.normalize("NFC", password)


def shortest(*, beside_second_factor: bool) -> int:
    """Return the least number of code points; a password that never stands alone may be shorter."""
    return SHORTEST_BESIDE_SECOND_FACTOR if beside_second_factor else SHORTEST


def judge_form(password: str, *, beside_second_factor: bool = False) -> Verdict:
    """Judge what is plain to see, before any work is spent on it: characters and length."""
    if len(password) > _MOST_JOINED * LONGEST_CODE_POINTS:
        return Verdict(Refusal.PASSWORD_TOO_LONG)
    normal = normalise(password)
    if "\0" in normal or any(unicodedata.category(character) == "Cs" for character in normal):
        return Verdict(Refusal.PASSWORD_INVALID)
    if len(normal) > LONGEST_CODE_POINTS or len(normal.encode()) > LONGEST_BYTES:
        return Verdict(Refusal.PASSWORD_TOO_LONG)
    if len(normal) < shortest(beside_second_factor=beside_second_factor):
        return Verdict(Refusal.PASSWORD_TOO_SHORT)
    return Verdict()


def judge(password: str, facts: Facts) -> Verdict:
    """Judge a new password; the first reason counts that helps a person most to find a better one."""
    form = judge_form(password, beside_second_factor=facts.beside_second_factor)
    if not form.is_acceptable:
        return form
    folded = normalise(password).casefold()
    if _is_common(folded, facts.common):
        return Verdict(Refusal.PASSWORD_BLOCKED)
    word = _word_it_is_made_of(folded, facts)
    if word is not None:
        return Verdict(Refusal.PASSWORD_PERSONAL, word)
    if facts.is_breached:
        return Verdict(Refusal.PASSWORD_BREACHED)
    least = LEAST_GUESSES_LOG10_BESIDE_SECOND_FACTOR if facts.beside_second_factor else LEAST_GUESSES_LOG10
    is_guessable = len(set(folded)) < FEWEST_DIFFERENT or facts.guesses_log10 < least
    return Verdict(Refusal.PASSWORD_GUESSABLE) if is_guessable else Verdict()


def own_words(*names: str | None) -> tuple[str, ...]:
    """Return what a person, product or place is called, whole and in its parts, each once.

    `anna.smith@example.org` gives itself, `anna.smith`, `example.org` and their parts.
    """
    found: dict[str, None] = {}
    for name in names:
        text = normalise(name)[:_LONGEST_OWN_WORD].strip() if name else ""
        for whole in (text, *text.split("@")):
            for word in (whole, *_BETWEEN_WORDS.split(whole)):
                if len(word) > 1:
                    found.setdefault(word)
    return tuple(found)[:_MOST_OWN_WORDS]


def _is_common(folded: str, common: frozenset[str]) -> bool:
    """Say whether this is a password everybody tries, perhaps repeated or padded with digits and signs."""
    return folded in common or _repeated_part(folded) in common or _letters(folded) in common


def _word_it_is_made_of(folded: str, facts: Facts) -> str | None:
    """Return the own word that a password is little else than, None if there is enough besides."""
    rest, longest = folded, None
    for word in sorted(facts.own_words, key=len, reverse=True):
        known = normalise(word).casefold()
        if len(known) >= _SHORTEST_OWN_WORD and known in rest:
            rest, longest = rest.replace(known, ""), longest or word
    core = _letters(rest)
    is_little = len(core) < _SHORTEST_OWN_WORD * 2 or core in facts.common
    return longest if longest is not None and is_little else None


def _letters(text: str) -> str:
    return "".join(character for character in text if character.isalpha())


def _repeated_part(text: str) -> str:
    """Return the shortest piece of which the text is a repetition, the text itself if there is none."""
    at = (text + text).find(text, 1)
    return text[:at]
