"""DPoP proofs, right ones and wrong ones (RFC 9449 §4.2)."""

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from tests.support.jose import forge
from tests.support.relying_party import Answer, RelyingParty

TYP = "dpop+jwt"
Members = Mapping[str, object]


def ath(token: str) -> str:
    """Return the hash of an access token (RFC 9449 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).decode().rstrip("=")


@dataclass
class ProofKey:
    """A client's key, and the nonce it was last told."""

    key: Key = field(default_factory=lambda: ECKey.generate_key("P-256", private=True))
    alg: str = "ES256"
    now: Callable[[], float] = time.time
    nonce: str | None = None

    @property
    def thumbprint(self) -> str:
        """The key's thumbprint (RFC 7638)."""
        return str(self.key.thumbprint())

    def proof(
        self, method: str, url: str, *, token: str | None = None, header: Members | None = None, **changes: object
    ) -> str:
        """Return a proof; `changes` replace claims and `header` members, None removes one."""
        claims: dict[str, Any] = {
            "jti": secrets.token_urlsafe(16), "htm": method, "htu": url, "iat": int(self.now()),
            **({"ath": ath(token)} if token else {}), **({"nonce": self.nonce} if self.nonce else {}), **changes,
        }  # fmt: skip
        members: dict[str, Any] = {
            "typ": TYP,
            "alg": self.alg,
            "jwk": self.key.as_dict(private=False),
            **(header or {}),
        }
        kept = {name: value for name, value in members.items() if value is not None}
        payload = {name: value for name, value in claims.items() if value is not None}
        return forge(kept, payload, self.key, self.alg)


def keys() -> dict[str, ProofKey]:
    """Return a key for each algorithm of a proof."""
    return {
        "ES256": ProofKey(),
        "PS256": ProofKey(RSAKey.generate_key(2048, private=True), "PS256"),
        "EdDSA": ProofKey(OKPKey.generate_key("Ed25519", private=True), "EdDSA"),
        "Ed25519": ProofKey(OKPKey.generate_key("Ed25519", private=True), "Ed25519"),
    }


async def send(rp: RelyingParty, endpoint: str, proof: str | list[str] | None, **fields: str | None) -> Answer:
    """Post to an endpoint of the metadata with these DPoP headers."""
    proofs = [proof] if isinstance(proof, str) else proof or []
    credentials = rp.auth.prove(rp.client_id, rp.issuer)
    pairs = {name: value for name, value in {**fields, **credentials.fields}.items() if value is not None}
    headers = [(b"Content-Type", b"application/x-www-form-urlencoded")]
    headers += [(name.encode(), value.encode()) for name, value in credentials.headers.items()]
    headers += [(b"DPoP", each.encode()) for each in proofs]
    url = (await rp.metadata())[endpoint]
    return Answer.of(await rp.http.post(url, content=urlencode(pairs), headers=headers))


async def userinfo(rp: RelyingParty, token: str, proof: str | None, scheme: str = "DPoP") -> Answer:
    """Ask userinfo with a token and a proof."""
    headers = {"Authorization": f"{scheme} {token}"} | ({"DPoP": proof} if proof else {})
    return Answer.of(await rp.http.get(f"{rp.issuer}/userinfo", headers=headers))
