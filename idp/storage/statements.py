"""Core statements as the drivers take them: compiled once, with the conversions of their parameters and results.

SQLAlchemy builds and compiles the SQL; its execution layer is left out, because it costs several times what a
statement on the embedded database does (docs/adr/0002). A statement that is built anew at each call is found again
by SQLAlchemy's own cache key; one that is written once, at the top of a store, is a `Prepared`.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Dialect, Executable, TextClause
from sqlalchemy.util import LRUCache

CACHE_SIZE = 1000
Values = list[Any]
Converter = Callable[[Any], Any]


class Prepared:
    """A statement that never changes; its plan is made once for each dialect."""

    def __init__(self, statement: Any) -> None:
        """Keep the statement; its parameters are `bindparam`s."""
        self.statement = statement
        self.plans: dict[str, Plan] = {}


def _writer(compiled: Any, name: str) -> Converter | None:
    """Return what turns a parameter into the driver's type: our own types' `write`, else SQLAlchemy's processor."""
    own: Converter | None = getattr(compiled.binds[name].type, "write", None)
    processor: Converter | None = compiled._bind_processors.get(name)
    return own or processor


def _reader(type_: Any, dialect: Dialect) -> Converter | None:
    own: Converter | None = getattr(type_, "read", None)
    return own or type_._cached_result_processor(dialect, None)


class Plan:
    """A compiled statement: its text, the order of its parameters, and how to read its rows."""

    __slots__ = (
        "_compiled", "_constants", "_inputs", "_outputs", "_row", "_varying", "is_text", "sql", "wants_rows", "writes",
    )  # fmt: skip

    def __init__(self, compiled: Any, dialect: Dialect) -> None:
        """Take what execution needs out of SQLAlchemy's compiled object."""
        assert not compiled.post_compile_params, "expanding parameters are not supported here"
        self._compiled = compiled
        self.sql: str = compiled.string
        names: Sequence[str] = compiled.positiontup or ()
        self._inputs = tuple((name, _writer(compiled, name)) for name in names)
        columns = compiled._result_columns or ()
        self.wants_rows = bool(columns)
        self.is_text = isinstance(compiled.statement, TextClause)
        self.writes: bool = compiled.isinsert or compiled.isupdate or compiled.isdelete
        converters = [_reader(column[3], dialect) for column in columns]
        self._outputs = tuple((index, convert) for index, convert in enumerate(converters) if convert is not None)
        self._row: Any = namedtuple("Row", [column[1] for column in columns], rename=True) if columns else None
        self._constants: list[Any] = []
        self._varying: tuple[tuple[int, str, Converter | None], ...] = ()

    def settle_constants(self) -> None:
        """Convert once and for all the values that stand in the statement itself."""
        written: Mapping[str, Any] = self._compiled.params
        varying = []
        for index, (name, convert) in enumerate(self._inputs):
            value = written.get(name)
            self._constants.append(convert(value) if convert and value is not None else value)
            if value is None:
                varying.append((index, name, convert))
        self._varying = tuple(varying)

    def fill(self, parameters: Mapping[str, Any]) -> list[Any]:
        """Return the values of a prepared statement, in the order and the types that the driver wants."""
        values = self._constants.copy()
        for index, name, convert in self._varying:
            values[index] = convert(parameters[name]) if convert is not None else parameters[name]
        return values

    def collect(self, parameters: Mapping[str, Any], extracted: Any, collected: Any) -> list[Any]:
        """Return the values of a statement that was built for this call."""
        found = self._compiled.construct_params(
            parameters or None, extracted_parameters=extracted, _collected_params=collected, escape_names=False
        )
        return [convert(found[name]) if convert is not None else found[name] for name, convert in self._inputs]

    def row(self, raw: Sequence[Any]) -> Any:
        """Return a driver's row with our types, its columns by name."""
        if not self._outputs:
            return self._row._make(raw)
        values = list(raw)
        for index, convert in self._outputs:
            values[index] = convert(values[index])
        return self._row._make(values)


class Statements:
    """The plans of one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        """Start with an empty cache."""
        self.dialect = dialect
        self._cache: Any = LRUCache(CACHE_SIZE)

    def prepared(self, prepared: Prepared, parameters: Mapping[str, Any]) -> tuple[Plan, Values]:
        """Return the plan and values of a statement that never changes."""
        plan = prepared.plans.get(self.dialect.name)
        if plan is None:
            plan = Plan(prepared.statement.compile(dialect=self.dialect), self.dialect)
            plan.settle_constants()
            prepared.plans[self.dialect.name] = plan
        return plan, plan.fill(parameters)

    def built(self, statement: Executable, parameters: Mapping[str, Any]) -> tuple[Plan, Values]:
        """Return the plan and values of a statement that was built for this call."""
        compiled, extracted, collected, _hit = statement._compile_w_cache(
            self.dialect,
            compiled_cache=self._cache,
            column_keys=sorted(parameters),
            for_executemany=False,
            schema_translate_map=None,
        )
        plan = getattr(compiled, "idp_plan", None)
        if plan is None:
            plan = Plan(compiled, self.dialect)
            compiled.idp_plan = plan  # type: ignore[attr-defined]
        return plan, plan.collect(parameters, extracted, collected)


def named_rows(columns: Sequence[str], raws: Iterable[Sequence[Any]]) -> list[Any]:
    """Return rows of a statement that was written as text, their columns by name."""
    row: Any = namedtuple("Row", list(columns), rename=True)  # type: ignore[misc]
    return [row._make(raw) for raw in raws]


class Result:
    """What a statement returned."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: list[Any], rowcount: int = -1) -> None:
        """Keep the rows; `rowcount` is how many a statement without RETURNING touched, where the driver says so."""
        self._rows = rows
        self.rowcount = rowcount

    def __iter__(self) -> Iterator[Any]:
        """Go through the rows."""
        return iter(self._rows)

    def all(self) -> list[Any]:
        """Return every row."""
        return self._rows

    def first(self) -> Any:
        """Return the first row, None if there is none."""
        return self._rows[0] if self._rows else None

    def scalars(self) -> list[Any]:
        """Return the first column of every row."""
        return [row[0] for row in self._rows]

    def scalar_one(self) -> Any:
        """Return the one value of the one row."""
        (row,) = self._rows
        return row[0]

    def scalar_one_or_none(self) -> Any:
        """Return the first column of the first row, None if there is no row."""
        return self._rows[0][0] if self._rows else None

    scalar = scalar_one_or_none

    def mappings(self) -> list[dict[str, Any]]:
        """Return every row by column name."""
        return [row._asdict() for row in self._rows]
