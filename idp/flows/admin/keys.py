"""Signing keys: which there are, and turning one over to the next. Private halves are never shown."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from idp.domain.permission import Permission as P
from idp.flows.admin.operation import Input, Nothing, Operation, Output, Work
from idp.flows.admin.problem import Code, Problem, missing
from idp.flows.signing_keys import TooManyKeys


class KeyShown(Output):
    """A signing key."""

    kid: str
    alg: str
    state: str
    published_at: datetime
    activates_at: datetime | None
    activated_at: datetime | None
    retired_at: datetime | None


class Keys(Output):
    """All keys, the oldest first."""

    items: list[KeyShown]


class Rotated(Output):
    """Keys that sign from now on, and keys that were published to sign later."""

    activated: list[str]
    published: list[str]


class KeysWanted(Input):
    """All keys."""


class KeyWanted(Input):
    """One key."""

    kid: Annotated[str, Field(min_length=1, max_length=64)]


async def _list(work: Work, _wanted: KeysWanted) -> Keys:
    found = await work.stores.signing_keys.list()
    return Keys(
        items=[
            KeyShown(
                kid=key.kid, alg=key.alg, state=key.state.value, published_at=key.published_at,
                activates_at=key.activates_at, activated_at=key.activated_at, retired_at=key.retired_at,
            )
            for key in found
        ]
    )  # fmt: skip


async def _rotate(work: Work, _wanted: KeysWanted) -> Rotated:
    try:
        done = await work.tools.keys.acting(work.caller.actor).rotate()
    except TooManyKeys:
        raise Problem(Code.CONFLICT, "several next keys wait already") from None
    return Rotated(activated=list(done.activated), published=list(done.published))


async def _retire(work: Work, wanted: KeyWanted) -> Nothing:
    return await _end(work, wanted, revoke=False)


async def _revoke(work: Work, wanted: KeyWanted) -> Nothing:
    return await _end(work, wanted, revoke=True)


async def _end(work: Work, wanted: KeyWanted, *, revoke: bool) -> Nothing:
    if not await work.tools.keys.acting(work.caller.actor).end(wanted.kid, revoke=revoke):
        raise missing("key")
    return Nothing()


LIST = Operation("keys.list", "List signing keys", P.KEYS_READ, KeysWanted, Keys, _list, "GET", "/keys")
ROTATE = Operation(
    "keys.rotate", "Publish next keys, and let those sign that were published long enough", P.KEYS_WRITE, KeysWanted,
    Rotated, _rotate, "POST", "/keys/rotate", is_dangerous=True, opens_its_own=True,
)  # fmt: skip
RETIRE = Operation(
    "keys.retire", "Let a key sign no more; what it signed stays good", P.KEYS_WRITE, KeyWanted, Nothing, _retire,
    "POST", "/keys/{kid}/retire", is_dangerous=True, status=204, opens_its_own=True,
)  # fmt: skip
REVOKE = Operation(
    "keys.revoke", "Let nothing count that a key signed", P.KEYS_WRITE, KeyWanted, Nothing, _revoke, "POST",
    "/keys/{kid}/revoke", is_dangerous=True, status=204, opens_its_own=True,
)  # fmt: skip
OPERATIONS = (LIST, ROTATE, RETIRE, REVOKE)
