"""A software authenticator behind a browser: makes passkeys and proves them, and lies where a test tells it to.

Options go in as our pages hand them to `navigator.credentials`; answers come out as the text of `toJSON()`
(WebAuthn §5.1). A lie is a keyword: `prove(options, origin="https://evil.example")`.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import EllipsisType
from typing import Any
from uuid import UUID

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256

from idp.domain.secret import base64url, from_base64url
from tests.support.attestation import Maker
from tests.support.provider import ISSUER

ES256, ED25519 = -7, -8
AAGUID = "a1b2c3d4-0000-4000-8000-0123456789ab"
PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
Options = Mapping[str, Any]


@dataclass(frozen=True)
class Ceremony:
    """What an authenticator and its browser say in one answer; None and ... mean the truth."""

    origin: str = ISSUER
    type: str | None = None
    rp_id: str | None = None
    challenge: str | None = None
    cross_origin: bool | None = False
    top_origin: str | None = None
    user_present: bool = True
    user_verified: bool = True
    eligible: bool | None = None
    backed_up: bool | None = None
    counter: int | None = None
    key: PrivateKey | None = None
    id: str | None = None
    raw_id: str | None = None
    user_handle: bytes | None | EllipsisType = ...
    transports: Any = ("internal", "hybrid")
    more: Mapping[str, Any] = field(default_factory=dict)  # further members of the client's data
    public_key: bytes | None = None  # COSE


@dataclass
class Passkey:
    """One credential, private key and all."""

    key: PrivateKey
    id: bytes
    rp_id: str
    user_handle: bytes
    counter: int


@dataclass
class Authenticator:
    """Somebody's device. With `counts` it keeps a signature counter; with `eligible` its keys may be synced."""

    algorithm: int = ES256
    aaguid: str = AAGUID
    eligible: bool = True
    counts: bool = False
    attests: bool = False
    maker: Maker | None = None
    id_bytes: int = 32
    passkeys: list[Passkey] = field(default_factory=list)

    def make(self, options: Options, **lies: Any) -> str:
        """Answer `navigator.credentials.create()` with a new passkey (§6.3.2)."""
        ceremony = Ceremony(**lies)
        key = new_key(self.algorithm)
        handle = from_base64url(options["user"]["id"])
        made = Passkey(key, secrets.token_bytes(self.id_bytes), options["rp"]["id"], handle, int(self.counts))
        self.passkeys.append(made)
        public = ceremony.public_key or cose_key(key)
        attested = UUID(self.aaguid).bytes + len(made.id).to_bytes(2, "big") + made.id + public
        authenticator_data = self._data(made, ceremony, attested)
        client_data = _client_data("webauthn.create", options, ceremony)
        statement = self._statement(ceremony.key or key, authenticator_data, client_data)
        response = {
            "attestationObject": base64url(cbor2.dumps(statement | {"authData": authenticator_data})),
            "transports": ceremony.transports,
        }
        return _answer(made, ceremony, client_data, response)

    def prove(self, options: Options, passkey: Passkey | None = None, **lies: Any) -> str:
        """Answer `navigator.credentials.get()` with the newest passkey that is allowed (§6.3.3)."""
        ceremony = Ceremony(**lies)
        used = passkey or self._allowed(options)
        if self.counts:
            used.counter += 1
        authenticator_data = self._data(used, ceremony)
        client_data = _client_data("webauthn.get", options, ceremony)
        handle = used.user_handle if ceremony.user_handle is ... else ceremony.user_handle
        response = {
            "authenticatorData": base64url(authenticator_data),
            "signature": base64url(sign(ceremony.key or used.key, authenticator_data + _hash(client_data))),
            "userHandle": None if handle is None else base64url(handle),
        }
        return _answer(used, ceremony, client_data, response)

    def _allowed(self, options: Options) -> Passkey:
        allowed = {each["id"] for each in options["allowCredentials"]}
        return next(each for each in reversed(self.passkeys) if not allowed or base64url(each.id) in allowed)

    def _data(self, passkey: Passkey, ceremony: Ceremony, attested: bytes = b"") -> bytes:
        eligible = self.eligible if ceremony.eligible is None else ceremony.eligible
        backed_up = eligible if ceremony.backed_up is None else ceremony.backed_up
        bits = (ceremony.user_present, False, ceremony.user_verified, eligible, backed_up, False, bool(attested))
        flags = sum(1 << place for place, is_set in enumerate(bits) if is_set)
        counter = passkey.counter if ceremony.counter is None else ceremony.counter
        rp_id = ceremony.rp_id or passkey.rp_id
        return _hash(rp_id.encode()) + bytes([flags]) + counter.to_bytes(4, "big") + attested

    def _statement(self, key: PrivateKey, authenticator_data: bytes, client_data: bytes) -> dict[str, Any]:
        signed = authenticator_data + _hash(client_data)
        if self.maker is not None:
            certified = {"alg": ES256, "sig": sign(self.maker.key, signed), "x5c": list(self.maker.chain)}
            return {"fmt": "packed", "attStmt": certified}
        if self.attests:
            return {"fmt": "packed", "attStmt": {"alg": self.algorithm, "sig": sign(key, signed)}}
        return {"fmt": "none", "attStmt": {}}


def new_key(algorithm: int) -> PrivateKey:
    """Make a private key."""
    return ec.generate_private_key(ec.SECP256R1()) if algorithm == ES256 else ed25519.Ed25519PrivateKey.generate()


def sign(key: PrivateKey, signed: bytes) -> bytes:
    """Sign as an authenticator of the key's algorithm does."""
    return key.sign(signed, ec.ECDSA(SHA256())) if isinstance(key, ec.EllipticCurvePrivateKey) else key.sign(signed)


def cose_key(key: PrivateKey, **changes: Any) -> bytes:
    """Return a public key as COSE (RFC 9053 §7.1, §7.2)."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        point = key.public_key().public_numbers()
        members: dict[int, Any] = {
            1: 2, 3: ES256, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big"),
        }  # fmt: skip
    else:
        members = {1: 1, 3: ED25519, -1: 6, -2: key.public_key().public_bytes_raw()}
    return cbor2.dumps(members | {int(name[1:]): value for name, value in changes.items()})


def altered(answer: str, **members: Any) -> str:
    """Return an answer with other members; those of its response are named `response_…`."""
    content = json.loads(answer)
    for name, value in members.items():
        holder = content["response"] if name.startswith("response_") else content
        holder[name.removeprefix("response_")] = value
    return json.dumps(content)


def copy_of(passkey: Passkey) -> Passkey:
    """Return a clone, with a counter of its own."""
    return replace(passkey)


def _client_data(type_: str, options: Options, ceremony: Ceremony) -> bytes:
    told: dict[str, Any] = {
        "type": ceremony.type or type_,
        "challenge": ceremony.challenge or options["challenge"],
        "origin": ceremony.origin,
        "crossOrigin": ceremony.cross_origin,
        "topOrigin": ceremony.top_origin,
        **ceremony.more,
    }
    return json.dumps({name: value for name, value in told.items() if value is not None}).encode()


def _answer(passkey: Passkey, ceremony: Ceremony, client_data: bytes, response: Mapping[str, Any]) -> str:
    said = {"clientDataJSON": base64url(client_data), **response}
    return json.dumps(
        {
            "id": ceremony.id or base64url(passkey.id),
            "rawId": ceremony.raw_id or ceremony.id or base64url(passkey.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "response": {name: value for name, value in said.items() if value is not None},
            "clientExtensionResults": {"credProps": {"rk": True}},
        }
    )


def _hash(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
