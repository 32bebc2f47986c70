"""How proofs are written down: compact JSON, the same on sessions and interactions."""

from collections.abc import Sequence
from typing import Any, cast

from idp.domain.assurance import Factor, Proof, Trait
from idp.domain.json import Json
from idp.storage.columns import EPOCH, MICROSECOND, to_micros


def proofs_to_json(proofs: Sequence[Proof]) -> list[Json]:
    """Return what is stored of proofs."""
    return [[*_usual(proof), *_from_elsewhere(proof)] for proof in proofs]


def _usual(proof: Proof) -> list[Json]:
    return [proof.factor.value, to_micros(proof.verified_at), proof.credential_id, sorted(proof.traits)]


def _from_elsewhere(proof: Proof) -> list[Json]:
    if not proof.believed and not proof.told:
        return []
    return [[factor.value for factor in proof.believed], list(proof.told)]


def proofs_from_json(stored: Json) -> tuple[Proof, ...]:
    """Return proofs as they were; rows of an older version name factor and time only."""
    rows = cast(list[list[Any]], stored or [])
    return tuple(
        Proof(
            Factor(row[0]),
            EPOCH + row[1] * MICROSECOND,
            row[2] if len(row) > 2 else None,
            frozenset(Trait(name) for name in row[3]) if len(row) > 3 else frozenset(),
            tuple(Factor(name) for name in row[4]) if len(row) > 4 else (),
            tuple(row[5]) if len(row) > 5 else (),
        )
        for row in rows
    )
