"""`idp audit`: the event trail, looked through, taken out, and verified against its chain of hashes."""

import json
import sys
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

import click

from idp.account_settings import read_duration
from idp.cli.running import fail, json_option, show, with_site
from idp.domain.event import EventKind
from idp.domain.secret import SealBroken, base64url
from idp.flows.audit_export import verify_export
from idp.flows.audit_verification import Verified
from idp.flows.audit_walk import Broken
from idp.oauth import statements
from idp.oauth.statements import CHECKPOINT, Statement
from idp.storage.event_links import BadHead
from idp.wiring import Site, Stores

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
KINDS = click.Choice([kind.value for kind in EventKind])
FAILED = 1


@click.group()
def audit() -> None:
    """The event trail and its hash chain."""


class _Time(click.ParamType[datetime | timedelta]):
    """A time: `2026-05-04`, `2026-05-04T10:00+02:00`, or `24h` for that long ago."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime | timedelta:
        """Return a time, or how long ago."""
        ago = read_duration(value)
        if isinstance(ago, timedelta):
            return ago
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail("a time such as 2026-05-04T10:00, or 24h for that long ago", param, ctx)
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _moment(given: datetime | timedelta | None, now: datetime) -> datetime | None:
    return now - given if isinstance(given, timedelta) else given


@audit.command("list")
@click.option("--kind", type=KINDS, metavar="KIND", help="what happened: signed_in, user_changed, …")
@click.option("--user", help="account it is about: id, e-mail address or username")
@click.option("--client", "client_id", help="client it is about")
@click.option("--since", type=_Time(), help="from this time on (UTC unless it says otherwise), or 24h, 30d")
@click.option("--until", type=_Time(), help="before this time")
@click.option("--limit", type=click.IntRange(1, 10000), default=100, show_default=True)
@json_option
@click.pass_context
def list_(context: click.Context, /, as_json: bool, **choice: Any) -> None:
    """List events, newest first."""

    async def work(site: Site) -> list[dict[str, Any]]:
        now, user = site.clock.now(), choice.pop("user")
        found = await site.users.find(user) if user is not None else None
        choice.update({name: _moment(choice[name], now) for name in ("since", "until")})
        async with site.transactions.open(write=False) as stores:
            rows = await stores.events.list(user_id=user if found is None else found.id, **choice)
            return [_document(stores, row) for row in rows]

    found = with_site(context, work)
    show(as_json, found, "\n".join(_line(event) for event in found) or "no such events")


def _document(stores: Stores, row: Any) -> dict[str, Any]:
    try:
        address = stores.events.address(row)
    except SealBroken:
        address = "(does not open)"
    document = {name: value for name, value in row._asdict().items() if name != "sealed_address" and value is not None}
    return document | {"at": row.at.isoformat()} | ({"address": address} if address is not None else {})


def _line(event: dict[str, Any]) -> str:
    who = " ".join(event[name] for name in ("actor_kind", "actor_id") if name in event) or "-"
    told = ("user_id", "client_id", "target_kind", "target_id", "address", "detail", "before", "after")
    rest = [f"{name}={json.dumps(event[name], ensure_ascii=True)}" for name in told if name in event]
    return "  ".join([event["at"], event["kind"], event.get("result", "-"), f"by {who}", *rest])


@audit.command()
@click.option("--from", "start", type=click.IntRange(1), default=1, help="leave out what is long before this number")
@click.option("--addresses", is_flag=True, help="with network addresses in clear: personal data")
@click.option("--to", "target", type=click.Path(dir_okay=False, path_type=Path), help="a file; standard output if none")
@json_option
@click.pass_context
def export(context: click.Context, start: int, addresses: bool, target: Path | None, as_json: bool) -> None:
    """Write events and checkpoints as JSON lines, which `idp audit verify --file` verifies without a database."""

    async def work(site: Site) -> int:
        count = 0
        with ExitStack() as stack:
            out: TextIO = sys.stdout if target is None else stack.enter_context(target.open("w", encoding="utf-8"))
            async for line in site.audit.export.lines(start=start, with_addresses=addresses):
                out.write(line + "\n")
                count += 1
        return count

    try:
        count = with_site(context, work)
    except (BadHead, OSError) as error:
        raise fail(str(error)) from error
    if target is not None:
        show(as_json, {"file": str(target), "lines": count}, f"{count} lines in {target}")


@audit.command()
@json_option
@click.pass_context
def checkpoint(context: click.Context, as_json: bool) -> None:
    """Print the newest signed checkpoint; kept elsewhere, it proves that nothing before it was changed since."""

    async def work(site: Site) -> Any:
        async with site.transactions.open(write=False) as stores:
            return await stores.event_checkpoints.newest()

    found = with_site(context, work)
    if found is None:
        raise fail("nothing was signed yet: the server signs within a minute of the first event")
    said = statements.read(found.jws, typ=CHECKPOINT)
    document = {
        "seq": found.seq, "hash": base64url(found.hash), "signed_at": found.signed_at.isoformat(), "kid": found.kid,
        "thumbprint": said.thumbprint if said is not None else None, "jws": found.jws,
    }  # fmt: skip
    show(as_json, document, found.jws)


@audit.command()
@click.option("--from", "start", type=click.IntRange(1), default=1, help="begin at the checkpoint before this number")
@click.option("--checkpoint", "known", type=FILE, help="a checkpoint that was printed earlier and kept elsewhere")
@click.option("--file", "exported", type=FILE, help="verify an export instead of the database")
@click.option("--skip-addresses", is_flag=True, help="do not ask whether addresses open: their old master key is gone")
@json_option
@click.pass_context
def verify(
    context: click.Context, start: int, known: Path | None, exported: Path | None, skip_addresses: bool, as_json: bool
) -> None:
    """Find any change, removal, insertion or reordering of events; exit 1 and say where the first one is."""
    pin = None if known is None else _known(known)
    try:
        if exported is not None:
            with exported.open(encoding="utf-8", errors="replace") as lines:
                done = Verified(verify_export(lines, pin=pin), first=0, removed=0, waiting=0)
        else:
            done = with_site(
                context,
                lambda site: site.audit.verification.verify(start=start, pin=pin, addresses=not skip_addresses),
            )
    except Broken as broken:
        if as_json:
            click.echo(json.dumps({"sound": False, "seq": broken.seq, "fault": broken.what}, indent=2))
        click.echo(f"idp: {broken}", err=True)
        context.exit(FAILED)
    show(as_json, _verified(done), _told(done))


@audit.command()
@click.option("--reason", required=True, help="why, for the trail: who found what, and what was done about it")
@json_option
@click.pass_context
def restart(context: click.Context, reason: str, as_json: bool) -> None:
    """Begin a new chain behind one that is broken, so that new events are linked again; nothing is mended."""

    async def work(site: Site) -> int | None:
        try:
            await site.audit.verification.verify()
        except Broken:
            return await site.audit.restart.restart(reason)
        return None

    seq = with_site(context, work)
    if seq is None:
        raise fail("the trail is sound: there is nothing to restart")
    show(as_json, {"after": seq}, f"a new chain begins behind number {seq}; what is older proves nothing any more")


def _known(file: Path) -> tuple[Statement, str]:
    """Read a checkpoint: its one line, or the document of --json."""
    try:
        text = file.read_text().strip()
        jws = str(json.loads(text)["jws"]) if text.startswith("{") else text
    except (OSError, ValueError, LookupError) as error:
        raise fail(f"{file}: not a checkpoint") from error
    said = statements.read(jws, typ=CHECKPOINT)
    if said is None:
        raise fail(f"{file}: not a checkpoint, or its signature is wrong")
    return said, jws


def _verified(done: Verified) -> dict[str, Any]:
    walk = done.walk
    return {
        "sound": True, "first": walk.seq - walk.events + 1, "last": walk.seq, "events": walk.events,
        "checkpoints": walk.checkpoints, "keys": walk.thumbprints, "removed_until": done.removed, "late": walk.late,
        "first_late": walk.first_late, "waiting": done.waiting, "compared": walk.pinned, "note": done.note or None,
    }  # fmt: skip


def _told(done: Verified) -> str:
    walk = done.walk
    first = walk.seq - walk.events + 1
    lines = [f"sound: {walk.events} events, numbers {first} to {walk.seq}, {walk.checkpoints} checkpoints"]
    lines += [f"signed from number {seq} on by the key with thumbprint {key}" for key, seq in walk.thumbprints.items()]
    if done.removed:
        lines.append(f"numbers up to {done.removed} were removed by retention, as is signed")
    if walk.late:
        lines.append(f"{walk.late} came late, number {walk.first_late} first: were they written so, or put in later?")
    if done.waiting:
        lines.append(f"{done.waiting} events wait for their number")
    if walk.pinned:
        lines.append("the checkpoint that was given stands in this trail")
    return "\n".join([*lines, done.note] if done.note else lines)
