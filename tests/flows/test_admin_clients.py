"""Operations on clients that pages show: kinds, errors with advice, reasons for each redirect URI, two at once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, KeySet

from idp.domain.event import Event, EventKind
from idp.domain.user import Role
from idp.flows.admin.catalog import OPERATIONS
from idp.flows.admin.problem import Code, Problem
from tests.support.databases import fresh_database
from tests.support.operators import COMMAND, Operators, operators

CALLBACK = "https://books.example/callback"
MEMBERS = {"client_name": "Harbour Books", "redirect_uris": [CALLBACK]}


@pytest.fixture(scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Operators]:
    folder = tmp_path_factory.mktemp("clients")
    async with fresh_database("sqlite", folder) as url, operators(folder, url) as desk:
        yield desk


@pytest.fixture
async def either(database_url: str, tmp_path: Path) -> AsyncIterator[Operators]:
    async with operators(tmp_path, database_url) as desk:
        yield desk


async def problem(desk: Operators, operation: str, **given: Any) -> Problem:
    """Return why an operation was refused."""
    with pytest.raises(Problem) as refused:
        await desk.provider.site.administration.call(OPERATIONS[operation], COMMAND, given)
    return refused.value


async def refuse(desk: Operators, client_id: str, kind: EventKind, times: int = 1, **detail: str) -> None:
    """Leave refusals of a client in the trail."""
    async with desk.provider.site.transactions.open(write=True) as stores:
        for _ in range(times):
            await stores.events.add(Event(kind, client_id=client_id, detail=detail), desk.provider.clock.now())


async def test_every_kind_can_be_registered_with_nothing_but_a_name_and_an_address(desk: Operators) -> None:
    kinds = (await desk.do("clients.kinds"))["items"]

    assert [each["kind"] for each in kinds] == [
        "web", "spa", "native", "machine", "api", "fapi", "agent", "device", "ciba",
    ]  # fmt: skip
    for kind in kinds:
        typed: dict[str, Any] = {"client_name": "Shop"} | (
            {"redirect_uris": [CALLBACK]} if kind["has_redirects"] else {}
        )
        if kind["metadata"]["token_endpoint_auth_method"] == "private_key_jwt":
            typed["jwks"] = KeySet([ECKey.generate_key("P-256")]).as_dict(private=False)
        made = await desk.do("clients.create", profile=kind["profile"], metadata=kind["metadata"] | typed)
        assert made["metadata"]["token_endpoint_auth_method"] in kind["auth_methods"]
        assert made["first_party"] is False


async def test_each_redirect_uri_has_a_reason_of_its_own_at_its_place(desk: Operators) -> None:
    uris = [CALLBACK, "https://*.books.example/", CALLBACK, "http://books.example/", "https://books.example/#x"]

    refused = await problem(desk, "clients.create", metadata=MEMBERS | {"redirect_uris": uris})

    assert [fault.member for fault in refused.faults] == [f"metadata.redirect_uris.{index}" for index in (1, 2, 3, 4)]
    assert len({fault.detail for fault in refused.faults}) == 4
    assert not any(uri in refused.detail for uri in uris)


@pytest.mark.parametrize("members", [{"redirect_uris": "x"}, {"redirect_uris": [1]}, {"redirect_uris": None}])
async def test_what_is_no_list_of_addresses_is_refused(desk: Operators, members: dict[str, Any]) -> None:
    assert (await problem(desk, "clients.create", metadata=MEMBERS | members)).code is Code.INVALID


@pytest.mark.parametrize(
    ("members", "member"),
    [
        ({"policy_uri": "javascript:alert(1)"}, "metadata.policy_uri"),
        ({"jwks_uri": "http://far.example/"}, "metadata.jwks_uri"),
        ({"allowed_cors_origins": ["https://a.example/path"]}, "metadata.allowed_cors_origins"),
        ({"client_name": "\u202eevil"}, "metadata.client_name"),
        ({"client_name": 7}, "metadata.client_name"),
        ({"token_endpoint_auth_method": "magic"}, "metadata.token_endpoint_auth_method"),
    ],
)
async def test_a_fault_stands_at_its_member(desk: Operators, members: dict[str, Any], member: str) -> None:
    refused = await problem(desk, "clients.create", metadata=MEMBERS | members)

    assert [fault.member for fault in refused.faults] == [member]


async def test_a_member_that_is_null_is_as_if_it_had_never_been_set(desk: Operators) -> None:
    made = await desk.do("clients.create", metadata=MEMBERS | {"policy_uri": "https://books.example/privacy"})

    after = await desk.do("clients.update", id=made["id"], metadata={"policy_uri": None})

    assert "policy_uri" not in after["metadata"]
    assert after["metadata"]["redirect_uris"] == [CALLBACK]


async def test_of_two_that_make_the_same_client_at_once_one_does(either: Operators) -> None:
    made = await asyncio.gather(
        *(either.do("clients.create", client_id="c-twice", metadata=MEMBERS) for _ in range(2)),
        return_exceptions=True,
    )

    refused = [each for each in made if isinstance(each, BaseException)]
    assert [each.code for each in refused if isinstance(each, Problem)] == [Code.TAKEN]


async def test_a_new_secret_is_a_change_that_a_second_form_does_not_repeat(desk: Operators) -> None:
    made = await desk.do("clients.create", metadata=MEMBERS)

    rotated = await desk.do("clients.rotate_secret", id=made["id"], version=made["version"])

    assert rotated["version"] != made["version"]
    again = await problem(desk, "clients.rotate_secret", id=made["id"], version=made["version"])
    assert again.code is Code.CHANGED_MEANWHILE


async def test_errors_are_grouped_by_reason_with_what_to_change(either: Operators) -> None:
    client_id = (await either.do("clients.create", metadata=MEMBERS))["id"]
    other = (await either.do("clients.create", metadata=MEMBERS))["id"]
    token = EventKind.TOKEN_REFUSED
    await refuse(either, client_id, token, 3, error="invalid_grant", refused_by="check_verifier")
    await refuse(either, client_id, EventKind.AUTHORIZATION_REFUSED, 2, error="login_required")
    await refuse(either, client_id, EventKind.CODE_REPLAYED)
    await refuse(either, client_id, EventKind.TOKENS_ISSUED, 9)
    await refuse(either, other, token, 9, error="invalid_scope")

    found = await either.do("clients.errors", id=client_id)

    assert found["is_all"] is True
    assert [(each["reason"], each["refused_by"], each["count"], each["advice"]) for each in found["items"]] == [
        ("invalid_grant", "check_verifier", 3, "verifier"),
        ("login_required", None, 2, "silent"),
        ("code_replayed", None, 1, "code_twice"),
    ]


async def test_errors_of_long_ago_are_not_told(desk: Operators) -> None:
    client_id = (await desk.do("clients.create", metadata=MEMBERS))["id"]
    await refuse(desk, client_id, EventKind.TOKEN_REFUSED, error="invalid_scope")
    desk.provider.clock.advance(timedelta(days=7, seconds=-1))
    at_the_edge = await desk.do("clients.errors", id=client_id)
    desk.provider.clock.advance(timedelta(seconds=2))

    assert len(at_the_edge["items"]) == 1
    assert (await desk.do("clients.errors", id=client_id))["items"] == []
    assert len((await desk.do("clients.errors", id=client_id, days=8))["items"]) == 1
    assert await desk.refused("clients.errors", id=client_id, days=31) is Code.INVALID


async def test_a_client_manager_reads_errors_of_their_own_clients_only(desk: Operators) -> None:
    manager = await desk.of(Role.CLIENT_MANAGER)
    own, other = [(await desk.do("clients.create", metadata=MEMBERS))["id"] for _ in range(2)]
    await desk.do("clients.add_manager", id=own, user_id=manager.user_id)

    assert (await desk.do("clients.errors", manager, id=own))["items"] == []
    assert await desk.refused("clients.errors", manager, id=other) is Code.NOT_FOUND
