"""Where `idp policy` finds what is stored: versions of the policy, and the decisions of the past.

A policy is named by a file, by a name that comes with the provider, or by a stored version (`active`, `v7`).
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import click

from idp.policy import shipped
from idp.policy.record import RecordedSignIn


def read_named(context: click.Context, name: str) -> tuple[str, str]:
    """Return the text of a policy, and what to call it in messages.

    Raises click.UsageError if there is none of this name.
    """
    if name in shipped.NAMES:
        return shipped.text(name), name
    if Path(name).suffix or Path(name).exists():
        try:
            return Path(name).read_text(encoding="utf-8"), name
        except (OSError, UnicodeDecodeError) as error:
            raise click.UsageError(f"{name}: {getattr(error, 'strerror', None) or error}") from error
    stored = stored_version(context, name)
    if stored is None:
        raise click.UsageError(f"no policy {name!r}: neither a file, nor {', '.join(shipped.NAMES)}, nor stored here")
    return stored, name


def stored_version(context: click.Context, name: str) -> str | None:
    """Return the text of a stored version, None if there is none of this name."""
    return None


def stored_decision(context: click.Context, decision_id: str) -> RecordedSignIn | None:
    """Return the record of a decision, None if there is none of this id."""
    return None


def stored_history(context: click.Context, since: timedelta | None) -> Iterator[RecordedSignIn] | None:
    """Return the stored decisions in order of time, None while none are kept."""
    return None
