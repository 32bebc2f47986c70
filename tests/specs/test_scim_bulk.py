"""Many changes at once by SCIM – RFC 7644 §3.7."""

from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest

from idp.domain.permission import Permission as P
from tests.support.admin_api import Api
from tests.support.databases import fresh_database
from tests.support.provider import Provider
from tests.support.relying_party import Answer
from tests.support.scim import BULK, GROUP, USER, changes, directory


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """A provider that no other specification has moved in time or filled."""
    folder = tmp_path_factory.mktemp("scim")
    async with fresh_database("sqlite", folder) as url, Provider.running(folder, url) as provider:
        yield provider


_numbers = count(1)


async def bulk(caller: Api, *operations: Any, **members: Any) -> Answer:
    return await caller.post("/Bulk", {"schemas": [BULK], "Operations": list(operations), **members})


def person(bulk_id: str, **members: Any) -> dict[str, Any]:
    data = {"schemas": [USER], "userName": f"bulk{next(_numbers)}", **members}
    return {"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data}


def group(bulk_id: str, *members: str) -> dict[str, Any]:
    data = {"schemas": [GROUP], "displayName": f"bulk{next(_numbers)}", "members": [{"value": e} for e in members]}
    return {"method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": data}


def statuses(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.text
    return [each["status"] for each in answer.body["Operations"]]


async def test_what_is_made_can_be_named_before_it_is(each_provider: Provider) -> None:
    """RFC 7644 §3.7.2: the group stands before its member, and each has a result in its place."""
    caller = await directory(each_provider)

    answer = await bulk(caller, group("g", "bulkId:p"), person("p"))

    assert statuses(answer) == ["201", "201"]
    made, member = answer.body["Operations"]
    assert (made["bulkId"], member["bulkId"], made["method"]) == ("g", "p", "POST")
    assert answer.body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]
    shown = await caller.get(made["location"])
    assert [each["$ref"] for each in shown.body["members"]] == [member["location"]]
    assert shown.body["meta"]["version"] == made["version"]


async def test_all_kinds_of_changes_are_done(provider: Provider) -> None:
    """RFC 7644 §3.7.3, with a path that names what the same request makes."""
    caller = await directory(provider)
    known = (await bulk(caller, person("p"))).body["Operations"][0]["location"].rpartition("/")[2]
    title = changes({"op": "add", "path": "title", "value": "Guide"})

    answer = await bulk(
        caller, person("q"), {"method": "PATCH", "path": "/Users/bulkId:q", "data": title},
        {"method": "PUT", "path": f"/Users/{known}", "data": {"schemas": [USER], "userName": "put"}},
        {"method": "DELETE", "path": f"/Users/{known}"},
    )  # fmt: skip

    assert statuses(answer) == ["201", "200", "200", "204"]
    assert (await caller.get(answer.body["Operations"][0]["location"])).body["title"] == "Guide"
    assert (await caller.get(f"/Users/{known}")).status == 404


async def test_each_change_succeeds_or_fails_by_itself(provider: Provider) -> None:
    """RFC 7644 §3.7.3: with the refusal that it would have had alone."""
    caller = await directory(provider)
    taken = person("a")

    answer = await bulk(
        caller, taken, {**taken, "bulkId": "b"}, {"method": "DELETE", "path": "/Users/nobody"},
        {"method": "GET", "path": "/Users"}, {"method": "POST", "path": "/Users", "data": {}}, 5,
        {"method": "POST", "path": "/Nothing", "bulkId": "x", "data": {}},
        {"method": "DELETE", "path": "/Users"}, {"method": "PUT", "path": "/Users/x"},
        {"method": "DELETE", "path": "/Users/a/b"}, person("c"),
    )  # fmt: skip

    assert statuses(answer) == ["201", "409", "404", *["400"] * 7, "201"]
    assert answer.body["Operations"][1]["response"]["scimType"] == "uniqueness"
    assert answer.body["Operations"][2]["location"].endswith("/Users/nobody")
    assert answer.body["Operations"][6]["response"]["scimType"] == "invalidPath"


async def test_after_so_many_refusals_nothing_more_is_done(provider: Provider) -> None:
    """RFC 7644 §3.7.3, failOnErrors."""
    caller, late = await directory(provider), person("late")
    bad = {"method": "DELETE", "path": "/Users/nobody"}

    answer = await bulk(caller, person("early"), bad, bad, late, failOnErrors=2)

    assert statuses(answer) == ["201", "404", "404"]
    found = await caller.get(f'/Users?filter=userName eq "{late["data"]["userName"]}"')
    assert found.body["totalResults"] == 0


@pytest.mark.parametrize("member", ["bulkId:nowhere", "bulkId:self", "bulkId:failed", "bulkId:other"])
async def test_what_stands_for_nothing_is_a_conflict(provider: Provider, member: str) -> None:
    """RFC 7644 §3.7.1: nowhere, itself, in a circle, or what could not be made."""
    caller = await directory(provider)

    answer = await bulk(
        caller, group("self", member), group("other", "bulkId:self"), person("failed", userName="two words")
    )

    assert statuses(answer) == ["409", "409", "400"]


async def test_a_stale_version_is_refused(provider: Provider) -> None:
    """RFC 7644 §3.7, version."""
    caller = await directory(provider)
    made = (await bulk(caller, person("p"))).body["Operations"][0]
    path = "/Users/" + made["location"].rpartition("/")[2]
    change = {"method": "PATCH", "path": path, "version": made["version"],
              "data": changes({"op": "add", "path": "title", "value": "x"})}  # fmt: skip

    assert statuses(await bulk(caller, change, change)) == ["200", "412"]


async def test_more_than_the_most_is_done_not_at_all(provider: Provider) -> None:
    """RFC 7644 §3.7.4: 413, both for changes and for bytes."""
    caller = await directory(provider)
    config = (await caller.get("/ServiceProviderConfig")).body["bulk"]
    first = person("first")

    many = await bulk(caller, first, *[{"method": "DELETE", "path": "/Users/x"}] * config["maxOperations"])
    large = await bulk(caller, person("big", title="x" * config["maxPayloadSize"]))

    assert (many.status, large.status) == (413, 413)
    found = await caller.get(f'/Users?filter=userName eq "{first["data"]["userName"]}"')
    assert found.body["totalResults"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {}, {"Operations": []}, {"Operations": {}}, {"Operations": [5], "failOnErrors": -1},
        {"Operations": [5], "schemas": [USER]}, {"Operations": [5], "more": 1},
        {"Operations": [{"method": "POST", "path": "/Users", "bulkId": "x", "data": {}}] * 2},
    ],
)  # fmt: skip
async def test_what_is_no_bulk_request_is_refused(provider: Provider, body: dict[str, Any]) -> None:
    """RFC 7644 §3.7."""
    caller = await directory(provider)

    assert (await caller.post("/Bulk", body)).status == 400


async def test_each_change_needs_its_own_scope(provider: Provider) -> None:
    """A request of many is no way around what one of them would need."""
    caller = await directory(provider, P.USERS_READ, P.USERS_WRITE)

    answer = await bulk(caller, person("p"), group("g", "bulkId:p"))

    assert statuses(answer) == ["201", "403"]
