"""Changes of a part as Entra ID sends them, beside the letter of RFC 7644 §3.5.2; what they mean is what is done."""

from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest

from tests.support.admin_api import Api
from tests.support.databases import fresh_database
from tests.support.provider import Provider
from tests.support.scim import ENTERPRISE, USER, changes, directory

_numbers = count(1)
WORK = 'emails[type eq "work"].value'


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """A provider that no other specification has moved in time or filled."""
    folder = tmp_path_factory.mktemp("scim")
    async with fresh_database("sqlite", folder) as url, Provider.running(folder, url) as provider:
        yield provider


async def person(caller: Api, **members: Any) -> dict[str, Any]:
    return await caller.made("/Users", schemas=[USER, ENTERPRISE], userName=f"adele{next(_numbers)}", **members)


def address() -> str:
    return f"adele{next(_numbers)}@contoso.example"


async def patched(caller: Api, made: dict[str, Any], *operations: dict[str, Any]) -> dict[str, Any]:
    """Return a person after changes that must be done."""
    answer = await caller.send("PATCH", f"/Users/{made['id']}", changes(*operations))
    assert answer.status == 200, answer.text
    body: dict[str, Any] = answer.body
    assert body == (await caller.get(f"/Users/{made['id']}")).body
    return body


async def refused(caller: Api, made: dict[str, Any], *operations: dict[str, Any]) -> tuple[str, str]:
    """Return why changes were refused, which left everything as it was."""
    answer = await caller.send("PATCH", f"/Users/{made['id']}", changes(*operations))
    assert answer.status == 400, answer.text
    assert (await caller.get(f"/Users/{made['id']}")).body == made
    return answer.body["scimType"], answer.body["detail"]


@pytest.mark.parametrize("op", ["Replace", "replace", "REPLACE", "Add", "add"])
@pytest.mark.parametrize(("said", "means"), [("False", False), ("false", False), ("True", True), (False, False)])
async def test_active_may_be_said_as_a_text(provider: Provider, op: str, said: Any, means: bool) -> None:
    """RFC 7643 §2.3.2 has true and false; Entra sends texts."""
    caller = await directory(provider)
    one, two = await person(caller), await person(caller)

    by_path = await patched(caller, one, {"op": op, "path": "active", "value": said})
    by_value = await patched(caller, two, {"op": op, "value": {"active": said}})

    assert (by_path["active"], by_value["active"]) == (means, means)


@pytest.mark.parametrize("said", ["yes", "0", "", " true", 0, 1, ["False"], {"value": "False"}])
async def test_a_text_that_is_neither_true_nor_false_is_refused(provider: Provider, said: Any) -> None:
    """RFC 7644 §3.5.2: invalidValue; nothing is guessed."""
    caller = await directory(provider)
    made = await person(caller)

    assert (await refused(caller, made, {"op": "Replace", "path": "active", "value": said}))[0] == "invalidValue"


async def test_a_text_that_is_no_boolean_stays_a_text(provider: Provider) -> None:
    """RFC 7643 §2.3.1: somebody may be called True."""
    caller = await directory(provider)
    made = await person(caller)

    after = await patched(
        caller, made, {"op": "Replace", "path": "name.familyName", "value": "True"},
        {"op": "Add", "value": {"nickName": "False"}},
    )  # fmt: skip

    assert (after["name"]["familyName"], after["nickName"]) == ("True", "False")


@pytest.mark.parametrize("op", ["Add", "Replace"])
@pytest.mark.parametrize("path", [WORK, 'emails[Type eq "WORK"].value', 'emails[primary eq "True"].value',
                                  f'{USER}:emails[type eq "work"].value'])  # fmt: skip
async def test_an_address_is_changed_by_a_path_with_a_filter(provider: Provider, op: str, path: str) -> None:
    """RFC 7644 §3.5.2.3, with a value filter, by either op."""
    caller = await directory(provider)
    made, new = await person(caller, emails=[{"value": address(), "type": "work", "primary": True}]), address()

    after = await patched(caller, made, {"op": op, "path": path, "value": new})

    assert after["emails"] == [{"value": new, "type": "work", "primary": True}]


@pytest.mark.parametrize("op", ["Add", "Replace"])
async def test_where_nothing_is_yet_a_filter_says_what_is_made(provider: Provider, op: str) -> None:
    """RFC 7644 §3.5.2.1 would have no target; Entra adds so, and replaces so."""
    caller = await directory(provider)
    made, new = await person(caller), address()

    after = await patched(
        caller, made, {"op": op, "path": WORK, "value": new},
        {"op": op, "path": 'phoneNumbers[type eq "mobile"].value', "value": "+49 151 234567"},
        {"op": op, "path": 'addresses[type eq "work"].locality', "value": "Redmond"},
        {"op": op, "path": 'addresses[type eq "work"].country', "value": "US"},
    )  # fmt: skip

    assert after["emails"] == [{"value": new, "type": "work", "primary": True}]
    assert after["phoneNumbers"] == [{"value": "+49 151 234567", "type": "mobile", "primary": True}]
    assert after["addresses"] == [{"type": "work", "locality": "Redmond", "country": "US", "primary": True}]


async def test_one_that_has_no_type_gets_it(provider: Provider) -> None:
    """RFC 7644 §3.5.2.3 would have no target: such as an account that was there before the directory came."""
    caller = await directory(provider)
    made, new = await person(caller, emails=[{"value": address()}]), address()

    after = await patched(caller, made, {"op": "Replace", "path": WORK, "value": new})

    assert after["emails"] == [{"value": new, "type": "work", "primary": True}]


@pytest.mark.parametrize("op", ["Add", "Replace"])
async def test_values_are_added_and_replaced_without_a_path(provider: Provider, op: str) -> None:
    """RFC 7644 §3.5.2.1; members of the value may be paths, and primary a text."""
    caller = await directory(provider)
    made, new = await person(caller), address()

    after = await patched(
        caller, made,
        {"op": op, "value": {
            "emails": [{"value": new, "type": "work", "primary": "True"}],
            "phoneNumbers": [{"value": "+1 425 5550100", "type": "work", "primary": "true"}],
            "displayName": "Adele Vance", "name.givenName": "Adele", "name.familyName": "Vance",
            f"{ENTERPRISE}:department": "Retail", 'addresses[type eq "work"].locality': "Bellevue",
        }},
    )  # fmt: skip

    assert after["emails"] == [{"value": new, "type": "work", "primary": True}]
    assert after["phoneNumbers"] == [{"value": "+1 425 5550100", "type": "work", "primary": True}]
    assert (after["displayName"], after["name"]) == ("Adele Vance", {"givenName": "Adele", "familyName": "Vance"})
    assert after[ENTERPRISE] == {"department": "Retail"}
    assert after["addresses"] == [{"type": "work", "locality": "Bellevue", "primary": True}]


@pytest.mark.parametrize("path", ["emails", None])
async def test_what_is_there_already_may_be_added_again(provider: Provider, path: str | None) -> None:
    """RFC 7644 §3.5.2.1: adding what exists changes nothing; saying more of it changes that."""
    caller = await directory(provider)
    mail = address()
    made = await person(caller, emails=[{"value": mail, "type": "work"}])
    again: Any = [{"value": mail.upper(), "type": "home"}]

    change = {"op": "Add", "path": path, "value": again} if path else {"op": "Add", "value": {"emails": again}}
    after = await patched(caller, made, change)

    assert after["emails"] == [{"value": mail, "type": "home", "primary": True}]


@pytest.mark.parametrize(
    "change",
    [
        {"op": "Add", "path": "emails", "value": [{"value": "second@contoso.example", "type": "home"}]},
        {"op": "Add", "value": {"emails": [{"value": "second@contoso.example", "type": "home"}]}},
        {"op": "Add", "path": 'emails[type eq "home"].value', "value": "second@contoso.example"},
        {"op": "Replace", "path": "emails", "value": [{"value": "a@contoso.example"}, {"value": "b@contoso.example"}]},
    ],
)
async def test_a_second_address_is_refused_and_it_is_said_why(provider: Provider, change: dict[str, Any]) -> None:
    """RFC 7644 §3.12, invalidValue: there is one address for each person here."""
    caller = await directory(provider)
    made = await person(caller, emails=[{"value": address(), "type": "work"}])

    kind, detail = await refused(caller, made, change)

    assert kind == "invalidValue"
    assert detail == "emails: a person has one here; replace it, or leave the others out of the directory's mapping"


async def test_a_second_number_is_refused_likewise(provider: Provider) -> None:
    """RFC 7644 §3.12, invalidValue."""
    caller = await directory(provider)
    made = await person(caller, phoneNumbers=[{"value": "+49 151 1", "type": "work"}])

    kind, detail = await refused(
        caller, made, {"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "+49 151 2"}
    )

    assert (kind, detail.partition(":")[0]) == ("invalidValue", "phoneNumbers")


@pytest.mark.parametrize(
    "path",
    ['emails[type eq "home"].value', 'emails[value eq "x"].value', 'emails[type co "x"].value',
     'emails[type eq "work" and primary eq false].value', 'emails[not (type eq "work")].value'],
)  # fmt: skip
async def test_a_replacement_of_what_is_not_there_has_no_target(provider: Provider, path: str) -> None:
    """RFC 7644 §3.5.2.3."""
    caller = await directory(provider)
    made = await person(caller, emails=[{"value": address(), "type": "work"}])

    assert (await refused(caller, made, {"op": "Replace", "path": path, "value": address()}))[0] == "noTarget"


async def test_what_a_user_is_taken_away_by(provider: Provider) -> None:
    """RFC 7644 §3.5.2.2, with the op as Entra spells it."""
    caller = await directory(provider)
    made = await person(caller, title="Buyer", phoneNumbers=[{"value": "+49 151 1", "type": "work"}])

    after = await patched(
        caller, made, {"op": "Remove", "path": "title"}, {"op": "Remove", "path": 'phoneNumbers[type eq "work"].value'}
    )

    assert "title" not in after
    assert "phoneNumbers" not in after


async def test_paths_within_values_are_changes_and_there_are_so_many_and_no_more(provider: Provider) -> None:
    """RFC 7644 §3.5.2: each counts, so that one request costs no more than another."""
    caller = await directory(provider)
    made = await person(caller)
    many = {f"name.givenName{' ' * n}": "x" for n in range(51)}

    kind, detail = await refused(caller, made, *({"op": "Add", "value": many} for _ in range(2)))

    assert (kind, detail) == ("invalidValue", "a PATCH has 100 operations at most")


@pytest.mark.parametrize("name", ["password", f"{USER}:password", "Password"])
async def test_no_password_comes_in_by_a_path_within_a_value(provider: Provider, name: str) -> None:
    """RFC 7643 §4.1.1: password is no attribute of ours, however it is written."""
    caller = await directory(provider)
    made = await person(caller)

    change = {"op": "Add", "value": {"name.givenName": "Adele", name: "tulips in the rain"}}

    assert (await refused(caller, made, change))[0] == "mutability"
