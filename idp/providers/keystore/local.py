"""Signing keys as files: one per private key, mode 0600, sealed under the master key.

A file is read once, when a key is made or first loaded; signing works from memory.
"""

import json
import os
from collections.abc import Mapping
from copy import copy
from functools import lru_cache
from pathlib import Path

from joserfc.jwk import ECKey, Key, OKPKey, RSAKey, import_key
from joserfc.jws import JWSRegistry

from idp.domain.json import Json, JsonObject
from idp.domain.secret import SealBroken, Sealer, base64url, make_id
from idp.providers.keystore.port import KeyStoreFault

RSA_BITS = 3072
SIGNING_ALGS = ("RS256", "PS256", "ES256", "EdDSA")


# RFC 9864 calls it Ed25519, but clients know no other name yet: no warning for each token.
_EDDSA = copy(JWSRegistry.algorithms["EdDSA"])
_EDDSA.security_warning = None


class _SigningRegistry(JWSRegistry):
    """The algorithms we sign with, and no others."""

    algorithms = JWSRegistry.algorithms | {"EdDSA": _EDDSA}


_REGISTRY = _SigningRegistry(algorithms=list(SIGNING_ALGS))


@lru_cache(maxsize=64)
def _encoded_header(members: tuple[tuple[str, str], ...]) -> str:
    """Return a protected header; there is one for each key and purpose, so it is encoded once."""
    return base64url(json.dumps(dict(members), separators=(",", ":")).encode())


class LocalKeyStore:
    """A folder of sealed keys."""

    def __init__(self, folder: Path, sealer: Sealer) -> None:
        """Use the folder; it is made, private to us, when the first key is."""
        self._folder = folder
        self._sealer = sealer
        self._keys: dict[str, Key] = {}

    def make(self, kind: str) -> tuple[str, JsonObject]:
        """Make a key pair, keep it in a file, and return its reference and public JWK."""
        key = _generate(kind)
        ref = make_id()
        private = json.dumps(key.as_dict(private=True)).encode()
        self._write(ref, self._sealer.seal(private, place=_place(ref)))
        self._keys[ref] = key
        public: dict[str, Json] = {str(name): value for name, value in key.as_dict(private=False).items()}
        public.pop("kid", None)
        return ref, public

    def load(self, ref: str) -> None:
        """Read a key's file unless it is in memory already."""
        if ref in self._keys:
            return
        try:
            sealed = self._path(ref).read_bytes()
            private = self._sealer.open(sealed, place=_place(ref))
        except OSError as error:
            raise KeyStoreFault(f"key file {self._path(ref)} cannot be read: {error.strerror}") from error
        except SealBroken as error:
            raise KeyStoreFault(f"key file {self._path(ref)} does not open under the master key") from error
        self._keys[ref] = import_key(json.loads(private))

    def sign(self, ref: str, *, header: Mapping[str, str], claims: Mapping[str, Json]) -> str:
        """Sign from memory; the key must have been loaded (RFC 7515 §3.1, §5.1)."""
        payload = json.dumps(claims, separators=(",", ":"), ensure_ascii=False).encode()
        signing_input = f"{_encoded_header(tuple(header.items()))}.{base64url(payload)}"
        key, algorithm = self._keys[ref], _REGISTRY.get_alg(header["alg"])
        algorithm.check_key(key)
        signature = algorithm.sign(signing_input.encode("ascii"), key)
        return f"{signing_input}.{base64url(signature)}"

    def delete(self, ref: str) -> None:
        """Remove the file and forget the key."""
        self._keys.pop(ref, None)
        self._path(ref).unlink(missing_ok=True)

    def _path(self, ref: str) -> Path:
        return self._folder / f"{ref}.key"

    def _write(self, ref: str, sealed: bytes) -> None:
        """Write beside, then rename, so that a crash leaves a whole file or none."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._folder.chmod(0o700)  # a checkout brings it along, open to everybody
            beside = self._path(ref).with_suffix(".new")
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(sealed)
                file.flush()
                os.fsync(file.fileno())
            beside.rename(self._path(ref))
            _sync(self._folder)  # else a power cut could lose a key that the database knows already
        except OSError as error:
            raise KeyStoreFault(f"key folder {self._folder} cannot be written: {error.strerror}") from error


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _place(ref: str) -> str:
    return f"keys|private|{ref}"


def _generate(kind: str) -> Key:
    match kind:
        case "RSA":
            return RSAKey.generate_key(RSA_BITS, private=True)
        case "P-256":
            return ECKey.generate_key("P-256", private=True)
        case "Ed25519":
            return OKPKey.generate_key("Ed25519", private=True)
    raise ValueError(f"no such kind of key: {kind}")
