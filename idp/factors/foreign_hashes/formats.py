"""Every foreign hash that can be verified: read from what a file says, derived from a recipe.

What none of the formats knows is refused here, at import, never at sign-in.
"""

from idp.domain.json import Json
from idp.factors.foreign_hashes import argon2, blowfish, firebase, keycloak, memory_hard, pbkdf2, sha_crypt
from idp.factors.foreign_hashes.firebase import FirebaseProject
from idp.factors.foreign_hashes.recipe import ForeignHash, Recipe, Unverifiable

MOST_CHARACTERS = 1024
_READERS = (blowfish.read, argon2.read, memory_hard.read, pbkdf2.read, sha_crypt.read)
_ALL = (
    *blowfish.SCHEMES,
    *argon2.SCHEMES,
    *memory_hard.SCHEMES,
    *firebase.SCHEMES,
    *pbkdf2.SCHEMES,
    *sha_crypt.SCHEMES,
)
_SCHEMES = {scheme.name: scheme for scheme in _ALL}
UNKNOWN = "no kind of hash that can be verified here"


def read(written: Json, *, project: FirebaseProject | None = None) -> ForeignHash:
    """Read a hash, a text or the members that Keycloak or Firebase write; raise Unverifiable."""
    if isinstance(written, str):
        if len(written) > MOST_CHARACTERS:
            raise Unverifiable("longer than any hash")
        found = next((made for made in (reader(written) for reader in _READERS) if made is not None), None)
    elif isinstance(written, dict):
        found = keycloak.read(written) or firebase.read(written, project)
    else:
        found = None
    if found is None:
        raise Unverifiable(UNKNOWN)
    return found


def derive(recipe: Recipe, password: bytes) -> bytes:
    """Return the digest that a password gives; takes as long as the recipe says; raise Unverifiable beyond ceilings."""
    scheme = _SCHEMES.get(recipe.scheme)
    if scheme is None:
        raise Unverifiable(UNKNOWN)
    scheme.check(recipe)
    return scheme.derive(recipe, password)
