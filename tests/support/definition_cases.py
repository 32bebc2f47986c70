"""What operations on definitions are given: for each kind, to be listed, shown, made, replaced and removed."""

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from itertools import count
from typing import Any

from tests.support.operators import Operators

Given = dict[str, Any]
Prepare = Callable[[Operators], Awaitable[Given]]
Refuse = Callable[[Given], Given]
_numbers = count(1)
SCHEMA = {"type": "object", "properties": {"to": {"type": "string", "maxLength": 40}}, "required": ["to"]}
EXCHANGE = "urn:ietf:params:oauth:token-type:access_token"
KEY = {
    "kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
}  # fmt: skip
#: Each kind: what makes one (`#` becomes a number, `@` a client), and a member that makes it impossible.
KINDS: Mapping[str, tuple[Given, Given]] = {
    "resources": (
        {"identifier": "https://api.example/#", "name": "API #", "scopes": [{"name": "r#", "text": "Read."}]},
        {"life_seconds": 3601},
    ),
    "detail_types": ({"type": "payment-#", "json_schema": SCHEMA, "template": "Pay {to}"}, {"template": "Pay {from}"}),
    "exchange_rules": (
        {"name": "rule #", "client_id": "@", "audiences": ["https://id.example"], "may_act": True},
        {"may_act": False},
    ),
    "assertion_issuers": (
        {"issuer": "https://their-#.example", "clients": ["@"], "scopes": ["a"], "jwks": {"keys": [KEY]}},
        {"jwks_uri": "https://their.example/keys"},
    ),
}


async def _told(desk: Operators, table: str) -> Given:
    text = json.dumps(KINDS[table][0]).replace("#", str(next(_numbers)))
    if "@" in text:
        metadata = {"client_name": "Trader", "redirect_uris": ["https://books.example/callback"]}
        text = text.replace("@", (await desk.do("clients.create", metadata=metadata))["id"])
    text = text.replace("https://id.example", desk.provider.issuer)
    told: Given = json.loads(text)
    return told


def _new(table: str) -> Prepare:
    async def prepare(desk: Operators) -> Given:
        return await _told(desk, table)

    return prepare


def _made(table: str, *, whole: bool = False) -> Prepare:
    async def prepare(desk: Operators) -> Given:
        told = await _told(desk, table)
        made = await desk.do(f"{table}.create", **told)
        return {**(told if whole else {}), "id": made["id"]}

    return prepare


async def _nothing(_desk: Operators) -> Given:
    return {}


def _with(**members: Any) -> Refuse:
    return lambda given: {**given, **members}


def _cases() -> Iterator[tuple[str, Prepare, Refuse]]:
    for table, (_whole, impossible) in KINDS.items():
        yield f"{table}.list", _nothing, _with(is_admin=True)
        yield f"{table}.get", _made(table), _with(id="nothing")
        yield f"{table}.create", _new(table), _with(**impossible)
        yield f"{table}.update", _made(table, whole=True), _with(version="stale")
        yield f"{table}.delete", _made(table), _with(id="nothing")


DEFINITIONS = tuple(_cases())
