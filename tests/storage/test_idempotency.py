"""Keys of requests: taken once, also by two at once, and free again when their time is over."""

import asyncio

from idp.storage.idempotency import Answered
from idp.storage.stores import Transactions
from tests.support.builders import HOUR, NOW, TICK, digest


async def test_a_key_is_taken_once_until_it_is_over(transactions: Transactions) -> None:
    key, request, other = digest(), digest(), digest()
    async with transactions.open(write=True) as stores:
        assert await stores.idempotency.claim(key, request, expires_at=NOW + HOUR, now=NOW) is None
    async with transactions.open(write=True) as stores:
        under_way = await stores.idempotency.claim(key, other, expires_at=NOW + HOUR, now=NOW)
        late = await stores.idempotency.answer(key, 500, {}, claimed_until=NOW, expires_at=NOW + HOUR)
        noted = await stores.idempotency.answer(
            key, 201, {"client_secret": "kept sealed"}, claimed_until=NOW + HOUR, expires_at=NOW + HOUR
        )
    async with transactions.open(write=True) as stores:
        answered = await stores.idempotency.claim(key, request, expires_at=NOW + HOUR, now=NOW + HOUR - TICK)
        over = await stores.idempotency.claim(key, other, expires_at=NOW + 2 * HOUR, now=NOW + HOUR)

    assert (late, noted) == (False, True)  # whose claim was over writes nothing
    assert under_way == Answered(request, None, None)
    assert answered == Answered(request, 201, {"client_secret": "kept sealed"})
    assert over is None


async def test_of_two_at_once_one_takes_the_key(transactions: Transactions) -> None:
    key, request = digest(), digest()

    async def take() -> Answered | None:
        async with transactions.open(write=True) as stores:
            return await stores.idempotency.claim(key, request, expires_at=NOW + HOUR, now=NOW)

    found = await asyncio.gather(*(take() for _ in range(5)))

    assert found.count(None) == 1


async def test_a_key_whose_request_did_nothing_is_free_again(transactions: Transactions) -> None:
    key, request = digest(), digest()
    async with transactions.open(write=True) as stores:
        await stores.idempotency.claim(key, request, expires_at=NOW + HOUR, now=NOW)
        await stores.idempotency.release(key, claimed_until=NOW + HOUR)
        assert await stores.idempotency.claim(key, request, expires_at=NOW + HOUR, now=NOW) is None
