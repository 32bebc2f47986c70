"""What one sign-in taught, as it stands in a row: enough to take exactly that out again."""

from base64 import b85decode, b85encode

from idp.domain.json import Json, JsonObject
from idp.risk.profile import Level, Place, Taught
from idp.risk.value_set import Change


def to_json(taught: Taught) -> dict[str, Json]:
    """Return a small JSON object."""
    return {
        "b": taught.bucket,
        "c": None if taught.cell is None else list(taught.cell),
        "k": list(taught.own),
        "h": taught.hour,
        "d": taught.with_device,
        "p": [_place(taught.last), _place(taught.before)],
        "s": [
            [int(level), *(_text(part) for part in (change.wrote, change.replaced, change.evicted)), change.position]
            for level, change in taught.changes
        ],
    }


def from_json(row: JsonObject) -> Taught:
    """Return what such an object holds; ValueError if it holds nothing of the kind."""
    match row:
        case {
            "b": int(bucket),
            "c": cell,
            "k": [*own],
            "h": hour,
            "d": bool(with_device),
            "p": [last, before],
            "s": [*changes],
        }:
            return Taught(
                bucket,
                _cell(cell),
                tuple(each for each in own if isinstance(each, int)),
                hour if isinstance(hour, int) else None,
                with_device,
                tuple(_change(each) for each in changes),
                _read_place(last),
                _read_place(before),
            )
    raise ValueError("not what a sign-in taught")


def _place(place: Place | None) -> Json:
    return None if place is None else [place.at, place.latitude, place.longitude, place.radius_km]


def _read_place(row: Json) -> Place | None:
    match row:
        case None:
            return None
        case [int(at), *rest] if len(rest) == 3:
            latitude, longitude, radius = (float(each) if isinstance(each, int | float) else None for each in rest)
            return Place(at, latitude, longitude, radius)
    raise ValueError("no place")


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
