"""bcrypt hashes as everybody writes them, and Django's two spellings.

`$2a$`, `$2b$` and `$2y$` name one algorithm; `$2x$` marks hashes of a faulty one and is refused. bcrypt reads 72 bytes
of a password and ignores the rest, so whoever made these hashes did, too.
"""

import hashlib
import re

import bcrypt

from idp.factors.foreign_hashes.recipe import ForeignHash, Recipe, Scheme, Unverifiable, bounded, check_parameters

HIGHEST_COST = 14  # about a second
_LONGEST = 72
_ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_TEXT = re.compile(r"\$2([abxy])\$([0-9]{2})\$([./A-Za-z0-9]{22})([./A-Za-z0-9]{31})")
_SALT = re.compile(rb"[./A-Za-z0-9]{21}[.Oeu]")
_DJANGO = {"bcrypt_sha256$": "bcrypt-sha256", "bcrypt$": "bcrypt"}


def read(text: str) -> ForeignHash | None:
    """Read a bcrypt hash, None if it is something else; raise Unverifiable."""
    scheme = "bcrypt"
    for prefix, name in _DJANGO.items():
        if text.startswith(prefix):
            scheme, text = name, text.removeprefix(prefix)
    if scheme == "bcrypt" and not text.startswith("$2"):
        return None
    found = _TEXT.fullmatch(text)
    if found is None:
        raise Unverifiable("not a whole bcrypt hash")
    if found[1] == "x":
        raise Unverifiable("$2x$ marks hashes of a faulty bcrypt")
    # Neither the salt (128 bits in 22 characters) nor the digest (184 in 31) fills its last character.
    recipe = Recipe(scheme, (int(found[2]),), _canonical(found[3], kept=0b110000).encode())
    check(recipe)
    return ForeignHash(recipe, _canonical(found[4], kept=0b111100).encode())


def _canonical(text: str, *, kept: int) -> str:
    return text[:-1] + _ALPHABET[_ALPHABET.index(text[-1]) & kept]


def check(recipe: Recipe) -> None:
    """Refuse a cost beyond the ceiling; raise Unverifiable."""
    check_parameters(recipe, 1)
    bounded("bcrypt cost", recipe.parameters[0], 4, HIGHEST_COST)
    if not _SALT.fullmatch(recipe.salt):
        raise Unverifiable("not a bcrypt salt")


def derive(recipe: Recipe, password: bytes) -> bytes:
    """Return the 31 characters that the password gives."""
    salt = b"$2b$%02d$%s" % (recipe.parameters[0], recipe.salt)
    return bcrypt.hashpw(password[:_LONGEST], salt)[len(salt) :]


def _derive_from_sha256(recipe: Recipe, password: bytes) -> bytes:
    return derive(recipe, hashlib.sha256(password).hexdigest().encode())


SCHEMES = (Scheme("bcrypt", check, derive), Scheme("bcrypt-sha256", check, _derive_from_sha256))
