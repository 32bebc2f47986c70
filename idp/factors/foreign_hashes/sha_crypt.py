"""SHA-crypt, `$5$` and `$6$`, as Unix systems keep passwords; after Ulrich Drepper's specification (version 0.6).

Not in the standard library since Python 3.13. Pure Python, so it holds the interpreter's lock longer than the other
schemes; hence the lower ceiling. The steps' numbers are those of the specification.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

from idp.factors.foreign_hashes.recipe import (
    ForeignHash,
    Recipe,
    Scheme,
    Unverifiable,
    bounded,
    check_parameters,
    number,
)

MOST_ROUNDS = 700_000  # about a second
FEWEST_ROUNDS = 1000
DEFAULT_ROUNDS = 5000
_ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_TEXT = re.compile(r"\$([56])\$(?:rounds=([0-9]+)\$)?([!-#%-9;-~]{0,16})\$([./0-9A-Za-z]+)")
_NAMES = {"5": "sha256-crypt", "6": "sha512-crypt"}
_LENGTHS = {"sha256-crypt": 43, "sha512-crypt": 86}
_Hash: TypeAlias = Callable[[bytes], bytes]


def read(text: str) -> ForeignHash | None:
    """Read a SHA-crypt hash, None if it is something else; raise Unverifiable."""
    if not text.startswith(("$5$", "$6$")):
        return None
    found = _TEXT.fullmatch(text)
    if found is None or len(found[4]) != _LENGTHS[_NAMES[found[1]]]:
        raise Unverifiable("not a whole SHA-crypt hash")
    rounds = number("rounds", found[2]) if found[2] is not None else DEFAULT_ROUNDS
    recipe = Recipe(_NAMES[found[1]], (rounds,), found[3].encode())
    check(recipe)
    return ForeignHash(recipe, found[4].encode())


def check(recipe: Recipe) -> None:
    """Refuse rounds beyond the ceiling; raise Unverifiable."""
    check_parameters(recipe, 1)
    bounded("SHA-crypt rounds", recipe.parameters[0], FEWEST_ROUNDS, MOST_ROUNDS)


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _sha512(content: bytes) -> bytes:
    return hashlib.sha512(content).digest()


def _derive(sha: _Hash, order: tuple[tuple[int, ...], ...], recipe: Recipe, password: bytes) -> bytes:
    salt, size = recipe.salt, len(password)
    alternate = sha(password + salt + password)  # steps 4 to 8
    start = password + salt + _repeated(alternate, size)  # steps 1 to 3, 9, 10
    bits = size
    while bits:  # step 11
        start += alternate if bits & 1 else password
        bits >>= 1
    digest = sha(start)  # step 12
    p = _repeated(sha(password * size), size)  # steps 13 to 16
    s = _repeated(sha(salt * (16 + digest[0])), len(salt))  # steps 17 to 20
    return _encoded(_stirred(sha, digest, p, s, recipe.parameters[0]), order)


def _stirred(sha: _Hash, digest: bytes, p: bytes, s: bytes, rounds: int) -> bytes:
    """Step 21. What stands before and behind the digest repeats every 42 rounds, so it is joined only once."""
    around = []
    for turn in range(42):
        middle = (s if turn % 3 else b"") + (p if turn % 7 else b"")
        around.append((b"", middle + p) if turn % 2 == 0 else (p + middle, b""))
    for turn in range(rounds):
        before, behind = around[turn % 42]
        digest = sha(before + digest + behind)
    return digest


def _repeated(block: bytes, size: int) -> bytes:
    return (block * (size // len(block) + 1))[:size]


def _encoded(digest: bytes, order: tuple[tuple[int, ...], ...]) -> bytes:
    """Write groups of up to three bytes as characters of six bits, the lowest first (step 22)."""
    written = []
    for group in order:
        value = 0
        for index in group:
            value = value << 8 | digest[index]
        for _ in range((len(group) * 8 + 5) // 6):
            written.append(_ALPHABET[value & 63])
            value >>= 6
    return "".join(written).encode()


def _order(count: int, odd_turn: int) -> Iterator[tuple[int, ...]]:
    """Yield the specification's groups of bytes: each is the one before, moved by one and turned."""
    for at in range(count):
        turn = at * odd_turn % 3
        group = (at, at + count, at + 2 * count)
        yield (*group[turn:], *group[:turn])


_ORDER_256 = (*_order(10, 2), (31, 30))
_ORDER_512 = (*_order(21, 1), (63,))
SCHEMES = (
    Scheme("sha256-crypt", check, lambda recipe, password: _derive(_sha256, _ORDER_256, recipe, password)),
    Scheme("sha512-crypt", check, lambda recipe, password: _derive(_sha512, _ORDER_512, recipe, password)),
)
