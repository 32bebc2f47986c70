"""PBKDF2 – RFC 8018 §5.2 – over HMAC with SHA-1, SHA-256 or SHA-512, in Django's spelling `pbkdf2_sha256$…`.

Whatever the length of the hash, its first block alone is kept and compared: every further block costs the same again
and tells passwords apart no better.
"""

import hashlib
import re

from idp.factors.foreign_hashes.recipe import (
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

MOST_ITERATIONS = 2_000_000  # one to two seconds
BLOCKS = {"sha1": 20, "sha256": 32, "sha512": 64}
_DJANGO = re.compile(r"pbkdf2_(sha1|sha256)\$([0-9]+)\$([^$]+)\$([^$]+)")


def read(text: str) -> ForeignHash | None:
    """Read Django's spelling, None if it is something else; raise Unverifiable."""
    if not text.startswith("pbkdf2_"):
        return None
    found = _DJANGO.fullmatch(text)
    if found is None:
        raise Unverifiable("not a PBKDF2 hash of the form pbkdf2_sha256$iterations$salt$hash")
    return of(found[1], number("iterations", found[2]), salt=found[3].encode(), digest=bytes_of("hash", found[4]))


def of(digest_name: str, iterations: int, *, salt: bytes, digest: bytes) -> ForeignHash:
    """Return a hash from its parts; raise Unverifiable."""
    first = digest[: BLOCKS[digest_name]]
    recipe = Recipe(f"pbkdf2-{digest_name}", (iterations, len(first)), salt)
    check(recipe)
    return ForeignHash(recipe, first)


def check(recipe: Recipe) -> None:
    """Refuse iterations beyond the ceiling; raise Unverifiable."""
    check_parameters(recipe, 2)
    iterations, length = recipe.parameters
    bounded("PBKDF2 iterations", iterations, 1, MOST_ITERATIONS)
    check_sizes(salt=recipe.salt, digest_bytes=length)
    if length > BLOCKS[recipe.scheme.removeprefix("pbkdf2-")]:
        raise Unverifiable("a PBKDF2 hash of more than one block")


def _derive(recipe: Recipe, password: bytes) -> bytes:
    iterations, length = recipe.parameters
    return hashlib.pbkdf2_hmac(recipe.scheme.removeprefix("pbkdf2-"), password, recipe.salt, iterations, length)


SCHEMES = tuple(Scheme(f"pbkdf2-{name}", check, _derive) for name in BLOCKS)
