"""The labels under which a probe sees statements: db.select|insert|update|delete.TABLE."""

import re

_TABLE = {
    "SELECT": re.compile(r"\bFROM \"?([a-z_]+)"),
    "INSERT": re.compile(r"\bINTO \"?([a-z_]+)"),
    "UPDATE": re.compile(r"\bUPDATE \"?([a-z_]+)"),
    "DELETE": re.compile(r"\bFROM \"?([a-z_]+)"),
}


_CHANGE = re.compile(r"\b(UPDATE|INSERT|DELETE) (?:INTO |FROM )?\"?[a-z_]")


def label_of(statement: str) -> str | None:
    """Return the label of a statement, None for what has none; one that begins WITH is what it does in the end."""
    verb = statement.lstrip()[:6].upper()
    if verb.startswith("WITH "):
        change = _CHANGE.search(statement)
        verb = change[1] if change is not None else "SELECT"
    found = _TABLE[verb].search(statement) if verb in _TABLE else None
    return f"db.{verb.lower()}.{found[1]}" if found else None
