"""Keycloak's passwords: a `password` credential as a realm export holds it, or its members side by side.

The export nests two JSON texts, `credentialData` (algorithm, hashIterations, additionalParameters) and `secretData`
(value, salt). Algorithms: pbkdf2 (SHA-1), pbkdf2-sha256, pbkdf2-sha512, argon2.
"""

from collections.abc import Mapping

from idp.domain.json import BadJson, Json, JsonObject, read_object
from idp.factors.foreign_hashes import argon2, pbkdf2
from idp.factors.foreign_hashes.recipe import ForeignHash, Unverifiable, bytes_of, number

_DIGESTS = {"pbkdf2": "sha1", "pbkdf2-sha256": "sha256", "pbkdf2-sha512": "sha512"}
_PARAMETERS = "additionalParameters"
_NESTED = ("credentialData", "secretData")
_IGNORED = frozenset({"type", "id", "createdDate", "userLabel", "priority", "temporary"})
_NEEDED = frozenset({"algorithm", "hashIterations", "salt", "value"})
_ARGON2_VERSION = "1.3"


def read(members: JsonObject) -> ForeignHash | None:
    """Read a credential, None if these members are something else; raise Unverifiable."""
    flat = _flat(members)
    if flat is None:
        return None
    unknown = flat.keys() - _NEEDED - {_PARAMETERS}
    if unknown or not flat.keys() >= _NEEDED:
        raise Unverifiable("a Keycloak password has algorithm, hashIterations, salt and value, and nothing else")
    algorithm, iterations = _text(flat, "algorithm"), _number(flat["hashIterations"], "hashIterations")
    salt, value = (bytes_of(name, _text(flat, name)) for name in ("salt", "value"))
    if algorithm == "argon2":
        return _argon2(flat.get(_PARAMETERS), iterations, salt=salt, value=value)
    if algorithm not in _DIGESTS:
        raise Unverifiable("algorithm is none of pbkdf2, pbkdf2-sha256, pbkdf2-sha512, argon2")
    return pbkdf2.of(_DIGESTS[algorithm], iterations, salt=salt, digest=value)


def _flat(members: JsonObject) -> dict[str, Json] | None:
    """Return the members of the credential with what is nested, None if it is no credential of Keycloak's."""
    if not members.keys() & {*_NESTED, "hashIterations"}:
        return None
    if members.get("type", "password") != "password":
        raise Unverifiable("a Keycloak credential that is not a password")
    flat = {name: value for name, value in members.items() if name not in _NESTED and name not in _IGNORED}
    for name in _NESTED:
        inner = members.get(name, {})
        if isinstance(inner, str):
            try:
                inner = read_object(inner, max_depth=4)
            except BadJson as error:
                raise Unverifiable(f"{name} is not a JSON object") from error
        if not isinstance(inner, Mapping):
            raise Unverifiable(f"{name} is not a JSON object")
        given = {key: value for key, value in inner.items() if key != _PARAMETERS or value}  # empty on either side
        if given.keys() & flat.keys():
            raise Unverifiable(f"{name} says again what stands elsewhere")
        flat |= given
    return flat


def _argon2(parameters: Json, passes: int, *, salt: bytes, value: bytes) -> ForeignHash:
    if not isinstance(parameters, Mapping):
        raise Unverifiable("argon2 needs additionalParameters")
    if _only(parameters, "version") != _ARGON2_VERSION:
        raise Unverifiable("only version 1.3 of Argon2 can be verified")
    memory, lanes = (number(name, _only(parameters, name)) for name in ("memory", "parallelism"))
    kind = _only(parameters, "type")
    if kind not in ("i", "id"):
        raise Unverifiable("only Argon2i and Argon2id can be verified")
    return argon2.of(f"argon2{kind}", (memory, passes, lanes), salt=salt, digest=value)


def _only(parameters: JsonObject, name: str) -> str:
    """Return a parameter's one value; Keycloak keeps lists of them."""
    value = parameters.get(name)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, str):
        raise Unverifiable(f"{name} is missing among additionalParameters")
    return value


def _text(members: JsonObject, name: str) -> str:
    value = members[name]
    if not isinstance(value, str):
        raise Unverifiable(f"{name} is not a text")
    return value


def _number(value: Json, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unverifiable(f"{name} is not a number")
    return value
