"""Lets a probe see and break every statement: labels db.begin, db.commit and db.select|insert|update|delete.TABLE."""

import asyncio
import re
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.util import await_only

from idp.domain.probe import InjectedFault, Probe

_TABLE = {
    "SELECT": re.compile(r"\bFROM \"?([a-z_]+)"),
    "INSERT": re.compile(r"\bINTO \"?([a-z_]+)"),
    "UPDATE": re.compile(r"\bUPDATE \"?([a-z_]+)"),
    "DELETE": re.compile(r"\bFROM \"?([a-z_]+)"),
}


def label_of(statement: str) -> str | None:
    """Return the label of a statement, None for what has none."""
    verb = statement.lstrip()[:6].upper()
    found = _TABLE[verb].search(statement) if verb in _TABLE else None
    return f"db.{verb.lower()}.{found[1]}" if found else None


def attach(engine: Engine, probe: Probe) -> None:
    """Tell the probe of every transaction and statement of an engine."""

    def before(label: str) -> None:
        try:
            delay = probe.before(label)
        except InjectedFault as error:
            raise OperationalError(label, {}, error) from error
        if delay:
            await_only(asyncio.sleep(delay))

    def on_statement(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if label := label_of(statement):
            before(label)

    def after_statement(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if label := label_of(statement):
            probe.after(label)

    def on_begin(_connection: Any) -> None:
        before("db.begin")

    def on_commit(_connection: Any) -> None:
        before("db.commit")

    event.listen(engine, "before_cursor_execute", on_statement)
    event.listen(engine, "after_cursor_execute", after_statement)
    event.listen(engine, "begin", on_begin)
    event.listen(engine, "commit", on_commit)
