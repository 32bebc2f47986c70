"""What Wycheproof teaches about signatures and spellings: each would be read by a library that is too kind."""

import json
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.support.jose import unbase64url

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def ecdsa(r: int, s: int) -> bytes:
    """Return a signature as JOSE writes it (RFC 7518 §3.4)."""
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def der(signature: bytes) -> bytes:
    """Return a signature as X.509 writes it."""
    return encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))


def slack(token: str, part: int) -> str:
    """Spell a part of the token otherwise: its last character has bits that nobody reads."""
    segments = token.split(".")
    text = segments[part]
    last = ALPHABET[ALPHABET.index(text[-1]) ^ 1] if len(text) % 4 else text[-1] + "="  # else there is only padding
    segments[part] = text[:-1] + last
    assert unbase64url(segments[part].rstrip("=")) == unbase64url(text)
    return ".".join(segments)


def flattened(token: str) -> str:
    """Return the JSON serialisation of a token (RFC 7515 §7.2.2)."""
    return json.dumps(dict(zip(("protected", "payload", "signature"), token.split("."), strict=True)))


#: Bad signatures, each made of a good one by ES256.
SIGNATURES: dict[str, Callable[[bytes], bytes]] = {
    "none": lambda _good: b"",
    "zeros": lambda _good: bytes(64),
    "r=0": lambda good: bytes(32) + good[32:],
    "s=0": lambda good: good[:32] + bytes(32),
    "r=n": lambda good: ecdsa(ORDER, int.from_bytes(good[32:], "big")),
    "r and s one": lambda _good: ecdsa(1, 1),
    "cut": lambda good: good[:-1],
    "with a byte more": lambda good: good + b"\0",
    "with a byte in front": lambda good: b"\0" + good,
    "twice": lambda good: good + good,
    "halves swapped": lambda good: good[32:] + good[:32],
    "ASN.1": der,
}
#: Other spellings of a good token.
SPELLINGS: dict[str, Callable[[str], str]] = {
    "slack bits in the header": lambda token: slack(token, 0),
    "slack bits in the payload": lambda token: slack(token, 1),
    "slack bits in the signature": lambda token: slack(token, 2),
    "padding": lambda token: token + "==",
    "a line break": lambda token: token[:40] + "\n" + token[40:],
    "a space in front": lambda token: " " + token,
    "a space inside": lambda token: token.replace(".", " .", 1),
    "two parts": lambda token: token.rpartition(".")[0],
    "four parts": lambda token: token + ".e30",
    "five parts": lambda token: token + ".e30.e30",
    "JSON": flattened,
}
