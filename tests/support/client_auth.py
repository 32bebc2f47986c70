"""The ways in which a client proves who it is (RFC 6749 §2.3, RFC 7523, OIDC Core §9)."""

import base64
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote_plus

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 60
Claims = dict[str, object]
Key = RSAKey | ECKey | OKPKey | OctKey


@dataclass(frozen=True)
class Proof:
    """What a request carries to authenticate its client."""

    fields: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def prove(self, client_id: str, issuer: str) -> "Proof":
        """Return itself: a proof that was made beforehand is sent as it is."""
        return self


class ClientAuthentication(Protocol):
    """One method of client authentication."""

    def prove(self, client_id: str, issuer: str) -> Proof:
        """Return what to add to one request; an assertion is good for one request only."""


@dataclass(frozen=True)
class Basic:
    """client_secret_basic: both halves form-encoded before base64 (RFC 6749 §2.3.1)."""

    secret: str

    def prove(self, client_id: str, issuer: str) -> Proof:
        """Put id and secret into the Authorization header."""
        pair = f"{quote_plus(client_id)}:{quote_plus(self.secret)}"
        return Proof(headers={"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()})


@dataclass(frozen=True)
class Post:
    """client_secret_post."""

    secret: str

    def prove(self, client_id: str, issuer: str) -> Proof:
        """Put id and secret into the body."""
        return Proof({"client_id": client_id, "client_secret": self.secret})


@dataclass(frozen=True)
class Public:
    """none: the id alone."""

    def prove(self, client_id: str, issuer: str) -> Proof:
        """Put the id into the body."""
        return Proof({"client_id": client_id})


@dataclass(frozen=True)
class Assertion:
    """private_key_jwt, or client_secret_jwt with the secret as an OctKey.

    `changes` replace claims, None removes one; `header` is added to alg and kid.
    """

    key: Key
    alg: str
    audience: str | list[str] | None = None  #: the issuer unless given
    changes: Mapping[str, object] = field(default_factory=dict)
    header: Mapping[str, str] = field(default_factory=dict)
    now: Callable[[], float] = time.time

    @classmethod
    def with_secret(cls, secret: str, **options: Mapping[str, object]) -> "Assertion":
        """client_secret_jwt with HS256."""
        return cls(OctKey.import_key(secret), "HS256", **options)  # type: ignore[arg-type]

    def prove(self, client_id: str, issuer: str) -> Proof:
        """Put a fresh assertion into the body."""
        return Proof({"client_assertion_type": ASSERTION_TYPE, "client_assertion": self.sign(client_id, issuer)})

    def sign(self, client_id: str, issuer: str) -> str:
        """Return an assertion by itself."""
        now = int(self.now())
        claims: Claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": self.audience or issuer,
            "jti": secrets.token_urlsafe(16),
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
            **self.changes,
        }
        header = {"alg": self.alg, **({"kid": self.key.kid} if self.key.kid else {}), **self.header}
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(header, kept, self.key, algorithms=[self.alg])


def by_assertion(assertion: str, **more: str) -> Proof:
    """Return a proof with this very assertion, and perhaps more fields; empty ones are left out."""
    fields = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion, **more}
    return Proof({name: value for name, value in fields.items() if value})
