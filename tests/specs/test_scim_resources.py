"""People and groups by SCIM – RFC 7643 §3, §4, §8; RFC 7644 §3.1 to §3.6, §3.11 to §3.14, §4."""

from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest

from idp.domain.permission import Permission as P
from idp.domain.user import Role
from tests.support.admin_api import Api, by_person, somebody
from tests.support.databases import fresh_database
from tests.support.provider import MINUTE, Provider
from tests.support.scim import ENTERPRISE, GROUP, USER, by_rest, changes, directory, scim


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """A provider that no other specification has moved in time or filled."""
    folder = tmp_path_factory.mktemp("scim")
    async with fresh_database("sqlite", folder) as url, Provider.running(folder, url) as provider:
        yield provider


_numbers = count(1)
#: RFC 7643 §8.2 and §8.3, as far as a person here has such attributes.
FULL: dict[str, Any] = {
    "schemas": [USER, ENTERPRISE],
    "externalId": "701984",
    "userName": "bjensen@example.com",
    "name": {
        "formatted": "Ms. Barbara J Jensen III",
        "familyName": "Jensen",
        "givenName": "Barbara",
        "middleName": "Jane",
        "honorificPrefix": "Ms.",
        "honorificSuffix": "III",
    },
    "displayName": "Babs Jensen",
    "nickName": "Babs",
    "profileUrl": "https://login.example.com/bjensen",
    "emails": [{"value": "bjensen@example.com", "type": "work", "primary": True}],
    "addresses": [
        {
            "type": "work",
            "streetAddress": "100 Universal City Plaza",
            "locality": "Hollywood",
            "region": "CA",
            "postalCode": "91608",
            "country": "USA",
            "formatted": "100 Universal City Plaza\nHollywood, CA 91608 USA",
            "primary": True,
        }
    ],
    "phoneNumbers": [{"value": "555-555-5555", "type": "work", "primary": True}],
    "userType": "Employee",
    "title": "Tour Guide",
    "preferredLanguage": "en-US",
    "locale": "en-US",
    "timezone": "America/Los_Angeles",
    "active": True,
    ENTERPRISE: {
        "employeeNumber": "701984",
        "costCenter": "4130",
        "organization": "Universal Studios",
        "division": "Theme Park",
        "department": "Tour Operations",
    },
}


def full() -> dict[str, Any]:
    number = next(_numbers)
    email = f"bjensen{number}@example.com"
    emails = [{**FULL["emails"][0], "value": email}]
    return {**FULL, "userName": email, "emails": emails, "externalId": f"ext-{number}"}


async def made(caller: Api, **members: Any) -> dict[str, Any]:
    """Make a person who must be taken."""
    return await caller.made("/Users", schemas=[USER], **{"userName": f"person{next(_numbers)}", **members})


async def test_what_is_written_is_read_again(each_provider: Provider) -> None:
    """RFC 7644 §3.3, RFC 7643 §8.3: every attribute, and where it is, on both databases."""
    caller, sent = await directory(each_provider), full()

    answer = await caller.post("/Users", sent, content_type="application/scim+json")
    shown = await caller.get(f"/Users/{answer.body['id']}")

    assert answer.status == 201, answer.text
    assert answer.headers["content-type"] == "application/scim+json"
    assert answer.headers["location"] == shown.body["meta"]["location"]
    assert answer.headers["etag"] == shown.headers["etag"] == shown.body["meta"]["version"]
    assert {name: shown.body[name] for name in sent} == sent
    assert shown.body["meta"]["resourceType"] == "User"


async def test_attributes_are_claims_of_ours(provider: Provider) -> None:
    """Mapping: what a directory writes is what applications are told."""
    caller, sent = await directory(provider), full()
    person = (await caller.post("/Users", sent)).body

    seen = (await by_rest(provider, caller).get(f"/users/{person['id']}")).body

    assert (seen["email"], seen["username"], seen["email_verified"]) == (sent["userName"], None, False)
    wanted = {
        "name": "Babs Jensen", "nickname": "Babs", "family_name": "Jensen", "given_name": "Barbara",
        "zoneinfo": "America/Los_Angeles", "phone_number": "555-555-5555", "department": "Tour Operations",
        "external_id": sent["externalId"],
    }  # fmt: skip
    assert {name: seen["claims"][name] for name in wanted} == wanted
    assert seen["claims"]["address"]["street_address"] == "100 Universal City Plaza"


async def test_nobody_is_written_to_because_a_directory_made_them(provider: Provider) -> None:
    """A directory of ten thousand is no ten thousand letters."""
    caller, address = await directory(provider), f"quiet{next(_numbers)}@example.org"

    await made(caller, emails=[{"value": address}])

    async with provider.site.transactions.open(write=False) as stores:
        queued = await stores.outbox.page(limit=100)
    assert address not in [each.message.to for each in queued]


async def test_an_inactive_person_is_disabled_and_let_in_again(provider: Provider) -> None:
    """RFC 7643 §4.1.1, active."""
    caller = await directory(provider)
    person = await made(caller, active=False)
    rest = by_rest(provider, caller)
    assert (await rest.get(f"/users/{person['id']}")).body["status"] == "disabled"

    body = changes({"op": "replace", "path": "active", "value": True})
    answer = await caller.send("PATCH", f"/Users/{person['id']}", body)

    assert answer.body["active"] is True
    assert (await rest.get(f"/users/{person['id']}")).body["status"] == "active"


async def test_a_put_takes_away_what_it_leaves_out_but_not_the_status(provider: Provider) -> None:
    """RFC 7644 §3.5.1: what is left out goes; whoever was shut out is not let in by silence."""
    caller = await directory(provider)
    person = await made(caller, title="Guide", active=False)

    answer = await caller.send("PUT", f"/Users/{person['id']}", {"schemas": [USER], "userName": person["userName"]})

    assert answer.status == 200
    assert ("title" in answer.body, answer.body["active"]) == (False, False)


async def test_a_put_keeps_claims_that_are_no_business_of_scim(provider: Provider) -> None:
    """What other doors wrote stays."""
    caller = await directory(provider)
    person = await made(caller)
    rest = by_rest(provider, caller)
    kept = await rest.send("PATCH", f"/users/{person['id']}", {"claims": {"shoe_size": 43}})
    assert kept.status == 200

    await caller.send("PUT", f"/Users/{person['id']}", {"schemas": [USER], "userName": person["userName"]})

    assert (await rest.get(f"/users/{person['id']}")).body["claims"] == {"shoe_size": 43}


async def test_a_change_that_changes_nothing_leaves_no_trace(provider: Provider) -> None:
    """RFC 7644 §3.5.2.1: no new modification time, no new version."""
    caller = await directory(provider)
    person = await made(caller, title="Guide")
    provider.clock.advance(MINUTE)

    answer = await caller.send("PUT", f"/Users/{person['id']}", person)

    assert answer.body["meta"] == person["meta"]


@pytest.mark.parametrize(
    ("user_name", "email", "expected"),
    [
        ("old{n}@x.example", "new{n}@x.example", "new{n}@x.example"),
        ("new{n}@x.example", "old{n}@x.example", "new{n}@x.example"),
        ("new{n}@x.example", "new{n}@x.example", "new{n}@x.example"),
        ("new{n}@x.example", None, "new{n}@x.example"),
        ("OLD{n}@X.example", None, "old{n}@x.example"),
    ],
)
async def test_a_user_name_with_an_at_is_the_address_and_the_new_one_counts(
    provider: Provider, user_name: str, email: str | None, expected: str
) -> None:
    """Directories send either, or both."""
    caller, n = await directory(provider), next(_numbers)
    person = await made(caller, userName=f"old{n}@x.example")

    body: dict[str, Any] = {"schemas": [USER], "userName": user_name.format(n=n)}
    body |= {"emails": [{"value": email.format(n=n)}]} if email is not None else {}
    answer = await caller.send("PUT", f"/Users/{person['id']}", body)

    assert answer.status == 200, answer.text
    assert (answer.body["userName"], answer.body["emails"][0]["value"]) == (expected.format(n=n),) * 2


@pytest.mark.parametrize(
    ("members", "kind"),
    [
        ({"userName": "a@x.example", "emails": [{"value": "b@x.example"}]}, "invalidValue"),
        ({"emails": [{"value": "a@x.example"}, {"value": "b@x.example"}]}, "invalidValue"),
        ({"emails": [{"value": "no address"}]}, "invalidValue"),
        ({"userName": "two words"}, "invalidValue"),
        ({"userName": ""}, "invalidValue"),
        ({"userName": 5}, "invalidValue"),
        ({"externalId": "x" * 256}, "invalidValue"),
        ({"title": "a\u202eb"}, "invalidValue"),
        ({"password": "tulips in the rain"}, "mutability"),
        ({f"{USER}:password": "tulips in the rain"}, "mutability"),
        ({"PassWord": "tulips in the rain"}, "mutability"),
        ({"shoeSize": 43}, "invalidSyntax"),
        ({"roles": [{"value": "owner"}]}, "invalidSyntax"),
        ({"schemas": ["urn:example:other"]}, "invalidSyntax"),
        ({"active": "yes, sure"}, "invalidValue"),
    ],
)
async def test_what_cannot_be_kept_is_refused_by_its_name(
    provider: Provider, members: dict[str, Any], kind: str
) -> None:
    """RFC 7644 §3.12, and nothing is made."""
    caller = await directory(provider)

    answer = await caller.post("/Users", {"schemas": [USER], "userName": f"person{next(_numbers)}", **members})

    assert (answer.status, answer.body.get("scimType")) == (400, kind), answer.text
    assert answer.body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert answer.body["status"] == "400"


async def test_a_name_that_is_taken_is_a_conflict(provider: Provider) -> None:
    """RFC 7644 §3.3.1, uniqueness, in any spelling; of groups as well."""
    caller = await directory(provider)
    person = await made(caller)
    group = await caller.made("/Groups", schemas=[GROUP], displayName=f"taken{next(_numbers)}")

    again = await caller.post("/Users", {"schemas": [USER], "userName": person["userName"].upper()})
    group_again = await caller.post("/Groups", {"schemas": [GROUP], "displayName": group["displayName"]})

    assert [(e.status, e.body["scimType"]) for e in (again, group_again)] == [(409, "uniqueness")] * 2


async def test_a_group_has_its_members_and_they_have_the_group(each_provider: Provider) -> None:
    """RFC 7643 §4.2, §4.1.2: both sides of one thing, on both databases."""
    caller = await directory(each_provider)
    one, two = await made(caller), await made(caller)
    name = f"crew{next(_numbers)}"

    sent = {"schemas": [GROUP], "displayName": name, "externalId": f"e-{name}", "members": [{"value": one["id"]}]}
    group = (await caller.post("/Groups", sent)).body
    sent["members"] = [{"value": two["id"]}]
    after = await caller.send("PUT", f"/Groups/{group['id']}", sent)

    assert [each["value"] for each in group["members"]] == [one["id"]]
    assert [each["value"] for each in after.body["members"]] == [two["id"]]
    assert after.body["externalId"] == f"e-{name}"
    assert after.body["meta"]["version"] != group["meta"]["version"]
    seen = (await caller.get(f"/Users/{two['id']}")).body["groups"]
    assert [(each["value"], each["display"]) for each in seen] == [(group["id"], name)]
    assert "groups" not in (await caller.get(f"/Users/{one['id']}")).body


async def test_the_groups_of_a_person_are_not_written_with_the_person(provider: Provider) -> None:
    """RFC 7643 §4.1.2: read only, so not looked at."""
    caller = await directory(provider)
    group = await caller.made("/Groups", schemas=[GROUP], displayName=f"closed{next(_numbers)}")

    person = await made(caller, groups=[{"value": group["id"]}])

    assert "groups" not in person


@pytest.mark.parametrize("member", [{"value": "nobody"}, {"type": "Group", "value": "x"}, {"display": "x"}])
async def test_members_are_people_who_exist(provider: Provider, member: dict[str, str]) -> None:
    """And the group is not made without them."""
    caller, name = await directory(provider), f"ghosts{next(_numbers)}"

    answer = await caller.post("/Groups", {"schemas": [GROUP], "displayName": name, "members": [member]})

    assert answer.status == 400
    assert answer.body["scimType"] in ("invalidValue", "invalidSyntax")
    found = await caller.get(f'/Groups?filter=displayName eq "{name}"')
    assert found.body["totalResults"] == 0


async def test_what_is_removed_is_gone(provider: Provider) -> None:
    """RFC 7644 §3.6."""
    caller = await directory(provider)
    person = await made(caller)
    group = await caller.made(
        "/Groups", schemas=[GROUP], displayName=f"going{next(_numbers)}", members=[{"value": person["id"]}]
    )

    for path in (f"/Groups/{group['id']}", f"/Users/{person['id']}"):
        assert (await caller.send("DELETE", path)).status == 204
        assert [(await caller.send(method, path)).status for method in ("GET", "DELETE")] == [404, 404]


async def test_a_stale_version_changes_nothing(provider: Provider) -> None:
    """RFC 7644 §3.14: If-Match, for every way to change, of people and of groups."""
    caller = await directory(provider)
    person = await made(caller)
    group = await caller.made("/Groups", schemas=[GROUP], displayName=f"versions{next(_numbers)}")
    stale = 'W/"AAAAAAAAAAAAAAAA"'

    for path, body, name in (
        (f"/Users/{person['id']}", person, "title"),
        (f"/Groups/{group['id']}", group, "externalId"),
    ):
        patch = changes({"op": "add", "path": name, "value": "x"})
        refused = [
            (await caller.send(method, path, sent, if_match=stale)).status
            for method, sent in (("PUT", body), ("PATCH", patch), ("DELETE", None))
        ]
        assert refused == [412, 412, 412]
        done = await caller.send("PATCH", path, patch, if_match=body["meta"]["version"])
        again = await caller.send("PATCH", path, patch, if_match=body["meta"]["version"])
        assert (done.status, again.status) == (200, 412)


async def test_what_the_caller_has_is_not_sent_again(provider: Provider) -> None:
    """RFC 7644 §3.14: If-None-Match."""
    caller = await directory(provider)
    person = await made(caller)

    same = await caller.get(f"/Users/{person['id']}", if_none_match=person["meta"]["version"])
    other = await caller.get(f"/Users/{person['id']}", if_none_match='W/"other"')

    assert (same.status, other.status) == (304, 200)


async def test_attributes_are_chosen(provider: Provider) -> None:
    """RFC 7644 §3.9."""
    caller = await directory(provider)
    person = await made(caller, title="Guide", nickName="G")
    path = f"/Users/{person['id']}"

    some = (await caller.get(f"{path}?attributes=title")).body
    others = (await caller.get(f"{path}?excludedAttributes=title,meta")).body
    both = await caller.get(f"{path}?attributes=title&excludedAttributes=nickName")

    assert some.keys() == {"schemas", "id", "title"} or some.keys() == {"schemas", "id", "title", "userName"}
    assert not {"title", "meta"} & others.keys()
    assert both.status == 400


async def test_me_is_the_person_whose_token_it_is(provider: Provider) -> None:
    """RFC 7644 §3.11; an application by itself is nobody."""
    person = await somebody(provider, Role.ADMINISTRATOR)
    token = (await by_person(provider, person, P.USERS_READ)).token

    mine = await scim(provider, token).get("/Me")
    nobody = await (await directory(provider)).get("/Me")

    assert (mine.status, mine.body["id"], nobody.status) == (200, person.user.id, 501)


@pytest.mark.parametrize("path", ["/ServiceProviderConfig", "/ResourceTypes", "/ResourceTypes/User", "/Schemas"])
async def test_anybody_may_ask_what_there_is(provider: Provider, path: str) -> None:
    """RFC 7644 §4: without a token, but neither filtered nor changed."""
    nobody = scim(provider, None)

    assert (await nobody.get(path)).status == 200
    assert (await nobody.get(f"{path}?filter=id pr")).status == 403
    assert (await nobody.post(path, {})).status == 405


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("GET", "/Nothing", None, {}, 404),
        ("GET", "/Users/nobody", None, {}, 404),
        ("PUT", "/Users", {}, {}, 405),
        ("POST", "/Users", "{", {}, 400),
        ("POST", "/Users", "[]", {}, 400),
        ("POST", "/Users", '{"userName": "a", "userName": "b"}', {}, 400),
        ("POST", "/Users", "x", {"content_type": "text/plain"}, 415),
        ("POST", "/Users", " " * 70_000, {}, 413),
        ("GET", "/Users?count=x", None, {}, 400),
        ("GET", "/Users?count=1&count=2", None, {}, 400),
        ("GET", "/Users?cursor=x", None, {}, 400),
        ("GET", "/Users?startIndex=99999999999", None, {}, 400),
    ],
)
async def test_every_refusal_speaks_scim(
    provider: Provider, method: str, path: str, body: Any, headers: dict[str, str], status: int
) -> None:
    """RFC 7644 §3.12."""
    caller = await directory(provider)

    answer = await caller.send(method, path, body, **headers)

    assert answer.status == status, answer.text
    assert answer.headers["content-type"] == "application/scim+json"
    assert answer.body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert answer.body["status"] == str(status)
