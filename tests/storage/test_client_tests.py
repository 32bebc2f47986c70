"""A test of a client is found while it is under way, answered once and ended once, also by two at once."""

import asyncio
from dataclasses import replace

import pytest

from idp.storage.client_tests import ClientTest
from idp.storage.stores import Stores, Transactions
from tests.support.builders import MINUTE, NOW, TICK, digest
from tests.support.storage import World


def begun(world: World) -> ClientTest:
    """Return a test that begins now."""
    return ClientTest(
        state=digest(), client_id=world.client.id, user_id=world.user.id, session_id=world.session.id,
        browser=digest(), verifier="verifier", nonce="nonce", scopes=("openid", "email"), expires_at=NOW + 10 * MINUTE,
    )  # fmt: skip


@pytest.fixture
async def test_(stores: Stores, world: World) -> ClientTest:
    """A test under way."""
    test = begun(world)
    await stores.client_tests.add(test, NOW)
    return test


async def test_a_test_is_found_as_it_was_until_it_expires(stores: Stores, test_: ClientTest) -> None:
    assert await stores.client_tests.find(test_.state, test_.expires_at - TICK) == test_
    assert await stores.client_tests.find(test_.state, test_.expires_at) is None
    assert await stores.client_tests.find(digest(), NOW) is None


async def test_a_test_has_one_code(stores: Stores, test_: ClientTest) -> None:
    code = digest()

    assert await stores.client_tests.answer(test_.state, code, NOW)
    assert not await stores.client_tests.answer(test_.state, digest(), NOW)
    assert await stores.client_tests.find(test_.state, NOW) == replace(test_, code=code)


async def test_a_test_that_is_over_takes_no_code(stores: Stores, test_: ClientTest) -> None:
    assert not await stores.client_tests.answer(test_.state, digest(), test_.expires_at)
    assert await stores.client_tests.spend(test_.state, NOW) == test_
    assert not await stores.client_tests.answer(test_.state, digest(), NOW)
    assert await stores.client_tests.spend(test_.state, NOW) is None
    assert await stores.client_tests.find(test_.state, NOW) is None


async def test_a_test_is_not_ended_after_its_time(stores: Stores, test_: ClientTest) -> None:
    assert await stores.client_tests.spend(test_.state, test_.expires_at) is None


async def test_of_two_that_end_a_test_at_once_one_does(transactions: Transactions, world: World) -> None:
    test = begun(world)
    async with transactions.open(write=True) as stores:
        await stores.client_tests.add(test, NOW)

    async def end() -> ClientTest | None:
        async def work(stores: Stores) -> ClientTest | None:
            return await stores.client_tests.spend(test.state, NOW)

        return await transactions.run(work, write=True)

    ended = await asyncio.gather(*(end() for _ in range(4)))

    assert [each for each in ended if each is not None] == [test]
