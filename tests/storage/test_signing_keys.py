"""Signing keys: one active for each algorithm, next before and retired after it, revoked for ever."""

from dataclasses import replace
from typing import Any

import pytest

from idp.storage.signing_keys import EPOCH_NAME, KeyGone, KeyState, SigningKey
from idp.storage.stores import Stores
from tests.support.builders import DAY, NOW, make_id

JWK = {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}


def key(**changes: Any) -> SigningKey:
    plain = SigningKey(make_id(), "ES256", KeyState.NEXT, JWK, private_ref=make_id(), published_at=NOW)
    return replace(plain, **changes)


async def stored(stores: Stores, **changes: Any) -> SigningKey:
    made = key(**changes)
    assert await stores.signing_keys.add(made)
    return made


async def states(stores: Stores) -> dict[str, KeyState]:
    return {found.kid: found.state for found in await stores.signing_keys.list()}


async def epoch(stores: Stores) -> int:
    return (await stores.epochs.all()).get(EPOCH_NAME, 0)


async def test_a_key_is_read_as_it_was_published(stores: Stores) -> None:
    first = await stored(stores, state=KeyState.ACTIVE, activated_at=NOW, published_at=NOW - DAY)
    second = await stored(stores, activates_at=NOW + DAY)

    assert await stores.signing_keys.list() == [first, second]


async def test_an_algorithm_has_one_active_key(stores: Stores) -> None:
    """Invariant I7, held by a unique index."""
    await stored(stores, state=KeyState.ACTIVE)

    assert not await stores.signing_keys.add(key(state=KeyState.ACTIVE))
    assert await stores.signing_keys.add(key(state=KeyState.ACTIVE, alg="RS256"))
    assert await stores.signing_keys.add(key(state=KeyState.NEXT))
    assert await stores.signing_keys.add(key(state=KeyState.NEXT))
    assert len(await stores.signing_keys.list()) == 4


async def test_a_kid_is_never_used_twice(stores: Stores) -> None:
    first = await stored(stores)

    assert not await stores.signing_keys.add(key(kid=first.kid, alg="RS256"))


async def test_the_next_key_takes_over_from_the_active_one(stores: Stores) -> None:
    old, new = await stored(stores, state=KeyState.ACTIVE), await stored(stores, activates_at=NOW)

    assert await stores.signing_keys.promote(kid=new.kid, alg="ES256", old=old.kid, now=NOW + DAY)

    assert await stores.signing_keys.list() == sorted(
        [
            replace(old, state=KeyState.RETIRED, retired_at=NOW + DAY),
            replace(new, state=KeyState.ACTIVE, activated_at=NOW + DAY, activates_at=None),
        ],
        key=lambda found: found.kid,
    )


async def test_whoever_comes_second_changes_nothing(stores: Stores) -> None:
    old, new, late = await stored(stores, state=KeyState.ACTIVE), await stored(stores), await stored(stores)
    await stores.signing_keys.promote(kid=new.kid, alg="ES256", old=old.kid, now=NOW)
    before = await states(stores)

    assert not await stores.signing_keys.promote(kid=late.kid, alg="ES256", old=old.kid, now=NOW)

    assert await states(stores) == before


@pytest.mark.parametrize("state", [KeyState.RETIRED, KeyState.REVOKED])
async def test_a_key_that_is_not_next_never_takes_over(stores: Stores, state: KeyState) -> None:
    """And the active one goes on, since the exception rolls its retirement back."""
    old, gone = await stored(stores, state=KeyState.ACTIVE), await stored(stores, state=state)

    with pytest.raises(KeyGone):
        async with stores.connection.begin_nested():
            await stores.signing_keys.promote(kid=gone.kid, alg="ES256", old=old.kid, now=NOW)

    assert await states(stores) == {old.kid: KeyState.ACTIVE, gone.kid: state}


async def test_a_key_takes_over_for_its_own_algorithm_only(stores: Stores) -> None:
    old, new = await stored(stores, state=KeyState.ACTIVE), await stored(stores, alg="RS256")

    with pytest.raises(KeyGone):
        async with stores.connection.begin_nested():
            await stores.signing_keys.promote(kid=new.kid, alg="ES256", old=old.kid, now=NOW)

    assert not await stores.signing_keys.promote(kid=new.kid, alg="RS256", old=old.kid, now=NOW)


async def test_only_a_key_that_waits_is_scheduled(stores: Stores) -> None:
    waiting, active = await stored(stores), await stored(stores, state=KeyState.ACTIVE)

    for found in (waiting, active):
        await stores.signing_keys.schedule(found.kid, NOW + DAY)

    times = {found.kid: found.activates_at for found in await stores.signing_keys.list()}
    assert times == {waiting.kid: NOW + DAY, active.kid: None}


async def test_a_revoked_key_never_comes_back(stores: Stores) -> None:
    """Invariant I8."""
    made = await stored(stores, state=KeyState.ACTIVE)
    assert await stores.signing_keys.set_state(made.kid, KeyState.RETIRED, NOW)
    assert await stores.signing_keys.set_state(made.kid, KeyState.REVOKED, NOW)

    for state in KeyState:
        assert not await stores.signing_keys.set_state(made.kid, state, NOW)

    assert await states(stores) == {made.kid: KeyState.REVOKED}
    assert not await stores.signing_keys.set_state("unknown", KeyState.RETIRED, NOW)


async def test_every_change_bumps_the_epoch(stores: Stores) -> None:
    old, new = await stored(stores, state=KeyState.ACTIVE), await stored(stores)
    epochs = [await epoch(stores)]

    for change in (
        stores.signing_keys.promote(kid=new.kid, alg="ES256", old=old.kid, now=NOW),
        stores.signing_keys.set_state(old.kid, KeyState.REVOKED, NOW),
        stores.signing_keys.add(key()),
    ):
        await change
        epochs.append(await epoch(stores))

    assert epochs == sorted(set(epochs))
