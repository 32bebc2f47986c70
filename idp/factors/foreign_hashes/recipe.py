"""What every foreign hash comes down to: a recipe (scheme, costs, salt) and the digest that the password gives.

A scheme checks a recipe against its ceilings, at import and again before every use, so that no hash is a bomb.
"""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field

MOST_MEMORY_KIB = 128 * 1024
FEWEST_DIGEST_BYTES = 16
MOST_DIGEST_BYTES = 128
MOST_SALT_BYTES = 128
_DIGITS = re.compile(r"[0-9]{1,10}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]*={0,2}")


class Unverifiable(ValueError):
    """Passwords cannot be verified against this text here; the message says why, and nothing of the hash itself."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to get from a password to its digest; `parameters` are the scheme's costs, in its own order."""

    scheme: str
    parameters: tuple[int, ...]
    salt: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ForeignHash:
    """A recipe, and what it gives for the right password."""

    recipe: Recipe
    digest: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Scheme:
    """One way of hashing: `check` raises Unverifiable beyond the ceilings, `derive` makes the digest of a password."""

    name: str
    check: Callable[[Recipe], None]
    derive: Callable[[Recipe, bytes], bytes]


def bounded(what: str, value: int, least: int, most: int) -> int:
    """Return the number; raise Unverifiable unless it lies within the bounds."""
    if not least <= value <= most:
        raise Unverifiable(f"{what} {value} is not within {least} and {most}")
    return value


def number(what: str, text: str) -> int:
    """Read a decimal number without sign or leading zero; raise Unverifiable."""
    if not _DIGITS.fullmatch(text) or (len(text) > 1 and text[0] == "0"):
        raise Unverifiable(f"{what} is not a number")
    return int(text)


def bytes_of(what: str, text: str) -> bytes:
    """Decode base64 in either alphabet, padded or not; raise Unverifiable."""
    plain = text.rstrip("=")
    if not _BASE64.fullmatch(text) or len(plain) % 4 == 1:
        raise Unverifiable(f"{what} is not base64")
    return base64.b64decode(plain.translate(str.maketrans("-_", "+/")) + "=" * (-len(plain) % 4), validate=True)


def check_sizes(*, salt: bytes, digest_bytes: int, fewest_salt: int = 1) -> None:
    """Refuse a salt or a digest that is too short to tell passwords apart, or absurdly long; raise Unverifiable."""
    bounded("salt length", len(salt), fewest_salt, MOST_SALT_BYTES)
    bounded("hash length", digest_bytes, FEWEST_DIGEST_BYTES, MOST_DIGEST_BYTES)


def check_parameters(recipe: Recipe, count: int) -> None:
    """Refuse a recipe that has not as many costs as its scheme knows; raise Unverifiable."""
    if len(recipe.parameters) != count:
        raise Unverifiable("the number of parameters is wrong")
