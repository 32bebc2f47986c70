"""How a foreign hash is kept: recipe in the clear, digest under the pepper, so that a database alone lets nobody try.

A stored one reads `f1$PEPPER$SCHEME$COST,COST$SALT$DIGEST`; the digest is HMAC-SHA-384 of what the recipe gives.
"""

import hashlib
import hmac
from dataclasses import dataclass

from idp.domain.secret import base64url, equal, from_base64url
from idp.factors.foreign_hashes import formats
from idp.factors.foreign_hashes.recipe import ForeignHash, Recipe, Unverifiable

VERSION = "f1"
_PARTS = 6


@dataclass(frozen=True, slots=True)
class KeyedForeignHash:
    """A foreign hash whose digest only the pepper's owner can compare."""

    recipe: Recipe
    digest: bytes

    def fits(self, password: bytes, pepper: bytes) -> bool:
        """Say whether this is the password; takes as long as the recipe says."""
        try:
            return equal(_keyed(self.recipe, formats.derive(self.recipe, password), pepper), self.digest)
        except Unverifiable:
            return False  # somebody changed the row: what was imported was within the ceilings


def write(foreign: ForeignHash, pepper: bytes, *, pepper_id: str) -> str:
    """Return what to store of a foreign hash."""
    recipe = foreign.recipe
    costs = ",".join(map(str, recipe.parameters))
    digest = base64url(_keyed(recipe, foreign.digest, pepper))
    return "$".join((VERSION, pepper_id, recipe.scheme, costs, base64url(recipe.salt), digest))


def read(stored: str, *, pepper_id: str) -> KeyedForeignHash | None:
    """Read what was stored, None if it is something else or was keyed with another pepper."""
    parts = stored.split("$")
    if len(parts) != _PARTS or parts[:2] != [VERSION, pepper_id]:
        return None
    try:
        costs = tuple(int(cost) for cost in parts[3].split(","))
        return KeyedForeignHash(Recipe(parts[2], costs, from_base64url(parts[4])), from_base64url(parts[5]))
    except ValueError:
        return None


def _keyed(recipe: Recipe, digest: bytes, pepper: bytes) -> bytes:
    return hmac.digest(pepper, b"foreign|" + recipe.scheme.encode() + b"|" + digest, hashlib.sha384)
