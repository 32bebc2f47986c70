"""How proofs are written down: compact JSON, the same on sessions and interactions."""

from collections.abc import Sequence
from typing import Any, cast

from idp.domain.assurance import Factor, Proof, Trait
from idp.domain.json import Json
from idp.storage.columns import EPOCH, MICROSECOND, to_micros


def proofs_to_json(proofs: Sequence[Proof]) -> list[Json]:
    """Return what is stored of proofs."""
    return [
        [proof.factor.value, to_micros(proof.verified_at), proof.credential_id, sorted(proof.traits)]
        for proof in proofs
    ]


def proofs_from_json(stored: Json) -> tuple[Proof, ...]:
    """Return proofs as they were; rows of an older version name factor and time only."""
    rows = cast(list[list[Any]], stored or [])
    return tuple(
        Proof(
            Factor(row[0]),
            EPOCH + row[1] * MICROSECOND,
            row[2] if len(row) > 2 else None,
            frozenset(Trait(name) for name in row[3]) if len(row) > 3 else frozenset(),
        )
        for row in rows
    )
