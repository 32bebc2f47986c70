"""Other providers as administrators manage them: checked whole, changed as looked at, and no secret ever shown."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from idp.domain.user import Role
from idp.flows.admin.problem import Code, Problem
from tests.support.databases import fresh_database
from tests.support.operators import COMMAND, Operators, operators

WORKS: dict[str, Any] = {
    "id": "works", "name": "Works", "issuer": "https://works.example", "client_id": "us", "client_secret": "between us",
}  # fmt: skip
FILE = """
schema = 1
[[upstreams]]
id = "works"
name = "Works"
issuer = "https://works.example"
client_id = "us"
client_secret = "between us"
trusted_acr = { "acr:2" = ["password", "totp"] }
groups_claim = "roles"
groups = { admins = "staff" }
"""


@pytest.fixture
async def desk(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Operators]:
    async with operators(tmp_path, sqlite_url) as desk:
        yield desk


@pytest.fixture(scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Operators]:
    """A provider that every request is refused at."""
    folder = tmp_path_factory.mktemp("upstreams")
    async with fresh_database("sqlite", folder) as url, operators(folder, url) as desk:
        yield desk


async def refused(desk: Operators, operation: str, **given: Any) -> Problem:
    with pytest.raises(Problem) as raised:
        await desk.do(operation, **given)
    return raised.value


async def test_a_secret_is_taken_and_never_shown(desk: Operators) -> None:
    made = await desk.do("upstreams.create", **WORKS)
    listed = await desk.do("upstreams.list")
    changed = await desk.do("upstreams.update", id="works", client_secret="another of the two")
    async with desk.provider.site.transactions.open(write=False) as stores:
        rows = await stores.events.list(limit=50)
        stored = await stores.upstreams.find("works")

    assert made["has_secret"]
    assert made["redirect_uri"].endswith("/upstream/works/callback")
    told = f"{made}{listed}{changed}{[(row.detail, row.before, row.after) for row in rows]}"
    assert "between us" not in told
    assert "another of the two" not in told
    assert stored is not None
    assert stored.client_secret == "another of the two"


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("id", "Works"), ("id", "-works"), ("id", "a" * 41), ("issuer", "http://works.example"),
        ("issuer", "https://127.0.0.1"), ("issuer", "https://works.example?a=b"), ("issuer", "https://works.example#a"),
        ("auth_method", "none"), ("auth_method", "client_secret_jwt"), ("client_secret", None),
        ("scopes", ["profile"]), ("scopes", ["openid", "a b"]), ("create_accounts", "yes"),
        ("domains", ["not a domain"]), ("claims", {"email": "email"}), ("claims", {"a": "groups"}),
        ("claims", {"a": "roles"}), ("claims", {"a": "sub"}), ("claims", {"a": "preferred_username"}),
        ("groups", {"admins": "staff"}), ("trusted_acr", {"2": ["totp"]}), ("trusted_acr", {"acr:2": []}),
        ("trusted_acr", {"acr:2": ["recovery_code"]}), ("trusted_acr", {"acr:2": ["federated"]}),
        ("logo_uri", "http://169.254.169.254/"), ("name", "Wo\u202erks"),
    ],
)  # fmt: skip
async def test_a_member_that_cannot_be_is_refused_by_its_name(shared: Operators, member: str, value: Any) -> None:
    problem = await refused(shared, "upstreams.create", **{**WORKS, member: value})

    assert problem.code is Code.INVALID
    assert any(fault.member.split(".")[0] == member for fault in problem.faults), problem.faults


async def test_accounts_for_whoever_was_invited_need_addresses_that_are_believed(shared: Operators) -> None:
    problem = await refused(shared, "upstreams.create", **WORKS, create_accounts="invited")

    assert [fault.member for fault in problem.faults] == ["trust_email"]


async def test_an_id_is_taken_once(desk: Operators) -> None:
    await desk.do("upstreams.create", **WORKS)

    assert (await refused(desk, "upstreams.create", **WORKS)).code is Code.TAKEN


async def test_what_somebody_else_changed_meanwhile_is_not_overwritten(desk: Operators) -> None:
    made = await desk.do("upstreams.create", **WORKS)
    await desk.do("upstreams.update", id="works", version=made["version"], button="Staff")

    problem = await refused(desk, "upstreams.update", id="works", version=made["version"], button="Pupils")

    assert problem.code is Code.CHANGED_MEANWHILE
    assert (await desk.do("upstreams.get", id="works"))["button"] == "Staff"


async def test_a_change_leaves_everything_else(desk: Operators) -> None:
    await desk.do("upstreams.create", **WORKS, domains=["Works.Example"], trusted_acr={"acr:2": ["totp"]})

    changed = await desk.do("upstreams.update", id="works", active=False)

    assert changed["domains"] == ["works.example"]
    assert changed["trusted_acr"] == {"acr:2": ["totp"]}
    assert changed["has_secret"]
    assert not changed["active"]


async def test_a_signature_of_our_own_key_needs_no_secret(desk: Operators) -> None:
    given = {**WORKS, "client_secret": None, "auth_method": "private_key_jwt"}

    made = await desk.do("upstreams.create", **given)

    assert not made["has_secret"]


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.CLIENT_MANAGER, Role.AUDITOR])
async def test_only_administrators_set_another_provider_up(shared: Operators, role: Role) -> None:
    with pytest.raises(Problem) as raised:
        await shared.do("upstreams.create", await shared.of(role), **WORKS)

    assert raised.value.code is Code.FORBIDDEN


async def test_a_file_sets_up_another_provider_once_and_says_so_before(desk: Operators) -> None:
    dry = await desk.do("configuration.apply", text=FILE, dry_run=True)
    assert [(each["action"], each["kind"], each["name"]) for each in dry["changes"]] == [
        ("create", "upstream", "works")
    ]
    assert (await desk.do("upstreams.list"))["items"] == []

    await desk.do("configuration.apply", text=FILE)
    again = await desk.do("configuration.apply", text=FILE)

    assert again["changes"] == []
    shown = await desk.do("upstreams.get", id="works")
    assert shown["trusted_acr"] == {"acr:2": ["password", "totp"]}


async def test_a_file_that_was_written_changes_nothing_and_holds_no_secret(desk: Operators) -> None:
    await desk.do("configuration.apply", text=FILE)
    written = (await desk.do("configuration.export"))["text"]

    assert "between us" not in written
    assert (await desk.do("configuration.apply", text=written))["changes"] == []
    async with desk.provider.site.transactions.open(write=False) as stores:
        stored = await stores.upstreams.find("works")
    assert stored is not None
    assert stored.client_secret == "between us"


async def test_a_file_removes_what_it_does_not_name_only_when_told_to(desk: Operators) -> None:
    await desk.do("configuration.apply", text=FILE)

    assert (await desk.do("configuration.apply", text="schema = 1"))["changes"] == []
    gone = await desk.do("configuration.apply", text="schema = 1", prune=True)

    assert [(each["action"], each["name"]) for each in gone["changes"]] == [("delete", "works")]
    assert (await desk.do("upstreams.list"))["items"] == []


async def test_a_fault_in_a_file_is_told_with_its_place(shared: Operators) -> None:
    problem = await refused(shared, "configuration.apply", text=FILE.replace('"openid"', "").replace("https", "http"))

    assert problem.faults[0].member == "upstreams.0.issuer"


async def test_what_a_test_finds_is_said_and_noted(desk: Operators) -> None:
    await desk.do("upstreams.create", **WORKS)

    tested = await desk.do("upstreams.test", COMMAND, id="works")

    assert tested["problem"]
    async with desk.provider.site.transactions.open(write=False) as stores:
        rows = await stores.events.list(kind="upstream_changed", limit=10)
    assert rows[0].detail["change"] == "tested"
