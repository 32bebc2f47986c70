"""A secret that is shown once: to the session, on the page and with the ticket it was kept for, and not for long."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from idp.flows import shown_once
from idp.flows.shown_once import Place
from idp.policy.lifetimes import SHOWN_ONCE
from idp.storage.links import links
from idp.storage.stores import Stores
from tests.support.builders import NOW, TICK, user
from tests.support.databases import fresh_database
from tests.support.storage import DIGESTER, opened, transactions_on

PLACE = Place("u1", "s1", "/admin/webhooks/w1", "ticket")
SECRET = "whsec_a-secret-of-somebody"


@pytest.fixture(params=["sqlite", "postgresql"])
async def kept(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stores]:
    """Stores in which a secret waits."""
    async with (
        fresh_database(request.param, tmp_path) as url,
        opened(url) as database,
        transactions_on(database).open(write=True) as stores,
    ):
        await stores.users.add(user(id="u1"))
        await shown_once.keep(stores, DIGESTER, PLACE, SECRET, NOW)
        yield stores


@pytest.mark.parametrize("member", ["user_id", "session_id", "path", "ticket"])
async def test_nobody_else_reads_it_and_trying_spends_nothing(kept: Stores, member: str) -> None:
    other = replace(PLACE, **{member: "another"})

    assert await shown_once.read(kept, DIGESTER, other, NOW) is None
    assert await shown_once.read(kept, DIGESTER, PLACE, NOW) == SECRET


async def test_it_is_read_once_and_nothing_of_it_stays(kept: Stores) -> None:
    assert await shown_once.read(kept, DIGESTER, PLACE, NOW) == SECRET
    assert await shown_once.read(kept, DIGESTER, PLACE, NOW) is None
    assert (await kept.connection.execute(links.select())).all() == []


async def test_it_is_sealed_while_it_waits(kept: Stores) -> None:
    (row,) = (await kept.connection.execute(links.select())).all()

    assert SECRET.encode() not in row.sealed_content
    assert PLACE.ticket not in str(row)


async def test_it_is_shown_until_its_last_moment(kept: Stores) -> None:
    late = replace(PLACE, ticket="late")
    await shown_once.keep(kept, DIGESTER, late, SECRET, NOW)

    assert await shown_once.read(kept, DIGESTER, late, NOW + SHOWN_ONCE - TICK) == SECRET
    assert await shown_once.read(kept, DIGESTER, PLACE, NOW + SHOWN_ONCE) is None


async def test_one_that_waits_does_not_end_another(kept: Stores) -> None:
    second = replace(PLACE, ticket="second")
    await shown_once.keep(kept, DIGESTER, second, "another secret", NOW)

    assert await shown_once.read(kept, DIGESTER, PLACE, NOW) == SECRET
    assert await shown_once.read(kept, DIGESTER, second, NOW) == "another secret"
