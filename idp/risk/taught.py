"""What one sign-in taught, as it stands in a row: enough to take exactly that out again."""

from base64 import b85decode, b85encode

from idp.domain.json import Json, JsonObject
from idp.risk.profile import Level, Taught
from idp.risk.value_set import Change


def to_json(taught: Taught) -> dict[str, Json]:
    """Return a small JSON object; places are left out, since a profile keeps only the last."""
    return {
        "b": taught.bucket,
        "c": None if taught.cell is None else list(taught.cell),
        "k": list(taught.own),
        "h": taught.hour,
        "d": taught.with_device,
        "s": [
            [int(level), *(_text(part) for part in (change.wrote, change.replaced, change.evicted)), change.position]
            for level, change in taught.changes
        ],
    }


def from_json(row: JsonObject) -> Taught:
    """Return what such an object holds; ValueError if it holds nothing of the kind."""
    match row:
        case {"b": int(bucket), "c": cell, "k": [*own], "h": hour, "d": bool(with_device), "s": [*changes]}:
            return Taught(
                bucket,
                _cell(cell),
                tuple(each for each in own if isinstance(each, int)),
                hour if isinstance(hour, int) else None,
                with_device,
                tuple(_change(each) for each in changes),
                None,
                None,
            )
    raise ValueError("not what a sign-in taught")


def _text(raw: bytes) -> str:
    return b85encode(raw).decode()


def _cell(cell: Json) -> tuple[int, int, int] | None:
    match cell:
        case None:
            return None
        case [int(net), int(agent), int(dev)]:
            return (net, agent, dev)
    raise ValueError("no depths")


def _change(row: Json) -> tuple[Level, Change]:
    match row:
        case [int(level), str(wrote), str(replaced), str(evicted), int(position)]:
            parts = [b85decode(part) for part in (wrote, replaced, evicted)]
            return Level(level), Change(parts[0], parts[1], position, parts[2])
    raise ValueError("no change of a set")
