"""Prints docs/settings.md from the settings themselves."""

from datetime import timedelta
from enum import Enum

from pydantic_core import PydanticUndefined

from idp.settings import PREFIX, SECRETS, Settings

INTRODUCTION = """# Settings

<!-- Made by `make docs` from idp/settings.py; a test compares the two. -->

Options come from environment variables, from a `.env` file in the folder where the server starts, or from
`idp --config FILE.toml` (the same names in lower case without `IDP_`). The environment wins. A secret may also come
from a file: `IDP_MASTER_KEY_FILE=/run/secrets/master`. Unknown names are an error, so a typing mistake never goes
unnoticed. Durations are written `15m`, `24h`, `30d`.

| name | default | meaning |
|---|---|---|
"""


def default_of(name: str) -> str:
    """Return a default as one would write it."""
    value = Settings.model_fields[name].default
    if value is None or value is PydanticUndefined or value in ((), ""):
        return "none"
    if isinstance(value, timedelta):
        return f"`{int(value.total_seconds())}s`"
    if isinstance(value, bool):
        return "`1`" if value else "`0`"
    return f"`{value.value if isinstance(value, Enum) else value}`"


def page() -> str:
    """Return the whole page."""
    rows = []
    # What Settings itself declares comes first, then what it inherits.
    for name in sorted(Settings.model_fields, key=lambda name: name not in Settings.__annotations__):
        field = Settings.model_fields[name]
        also = f", `{PREFIX}{name.upper()}_FILE`" if name in SECRETS else ""
        rows.append(f"| `{PREFIX}{name.upper()}`{also} | {default_of(name)} | {field.description} |")
    return INTRODUCTION + "\n".join(rows) + "\n"


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201
