"""Firebase's passwords: scrypt, and the project's signer key encrypted under what it gives (AES-256-CTR, counter zero).

Ciphertext and signer key together are the key stream, and that alone is kept here: the signer key is never stored.
"""

import re
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from idp.domain.json import JsonObject
from idp.factors.foreign_hashes import memory_hard
from idp.factors.foreign_hashes.recipe import ForeignHash, Recipe, Scheme, Unverifiable, bounded, bytes_of, number

_KEY_BYTES = 32
_MOST_CHARACTERS = 4096
_LINE = re.compile(r"\s*(?:hash_config\s*\{|\}|[\"']?(\w+)[\"']?\s*[:=]\s*[\"']?([^\"',\s]*)[\"']?,?|)\s*")
_NAMES = ("base64_signer_key", "base64_salt_separator", "rounds", "mem_cost")


@dataclass(frozen=True, slots=True)
class FirebaseProject:
    """The password hash parameters of a Firebase project; `rounds` and `mem_cost` as its console names them."""

    signer_key: bytes = field(repr=False)
    salt_separator: bytes
    rounds: int
    mem_cost: int


def read_project(text: str) -> FirebaseProject:
    """Read the parameters as the console shows them, one `name: value` a line; raise Unverifiable."""
    given: dict[str, str] = {}
    for line in text[:_MOST_CHARACTERS].splitlines():
        found = _LINE.fullmatch(line)
        if found is None or found[1] in given:
            raise Unverifiable("not the password hash parameters of a Firebase project: one name and value a line")
        if found[1]:
            given[found[1]] = found[2]
    if given.pop("algorithm", "SCRYPT") != "SCRYPT" or given.keys() != set(_NAMES):
        raise Unverifiable(f"the parameters of a Firebase project are {', '.join(_NAMES)}, for the algorithm SCRYPT")
    key, separator = (bytes_of(name, given[name]) for name in _NAMES[:2])
    rounds, cost = (number(name, given[name]) for name in _NAMES[2:])
    made = FirebaseProject(key, separator, rounds, cost)
    _of(made, b"", bytes(len(key)))
    return made


def read(members: JsonObject, project: FirebaseProject | None) -> ForeignHash | None:
    """Read `passwordHash` and `salt` of an exported account, None if these are other members; raise Unverifiable."""
    if members.keys() != {"passwordHash", "salt"}:
        return None
    if project is None:
        raise Unverifiable("a Firebase hash needs the parameters of its project")
    ciphertext, salt = members["passwordHash"], members["salt"]
    if not isinstance(ciphertext, str) or not isinstance(salt, str):
        raise Unverifiable("passwordHash and salt are texts")
    digest = bytes_of("passwordHash", ciphertext)
    if len(digest) != len(project.signer_key):
        raise Unverifiable("passwordHash is not as long as the signer key")
    stream = bytes(left ^ right for left, right in zip(digest, project.signer_key, strict=True))
    return _of(project, bytes_of("salt", salt), stream)


def _of(project: FirebaseProject, salt: bytes, stream: bytes) -> ForeignHash:
    n = 2 ** bounded("mem_cost", project.mem_cost, 1, 30)
    whole = salt + project.salt_separator
    return memory_hard.of("firebase-scrypt", n, (str(project.rounds), "1"), salt=whole, digest=stream)


def _derive(recipe: Recipe, password: bytes) -> bytes:
    key = memory_hard.scrypt(recipe, password, _KEY_BYTES)
    return Cipher(AES256(key), CTR(bytes(16))).encryptor().update(bytes(recipe.parameters[3]))


SCHEMES = (Scheme("firebase-scrypt", memory_hard.check, _derive),)
