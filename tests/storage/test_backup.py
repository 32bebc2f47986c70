"""A backup carries everything from one database to another, of either kind, and revives nothing that was ended."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from idp.domain.assurance import Factor
from idp.domain.credential import Credential
from idp.domain.secret import Digest
from idp.storage import backup
from idp.storage.backup import BadBackup
from idp.storage.columns import metadata
from idp.storage.database import Database
from idp.storage.maintenance import maintenance
from idp.storage.recovery_codes import HashedCode
from idp.storage.signups import Signup
from idp.storage.stores import Stores, Transactions
from tests.support.builders import DAY, HOUR, NOW, access_token, code, digest, grant, user
from tests.support.databases import KINDS
from tests.support.storage import World, migrated_database, opened, rows, transactions_on

REVISION = "revision"
HEADER = json.dumps({"format": backup.FORMAT, "revision": REVISION})
ENDED = {"sessions": {"ended_at"}, "grants": {"revoked_at"}, "codes": {"failures"}, "links": {"spent_at"}}


@pytest.fixture(params=KINDS)
async def other(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """Another database, empty."""
    (tmp_path / "other").mkdir()
    async with migrated_database(request.param, tmp_path / "other") as url, opened(url) as database:
        yield database


@pytest.fixture
async def filled(transactions: Transactions, world: World) -> World:
    """A world with a code, a token, a link and a consent in it."""
    async with transactions.open(write=True) as stores:
        await stores.codes.add(code(grant(world.client.id, world.user.id, world.session.id)))
        await stores.access_tokens.add(access_token(world.grant), digest())
        await stores.links.add(digest(), purpose="administrator", expires_at=NOW + DAY, now=NOW)
        await stores.credentials.set_password(world.user.id, "hash é", NOW)
        await stores.clients.set_logo(world.client.id, bytes(range(256)), "image/png")
        await stores.replays.remember(digest(), NOW + DAY)
        await stores.credentials.add(
            Credential("totp", world.user.id, Factor.TOTP, "App", NOW, {"seed": "S"}), lookup=digest()
        )
        await stores.password_history.add(world.user.id, "old hash", NOW, keep=5)
    return world


@pytest.fixture
async def spendable(transactions: Transactions, filled: World) -> Digest:
    """One of everything in that world that is used up, or spares a proof."""
    one = digest()
    async with transactions.open(write=True) as stores:
        await stores.one_time_codes.put(
            "b", "p", user_id=filled.user.id, digest=one, destination="x", now=NOW, expires_at=NOW + DAY
        )
        await stores.recovery_codes.replace(filled.user.id, [HashedCode("abc", bytes(16), one)], NOW)
        await stores.remembered_browsers.remember(
            filled.user.id, one, device="x", now=NOW, expires_at=NOW + DAY, keep=10
        )
        await stores.signups.put(Signup("signup", one, {}, NOW + DAY), NOW)
        await stores.webauthn_challenges.put("b", "p", one, user_id=filled.user.id, expires_at=NOW + DAY)
    return one


async def written(database: Database) -> list[str]:
    async with maintenance(database.url, write=False) as connection:
        return [line async for line in backup.lines(connection, REVISION)]


async def restored(database: Database, lines: list[str]) -> int:
    async with maintenance(database.url) as connection:
        return await backup.restore(connection, lines, revision=REVISION, now=NOW + HOUR)


async def content(database: Database, table: str) -> list[list[tuple[str, object]]]:
    """Return the rows of a table without what a restore ends, alike for every kind of database."""
    kept = [
        sorted((name, bytes(value) if isinstance(value, memoryview) else value) for name, value in row.items()
               if name not in ENDED.get(table, set()))
        for row in await rows(database, table)
    ]  # fmt: skip
    return sorted(kept, key=repr)


async def test_everything_comes_back_on_either_database(database: Database, other: Database, filled: World) -> None:
    lines = await written(database)

    assert await restored(other, lines) == len(lines) - 1

    for table in metadata.tables:
        assert await content(other, table) == await content(database, table), table
    async with transactions_on(other).open(write=False) as stores:
        assert await stores.users.find_by_name(str(filled.user.email)) == filled.user
        assert await stores.consents.of_user(filled.user.id) == []


async def test_a_restore_revives_nothing(database: Database, other: Database, filled: World) -> None:
    """Whatever was ended or spent after the backup was made: sessions, grants, codes and links in it are void."""
    await restored(other, await written(database))

    async with transactions_on(other).open(write=True) as stores:
        assert await stores.sessions.find(filled.cookie, NOW) is None
        assert await stores.grants.find_live(filled.grant.id, NOW) is None
    (link,), (made,) = await rows(other, "links"), await rows(other, "codes")
    async with transactions_on(other).open(write=True) as stores:
        assert not await stores.links.spend(link["digest"], purpose="administrator", now=NOW)  # type: ignore[arg-type]
        assert not await stores.codes.spend(made["digest"], NOW)  # type: ignore[arg-type]


async def test_a_restore_revives_no_code_and_remembers_no_browser(
    database: Database, other: Database, filled: World, spendable: Digest
) -> None:
    """What was spent, replaced or forgotten after the backup was made stays so; seeds and keys come back."""
    await restored(other, await written(database))

    whose = filled.user.id
    async with transactions_on(other).open(write=True) as stores:
        assert not await stores.one_time_codes.spend("b", "p", spendable, NOW)
        assert await stores.recovery_codes.count(whose) == 0
        assert not await stores.remembered_browsers.recognise(whose, spendable, NOW)
        assert await stores.signups.find("signup", NOW) is None
        assert await stores.webauthn_challenges.take("b", "p", NOW) is None
        assert [each.text("seed") for each in await stores.credentials.of_user(whose)] == ["S"]
        assert await stores.password_history.of_user(whose, limit=5) == ["old hash"]


async def test_a_backup_is_of_one_moment_and_stops_nobody(
    database: Database, transactions: Transactions, other: Database, world: World
) -> None:
    """Who signs up while it is made is in it whole or not at all, and does not wait for it."""

    async def sign_up(stores: Stores) -> None:
        late = user()
        await stores.users.add(late)
        await stores.grants.add(grant(world.client.id, late.id))

    lines = []
    async with maintenance(database.url, write=False) as connection:
        async for line in backup.lines(connection, REVISION):
            lines.append(line)
            if len(lines) == 2:
                await transactions.run(sign_up, write=True)

    assert await restored(other, lines) == len(lines) - 1
    assert len(await rows(other, "users")) == len(await rows(other, "grants")) == 1


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [""],
        ["not json"],
        ["[]"],
        ['{"format": "another"}'],
        [json.dumps({"format": backup.FORMAT, "revision": "another"})],
        [HEADER, '{"table": "nothing", "row": {}}'],
        [HEADER, "half a li"],
        [HEADER, '{"table": "epochs"}'],
        [HEADER, "[]"],
        [HEADER, '{"table": "replays", "row": {"digest": "not base64url!", "expires_at": 1}}'],
        [HEADER, '{"table": "epochs", "row": {"name": "no value"}}'],
    ],
    ids=["empty", "blank", "text", "list", "format", "revision", "table", "cut", "no row", "odd", "bytes", "null"],
)
async def test_a_file_that_is_no_backup_is_refused_and_changes_nothing(database: Database, lines: list[str]) -> None:
    async with transactions_on(database).open(write=True) as stores:
        await stores.epochs.bump("test")

    with pytest.raises(BadBackup):
        await restored(database, lines)

    assert [row["name"] for row in await rows(database, "epochs")] == ["test"]


async def test_nothing_is_restored_over_people_who_are_there(database: Database, world: World) -> None:
    with pytest.raises(BadBackup, match="not empty"):
        await restored(database, await written(database))

    assert len(await rows(database, "users")) == 1
