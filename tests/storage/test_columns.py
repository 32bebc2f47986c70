"""Times, words and JSON come back as they went in, and compare alike on every database."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from sqlalchemy import Column, Integer, MetaData, Table, insert, select
from sqlalchemy.schema import CreateTable, DropTable

from idp.storage.columns import JsonText, UtcTime, Words, is_key, to_micros
from idp.storage.database import Database, Transaction
from tests.support.builders import NOW, TICK

table = Table(
    "examples",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("at", UtcTime),
    Column("words", Words),
    Column("json", JsonText),
)
EARLY = datetime(1, 1, 1, tzinfo=UTC)
BEFORE_1970 = datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
LATE = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
VALUES = [
    None, True, 0, -1, 2**63, 1.5, "", "é 🔑 \u2028 \\ \"", [], {}, [1, [None]], {"a": {"b": ["c"]}, "": ""},
]  # fmt: skip


async def stored(connection: Transaction, **values: object) -> object:
    """Write one value and read it back."""
    for change in (DropTable(table, if_exists=True), CreateTable(table)):
        await connection.exec_driver_sql(str(change.compile(dialect=connection._statements.dialect)))
    await connection.execute(insert(table).values(**values))
    (name,) = values
    return (await connection.execute(select(table.c[name]))).scalar_one()


@pytest.mark.parametrize(
    "moment", [NOW, NOW - TICK, EARLY, LATE, datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), None]
)
async def test_a_time_is_read_to_the_microsecond(database: Database, moment: datetime | None) -> None:
    async with database.transaction(write=True) as connection:
        assert await stored(connection, at=moment) == moment


async def test_a_time_elsewhere_is_the_same_moment(database: Database) -> None:
    in_nepal = NOW.astimezone(timezone(timedelta(hours=5, minutes=45)))

    async with database.transaction(write=True) as connection:
        read = await stored(connection, at=in_nepal)

    assert read == NOW
    assert isinstance(read, datetime)
    assert read.tzinfo is UTC


async def test_a_time_of_no_zone_is_our_mistake(database: Database) -> None:
    async with database.transaction(write=True) as connection:
        with pytest.raises(TypeError, match="offset-naive"):
            await stored(connection, at=NOW.replace(tzinfo=None))


@given(some.datetimes(timezones=some.just(UTC)), some.datetimes(timezones=some.just(UTC)))
@settings(max_examples=50)
def test_times_sort_as_their_numbers(left: datetime, right: datetime) -> None:
    assert (left < right) is (to_micros(left) < to_micros(right))


@pytest.mark.parametrize("value", VALUES, ids=repr)
async def test_json_is_read_as_it_was_written(database: Database, value: object) -> None:
    async with database.transaction(write=True) as connection:
        assert await stored(connection, json=value) == value


@pytest.mark.parametrize("words", [(), ("openid",), ("openid", "https://api.example/read", "a:b")])
async def test_words_are_read_in_their_order(database: Database, words: tuple[str, ...]) -> None:
    async with database.transaction(write=True) as connection:
        assert await stored(connection, words=words) == words


@pytest.mark.parametrize(
    ("text", "possible"), [("abc-_~.9", True), ("", True), ("\0", False), ("é", False), ("\ud800", False)]
)
def test_a_key_is_ascii_without_nul(text: str, possible: bool) -> None:
    assert is_key(text) is possible
