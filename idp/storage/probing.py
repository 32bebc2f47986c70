"""The labels under which a probe sees statements: db.select|insert|update|delete.TABLE."""

import re

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
