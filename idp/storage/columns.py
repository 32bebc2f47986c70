"""Column types: UTC times as integers, tuples and mappings as JSON; and the shared metadata."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import BigInteger, Column, ColumnElement, Dialect, MetaData, Text
from sqlalchemy.types import TypeDecorator

from idp.domain.json import Json
from idp.domain.secret import Sealer

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

AnyRow: TypeAlias = Any  # a row's columns by name; which they are, its query says

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def to_micros(moment: datetime) -> int:
    """Return microseconds since 1970 of an aware time."""
    return (moment - EPOCH) // MICROSECOND


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC time, stored as microseconds since 1970: equal on every database, and compared as a number."""

    impl = BigInteger
    cache_ok = True

    @staticmethod
    def write(value: datetime | None) -> int | None:
        """Turn a time into its number."""
        return None if value is None else (value - EPOCH) // MICROSECOND

    @staticmethod
    def read(value: int | None) -> datetime | None:
        """Turn a number into its time."""
        return None if value is None else EPOCH + timedelta(microseconds=value)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Turn a time into its number, for SQLAlchemy's own execution."""
        return self.write(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Turn a number into its time, for SQLAlchemy's own execution."""
        return self.read(value)


class JsonText(TypeDecorator[Json]):
    """A JSON value in a text column."""

    impl = Text
    cache_ok = True

    @staticmethod
    def write(value: Json) -> str | None:
        """Write the value as compact JSON."""
        return None if value is None else json.dumps(value, separators=(",", ":"), ensure_ascii=False)

    @staticmethod
    def read(value: str | None) -> Json:
        """Read the value back."""
        result: Json = None if value is None else json.loads(value)
        return result

    def process_bind_param(self, value: Json, dialect: Dialect) -> str | None:
        """Write the value, for SQLAlchemy's own execution."""
        return self.write(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Json:
        """Read the value, for SQLAlchemy's own execution."""
        return self.read(value)


class Words(TypeDecorator[tuple[str, ...]]):
    """A tuple of words without spaces (scopes, amr values) in a text column."""

    impl = Text
    cache_ok = True

    @staticmethod
    def write(value: Sequence[str] | None) -> str | None:
        """Join the words with spaces."""
        return None if value is None else " ".join(value)

    @staticmethod
    def read(value: str | None) -> tuple[str, ...]:
        """Split the words again."""
        return tuple(value.split()) if value else ()

    def process_bind_param(self, value: Sequence[str] | None, dialect: Dialect) -> str | None:
        """Join the words, for SQLAlchemy's own execution."""
        return self.write(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...]:
        """Split the words, for SQLAlchemy's own execution."""
        return self.read(value)


def is_key(text: str) -> bool:
    """Say whether a text from outside can be an id at all; PostgreSQL has no NUL, and UTF-8 no lone surrogates."""
    return text.isascii() and "\0" not in text


def older_than(at: Column[datetime], key: Column[str], row: tuple[datetime, str]) -> ColumnElement[bool]:
    """Return the condition for what stands behind a row in a list of the newest first."""
    moment, name = row
    return (at < moment) | ((at == moment) & (key < name))


def place(table: str, column: str, row: str) -> str:
    """Name the one place in which a sealed value opens."""
    return f"{table}|{column}|{row}"


def seal_json(sealer: Sealer, value: Json, *, table: str, column: str, row: str) -> bytes:
    """Seal a JSON value for one column of one row."""
    return sealer.seal(json.dumps(value, ensure_ascii=False).encode(), place=place(table, column, row))


def open_json(sealer: Sealer, sealed: bytes, *, table: str, column: str, row: str) -> Json:
    """Open what seal_json sealed; raise SealBroken if it was moved or changed."""
    value: Json = json.loads(sealer.open(sealed, place=place(table, column, row)))
    return value
