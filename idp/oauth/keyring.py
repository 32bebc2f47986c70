"""The signing keys at work: one active key for each algorithm, the published set, and checks of our own tokens.

Each process keeps a snapshot under the epoch of the keys; signing reads no file and no database.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key

from idp.clock import Clock
from idp.domain.json import BadJson, Json, read_object
from idp.domain.secret import from_base64url
from idp.policy import lifetimes
from idp.providers.keystore.port import KeyStore, KeyStoreFault
from idp.storage.caches import EpochWatch
from idp.storage.database import Database
from idp.storage.signing_keys import EPOCH_NAME, KeyState, SigningKey, SigningKeyStore

MAX_TOKEN = 16 * 1024
MAX_KID = 256
JWE_DOTS = 4  # of a compact JWE (RFC 7516 §7.1)
MAX_HEADER = 512
_HEADER_MEMBERS = frozenset({"alg", "kid", "typ"})


class NoSigningKey(Exception):
    """There is no active key for this algorithm, or its private half cannot be read."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The keys as of one epoch, until time alone changes them."""

    epoch: int
    stale_at: datetime | None
    active: Mapping[str, SigningKey]
    published: Mapping[str, tuple[SigningKey, Key]]
    jwks: bytes
    etag: str


@dataclass(slots=True)
class Keyring:
    """The keys that this process signs with and recognises."""

    database: Database
    watch: EpochWatch
    keystore: KeyStore
    clock: Clock
    _snapshot: Snapshot | None = None
    _loading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def refresh(self) -> Snapshot:
        """Return the current keys, reading them anew when any process has changed them."""
        epoch = self.watch.get(EPOCH_NAME)
        if not self._is_current(epoch):
            async with self._loading:
                if not self._is_current(epoch):
                    async with self.database.transaction(write=False) as connection:
                        keys = await SigningKeyStore(connection).list()
                    self._snapshot = self._take(epoch, list(keys))
        return self.snapshot

    def _is_current(self, epoch: int) -> bool:
        taken = self._snapshot
        if taken is None or taken.epoch != epoch:
            return False
        return taken.stale_at is None or self.clock.now() < taken.stale_at

    @property
    def snapshot(self) -> Snapshot:
        """Return the keys as last read; raise NoSigningKey before the first `refresh`."""
        if self._snapshot is None:
            raise NoSigningKey("keys were not read yet")
        return self._snapshot

    def _take(self, epoch: int, keys: list[SigningKey]) -> Snapshot:
        for key in keys:
            if key.state in (KeyState.ACTIVE, KeyState.NEXT):
                try:
                    self.keystore.load(key.private_ref)
                except KeyStoreFault as error:
                    if key.state is KeyState.ACTIVE:
                        raise NoSigningKey(str(error)) from error
        now = self.clock.now()
        known = {key.kid: (key, import_key(_without_kid(key))) for key in keys if _is_known(key, now)}
        public = [_public(key) for key in keys if _is_published(key, now)]
        jwks = json.dumps({"keys": public}, separators=(",", ":")).encode()
        active = {key.alg: key for key in keys if key.state is KeyState.ACTIVE}
        stale_at = min((end for key in keys for end in _ends(key) if end > now), default=None)
        return Snapshot(epoch, stale_at, active, known, jwks, f'"{hashlib.sha256(jwks).hexdigest()[:32]}"')

    def sign(self, claims: Mapping[str, Json], *, alg: str, typ: str) -> str:
        """Sign claims with the one active key of the algorithm (RFC 7515); raise NoSigningKey if there is none."""
        key = self.snapshot.active.get(alg)
        if key is None:
            raise NoSigningKey(alg)
        try:
            return self.keystore.sign(key.private_ref, header={"alg": alg, "typ": typ, "kid": key.kid}, claims=claims)
        except KeyStoreFault as error:
            raise NoSigningKey(str(error)) from error

    def read(self, token: str, *, typ: str, check: Callable[[Mapping[str, Json]], bool]) -> dict[str, Json] | None:
        """Return the claims of a token that we signed for this purpose, None for anything else.

        The key is found by `kid` among our own, its algorithm is the one it was made for, and `typ` names
        the purpose: keys, URLs and algorithms that the token itself carries are never looked at (RFC 8725 §3).
        """
        if len(token) > MAX_TOKEN or token.count(".") != 2:
            return None
        header = _own_header(token.partition(".")[0])
        found = self.snapshot.published.get(header[1]) if header is not None else None
        if header is None or found is None or header != (found[0].alg, found[0].kid, typ):
            return None
        claims = _verify_own(token, found[1], found[0].alg)
        return claims if claims is not None and check(claims) else None


@lru_cache(maxsize=128)
def _own_header(segment: str) -> tuple[str, str, str] | None:
    """Return alg, kid and typ of a header as we write it, None for any other; ours are few, so they are remembered."""
    if len(segment) > MAX_HEADER:
        return None
    header = read_header(segment)
    alg, kid, typ = (header.get(name) for name in ("alg", "kid", "typ"))
    if set(header) != _HEADER_MEMBERS or not (isinstance(alg, str) and isinstance(kid, str) and isinstance(typ, str)):
        return None
    return alg, kid, typ


def _verify_own(token: str, key: Key, alg: str) -> dict[str, Json] | None:
    """Return the claims if the signature is right; what we signed ourselves is JSON as we write it."""
    signing_input, _, signature = token.rpartition(".")
    algorithm = WideRegistry.algorithms[alg]
    try:
        algorithm.check_key(key)
        if not algorithm.verify(signing_input.encode("ascii"), from_base64url(signature), key):
            return None
        claims: Json = json.loads(from_base64url(signing_input.partition(".")[2]))
    except (JoseError, ValueError):
        return None
    return claims if isinstance(claims, dict) else None


def read_header(token: str) -> dict[str, Json]:
    """Return a JWS's header without trusting it, empty if it has none that can be read."""
    try:
        return read_object(from_base64url(token.partition(".")[0]).decode(), max_depth=4)
    except (ValueError, BadJson):
        return {}


# RFC 9864 calls it Ed25519, but clients know no other name yet: no warning for each token.
_EDDSA = copy(jws.JWSRegistry.algorithms["EdDSA"])
_EDDSA.security_warning = None


class WideRegistry(jws.JWSRegistry):
    """joserfc's default limits refuse honest tokens with many claims; ours end at MAX_TOKEN."""

    max_header_length = 4096
    max_payload_length = MAX_TOKEN
    max_signature_length = 2048
    algorithms = jws.JWSRegistry.algorithms | {"EdDSA": _EDDSA}


def verify(token: str, key: Any, algs: tuple[str, ...]) -> dict[str, Json] | None:
    """Return the claims of a compact JWS if the key made its signature with one of the algorithms.

    Each part must be base64url in its one spelling: the library would read others alike, and so give one token many.
    """
    try:
        for part in token.split("."):
            from_base64url(part)
        signed = jws.deserialize_compact(token.encode("ascii"), key, registry=WideRegistry(algorithms=list(algs)))
        return read_object((signed.payload or b"").decode(), max_depth=16)
    except (JoseError, BadJson, ValueError):
        return None


def _without_kid(key: SigningKey) -> dict[str, Any]:
    return {name: value for name, value in key.public_jwk.items() if name not in ("kid", "use", "alg")}


def _public(key: SigningKey) -> dict[str, Any]:
    return _without_kid(key) | {"kid": key.kid, "use": "sig", "alg": key.alg}


def _ends(key: SigningKey) -> tuple[datetime, ...]:
    """Return when a retired key leaves the published set, and when hints that it signed are believed no more."""
    if key.state is not KeyState.RETIRED or key.retired_at is None:
        return ()
    return key.retired_at + lifetimes.KEY_RETIRED_PUBLISHED, key.retired_at + lifetimes.KEY_RETIRED_HINTS


def _is_published(key: SigningKey, now: datetime) -> bool:
    if key.state is KeyState.RETIRED:
        return any(now < end for end in _ends(key)[:1])
    return key.state in (KeyState.NEXT, KeyState.ACTIVE)


def _is_known(key: SigningKey, now: datetime) -> bool:
    if key.state is KeyState.RETIRED:
        return any(now < end for end in _ends(key))
    return key.state is not KeyState.REVOKED
