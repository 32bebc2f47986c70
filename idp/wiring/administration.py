"""What operations of those who run the provider work with."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from enum import Enum

from pydantic_core import PydanticUndefined

from idp.flows.admin.operation import Administration
from idp.flows.admin.tools import Option, Tools
from idp.settings import PREFIX, SECRETS, Settings

HIDDEN = "(set)"


def build_administration(settings: Settings, tools: Tools) -> Administration:
    """Return the operations of this process."""
    return Administration(replace(tools, options=tuple(options(settings))))


def options(settings: Settings) -> Iterator[Option]:
    """Yield every setting as it was read; a secret says only whether it is set."""
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        is_default = value == field.default or (field.default is PydanticUndefined and value is None)
        is_secret = name in SECRETS
        shown = (HIDDEN if value else "") if is_secret else _written(value)
        yield Option(f"{PREFIX}{name.upper()}", shown, field.description or "", is_default, is_secret)


def _written(value: object) -> str:
    """Return a value as one would write it."""
    if value is None:
        return ""
    if isinstance(value, timedelta):
        return f"{int(value.total_seconds())}s"
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, tuple | list | frozenset | set):
        return ",".join(_written(each) for each in value)
    return str(value)
