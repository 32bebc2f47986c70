"""Codes, challenges, sign-ups, links with content, and remembered browsers: refused, then taken, then never again."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from idp.domain.secret import Digest, make_id
from idp.storage.links import Link
from idp.storage.recovery_codes import HashedCode
from idp.storage.signups import Signup
from idp.storage.stores import Stores, Transactions
from tests.support.builders import DAY, HOUR, MINUTE, NOW, TICK, digest, user
from tests.support.storage import Crowd, World

MANY, LIMIT = 50, 5
END = NOW + 5 * MINUTE


async def put(
    stores: Stores, code: Digest, *, binding: str = "b", purpose: str = "p", to: str = "a@example.com"
) -> None:
    await stores.one_time_codes.put(
        binding, purpose, user_id=None, digest=code, destination=to, now=NOW, expires_at=END
    )


async def test_a_code_is_spent_once_for_its_binding_and_purpose(stores: Stores, world: World) -> None:
    store, code = stores.one_time_codes, digest()
    await put(stores, code)

    for binding, purpose, value, now in (
        ("other", "p", code, NOW), ("b", "other", code, NOW), ("b", "p", digest(), NOW), ("b", "p", code, END),
    ):  # fmt: skip
        assert not await store.spend(binding, purpose, value, now)
    assert await store.spend("b", "p", code, END - TICK)
    assert not await store.spend("b", "p", code, END - TICK)
    assert await store.find("b", "p", NOW) is None
    assert await store.try_one("b", "p", NOW, limit=LIMIT) is None


async def test_a_try_is_counted_before_it_is_compared(stores: Stores, world: World) -> None:
    await put(stores, code := digest())
    for number in range(LIMIT):
        tried = await stores.one_time_codes.try_one("b", "p", NOW, limit=LIMIT)
        assert tried is not None
        assert (tried.tries, tried.digest, tried.destination) == (number + 1, code, "a@example.com")

    assert await stores.one_time_codes.try_one("b", "p", NOW, limit=LIMIT) is None
    assert await stores.one_time_codes.try_one("b", "p", END, limit=99) is None


async def test_a_new_code_keeps_the_tries_of_its_place(stores: Stores, world: World) -> None:
    store, old, new = stores.one_time_codes, digest(), digest()
    await put(stores, old)
    await store.try_one("b", "p", NOW, limit=LIMIT)

    await put(stores, new)
    same = await store.find("b", "p", NOW)
    await put(stores, new, to="b@example.com")
    moved = await store.find("b", "p", NOW)

    assert same is not None
    assert moved is not None
    assert (same.tries, moved.tries) == (1, 0)
    assert not await store.spend("b", "p", old, NOW)


async def test_no_try_is_lost_while_a_new_code_is_sent(crowd: Crowd, transactions: Transactions, world: World) -> None:
    async with transactions.open(write=True) as stores:
        await put(stores, digest())
    turns = iter(range(20))

    async def either(stores: Stores) -> None:
        if next(turns) % 2:
            await put(stores, digest())
        else:
            await stores.one_time_codes.try_one("b", "p", NOW, limit=99)

    await crowd.race(20, either)

    async with transactions.open(write=False) as stores:
        found = await stores.one_time_codes.find("b", "p", NOW)
    assert found is not None
    assert found.tries == 10


async def test_of_fifty_tries_at_once_five_are_compared(crowd: Crowd, transactions: Transactions, world: World) -> None:
    async with transactions.open(write=True) as stores:
        await put(stores, digest())

    tried = await crowd.race(MANY, lambda stores: stores.one_time_codes.try_one("b", "p", NOW, limit=LIMIT))

    assert sum(each is not None for each in tried) == LIMIT


async def test_codes_of_a_person_are_forgotten(stores: Stores, world: World) -> None:
    for purpose, whose in (("mine", world.user.id), ("nobody's", None)):
        await stores.one_time_codes.put(
            "b", purpose, user_id=whose, digest=digest(), destination="x", now=NOW, expires_at=END
        )

    await stores.one_time_codes.forget_of_user(world.user.id)

    assert await stores.one_time_codes.find("b", "mine", NOW) is None
    assert await stores.one_time_codes.find("b", "nobody's", NOW) is not None


async def test_a_challenge_is_spent_by_the_first_answer(stores: Stores, world: World) -> None:
    """WebAuthn §13.4.3: also by one that comes too late."""
    store = stores.webauthn_challenges
    await store.put("b", "p", b"1" * 32, user_id=world.user.id, expires_at=END)

    assert await store.take("other", "p", NOW) is None
    assert await store.take("b", "other", NOW) is None
    taken = await store.take("b", "p", END - TICK)
    assert taken is not None
    assert (taken.challenge, taken.user_id) == (b"1" * 32, world.user.id)
    assert await store.take("b", "p", NOW) is None

    await store.put("b", "p", b"2" * 32, user_id=None, expires_at=END)
    assert await store.take("b", "p", END) is None
    assert await store.take("b", "p", NOW) is None


async def test_a_challenge_is_taken_by_one_of_fifty(crowd: Crowd, transactions: Transactions, world: World) -> None:
    async with transactions.open(write=True) as stores:
        await stores.webauthn_challenges.put("b", "p", b"1" * 32, user_id=None, expires_at=END)

    taken = await crowd.race(MANY, lambda stores: stores.webauthn_challenges.take("b", "p", NOW))

    assert sum(each is not None for each in taken) == 1


def hashed(*selectors: str) -> Sequence[HashedCode]:
    return [HashedCode(selector, bytes(16), digest()) for selector in selectors]


async def test_a_recovery_code_is_spent_once_while_its_set_counts(stores: Stores, world: World) -> None:
    store, (first, second) = stores.recovery_codes, hashed("aaa", "bbb")
    await store.replace(world.user.id, [first, second], NOW)

    assert not await store.spend("nobody", first, NOW)
    assert not await store.spend(world.user.id, HashedCode("aaa", bytes(16), digest()), NOW)
    assert await store.spend(world.user.id, first, NOW)
    assert not await store.spend(world.user.id, first, NOW)
    assert await store.find(world.user.id, "aaa") is None
    assert await store.find(world.user.id, "bbb") == second
    assert await store.find(world.user.id, "\0") is None
    assert await store.count(world.user.id) == 1

    await store.replace(world.user.id, hashed("bbb"), NOW)
    assert not await store.spend(world.user.id, second, NOW)
    await store.remove(world.user.id)
    assert await store.count(world.user.id) == 0


async def test_a_sign_up_is_finished_once_and_in_time(stores: Stores, world: World) -> None:
    waiting = Signup(make_id(), digest(), {"email": "new@example.com"}, NOW + HOUR)
    await stores.signups.put(waiting, NOW)

    assert await stores.signups.find("x" * 99, NOW) is None
    assert await stores.signups.find(waiting.id, NOW + HOUR) is None
    assert not await stores.signups.complete(waiting.id, NOW + HOUR)
    assert not await stores.signups.complete(make_id(), NOW)
    assert await stores.signups.find(waiting.id, NOW + HOUR - TICK) == waiting
    again = replace(waiting, content={"email": "corrected@example.com"})
    await stores.signups.put(again, NOW)
    assert await stores.signups.find(waiting.id, NOW) == again
    assert await stores.signups.complete(waiting.id, NOW)
    assert not await stores.signups.complete(waiting.id, NOW)
    assert await stores.signups.find(waiting.id, NOW) is None


async def test_a_link_tells_whose_and_what_for_and_is_taken_once(stores: Stores, world: World) -> None:
    link = digest()
    await stores.links.add(
        link, purpose="reset", expires_at=NOW + HOUR, now=NOW, user_id=world.user.id, content={"to": "x", "n": 1}
    )  # fmt: skip
    made = Link(world.user.id, {"to": "x", "n": 1})

    assert await stores.links.look(link, purpose="reset", now=NOW) == made
    assert (made.text("to"), made.text("n"), made.text("none")) == ("x", "", "")
    assert await stores.links.take(link, purpose="other", now=NOW) is None
    assert await stores.links.take(link, purpose="reset", now=NOW + HOUR) is None
    assert await stores.links.take(link, purpose="reset", now=NOW + HOUR - TICK) == made
    assert await stores.links.take(link, purpose="reset", now=NOW) is None
    assert await stores.links.newest("reset", world.user.id, NOW) is None


async def test_a_new_link_kills_those_of_its_person_only_and_spares_notices(stores: Stores, world: World) -> None:
    other = user()
    await stores.users.add(other)
    mine, theirs, notice, newest = (digest() for _ in range(4))
    for link, whose, purpose in ((mine, world.user, "p"), (theirs, other, "p"), (notice, world.user, "notice")):
        await stores.links.add(link, purpose=purpose, expires_at=END, now=NOW, user_id=whose.id)
    await stores.links.add(digest(), purpose="notice", expires_at=END, now=NOW, user_id=world.user.id, spare=True)

    await stores.links.add(newest, purpose="p", expires_at=END, now=NOW, user_id=world.user.id)

    assert not await stores.links.is_open(mine, purpose="p", now=NOW)
    assert await stores.links.is_open(theirs, purpose="p", now=NOW)
    assert await stores.links.is_open(notice, purpose="notice", now=NOW)
    assert await stores.links.newest("p", world.user.id, NOW) == Link(world.user.id, {})
    assert await stores.links.newest("p", world.user.id, END) is None
    assert await stores.links.void("notice", world.user.id, NOW) == 2


async def test_a_browser_is_remembered_for_one_person_until_its_time(stores: Stores, world: World) -> None:
    store, browser, end = stores.remembered_browsers, digest(), NOW + 30 * DAY
    await store.remember(world.user.id, browser, device="Firefox", now=NOW, expires_at=end, keep=10)

    assert not await store.recognise("nobody", browser, NOW)
    assert not await store.recognise(world.user.id, digest(), NOW)
    assert not await store.recognise(world.user.id, browser, end)
    assert await store.recognise(world.user.id, browser, end - TICK)
    (listed,) = await store.of_user(world.user.id, NOW)
    assert (listed.device, listed.expires_at) == ("Firefox", end)
    assert await store.of_user(world.user.id, end) == []
    assert await store.forget("nobody", listed.id) == 0
    assert await store.forget(world.user.id, listed.id) == 1
    assert not await store.recognise(world.user.id, browser, NOW)


async def test_the_browser_that_was_used_least_makes_room(stores: Stores, world: World) -> None:
    store, browsers = stores.remembered_browsers, [digest() for _ in range(4)]
    for number, browser in enumerate(browsers[:3]):
        now = NOW + number * MINUTE
        await store.remember(world.user.id, browser, device="x", now=now, expires_at=NOW + DAY, keep=3)
    await store.touch(world.user.id, browsers[0], NOW + HOUR)

    await store.remember(world.user.id, browsers[3], device="x", now=NOW + HOUR, expires_at=NOW + DAY, keep=3)

    kept = [await store.recognise(world.user.id, browser, NOW) for browser in browsers]
    assert kept == [True, False, True, True]
    assert await store.forget(world.user.id) == 3


async def test_remembering_again_renews_the_time(stores: Stores, world: World) -> None:
    store, browser = stores.remembered_browsers, digest()
    for now in (NOW, NOW + DAY):
        await store.remember(world.user.id, browser, device="x", now=now, expires_at=now + DAY, keep=10)

    assert len(await store.of_user(world.user.id, NOW)) == 1
    assert await store.recognise(world.user.id, browser, NOW + 2 * DAY - TICK)


@pytest.mark.parametrize(("limit", "kept"), [(2, ["d", "c"]), (9, ["d", "c", "b"])])
async def test_the_last_passwords_are_kept_newest_first(
    stores: Stores, world: World, limit: int, kept: list[str]
) -> None:
    for number, hash_ in enumerate("abcd"):
        await stores.password_history.add(world.user.id, hash_, NOW + number * MINUTE, keep=3)

    assert await stores.password_history.of_user(world.user.id, limit=limit) == kept
    assert await stores.password_history.of_user("nobody", limit=limit) == []
