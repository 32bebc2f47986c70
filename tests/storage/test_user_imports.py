"""How far an import has come: moved by one at a time, from where it stands, and never past its end."""

from idp.storage.stores import Stores
from tests.support.builders import MINUTE, NOW
from tests.support.storage import Crowd

FILE = "0" * 64


async def test_an_import_moves_only_from_where_it_stands(stores: Stores) -> None:
    assert not await stores.user_imports.advance(FILE, line=1, to=501)
    await stores.user_imports.begin(FILE, "csv", NOW)

    assert not await stores.user_imports.advance(FILE, line=2, to=501)
    assert await stores.user_imports.advance(FILE, line=1, to=501)
    assert not await stores.user_imports.advance(FILE, line=1, to=501)


async def test_who_begins_again_finds_what_was_counted(stores: Stores) -> None:
    await stores.user_imports.begin(FILE, "csv", NOW)
    await stores.user_imports.advance(FILE, line=1, to=501)
    await stores.user_imports.count(FILE, imported=490, refused=10)
    await stores.user_imports.count(FILE, imported=1, refused=0)

    await stores.user_imports.begin(FILE, "jsonl", NOW + MINUTE)

    state = await stores.user_imports.find(FILE)
    assert state is not None
    assert (state.options, state.next_line, state.imported, state.refused) == ("csv", 501, 491, 10)
    assert (state.started_at, state.finished_at) == (NOW, None)


async def test_what_is_finished_stays_so_until_it_is_forgotten(stores: Stores) -> None:
    await stores.user_imports.begin(FILE, "csv", NOW)
    assert not await stores.user_imports.finish(FILE, line=2, now=NOW)

    assert await stores.user_imports.finish(FILE, line=1, now=NOW)
    assert not await stores.user_imports.finish(FILE, line=1, now=NOW)
    assert not await stores.user_imports.advance(FILE, line=1, to=2)

    await stores.user_imports.forget(FILE)
    assert await stores.user_imports.find(FILE) is None


async def test_of_many_at_once_one_moves_an_import(crowd: Crowd) -> None:
    async with crowd.members[0].open(write=True) as stores:
        await stores.user_imports.begin(FILE, "csv", NOW)

    moved = await crowd.race(3, lambda stores: stores.user_imports.advance(FILE, line=1, to=501))

    assert sorted(moved) == [False, False, True]
