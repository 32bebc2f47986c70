"""Changes of a part by SCIM – RFC 7644 §3.5.2: as a whole or not at all."""

from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest

from tests.support.admin_api import Api
from tests.support.databases import fresh_database
from tests.support.provider import Provider
from tests.support.scim import ENTERPRISE, GROUP, USER, changes, directory


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """A provider that no other specification has moved in time or filled."""
    folder = tmp_path_factory.mktemp("scim")
    async with fresh_database("sqlite", folder) as url, Provider.running(folder, url) as provider:
        yield provider


_numbers = count(1)
TITLE = {"op": "replace", "path": "title", "value": "Changed"}


async def barbara(caller: Api) -> dict[str, Any]:
    n = next(_numbers)
    return await caller.made(
        "/Users", schemas=[USER, ENTERPRISE], userName=f"babs{n}", title="Guide", nickName="Babs",
        name={"familyName": "Jensen", "givenName": "Barbara"}, emails=[{"value": f"babs{n}@x.example", "type": "work"}],
        addresses=[{"type": "work", "locality": "Hollywood"}], **{ENTERPRISE: {"department": "Tours"}},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"op": "add", "path": "userType", "value": "Employee"}, {"userType": "Employee"}),
        ({"op": "Add", "path": "userType", "value": "Employee"}, {"userType": "Employee"}),
        ({"op": "add", "value": {"userType": "Employee", "nickName": "B"}}, {"userType": "Employee", "nickName": "B"}),
        ({"op": "replace", "path": "title", "value": "Chief"}, {"title": "Chief"}),
        ({"op": "replace", "path": "TITLE", "value": "Chief"}, {"title": "Chief"}),
        ({"op": "replace", "path": f"{USER}:title", "value": "Chief"}, {"title": "Chief"}),
        ({"op": "replace", "path": "title", "value": None}, {"title": None}),
        ({"op": "replace", "value": {"title": "Chief"}}, {"title": "Chief"}),
        ({"op": "remove", "path": "title"}, {"title": None}),
        ({"op": "remove", "path": "name"}, {"name": None}),
        ({"op": "remove", "path": "name.givenName"}, {"name": {"familyName": "Jensen"}}),
        ({"op": "replace", "path": "name.familyName", "value": "Smith"},
         {"name": {"familyName": "Smith", "givenName": "Barbara"}}),
        ({"op": "add", "path": "name", "value": {"middleName": "J"}},
         {"name": {"familyName": "Jensen", "givenName": "Barbara", "middleName": "J"}}),
        ({"op": "replace", "path": 'addresses[type eq "work"].locality', "value": "Berlin"},
         {"addresses": [{"type": "work", "locality": "Berlin", "primary": True}]}),
        ({"op": "remove", "path": 'addresses[type eq "work"]'}, {"addresses": None}),
        ({"op": "remove", "path": 'addresses[type eq "home"]'},
         {"addresses": [{"type": "work", "locality": "Hollywood", "primary": True}]}),
        ({"op": "replace", "path": f"{ENTERPRISE}:department", "value": "Sales"},
         {ENTERPRISE: {"department": "Sales"}}),
        ({"op": "add", "value": {ENTERPRISE: {"division": "Parks"}}},
         {ENTERPRISE: {"department": "Tours", "division": "Parks"}}),
        ({"op": "remove", "path": ENTERPRISE}, {ENTERPRISE: None}),
        ({"op": "replace", "path": "active", "value": False}, {"active": False}),
        ({"op": "remove", "path": "emails"}, {"emails": None}),
    ],
)  # fmt: skip
async def test_a_part_is_changed(provider: Provider, change: dict[str, Any], expected: dict[str, Any]) -> None:
    """RFC 7644 §3.5.2.1 to §3.5.2.3, with what Entra and Okta send."""
    caller = await directory(provider)
    person = await barbara(caller)

    answer = await caller.send("PATCH", f"/Users/{person['id']}", changes(change))
    shown = await caller.get(f"/Users/{person['id']}")

    assert answer.status == 200, answer.text
    assert answer.body == shown.body
    assert {name: shown.body.get(name) for name in expected} == expected
    left = person.keys() - expected.keys() - {"meta", "schemas"}
    assert {name: shown.body.get(name) for name in left} == {name: person[name] for name in left}


async def test_an_address_of_a_type_is_replaced_in_place(provider: Provider) -> None:
    """RFC 7644 §3.5.2.3, with a value filter; it is nobody's proved address any more."""
    caller = await directory(provider)
    person, new = await barbara(caller), f"new{next(_numbers)}@x.example"

    change = {"op": "replace", "path": 'emails[type eq "work"].value', "value": new}
    answer = await caller.send("PATCH", f"/Users/{person['id']}", changes(change))

    assert answer.body["emails"] == [{"value": new, "type": "work", "primary": True}]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"op": "remove"}, "noTarget"),
        ({"op": "replace", "path": 'addresses[type eq "home"].locality', "value": "x"}, "noTarget"),
        ({"op": "replace", "path": 'emails[type eq "home"]', "value": {"value": "x@x.example"}}, "noTarget"),
        ({"op": "replace", "path": "shoeSize", "value": 43}, "invalidPath"),
        ({"op": "replace", "path": "name[", "value": 43}, "invalidPath"),
        ({"op": "replace", "path": "name.shoeSize", "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": "id", "value": "x"}, "mutability"),
        ({"op": "replace", "path": "groups", "value": []}, "mutability"),
        ({"op": "add", "path": "groups", "value": [{"value": "x"}]}, "mutability"),
        ({"op": "replace", "path": "meta.created", "value": "2024-01-01T00:00:00Z"}, "mutability"),
        ({"op": "remove", "path": "userName"}, "mutability"),
        ({"op": "remove", "path": "active"}, "mutability"),
        ({"op": "replace", "path": "password", "value": "tulips in the rain"}, "mutability"),
        ({"op": "replace", "path": f"{USER}:password", "value": "tulips in the rain"}, "mutability"),
        ({"op": "replace", "value": {"password": "tulips in the rain"}}, "mutability"),
        ({"op": "replace", "value": {f"{USER}:password": "tulips in the rain"}}, "mutability"),
        ({"op": "replace", "value": {USER: {"password": "tulips in the rain"}}}, "invalidValue"),
        ({"op": "add", "path": "title"}, "invalidValue"),
        ({"op": "add", "path": "emails", "value": [{"value": "second@x.example"}]}, "invalidValue"),
        ({"op": "move", "path": "title", "value": "x"}, "invalidValue"),
        ({"op": "replace", "path": "title", "value": 5}, "invalidValue"),
        ({"op": "replace", "path": "roles", "value": [{"value": "owner"}]}, "invalidPath"),
    ],
)
async def test_what_cannot_be_changed_is_refused_with_all_the_rest(
    provider: Provider, change: dict[str, Any], kind: str
) -> None:
    """RFC 7644 §3.5.2: atomic; what stands before and behind the bad one is not done either."""
    caller = await directory(provider)
    person = await barbara(caller)

    answer = await caller.send("PATCH", f"/Users/{person['id']}", changes(TITLE, change, TITLE))

    assert (answer.status, answer.body.get("scimType")) == (400, kind), answer.text
    assert (await caller.get(f"/Users/{person['id']}")).body == person


@pytest.mark.parametrize("body", [{}, {"Operations": []}, {"Operations": "x"}, {"Operations": [5]}, {"x": 1}])
async def test_what_is_no_patch_is_refused(provider: Provider, body: dict[str, Any]) -> None:
    """RFC 7644 §3.5.2."""
    caller = await directory(provider)
    person = await barbara(caller)

    assert (await caller.send("PATCH", f"/Users/{person['id']}", body)).status == 400


async def test_members_come_and_go(provider: Provider) -> None:
    """RFC 7644 §3.5.2.1 and §3.5.2.2: added, added again, removed by filter, by value as Entra does, and all."""
    caller = await directory(provider)
    one, two, three = [(await barbara(caller))["id"] for _ in range(3)]
    group = await caller.made("/Groups", schemas=[GROUP], displayName=f"crew{next(_numbers)}", members=[{"value": one}])
    path = f"/Groups/{group['id']}"

    async def after(*operations: dict[str, Any]) -> set[str]:
        answer = await caller.send("PATCH", path, changes(*operations))
        assert answer.status == 200, answer.text
        return {each["value"] for each in answer.body.get("members", [])}

    added = {"op": "add", "path": "members", "value": [{"value": two}, {"value": three}]}
    assert await after(added) == {one, two, three}
    assert await after(added) == {one, two, three}
    assert await after({"op": "remove", "path": f'members[value eq "{one}"]'}) == {two, three}
    assert await after({"op": "remove", "path": "members", "value": [{"value": two}]}) == {three}
    assert await after({"op": "replace", "path": "members", "value": [{"value": one}]}) == {one}
    renamed = {"op": "replace", "path": "displayName", "value": f"renamed{next(_numbers)}"}
    assert await after(renamed, {"op": "remove", "path": "members"}) == set()


async def test_a_member_who_does_not_exist_leaves_all_as_it_was(provider: Provider) -> None:
    """The others are not added, and the name is not changed."""
    caller = await directory(provider)
    one = (await barbara(caller))["id"]
    group = await caller.made("/Groups", schemas=[GROUP], displayName=f"crew{next(_numbers)}")

    added = {"op": "add", "path": "members", "value": [{"value": one}, {"value": "nobody"}]}
    renamed = {"op": "replace", "path": "displayName", "value": "other"}
    answer = await caller.send("PATCH", f"/Groups/{group['id']}", changes(renamed, added))

    assert (answer.status, answer.body["scimType"]) == (400, "invalidValue")
    assert (await caller.get(f"/Groups/{group['id']}")).body == group
