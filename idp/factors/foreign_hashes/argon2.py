"""Argon2i and Argon2id – RFC 9106, version 1.3 – in PHC strings, alone or behind Django's `argon2`.

Refused: version 1.0 (`v=16`, or none named), Argon2d, key ids and associated data.
"""

import re

from cryptography.hazmat.primitives.kdf.argon2 import Argon2i, Argon2id

from idp.factors.foreign_hashes.recipe import (
    MOST_MEMORY_KIB,
    ForeignHash,
    Recipe,
    Scheme,
    Unverifiable,
    bounded,
    bytes_of,
    check_parameters,
    check_sizes,
    number,
)

VERSION = "19"
MOST_PASSES = 16
MOST_LANES = 16
MOST_WORK_KIB = 512 * 1024  # memory times passes: about half a second
_TEXT = re.compile(r"\$argon2(id|i|d)(?:\$v=([0-9]{1,3}))?\$m=([0-9]+),t=([0-9]+),p=([0-9]+)\$([^$]+)\$([^$]+)")


def read(text: str) -> ForeignHash | None:
    """Read a PHC string, None if it is something else; raise Unverifiable."""
    text = text.removeprefix("argon2") if text.startswith("argon2$argon2") else text
    if not text.startswith("$argon2"):
        return None
    found = _TEXT.fullmatch(text)
    if found is None:
        raise Unverifiable("not an Argon2 hash of the form $argon2id$v=19$m=…,t=…,p=…$salt$hash")
    if found[2] != VERSION:
        raise Unverifiable("only version 1.3 of Argon2 (v=19) can be verified")
    memory, passes, lanes = (number(what, found[at]) for what, at in (("memory", 3), ("passes", 4), ("lanes", 5)))
    return of(
        f"argon2{found[1]}", (memory, passes, lanes), salt=bytes_of("salt", found[6]), digest=bytes_of("hash", found[7])
    )


def of(scheme: str, costs: tuple[int, int, int], *, salt: bytes, digest: bytes) -> ForeignHash:
    """Return a hash from its parts (`costs`: memory in KiB, passes, lanes); raise Unverifiable."""
    if scheme == "argon2d":
        raise Unverifiable("Argon2d cannot be verified")
    recipe = Recipe(scheme, (*costs, len(digest)), salt)
    check(recipe)
    return ForeignHash(recipe, digest)


def check(recipe: Recipe) -> None:
    """Refuse costs beyond the ceilings; raise Unverifiable."""
    check_parameters(recipe, 4)
    memory, passes, lanes, length = recipe.parameters
    bounded("Argon2 lanes", lanes, 1, MOST_LANES)
    bounded("Argon2 memory in KiB", memory, 8 * lanes, MOST_MEMORY_KIB)
    bounded("Argon2 passes", passes, 1, MOST_PASSES)
    bounded("Argon2 memory times passes", memory * passes, 1, MOST_WORK_KIB)
    check_sizes(salt=recipe.salt, digest_bytes=length, fewest_salt=8)


def _derive(kind: type[Argon2i] | type[Argon2id], recipe: Recipe, password: bytes) -> bytes:
    memory, passes, lanes, length = recipe.parameters
    made = kind(salt=recipe.salt, length=length, iterations=passes, lanes=lanes, memory_cost=memory)
    return made.derive(password)


SCHEMES = (
    Scheme("argon2i", check, lambda recipe, password: _derive(Argon2i, recipe, password)),
    Scheme("argon2id", check, lambda recipe, password: _derive(Argon2id, recipe, password)),
)
