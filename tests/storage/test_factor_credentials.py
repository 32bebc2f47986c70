"""Authenticators, passkeys and phones: each change is one statement that refuses first, then happens once."""

from dataclasses import replace
from typing import Any

import pytest

from idp.domain.assurance import Factor
from idp.domain.credential import Credential
from idp.domain.secret import make_id
from idp.domain.user import User
from idp.storage.credentials import CredentialTaken
from idp.storage.database import Database
from idp.storage.stores import Stores, Transactions
from tests.support.builders import MINUTE, NOW, digest, user
from tests.support.storage import Crowd, World, rows

MANY = 50


def credential(of: User, **changes: Any) -> Credential:
    plain = Credential(make_id(), of.id, Factor.TOTP, "My phone", NOW, {"seed": "SECRETSEED"})
    return replace(plain, **changes)


async def test_a_credential_comes_back_as_it_was(stores: Stores, world: World) -> None:
    made = credential(world.user, factor=Factor.WEBAUTHN, counter=7)
    await stores.credentials.add(made, lookup=digest())

    assert await stores.credentials.find(world.user.id, made.id) == made
    assert await stores.credentials.of_user(world.user.id) == [made]
    assert await stores.credentials.of_user(world.user.id, Factor.TOTP) == []
    assert await stores.credentials.factors_of(world.user.id) == {Factor.WEBAUTHN}


async def test_somebody_elses_credential_is_unknown(stores: Stores, world: World) -> None:
    other = user()
    await stores.users.add(other)
    made = credential(world.user)
    await stores.credentials.add(made)

    assert await stores.credentials.find(other.id, made.id) is None
    assert not await stores.credentials.remove(other.id, made.id)
    assert await stores.credentials.find(world.user.id, "x" * 1000) is None
    assert await stores.credentials.find(world.user.id, "\0") is None
    assert await stores.credentials.remove(world.user.id, made.id)
    assert not await stores.credentials.remove(world.user.id, made.id)


async def test_the_password_is_no_credential_that_can_be_listed_or_found(stores: Stores, world: World) -> None:
    await stores.credentials.set_password(world.user.id, "hash", NOW)

    assert await stores.credentials.of_user(world.user.id) == []
    assert await stores.credentials.remove_all(world.user.id) == 0
    assert await stores.credentials.password_of(world.user.id) is not None
    assert await stores.credentials.remove_all(world.user.id, keep_password=False) == 1


async def test_what_was_not_confirmed_opens_nothing_until_it_is_once(stores: Stores, world: World) -> None:
    made, store = credential(world.user, is_active=False), stores.credentials
    lookup = digest()
    await store.add(made, lookup=lookup)

    assert await store.of_user(world.user.id) == []
    assert await store.factors_of(world.user.id) == frozenset()
    assert await store.find_by_lookup(lookup) is None
    assert not await store.activate(make_id(), counter=5, now=NOW)
    assert await store.activate(made.id, counter=5, now=NOW)
    assert not await store.activate(made.id, counter=9, now=NOW)

    (active,) = await store.of_user(world.user.id)
    assert (active.counter, active.last_used_at) == (5, NOW)
    assert await store.find_by_lookup(lookup) == active


async def test_forgetting_what_was_begun_spares_what_counts(stores: Stores, world: World) -> None:
    kept, begun = credential(world.user), credential(world.user, is_active=False)
    for each in (kept, begun):
        await stores.credentials.add(each)

    await stores.credentials.remove_unconfirmed(world.user.id, Factor.TOTP)

    assert await stores.credentials.find(world.user.id, begun.id) is None
    assert await stores.credentials.of_user(world.user.id) == [kept]


async def test_a_time_step_only_moves_forward(stores: Stores, world: World) -> None:
    """RFC 6238 §5.2."""
    made, store = credential(world.user, counter=10), stores.credentials
    await store.add(made)

    assert not await store.advance(made.id, 9, NOW)
    assert not await store.advance(made.id, 10, NOW)
    assert not await store.advance(make_id(), 11, NOW)
    assert await store.advance(made.id, 11, NOW)
    assert not await store.advance(made.id, 11, NOW)
    assert await store.advance(made.id, 100, NOW)


async def test_what_a_ceremony_changed_is_stored_unless_it_changed_meanwhile(stores: Stores, world: World) -> None:
    made, store = credential(world.user, counter=3), stores.credentials
    await store.add(made)
    used = replace(made, counter=4, content={"backed_up": True})

    assert not await store.note_use(used, old_counter=2, now=NOW)
    assert not await store.note_use(replace(used, id=make_id()), old_counter=3, now=NOW)
    assert await store.note_use(used, old_counter=3, now=NOW + MINUTE)
    assert not await store.note_use(used, old_counter=3, now=NOW)

    assert await store.find(world.user.id, made.id) == replace(used, last_used_at=NOW + MINUTE)


async def test_a_name_is_changed_and_nothing_else(stores: Stores, world: World) -> None:
    made = credential(world.user)
    await stores.credentials.add(made)

    await stores.credentials.rename(replace(made, name="New"))

    assert await stores.credentials.find(world.user.id, made.id) == replace(made, name="New")


async def test_a_look_up_value_is_one_persons(stores: Stores, world: World) -> None:
    """The transaction goes on after the refusal."""
    other, lookup = user(), digest()
    await stores.users.add(other)
    first = credential(world.user)
    await stores.credentials.add(first, lookup=lookup)

    for somebody in (other, world.user):
        with pytest.raises(CredentialTaken):
            await stores.credentials.add(credential(somebody), lookup=lookup)

    assert await stores.credentials.find_by_lookup(lookup) == first
    assert await stores.credentials.of_user(other.id) == []


async def test_a_look_up_value_is_taken_by_one_of_many(crowd: Crowd, transactions: Transactions, world: World) -> None:
    lookup = digest()

    async def take(stores: Stores) -> bool:
        try:
            await stores.credentials.add(credential(world.user), lookup=lookup)
        except CredentialTaken:
            return False
        return True

    assert sum(await crowd.race(10, take)) == 1


async def test_a_credential_is_confirmed_by_one_of_fifty(
    crowd: Crowd, transactions: Transactions, world: World
) -> None:
    made = credential(world.user, is_active=False)
    async with transactions.open(write=True) as stores:
        await stores.credentials.add(made)

    assert sum(await crowd.race(MANY, lambda stores: stores.credentials.activate(made.id, counter=1, now=NOW))) == 1


async def test_seeds_names_and_numbers_are_sealed(database: Database, transactions: Transactions, world: World) -> None:
    made = credential(world.user, content={"seed": "SECRETSEED", "phone": "+4915123456789"}, name="Bobs telephone")
    async with transactions.open(write=True) as stores:
        await stores.credentials.add(made)

    written = repr(await rows(database, "credentials"))

    for secret in ("SECRETSEED", "4915123456789", "Bobs"):
        assert secret not in written
