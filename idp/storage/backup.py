"""Backup and restore: every table as JSON lines, portable between SQLite and PostgreSQL.

A restored database must not revive what was ended or spent after the backup was made: sessions, grants, codes, links,
recovery codes and remembered browsers in it are void.
"""

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import LargeBinary, Table, delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from idp.domain.secret import base64url, from_base64url
from idp.storage import stores  # noqa: F401 - brings every table into the metadata
from idp.storage.codes import MAX_FAILURES, codes
from idp.storage.columns import EPOCH, MICROSECOND, UtcTime, metadata, to_micros
from idp.storage.grants import grants
from idp.storage.links import links
from idp.storage.one_time_codes import one_time_codes
from idp.storage.recovery_codes import recovery_codes
from idp.storage.remembered_browsers import remembered_browsers
from idp.storage.sessions import sessions
from idp.storage.signups import signups
from idp.storage.webauthn_challenges import webauthn_challenges

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

FORMAT = "idp-backup-1"
BATCH = 500


class BadBackup(Exception):
    """The file is no backup of this schema."""


async def lines(connection: "AsyncConnection", revision: str) -> AsyncIterator[str]:
    """Yield the backup line by line: a header, then every row of every table, parents first."""
    yield json.dumps({"format": FORMAT, "revision": revision})
    for table in metadata.sorted_tables:
        result = await connection.stream(select(table))
        async for row in result:
            values = {column.name: _out(value) for column, value in zip(table.columns, row, strict=True)}
            yield json.dumps({"table": table.name, "row": values}, ensure_ascii=False)


def _out(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64url(value)
    return to_micros(value) if isinstance(value, datetime) else value


async def restore(connection: "AsyncConnection", source: Iterable[str], *, revision: str, now: datetime) -> int:
    """Fill an empty, migrated database from a backup; return the number of rows.

    Raises BadBackup if the file is of another format or revision, or the database is not empty.
    """
    iterator = iter(source)
    try:
        header = json.loads(next(iterator, "null"))
    except ValueError as error:
        raise BadBackup("not a backup file") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise BadBackup("not a backup file")
    if header.get("revision") != revision:
        raise BadBackup(f"made with schema {header.get('revision')}, this database has {revision}")
    if (await connection.execute(text("SELECT count(*) FROM users"))).scalar_one():
        raise BadBackup("the database is not empty")
    for table in reversed(metadata.sorted_tables):
        await connection.execute(table.delete())
    try:
        count = await _fill(connection, iterator)
    except IntegrityError as error:
        raise BadBackup(f"rows that contradict each other: {error.orig}") from error
    await _void(connection, now)
    return count


async def _fill(connection: "AsyncConnection", iterator: Iterable[str]) -> int:
    tables = {table.name: table for table in metadata.sorted_tables}
    count, waiting, current = 0, [], None
    for line in iterator:
        name, row = _entry(line, tables)
        if current is not None and (name != current or len(waiting) >= BATCH):
            await connection.execute(insert(tables[current]), waiting)
            waiting = []
        current = name
        waiting.append(row)
        count += 1
    if current is not None and waiting:
        await connection.execute(insert(tables[current]), waiting)
    return count


def _entry(line: str, tables: Mapping[str, Table]) -> tuple[str, dict[str, Any]]:
    try:
        entry = json.loads(line)
        name, row = entry["table"], entry["row"]
        return name, _row(tables[name], row)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise BadBackup(f"not a row of a table: {line[:60]!r}") from error


def _row(table: Any, values: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for column in table.columns:
        value = values.get(column.name)
        if value is not None and isinstance(column.type, LargeBinary):
            value = from_base64url(value)
        elif value is not None and isinstance(column.type, UtcTime):
            value = EPOCH + value * MICROSECOND
        row[column.name] = value
    return row


async def _void(connection: "AsyncConnection", now: datetime) -> None:
    await connection.execute(update(sessions).where(sessions.c.ended_at.is_(None)).values(ended_at=now))
    await connection.execute(update(grants).where(grants.c.revoked_at.is_(None)).values(revoked_at=now))
    await connection.execute(update(codes).values(failures=MAX_FAILURES))
    await connection.execute(update(links).where(links.c.spent_at.is_(None)).values(spent_at=now))
    for table in (one_time_codes, recovery_codes, remembered_browsers, signups, webauthn_challenges):
        await connection.execute(delete(table))
