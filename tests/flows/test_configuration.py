"""Configuration as code: shown before it is done, done once, refused whole, and written from what is there."""

import asyncio
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from idp.domain.user import Role
from idp.flows.admin.configuration_file import write
from idp.flows.admin.problem import Code, Problem
from tests.support.databases import fresh_database
from tests.support.operators import COMMAND, Operators, operators

POLICY = """
[policy]
text = '''
schema = 1
break_glass = { group = "break-glass" }
[[rule]]
id = "a"
when = { risk.band.ge = "high" }
require = { acr = "loa:2" }
'''
"""
GROUPS = '[[group]]\nname = "staff"\ndescription = "people of the house"\n'
CLIENT = """
[[client]]
client_id = "books"
first_party = true
[client.metadata]
client_name = "Books"
redirect_uris = ["https://books.example/cb"]
"""
WHOLE = f"schema = 1\n{POLICY}{GROUPS}{CLIENT}"


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Operators]:
    async with operators(tmp_path, database_url) as desk:
        yield desk


@pytest.fixture(scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Operators]:
    """A provider that every request is refused at."""
    folder = tmp_path_factory.mktemp("configuration")
    async with fresh_database("sqlite", folder) as url, operators(folder, url, IDP_BRAND_NAME="Harbour") as desk:
        yield desk


async def apply(desk: Operators, text: str, **more: Any) -> list[tuple[str, str, str]]:
    """Apply a text; return what changed."""
    done = await desk.do("configuration.apply", text=text, **more)
    return [(each["action"], each["kind"], each["name"]) for each in done["changes"]]


async def test_what_would_change_is_shown_then_done_and_a_second_time_nothing_is_left(desk: Operators) -> None:
    shown = await desk.do("configuration.apply", text=WHOLE, dry_run=True)
    assert (await desk.do("groups.list"))["items"] == (await desk.do("clients.list"))["items"] == []

    done = await desk.do("configuration.apply", text=WHOLE)
    again = await desk.do("configuration.apply", text=WHOLE)

    assert [each["name"] for each in done["changes"]] == ["staff", "books", "policy"]
    assert [each["name"] for each in shown["changes"]] == ["staff", "books", "policy"]
    assert (shown["secrets"], list(done["secrets"]), again["changes"]) == ({}, ["books"], [])
    assert done["secrets"]["books"] not in str(done["changes"])
    assert (await desk.do("clients.show", id="books"))["first_party"] is True


async def test_what_was_written_from_a_provider_brings_it_nowhere_else(desk: Operators) -> None:
    manager = await desk.user(Role.CLIENT_MANAGER)
    await desk.do("configuration.apply", text=WHOLE)
    await desk.do("clients.add_manager", id="books", user_id=manager.id)

    text = (await desk.do("configuration.export"))["text"]

    assert await apply(desk, text) == []
    assert tomllib.loads(text)["client"][0]["managers"] == [manager.id]
    assert "client_secret" not in tomllib.loads(text)["client"][0]


async def test_a_member_that_left_the_file_has_its_default_again_and_the_secret_stays(desk: Operators) -> None:
    (secret,) = (await desk.do("configuration.apply", text=f'{WHOLE}client_uri = "https://books.example/"\n'))[
        "secrets"
    ].values()

    done = await desk.do("configuration.apply", text=WHOLE)

    assert done["changes"][0]["before"] == {"client_uri": "https://books.example/"}
    assert done["secrets"] == {}
    async with desk.provider.site.transactions.open(write=False) as stores:
        kept = await stores.clients.find("books")
    assert kept is not None
    assert kept.secret_digests == (desk.provider.site.digester.digest("client_secret", secret),)


async def test_what_the_file_does_not_name_stays_unless_it_is_to_go(desk: Operators) -> None:
    await desk.do("configuration.apply", text=WHOLE)

    assert await apply(desk, "schema = 1") == []
    assert await apply(desk, "schema = 1", prune=True, dry_run=True) == [
        ("delete", "client", "books"), ("delete", "group", "staff"),
    ]  # fmt: skip
    assert len((await desk.do("clients.list"))["items"]) == 1
    await desk.do("configuration.apply", text="schema = 1", prune=True)
    assert (await desk.do("groups.list"))["items"] == (await desk.do("clients.list"))["items"] == []


@pytest.mark.parametrize(
    ("text", "member"),
    [
        ("schema = 2", "schema"), ("", "text"), ("schema = 1\nx = 1", "x"), ("schema = ", "text"),
        (f"schema = 1\n{GROUPS}{GROUPS}", "group.1.name"), (f"schema = 1\n{CLIENT}{CLIENT}", "client.1.client_id"),
        (f"schema = 1\n{CLIENT}\nclient_secret = 'mine'", "client.0.metadata"),
        (f"schema = 1\n{CLIENT}\ntos_uri = 7", "client.0.metadata.tos_uri"),
        (WHOLE.replace("https://books", "http://books"), "client.0.metadata.redirect_uris.0"),
        (WHOLE.replace("first_party", "profile = 'god'\nfirst_party"), "client.0.profile"),
        (WHOLE.replace("first_party", "managers = ['nobody@example.org']\nfirst_party"), "client.managers"),
        (WHOLE.replace("loa:2", "loa:9"), "policy.text"), (WHOLE.replace('"staff"', '"st\\u202eaff"'), "group.0.name"),
        (f'schema = 1\n[settings]\nIDP_BRAND_NAME = "Other"\n{GROUPS}', "settings.IDP_BRAND_NAME"),
        (f'schema = 1\n[settings]\nIDP_MASTER_KEY = "x"\n{GROUPS}', "settings.IDP_MASTER_KEY"),
        (f'schema = 1\n[settings]\nIDP_NOTHING = "x"\n{GROUPS}', "settings.IDP_NOTHING"),
        ("schema = 1\na = " + "[" * 5000 + "]" * 5000, "text"),
    ],
    ids=range(17),
)  # fmt: skip
async def test_a_file_with_a_fault_is_refused_whole_and_the_place_is_named(
    shared: Operators, text: str, member: str
) -> None:
    with pytest.raises(Problem) as refused:
        await shared.do("configuration.apply", text=text)

    assert member in [fault.member for fault in refused.value.faults]
    assert (await shared.do("groups.list"))["items"] == (await shared.do("clients.list"))["items"] == []


async def test_a_policy_that_would_lock_out_an_administrator_is_refused_before_anything_is_done(
    desk: Operators,
) -> None:
    await desk.user(Role.OWNER)
    text = WHOLE.replace('when = { risk.band.ge = "high" }', 'when = { risk.score.ge = 0 }\nunenrolled = "deny"')

    assert await desk.refused("configuration.apply", text=text.replace("loa:2", "phr")) is Code.INVALID

    assert (await desk.do("groups.list"))["items"] == []


async def test_expected_settings_that_are_so_are_no_change(shared: Operators) -> None:
    assert await apply(shared, 'schema = 1\n[settings]\nIDP_BRAND_NAME = "Harbour"\n', dry_run=True) == []


async def test_administrators_apply_files_and_nobody_below(shared: Operators) -> None:
    for role in (Role.SUPPORT, Role.AUDITOR, Role.CLIENT_MANAGER):
        caller = await shared.of(role)
        assert await shared.refused("configuration.apply", caller, text="schema = 1") is Code.FORBIDDEN
        assert await shared.refused("configuration.export", caller) is Code.FORBIDDEN
    stale = await shared.of(Role.OWNER, is_fresh=False)
    assert await shared.refused("configuration.apply", stale, text="schema = 1") is Code.STEP_UP_REQUIRED


async def test_of_two_that_are_applied_at_once_none_is_half_done(desk: Operators) -> None:
    done = await asyncio.gather(
        *(desk.do("configuration.apply", COMMAND, text=f"schema = 1\n{GROUPS}{CLIENT}") for _ in range(3)),
        return_exceptions=True,
    )

    assert any(isinstance(each, dict) for each in done)
    assert all(isinstance(each, dict | Problem) for each in done)
    assert len((await desk.do("clients.list"))["items"]) == len((await desk.do("groups.list"))["items"]) == 1


texts = some.text(some.characters(codec="utf-8"), max_size=30)
values = some.recursive(
    texts | some.booleans() | some.integers(-(2**40), 2**40),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(some.dictionaries(texts, texts | some.dictionaries(texts, values, max_size=4), max_size=4))
def test_whatever_is_written_is_read_again(document: dict[str, Any]) -> None:
    plain = {name: value for name, value in document.items() if not isinstance(value, dict)}
    tables = {name: value for name, value in document.items() if isinstance(value, dict)}

    assert tomllib.loads(write({**plain, **tables})) == document
