"""scrypt – RFC 7914 – spelt `$scrypt$ln=…,r=…,p=…`, or as Django does, `scrypt$N$salt$r$p$hash`."""

import hashlib
import re

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

MOST_WORK = 2**17 * 8 * 4  # N times r times p: about two seconds
_SPARE = 1024 * 1024  # bytes that OpenSSL counts besides the blocks themselves
_PHC = re.compile(r"\$scrypt\$ln=([0-9]{1,2}),r=([0-9]+),p=([0-9]+)\$([^$]+)\$([^$]+)")
_DJANGO = re.compile(r"scrypt\$([0-9]+)\$([^$]+)\$([0-9]+)\$([0-9]+)\$([^$]+)")


def read(text: str) -> ForeignHash | None:
    """Read a PHC-like string or Django's, None if it is something else; raise Unverifiable."""
    if text.startswith("$scrypt$"):
        found = _PHC.fullmatch(text)
        if found is None:
            raise Unverifiable("not a scrypt hash of the form $scrypt$ln=…,r=…,p=…$salt$hash")
        exponent = bounded("scrypt ln", number("scrypt ln", found[1]), 1, 30)
        # One old library writes its own alphabet, with a dot for the plus.
        salt, digest = (bytes_of("salt or hash", found[at].replace(".", "+")) for at in (4, 5))
        return of("scrypt", 2**exponent, (found[2], found[3]), salt=salt, digest=digest)
    if text.startswith("scrypt$"):
        found = _DJANGO.fullmatch(text)
        if found is None:
            raise Unverifiable("not a scrypt hash of the form scrypt$N$salt$r$p$hash")
        blocks = (found[3], found[4])
        digest = bytes_of("hash", found[5])
        return of("scrypt", number("scrypt N", found[1]), blocks, salt=found[2].encode(), digest=digest)
    return None


def of(scheme: str, n: int, blocks: tuple[str, str], *, salt: bytes, digest: bytes) -> ForeignHash:
    """Return a hash from its parts (`blocks`: r and p); raise Unverifiable."""
    r, p = (number(f"scrypt {name}", text) for name, text in zip("rp", blocks, strict=True))
    recipe = Recipe(scheme, (n, r, p, len(digest)), salt)
    check(recipe)
    return ForeignHash(recipe, digest)


def check(recipe: Recipe) -> None:
    """Refuse costs beyond the ceilings; raise Unverifiable."""
    check_parameters(recipe, 4)
    n, r, p, length = recipe.parameters
    bounded("scrypt N", n, 2, 2**20)
    if n & (n - 1):
        raise Unverifiable("scrypt N is not a power of two")
    bounded("scrypt r", r, 1, 64)
    bounded("scrypt p", p, 1, 64)
    bounded("scrypt memory in KiB", n * r // 8, 0, MOST_MEMORY_KIB)
    bounded("scrypt N times r times p", n * r * p, 1, MOST_WORK)
    check_sizes(salt=recipe.salt, digest_bytes=length)


def scrypt(recipe: Recipe, password: bytes, length: int) -> bytes:
    """Return that many bytes of what scrypt makes of a password."""
    n, r, p, _ = recipe.parameters
    limit = 128 * r * (n + p + 2) + _SPARE
    return hashlib.scrypt(password, salt=recipe.salt, n=n, r=r, p=p, dklen=length, maxmem=limit)


def _derive(recipe: Recipe, password: bytes) -> bytes:
    return scrypt(recipe, password, recipe.parameters[3])


SCHEMES = (Scheme("scrypt", check, _derive),)
