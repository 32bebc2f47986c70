"""Which passwords are acceptable (NIST SP 800-63B-4 §3.1.1.2): length and a blocklist, no composition rules."""

import unicodedata

from idp.domain.refusal import Refusal

SHORTEST = 15
LONGEST_CODE_POINTS = 256
LONGEST_BYTES = 1024
_SHORTEST_OWN_WORD = 4


def judge(password: str, *, own_words: tuple[str, ...], common: frozenset[str]) -> Refusal | None:
    """Return why a new password is refused, None if it may be used.

    `own_words` are the person's and the product's names; a password made of little else is refused, as is
    one of the `common` ones, repeated or padded with digits.
    """
    normal = unicodedata.normalize("NFC", password)
    if "\0" in normal or any(unicodedata.category(character) == "Cs" for character in normal):
        return Refusal.PASSWORD_INVALID
    if len(normal) > LONGEST_CODE_POINTS or len(normal.encode()) > LONGEST_BYTES:
        return Refusal.PASSWORD_TOO_LONG
    if len(normal) < SHORTEST:
        return Refusal.PASSWORD_TOO_SHORT
    return Refusal.PASSWORD_BLOCKED if _is_guessable(normal.casefold(), own_words, common) else None


def _is_guessable(folded: str, own_words: tuple[str, ...], common: frozenset[str]) -> bool:
    if len(set(folded)) < 5 or folded in common or _repeated_part(folded) in common:
        return True
    rest = folded
    for word in sorted((word.casefold() for word in own_words), key=len, reverse=True):
        if len(word) >= _SHORTEST_OWN_WORD:
            rest = rest.replace(word, "")
    core = "".join(character for character in rest if character.isalpha())
    return (core != "".join(c for c in folded if c.isalpha()) and len(core) < _SHORTEST_OWN_WORD * 2) or core in common


def _repeated_part(text: str) -> str:
    """Return the shortest piece of which the text is a repetition, the text itself if there is none."""
    at = (text + text).find(text, 1)
    return text[:at]
