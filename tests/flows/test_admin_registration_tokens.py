"""Operations that pages need: tokens by which others register clients, a person's groups, and what is taken away."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from idp.domain.user import Role
from idp.flows.admin.problem import Code
from tests.support.databases import fresh_database
from tests.support.operators import Operators, operators


@pytest.fixture(scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Operators]:
    folder: Path = tmp_path_factory.mktemp("tokens")
    async with fresh_database("sqlite", folder) as url, operators(folder, url) as desk:
        yield desk


@pytest.mark.parametrize(
    "given",
    [
        {"profile": "none"}, {"uses": 0}, {"uses": 10_001}, {"days": 0}, {"days": 366}, {"uses": "2"},
        {"grant_types": []}, {"grant_types": ["password"]}, {"scopes": ["a b"]}, {"scopes": ["admin:users.read"]},
        {"made_by": "me"},
    ],
    ids=str,
)  # fmt: skip
async def test_a_token_that_may_not_be_is_refused_and_none_is_made(desk: Operators, given: dict[str, Any]) -> None:
    before = await desk.do("registration_tokens.list")

    assert await desk.refused("registration_tokens.create", **given) is Code.INVALID
    assert await desk.do("registration_tokens.list") == before


async def test_a_token_is_made_in_the_name_of_its_maker_shown_once_and_revoked_once(desk: Operators) -> None:
    caller = await desk.of(Role.ADMINISTRATOR)

    made = await desk.do("registration_tokens.create", caller, uses=2, days=3, scopes=["openid"])
    listed = (await desk.do("registration_tokens.list", caller))["items"]
    await desk.do("registration_tokens.revoke", caller, id=made["id"])

    assert made["secret"]
    assert listed == [made | {"secret": None}]
    assert (made["made_by"], made["remaining"]) == (f"user {caller.user_id}", 2)
    assert [event["actor_id"] for event in await desk.events("registration_token_changed")] == [caller.user_id] * 2
    assert await desk.refused("registration_tokens.revoke", caller, id=made["id"]) is Code.NOT_FOUND


async def test_the_groups_of_a_person_are_listed_by_their_names(desk: Operators) -> None:
    user, nobody = await desk.user(groups=["staff", "crew"]), await desk.user()

    found = (await desk.do("users.groups", id=user.id))["items"]

    assert [each["name"] for each in found] == ["crew", "staff"]
    assert (await desk.do("users.groups", id=nobody.id))["items"] == []
    assert await desk.refused("users.groups", id="nobody") is Code.NOT_FOUND
    assert await desk.refused("users.groups", await desk.of(Role.CLIENT_MANAGER), id=user.id) is Code.FORBIDDEN


@pytest.mark.parametrize("member", ["email", "username"])
async def test_what_is_null_is_taken_away_and_what_is_absent_stays(desk: Operators, member: str) -> None:
    user = await desk.user()

    changed = await desk.do("users.update", id=user.id, **{member: None})
    again = await desk.do("users.update", id=user.id, claims={"name": "Ada"})

    other = {"email": "username", "username": "email"}[member]
    assert changed[member] is again[member] is None
    assert changed[other] == again[other] == getattr(user, other)
    assert await desk.refused("users.update", id=user.id, **{other: None}) is Code.INVALID
