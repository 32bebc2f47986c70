"""What operators have defined for the protocol: one table for all kinds, and one epoch that empties caches."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Column, ForeignKey, Index, String, Table, delete, insert, select, update

from idp.domain.client import TokenFormat
from idp.domain.definitions import Definitions
from idp.domain.detail_type import DetailType
from idp.domain.exchange import AssertionIssuer, ExchangeRule, SubjectMatch
from idp.domain.json import Json
from idp.domain.resource import ResourceServer, ScopeText
from idp.storage.clients import DEFINITIONS
from idp.storage.columns import AnyRow, JsonText, UtcTime, is_key, metadata
from idp.storage.database import Prepared, Transaction
from idp.storage.epochs import EpochStore

LONGEST_KEY = 512
EPOCH_NAME = DEFINITIONS


class Identified(Protocol):
    """Whatever has an id."""

    @property
    def id(self) -> str:
        """Return it."""


T = TypeVar("T", bound=Identified)
definitions = Table(
    "definitions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("key", String(LONGEST_KEY), nullable=False),  # what it is known by, within its kind
    Column("client_id", String(128), ForeignKey("clients.id", ondelete="CASCADE"), index=True),  # whom it is for
    Column("content", JsonText, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Index("ix_definitions_kind_key", "kind", "key", unique=True),
)


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """One kind of definition: its class, which field it is known by, and how a stored field is read."""

    name: str
    of: type[T]
    key: str
    readers: Mapping[str, Callable[[Any], Any]]


RESOURCE = Kind("resource", ResourceServer, "identifier", {
    "scopes": lambda value: tuple(ScopeText(**each) for each in value),
    "token_format": TokenFormat, "life": lambda value: timedelta(seconds=value),
})  # fmt: skip
DETAIL_TYPE: Kind[DetailType] = Kind("detail type", DetailType, "type", {})
EXCHANGE_RULE: Kind[ExchangeRule] = Kind("exchange rule", ExchangeRule, "name", {})
ASSERTION_ISSUER = Kind("assertion issuer", AssertionIssuer, "issuer", {"subject_match": SubjectMatch})


def content_of(thing: object) -> dict[str, Json]:
    """Return everything that is stored of a definition but its id."""
    members: dict[str, Json] = {}
    for each in fields(thing):  # type: ignore[arg-type]
        if each.name != "id":
            members[each.name] = _plain(getattr(thing, each.name))
    return members


def _plain(value: Any) -> Json:
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    if isinstance(value, ScopeText):
        return {"name": value.name, "text": value.text}
    plain: Json = [_plain(each) for each in value] if isinstance(value, tuple) else value
    return plain


class DefinitionStore:
    """Definitions of one transaction; every change bumps the epoch that all workers watch."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection
        self._epochs = EpochStore(connection)

    async def add(self, kind: Kind[T], thing: T, now: datetime) -> None:
        """Store a new definition; raise DuplicateKey if another of its kind is known by the same name."""
        values = {"id": thing.id, "kind": kind.name, "created_at": now, **_values(kind, thing, now)}
        await self._connection.execute(insert(definitions).values(values))
        await self._epochs.bump(EPOCH_NAME)

    async def save(self, kind: Kind[T], thing: T, now: datetime) -> None:
        """Store what a definition is from now on."""
        which = (definitions.c.id == thing.id, definitions.c.kind == kind.name)
        await self._connection.execute(update(definitions).where(*which).values(**_values(kind, thing, now)))
        await self._epochs.bump(EPOCH_NAME)

    async def delete(self, kind: Kind[T], definition_id: str) -> bool:
        """Remove a definition; False if there is none."""
        which = (definitions.c.id == definition_id, definitions.c.kind == kind.name)
        done = await self._connection.execute(delete(definitions).where(*which).returning(definitions.c.id))
        await self._epochs.bump(EPOCH_NAME)
        return done.first() is not None

    async def lock(self, kind: Kind[T], definition_id: str) -> T | None:
        """Return a definition that nobody else changes before we commit."""
        if not is_key(definition_id):
            return None
        query = select(definitions).where(definitions.c.id == definition_id, definitions.c.kind == kind.name)
        row = (await self._connection.execute(query.with_for_update())).first()
        return _read(kind, row) if row else None

    async def find(self, kind: Kind[T], definition_id: str) -> T | None:
        """Return a definition."""
        if not is_key(definition_id):
            return None
        query = select(definitions).where(definitions.c.id == definition_id, definitions.c.kind == kind.name)
        row = (await self._connection.execute(query)).first()
        return _read(kind, row) if row else None

    async def find_by_key(self, kind: Kind[T], key: str) -> T | None:
        """Return the definition that is known by this."""
        query = select(definitions).where(definitions.c.kind == kind.name, definitions.c.key == key)
        row = (await self._connection.execute(query)).first()
        return _read(kind, row) if row else None

    async def list(self, kind: Kind[T]) -> Sequence[T]:
        """Return all definitions of a kind by what they are known by."""
        query = select(definitions).where(definitions.c.kind == kind.name).order_by(definitions.c.key)
        return [_read(kind, row) for row in await self._connection.execute(query)]

    async def all(self) -> tuple[Definitions, int]:
        """Return everything that is defined, and the epoch as this transaction sees it."""
        epoch = (await self._epochs.all()).get(EPOCH_NAME, 0)  # first: what changes meanwhile is read again
        rows = (await self._connection.execute(_ALL)).all()
        found = Definitions(
            resources={each.identifier: each for each in _of(RESOURCE, rows)},
            detail_types={each.type: each for each in _of(DETAIL_TYPE, rows)},
            exchange_rules=tuple(_of(EXCHANGE_RULE, rows)),
            assertion_issuers={each.issuer: each for each in _of(ASSERTION_ISSUER, rows)},
        )
        return found, epoch


def _values(kind: Kind[T], thing: T, now: datetime) -> dict[str, Any]:
    key, client_id = getattr(thing, kind.key), getattr(thing, "client_id", None)
    return {"key": key, "client_id": client_id, "content": content_of(thing), "updated_at": now}


def _of(kind: Kind[T], rows: Sequence[AnyRow]) -> list[T]:
    return [_read(kind, row) for row in rows if row.kind == kind.name]


def _read(kind: Kind[T], row: AnyRow) -> T:
    known = {each.name for each in fields(kind.of)}  # type: ignore[arg-type]
    facts: dict[str, Any] = {"id": row.id}
    for name, value in row.content.items():
        if name in known:
            value = tuple(value) if isinstance(value, list) else value
            facts[name] = kind.readers[name](value) if name in kind.readers else value
    return kind.of(**facts)


_ALL = Prepared(select(definitions).order_by(definitions.c.kind, definitions.c.key))
