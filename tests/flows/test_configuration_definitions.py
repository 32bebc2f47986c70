"""Resource servers, types of details, rules and trusted issuers in a configuration file."""

import tomllib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from idp.flows.admin.problem import Code, Problem
from tests.support.operators import Operators, operators

TEXT = """
schema = 1

[[client]]
client_id = "books"
[client.metadata]
client_name = "Books"
redirect_uris = ["https://books.example/cb"]
resources = ["https://api.example"]
audiences = ["https://api.example"]

[[resources]]
identifier = "https://api.example"
name = "Invoices"
life_seconds = 600
public = true
scopes = [{ name = "invoices.read", text = "Read your invoices." }, { name = "invoices.write" }]

[[detail_types]]
type = "payment"
template = "Pay {to}"
[detail_types.json_schema]
type = "object"
required = ["to"]
properties = { to = { type = "string", enum = ["a", "b"] } }

[[exchange_rules]]
name = "books act"
client_id = "books"
audiences = ["https://api.example"]
scopes = ["invoices.read"]
may_act = true

[[assertion_issuers]]
issuer = "https://their.example"
clients = ["books"]
scopes = ["invoices.read"]
jwks_uri = "https://their.example/keys"
"""


@pytest.fixture
async def desk(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Operators]:
    async with operators(tmp_path, sqlite_url) as desk:
        yield desk


async def apply(desk: Operators, text: str, **more: bool) -> list[tuple[str, str, str]]:
    done = await desk.do("configuration.apply", text=text, **more)
    return [(each["action"], each["kind"], each["name"]) for each in done["changes"]]


MADE = [
    ("create", "client", "books"), ("create", "resource", "https://api.example"),
    ("create", "detail type", "payment"), ("create", "exchange rule", "books act"),
    ("create", "assertion issuer", "https://their.example"),
]  # fmt: skip


async def test_a_file_makes_what_it_defines_and_a_second_time_nothing_is_left(desk: Operators) -> None:
    assert await apply(desk, TEXT, dry_run=True) == MADE
    assert (await desk.do("resources.list"))["items"] == (await desk.do("clients.list"))["items"] == []
    assert await apply(desk, TEXT) == MADE
    assert await apply(desk, TEXT) == []
    (made,) = (await desk.do("resources.list"))["items"]
    assert (made["life_seconds"], made["public"], made["clients"]) == (600, True, ["books"])
    assert [each["name"] for each in made["scopes"]] == ["invoices.read", "invoices.write"]


async def test_what_was_written_from_a_provider_brings_it_nowhere_else(desk: Operators) -> None:
    await apply(desk, TEXT)
    text = (await desk.do("configuration.export"))["text"]
    told, written = tomllib.loads(TEXT), tomllib.loads(text)
    assert {name: written[name] for name in told if name not in ("client", "resources")} == {
        name: told[name] for name in told if name not in ("client", "resources")
    }
    assert await apply(desk, text) == []


async def test_what_a_file_says_otherwise_is_replaced_and_what_it_leaves_out_stays(desk: Operators) -> None:
    await apply(desk, TEXT)
    changed = TEXT.replace("life_seconds = 600\n", "").replace("Pay {to}", "Send {to}")
    assert await apply(desk, changed) == [
        ("update", "resource", "https://api.example"), ("update", "detail type", "payment"),
    ]  # fmt: skip
    assert (await desk.do("resources.list"))["items"][0]["life_seconds"] == 300
    assert await apply(desk, "schema = 1\n") == []


async def test_pruning_removes_what_is_not_named_and_rules_go_with_their_clients(desk: Operators) -> None:
    await apply(desk, TEXT)
    gone = {(kind, name) for action, kind, name in await apply(desk, "schema = 1\n", prune=True) if action == "delete"}
    assert gone == {(kind, name) for _action, kind, name in MADE}
    for table in ("resources", "detail_types", "exchange_rules", "assertion_issuers"):
        assert (await desk.do(f"{table}.list"))["items"] == []


@pytest.mark.parametrize(
    ("old", "new", "member"),
    [
        ("life_seconds = 600", "life_seconds = 6000", "resources.0.life_seconds"),
        ("Pay {to}", "Pay {from}", "detail_types.0.template"),
        ('client_id = "books"\naudiences', 'client_id = "nobody"\naudiences', "exchange_rules.0.client_id"),
        ("may_act = true", "", "exchange_rules.0.may_act"),
        ('jwks_uri = "https://their.example/keys"', "", "assertion_issuers.0.jwks"),
        ("public = true", "shared = true", "resources.0.shared"),
    ],
)
@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_refusal_names_its_place_and_leaves_everything_as_it_was(
    desk: Operators, old: str, new: str, member: str, dry_run: bool
) -> None:
    with pytest.raises(Problem) as refused:
        await desk.do("configuration.apply", text=TEXT.replace(old, new), dry_run=dry_run)
    assert refused.value.code is Code.INVALID
    assert member in [each.member for each in refused.value.faults]
    assert (await desk.do("clients.list"))["items"] == (await desk.do("resources.list"))["items"] == []


async def test_a_name_that_stands_twice_is_refused(desk: Operators) -> None:
    twice = TEXT + '\n[[resources]]\nidentifier = "https://api.example"\nname = "Again"\n'
    assert await desk.refused("configuration.apply", text=twice) is Code.INVALID
