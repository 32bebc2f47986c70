"""What a checked access token says – RFC 9068 §2.2."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Token:
    """A token that passed every check; `claims` are all of it, times in seconds since 1970."""

    subject: str
    client_id: str
    scopes: frozenset[str]
    acr: str | None
    amr: tuple[str, ...]
    auth_time: int | None
    expires_at: int
    claims: Mapping[str, object]

    @classmethod
    def from_claims(cls, claims: Mapping[str, object]) -> "Token":
        """Read checked claims; members of the wrong type count as missing."""
        amr = claims.get("amr")
        return cls(
            subject=_text(claims, "sub") or "",
            client_id=_text(claims, "client_id") or "",
            scopes=frozenset((_text(claims, "scope") or "").split()),
            acr=_text(claims, "acr"),
            amr=tuple(word for word in amr if isinstance(word, str)) if isinstance(amr, list) else (),
            auth_time=_number(claims, "auth_time"),
            expires_at=_number(claims, "exp") or 0,
            claims=dict(claims),
        )

    @property
    def key_thumbprint(self) -> str | None:
        """Return the key that the caller must prove to hold (RFC 9449 §6.1), None for a bearer token."""
        return self._confirmed("jkt")

    @property
    def certificate_thumbprint(self) -> str | None:
        """Return the certificate that the caller must prove to hold (RFC 8705 §3.1), None for others."""
        return self._confirmed("x5t#S256")

    @property
    def is_bound(self) -> bool:
        """Say whether the caller must prove anything; also where it is nothing that is known here (RFC 7800 §3.1)."""
        return "cnf" in self.claims

    @property
    def actor(self) -> str | None:
        """Return who acts for the subject, after an exchange with an actor (RFC 8693 §4.1)."""
        actor = self.claims.get("act")
        return _text(actor, "sub") if isinstance(actor, dict) else None

    def _confirmed(self, method: str) -> str | None:
        confirmation = self.claims.get("cnf")
        return _text(confirmation, method) if isinstance(confirmation, dict) else None


def _text(claims: Mapping[str, object], name: str) -> str | None:
    value = claims.get(name)
    return value if isinstance(value, str) and value else None


def _number(claims: Mapping[str, object], name: str) -> int | None:
    value = claims.get(name)
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
