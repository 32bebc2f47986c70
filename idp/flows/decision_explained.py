"""One decision in pieces that a page can show: read from its record alone, and made again now."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from idp.domain.risk import Part
from idp.flows.policy_history import is_reproduced
from idp.policy import explanation
from idp.policy.condition_text import spell
from idp.policy.facts import SHORT_NAMES, Json
from idp.policy.record import RecordedSignIn
from idp.policy.rules import Policy


@dataclass(frozen=True, slots=True)
class RuleLine:
    """What became of one rule; `because` says why it did not match, `unknown` which facts it lacked."""

    id: str
    matched: bool
    mode: str
    because: str
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explained:
    """All that a record says, and what comes of deciding again.

    `replays` and `change` are None where the policy's text is not known; `change` is empty if no one or two facts
    would have been enough.
    """

    acr: str
    local: str
    llr: float
    parts: tuple[Part, ...]
    floors: tuple[tuple[str, str], ...]  # code and band
    rules: tuple[RuleLine, ...]
    unknown: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    said: tuple[tuple[str, str], ...]  # what else the verdict holds, by name
    adviser: tuple[tuple[str, str], ...]
    engine: tuple[tuple[str, str], ...]  # what it was made with: engine, tables, data sets
    replays: bool | None
    change: tuple[tuple[str, str], ...] | None
    is_challenge: bool = field(default=False)


def explain(record: RecordedSignIn, policy: Policy | None) -> Explained:
    """Return a decision in pieces; `policy` is the one that made it, if its text is known."""
    verdict, assessed = record.verdict, record.assessed
    llr = assessed.get("llr")
    acr = _text(verdict.get("acr"))
    return Explained(
        acr=SHORT_NAMES.get(acr, acr),
        local=_text(assessed.get("local")),
        llr=float(llr) if isinstance(llr, int | float) else 0.0,
        parts=tuple(_parts(assessed.get("parts"))),
        floors=tuple((_text(each.get("code")), _text(each.get("band"))) for each in _objects(assessed.get("floors"))),
        rules=tuple(map(_rule, _objects(verdict.get("rules")))),
        unknown=_words(verdict.get("unknown")),
        facts=tuple((name, spell(record.facts[name])) for name in sorted(record.facts)),
        said=tuple(_named(verdict, ("satisfied_by", "options", "effects", "notify", "refusal", "denies_for"))),
        adviser=tuple(_adviser(assessed.get("adviser"))),
        engine=tuple(_named(assessed, ("engine", "tables", "datasets", "history"))),
        replays=None if policy is None else is_reproduced(record, policy),
        change=None if policy is None else _change(record, policy),
        is_challenge=record.decision.value != "allow",
    )


def _change(record: RecordedSignIn, policy: Policy) -> tuple[tuple[str, str], ...]:
    found = explanation.smallest_change(policy, record.facts, record.ability) or {}
    return tuple((fact, spell(value)) for fact, value in found.items())


def _parts(parts: Json) -> Iterator[Part]:
    for each in _objects(parts):
        nats = each.get("nats")
        if isinstance(nats, int | float):
            yield Part(_text(each.get("code")), float(nats))


def _rule(line: Mapping[str, Json]) -> RuleLine:
    return RuleLine(
        _text(line.get("id")), line.get("matched") is True, _text(line.get("mode")), _text(line.get("because")),
        _words(line.get("unknown")),
    )  # fmt: skip


def _adviser(found: Json) -> Iterator[tuple[str, str]]:
    if isinstance(found, dict):
        yield from _named(found, ("mode", "state", "score", "effect"))


def _named(document: Mapping[str, Json], names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield what is there, in one line each."""
    for name in names:
        value = document.get(name)
        if value not in (None, [], {}):
            yield name, _text(value)


def _objects(value: Json) -> list[dict[str, Json]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _words(value: Json) -> tuple[str, ...]:
    return tuple(map(_text, value)) if isinstance(value, list) else ()


def _text(value: Json) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list():
            return ", ".join(map(_text, value))
        case dict():
            return ", ".join(f"{name} {_text(each) or '–'}" for name, each in value.items())
        case _:
            return str(value)
