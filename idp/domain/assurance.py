"""What a session has proved: factors, when, and the acr and amr words for it.

acr is a predicate over the proof, not a number; amr values are those of RFC 8176.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Factor(StrEnum):
    """A way to prove who one is."""

    PASSWORD = "password"


class Kind(StrEnum):
    """What a factor rests on (NIST SP 800-63B)."""

    KNOWLEDGE = "knowledge"
    POSSESSION = "possession"
    INHERENCE = "inherence"


KINDS: dict[Factor, frozenset[Kind]] = {Factor.PASSWORD: frozenset({Kind.KNOWLEDGE})}
AMR: dict[Factor, tuple[str, ...]] = {Factor.PASSWORD: ("pwd",)}

LOA1 = "urn:idp:loa:1"
SUPPORTED_ACRS = (LOA1,)


@dataclass(frozen=True, slots=True)
class Proof:
    """One factor that was verified, and when."""

    factor: Factor
    verified_at: datetime


def kinds(proofs: tuple[Proof, ...]) -> frozenset[Kind]:
    """Return the distinct kinds that these proofs rest on."""
    return frozenset(kind for proof in proofs for kind in KINDS[proof.factor])


def amr(proofs: tuple[Proof, ...]) -> tuple[str, ...]:
    """Return the amr values for these proofs, each once, in the order of proof."""
    return tuple(dict.fromkeys(word for proof in proofs for word in AMR[proof.factor]))


def holds(acr: str, proofs: tuple[Proof, ...]) -> bool:
    """Say whether these proofs satisfy the acr."""
    return acr == LOA1 and len(kinds(proofs)) >= 1


def acr(proofs: tuple[Proof, ...], requested: tuple[str, ...] = ()) -> str | None:
    """Return the first requested acr that holds, else the strongest that holds, else None."""
    return next((value for value in (*requested, *SUPPORTED_ACRS) if holds(value, proofs)), None)
