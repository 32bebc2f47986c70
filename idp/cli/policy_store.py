"""Where `idp policy` finds what is stored: versions of the policy, and the decisions of the past.

A policy is named by a file, by a name that comes with the provider, or by a stored version (`active`, `v7`). Only the
last of these needs a database.
"""

import re
from pathlib import Path

import click

from idp.cli.policy_site import OpenSite, open_site
from idp.flows.policy_rollout import standing
from idp.policy import lint, rule_file, shipped
from idp.policy.findings import BadPolicy
from idp.policy.rules import Policy
from idp.storage.decisions import StoredDecision
from idp.storage.policies import StoredPolicy

FOUND = 1
CANNOT = 2
ACTIVE = "active"


def read_policy(context: click.Context, name: str, *, is_fit: bool = False) -> Policy:
    """Return a policy; one that cannot be read, or used, ends the command with exit code 2."""
    text, title = read_named(context, name)
    try:
        return lint.load(text, title) if is_fit else rule_file.read(text, title)
    except BadPolicy as error:
        click.echo(str(error), err=True)
        raise click.exceptions.Exit(CANNOT) from error


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
    if name != ACTIVE and number(name) is None:
        raise click.UsageError(f"no policy {name!r}: neither a file, nor {', '.join(shipped.NAMES)}, nor a version")
    return stored_text(context, name), name


def number(name: str) -> int | None:
    """Return the number of a stored version, None if this is not the name of one."""
    return int(name[1:]) if re.fullmatch(r"v[1-9][0-9]{0,8}", name) else None


def version(name: str) -> int:
    """Return the number of a stored version; raise click.UsageError if this is not the name of one."""
    found = number(name)
    if found is None:
        raise click.UsageError(f"{name!r} is no stored version: say v7")
    return found


def stored_text(context: click.Context, name: str) -> str:
    """Return the text of a stored version, or of what decides for everybody now.

    Raises click.UsageError if there is no such version.
    """
    with open_site(context) as opened:
        stored = find_version(opened, name)
        if stored is not None:
            return stored.text
        if name != ACTIVE:
            raise click.UsageError(f"there is no version {name}")
        return own_text(opened)


def find_version(opened: OpenSite, name: str) -> StoredPolicy | None:
    """Return a stored version, None if there is none or if the operator's own file is active."""

    async def work() -> StoredPolicy | None:
        async with opened.site.transactions.open(write=False) as stores:
            if name == ACTIVE:
                return (await standing(stores)).enforced
            return await stores.policies.find(version(name))

    return opened.run(work())


def own_text(opened: OpenSite) -> str:
    """Return the text of the operator's own file."""
    name = opened.site.settings.policy_file
    return shipped.text(name) if name in shipped.NAMES else Path(name).read_text(encoding="utf-8")


def stored_decision(opened: OpenSite, decision_id: str) -> StoredDecision:
    """Return a decision; raise click.UsageError if there is none of this id."""

    async def work() -> StoredDecision | None:
        async with opened.site.transactions.open(write=False) as stores:
            return await stores.decisions.find(decision_id)

    found = opened.run(work())
    if found is None:
        raise click.UsageError(f"no decision {decision_id}")
    return found
