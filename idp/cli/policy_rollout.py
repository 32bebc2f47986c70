"""`idp policy shadow|promote|revert|list|show`: how a version comes to decide, and how it is taken back.

Exit 0 done, 1 refused, 2 cannot run. Nobody has to sign in for any of this: the database and its keys are enough.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import click

from idp.cli import policy_store
from idp.cli.policy_site import OpenSite, mover, open_site
from idp.cli.policy_store import ACTIVE, CANNOT, FOUND
from idp.cli.running import json_option, show
from idp.domain.json import Json
from idp.flows.policy_states import NoSuchVersion, RolloutRaced, RolloutRefused
from idp.policy.findings import BadPolicy
from idp.storage.policies import PolicyChange, StoredPolicy

WHY = click.option("--why", default="", help="kept beside who and when")
UNITS = (
    (timedelta(days=1), "d"),
    (timedelta(hours=1), "h"),
    (timedelta(minutes=1), "min"),
    (timedelta(seconds=1), "s"),
)


@contextmanager
def _rollout(context: click.Context) -> Iterator[OpenSite]:
    """Yield a process; say why a version may not go where it was sent."""
    try:
        with open_site(context) as opened:
            yield opened
    except (RolloutRefused, BadPolicy) as error:
        click.echo(str(error), err=True)
        if isinstance(error, RolloutRefused) and error.may_override:
            click.echo("if it must be: --override with the name of this provider", err=True)
        raise click.exceptions.Exit(FOUND) from error
    except RolloutRaced as error:
        click.echo("somebody else moved the policy meanwhile: look again with idp policy list", err=True)
        raise click.exceptions.Exit(CANNOT) from error
    except NoSuchVersion as error:
        raise click.UsageError(str(error)) from error


@click.command()
@click.argument("name", metavar="FILE|vN")
@WHY
@json_option
@click.pass_context
def shadow(context: click.Context, name: str, why: str, as_json: bool) -> None:
    """Let a policy watch without deciding, 28 days at most."""
    number = policy_store.number(name)
    text = None
    if number is None:
        if name == ACTIVE:
            raise click.UsageError("what is active decides already")
        text, _ = policy_store.read_named(context, name)
    with _rollout(context) as opened:
        who = mover(why)
        if number is None:
            number = opened.run(opened.rollout.add(str(text), who)).version
        stored = opened.run(opened.rollout.shadow(number, who))
    show(as_json, _as_json(stored), f"v{stored.version} in shadow, 28 days at most")


@click.command()
@click.argument("name", metavar="vN")
@click.option("--canary", type=click.IntRange(1, 99), metavar="N", help="per cent of users, always the same ones")
@click.option("--override", metavar="NAME", help="the name of this provider: the lockout replay is waived")
@WHY
@json_option
@click.pass_context
def promote(
    context: click.Context, name: str, canary: int | None, override: str | None, why: str, as_json: bool
) -> None:
    """Let a version decide; refused while lint, its tests or the lockout replay fail."""
    number = policy_store.version(name)
    with _rollout(context) as opened:
        stored = opened.run(opened.rollout.promote(number, mover(why), canary=canary, override=override))
    share = "" if canary is None else f" for {canary} % of users (by hash)"
    show(as_json, _as_json(stored), f"v{stored.version} enforced{share}")


@click.command()
@WHY
@json_option
@click.pass_context
def revert(context: click.Context, why: str, as_json: bool) -> None:
    """Take back what was promoted last: a canary, else the enforced version."""
    with _rollout(context) as opened:
        done = opened.run(opened.rollout.revert(mover(why)))
    active = "the operator's file" if done.to is None else f"v{done.to}"
    document = {
        "reverted": f"v{done.version}", "ran_seconds": int(done.ran.total_seconds()),
        "active": None if done.to is None else f"v{done.to}",
    }  # fmt: skip
    show(as_json, document, f"{active} active again (v{done.version} ran {spell_run(done.ran)})")


@click.command("list")
@json_option
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """List the versions, newest first, and who moved each where it is."""
    with _rollout(context) as opened:
        versions, changes = opened.run(opened.rollout.versions()), opened.run(opened.rollout.changes())
    newest: dict[int, PolicyChange] = {}
    for change in changes:
        newest.setdefault(change.version, change)
    lines = [_line(each, newest.get(each.version)) for each in versions]
    documents = [_as_json(each, *filter(None, [newest.get(each.version)])) for each in versions]
    show(as_json, documents, "\n".join(lines) or "no versions yet: the operator's file decides")


@click.command("show")
@click.argument("name", metavar="vN|active")
@json_option
@click.pass_context
def show_(context: click.Context, name: str, as_json: bool) -> None:
    """Print the text of a version; with --json also where it has been."""
    with _rollout(context) as opened:
        stored = policy_store.find_version(opened, name)
        if stored is None and name != ACTIVE:
            raise NoSuchVersion(f"there is no version {name}")
        if stored is None:
            text = policy_store.own_text(opened)
            document: dict[str, Json] = {"version": None, "digest": opened.own.digest, "text": text}
        else:
            changes = [each for each in opened.run(opened.rollout.changes()) if each.version == stored.version]
            text, document = stored.text, _as_json(stored, *changes) | {"text": stored.text}
    show(as_json, document, text.rstrip("\n"))


COMMANDS = (shadow, promote, revert, list_, show_)


def spell_run(length: timedelta) -> str:
    """Return how long something ran in its two largest units, as in 2 h 10 min."""
    for at, (unit, name) in enumerate(UNITS):
        if length >= unit:
            rest = length % unit // UNITS[at + 1][0] if at + 1 < len(UNITS) else 0
            return f"{length // unit} {name}" + (f" {rest} {UNITS[at + 1][1]}" if rest else "")
    return "0 s"


def _line(stored: StoredPolicy, change: PolicyChange | None) -> str:
    share = f" {stored.share} %" if stored.share else ""
    moved = "" if change is None else f"  {change.by}" + (f"  {change.why}" if change.why else "")
    return f"v{stored.version}  {stored.state}{share}  {stored.changed_at:%Y-%m-%d %H:%M}{moved}  {stored.digest[:19]}"


def _as_json(stored: StoredPolicy, *changes: PolicyChange) -> dict[str, Json]:
    return {
        "version": f"v{stored.version}", "state": stored.state, "share": stored.share or None,
        "digest": stored.digest, "created_at": stored.created_at.isoformat(),
        "changed_at": stored.changed_at.isoformat(),
        "changes": [
            {"state": each.state, "at": each.at.isoformat(), "by": each.by, "why": each.why} for each in changes
        ],
    }  # fmt: skip
