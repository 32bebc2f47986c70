"""Filters, order and pages of SCIM – RFC 7644 §3.4.2, §3.4.3."""

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import combinations
from typing import Any
from urllib.parse import quote

import pytest
from scim2_models import ScimFilter

from idp.domain.permission import Permission as P
from idp.domain.user import Role
from idp.flows.admin.scim import lists
from idp.flows.admin.scim.models import Person
from tests.support.admin_api import Api, by_person, somebody
from tests.support.databases import fresh_database
from tests.support.provider import Provider
from tests.support.scim import ENTERPRISE, GROUP, USER, directory, scim


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """A provider that no other specification has moved in time or filled."""
    folder = tmp_path_factory.mktemp("scim")
    async with fresh_database("sqlite", folder) as url, Provider.running(folder, url) as provider:
        yield provider


#: Four people: who they are, and what filters can tell of them.
PEOPLE: tuple[dict[str, Any], ...] = (
    {"userName": "bjensen", "name": {"familyName": "O'Malley", "givenName": "Barbara"}, "title": "Guide",
     "emails": [{"type": "work", "value": "bjensen@example.com"}], "userType": "Employee", "externalId": "E-1"},
    {"userName": "jsmith", "name": {"familyName": "Smith"}, "emails": [{"type": "home", "value": "j@example.org"}],
     "userType": "Intern", ENTERPRISE: {"department": "Tours"}, "externalId": "E-2"},
    {"userName": "carol@example.com", "displayName": "Carol", "active": False, "userType": "Employee"},
    {"userName": "dave", "nickName": 'D "the" Man', "phoneNumbers": [{"value": "555-1"}]},
)  # fmt: skip


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def caller(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """A directory of just these people and two groups, on both databases."""
    folder = tmp_path_factory.mktemp("provider")
    async with fresh_database(request.param, folder) as url, Provider.running(folder, url) as provider:
        caller = await directory(provider)
        made = []
        for each in PEOPLE:
            provider.clock.advance(timedelta(seconds=1))
            made.append(await caller.made("/Users", schemas=[USER, ENTERPRISE], **each))
        await caller.made("/Groups", schemas=[GROUP], displayName="Guides", members=[{"value": made[0]["id"]}])
        await caller.made("/Groups", schemas=[GROUP], displayName="Others", externalId="G-2")
        yield caller


async def found(caller: Api, text: str, path: str = "/Users", name: str = "userName") -> list[str]:
    answer = await caller.get(f"{path}?filter={quote(text)}")
    assert answer.status == 200, answer.text
    assert answer.body["totalResults"] == len(answer.body["Resources"]) == answer.body["itemsPerPage"]
    return sorted(each[name] for each in answer.body["Resources"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('userName eq "bjensen"', "bjensen"),
        ('USERNAME Eq "BJensen"', "bjensen"),
        ('urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J"', "jsmith"),
        ('name.familyName co "O\'Malley"', "bjensen"),
        ('userName sw "J"', "jsmith"),
        ("title pr", "bjensen"),
        ('title pr and userType eq "Employee"', "bjensen"),
        ('title pr or userType eq "Intern"', "bjensen jsmith"),
        ('userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")',
         "bjensen carol@example.com"),
        ('userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")', "dave"),
        ('userType eq "Employee" and (emails.type eq "work")', "bjensen"),
        ('userType eq "Employee" and emails[type eq "work" and value co "@example.com"]', "bjensen"),
        ('emails[type eq "work" and value co "@example.com"] or emails[type eq "home"]', "bjensen jsmith"),
        ('emails[type eq "work"].value eq "bjensen@example.com"', "bjensen"),
        ('emails.value eq "J@Example.org"', "jsmith"),
        ('emails eq "carol@example.com"', "carol@example.com"),
        ('userName eq "j@example.org"', ""),
        ('externalId eq "E-2"', "jsmith"),
        ('externalId eq "e-2"', ""),
        ("active eq false", "carol@example.com"),
        ("active eq true", "bjensen dave jsmith"),
        ("active eq true and active eq false", ""),
        ('active eq true and userName sw "d"', "dave"),
        ('urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "tours"', "jsmith"),
        ('nickName eq "D \\"the\\" Man"', "dave"),
        ('phoneNumbers.value eq "555-1"', "dave"),
        ('groups.display eq "Guides"', "bjensen"),
        ('meta.lastModified gt "2100-01-01T00:00:00Z"', ""),
        ('meta.lastModified ge "2000-01-01T00:00:00Z" and externalId pr', "bjensen jsmith"),
        ('id eq "nobody"', ""),
        ('groups.value eq "nobody"', ""),
        ('schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"', "jsmith"),
    ],
)  # fmt: skip
async def test_filters_of_the_specification_find_what_they_say(caller: Api, text: str, expected: str) -> None:
    """RFC 7644 §3.4.2.2, figure 2, and what has an index here."""
    assert await found(caller, text) == expected.split()


async def test_what_has_an_index_is_found_by_it(caller: Api) -> None:
    """By id, by group and by the time of the last change, to the microsecond."""
    everybody = (await caller.get("/Users?sortBy=meta.created")).body["Resources"]
    third = everybody[2]
    group = (await caller.get('/Groups?filter=displayName eq "Guides"')).body["Resources"][0]

    assert await found(caller, f'id eq "{third["id"]}"') == ["carol@example.com"]
    assert await found(caller, f'groups.value eq "{group["id"]}"') == ["bjensen"]
    since = third["meta"]["lastModified"]
    assert await found(caller, f'meta.lastModified ge "{since}"') == ["bjensen", "carol@example.com", "dave"]
    assert await found(caller, f'meta.lastModified gt "{since}"') == ["bjensen", "dave"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('displayName eq "Guides"', "Guides"),
        ('displayName eq "guides"', ""),
        ('displayName sw "O"', "Others"),
        ('externalId eq "G-2"', "Others"),
        ("externalId pr", "Others"),
        ('members.value eq "nobody"', ""),
    ],
)
async def test_groups_are_found(caller: Api, text: str, expected: str) -> None:
    """Their names are told apart by their letters, as the groups claim tells them."""
    assert await found(caller, text, "/Groups", "displayName") == expected.split()


async def test_groups_are_found_by_who_is_in_them_and_shown_with_them(caller: Api) -> None:
    """And nothing is asked of the members of all groups."""
    person = (await caller.get('/Users?filter=userName eq "bjensen"')).body["Resources"][0]

    answer = await caller.get(f'/Groups?filter=members.value eq "{person["id"]}" and displayName sw "G"')
    all_of_them = await caller.get("/Groups?filter=members pr")

    assert [each["displayName"] for each in answer.body["Resources"]] == ["Guides"]
    assert [each["value"] for each in answer.body["Resources"][0]["members"]] == [person["id"]]
    assert (all_of_them.status, all_of_them.body["scimType"]) == (400, "tooMany")


@pytest.mark.parametrize(
    "text",
    [
        "", "userName", "userName eq", 'userName eq "x', 'userName is "x"', 'shoeSize eq "43"', "userName eq 5",
        'active gt true', 'userName eq "x" and', '(userName pr', 'not userName pr', 'emails[type eq "x"',
        'meta.lastModified gt "yesterday"', 'meta.lastModified gt "2024-01-01T00:00:00"', 'password eq "x"',
        'emails[value[type eq "x"]]',
    ],
)  # fmt: skip
async def test_what_is_no_filter_is_refused(caller: Api, text: str) -> None:
    """RFC 7644 §3.12, invalidFilter."""
    answer = await caller.get(f"/Users?filter={quote(text)}")

    assert (answer.status, answer.body.get("scimType")) == (400, "invalidFilter"), answer.text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("sortBy=userName", ["bjensen", "carol@example.com", "dave", "jsmith"]),
        ("sortBy=userName&sortOrder=descending", ["jsmith", "dave", "carol@example.com", "bjensen"]),
        ("sortBy=meta.created", ["bjensen", "jsmith", "carol@example.com", "dave"]),
        ("sortBy=meta.created&sortOrder=descending", ["dave", "carol@example.com", "jsmith", "bjensen"]),
        ("sortBy=emails", ["bjensen", "carol@example.com", "jsmith", "dave"]),
        ("sortBy=userName&startIndex=2&count=2", ["carol@example.com", "dave"]),
        ("sortBy=meta.created&startIndex=3&count=1", ["carol@example.com"]),
        ("sortBy=meta.created&startIndex=0&count=1", ["bjensen"]),
        ("sortBy=meta.created&startIndex=9", []),
        ("count=0", []),
        ("count=-1", []),
    ],
)
async def test_lists_are_sorted_and_paged(caller: Api, query: str, expected: list[str]) -> None:
    """RFC 7644 §3.4.2.3, §3.4.2.4: everything is counted, some of it is shown."""
    answer = await caller.get(f"/Users?{query}")

    assert answer.status == 200, answer.text
    assert [each["userName"] for each in answer.body["Resources"]] == expected
    assert answer.body["totalResults"] == len(PEOPLE)


async def test_what_is_searched_by_a_body_is_found_as_by_a_query(caller: Api) -> None:
    """RFC 7644 §3.4.3."""
    sent = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": 'userName sw "j"', "count": 5}

    people = await caller.post("/Users/.search", {**sent, "attributes": ["userName"]})
    every = await caller.post("/.search", {"count": 5, "startIndex": 4, "attributes": ["userName", "displayName"]})

    assert [each["userName"] for each in people.body["Resources"]] == ["jsmith"]
    assert every.body["totalResults"] == len(PEOPLE) + 2
    assert [each["schemas"][0] for each in every.body["Resources"]] == [USER, GROUP, GROUP]


async def test_what_only_one_kind_has_is_never_so_of_the_other(caller: Api) -> None:
    """RFC 7644 §3.4.2.1."""
    answer = await caller.post("/.search", {"filter": 'displayName sw "G" or userName eq "dave"'})

    assert answer.status == 200, answer.text
    assert [each.get("userName") or each["displayName"] for each in answer.body["Resources"]] == ["dave", "Guides"]


async def test_what_would_open_too_much_is_refused(caller: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 7644 §3.4.2.2, tooMany: beyond the bound, only what has an index."""
    monkeypatch.setattr(lists, "MOST_OPENED", 3)

    for query in ('filter=userName sw "b"', "sortBy=userName", "filter=not (active eq true)"):
        refused = await caller.get(f"/Users?{query}")
        assert (refused.status, refused.body["scimType"]) == (400, "tooMany"), query
    narrowed = ('filter=userName eq "dave"', "filter=active eq true", "filter=active eq false and title pr")
    for query in (*narrowed, "sortBy=id", "count=2"):
        assert (await caller.get(f"/Users?{query}")).status == 200, query


ATOMS = (
    'userName eq "BJENSEN"', 'userName eq "carol@example.com"', 'emails.value eq "j@example.org"',
    'externalId eq "E-2"',
    "active eq true", "active eq false", 'meta.lastModified ge "{third}"', 'meta.lastModified lt "{third}"',
    'groups.value eq "{group}"', 'id eq "{id}"', "title pr", 'userType ne "Intern"',
)  # fmt: skip


async def test_an_index_finds_what_looking_at_everybody_would(caller: Api) -> None:
    """Every pair of what has an index and what has none, with and without a not, against the filter alone."""
    everybody = (await caller.get("/Users?sortBy=meta.created")).body["Resources"]
    group = (await caller.get('/Groups?filter=displayName eq "Guides"')).body["Resources"][0]["id"]
    known = {"third": everybody[2]["meta"]["lastModified"], "group": group, "id": everybody[1]["id"]}
    people = [Person.model_validate(each) for each in everybody]

    for one, other in combinations([atom.format(**known) for atom in ATOMS], 2):
        for text in (f"{one} and {other}", f"not ({one}) and {other}"):
            expected = sorted(each.user_name for each in people if ScimFilter[Person](text).match(each))
            assert await found(caller, text) == expected, text


@pytest.mark.parametrize("at_once", [1, 2, 3, 4, 5])
async def test_what_is_opened_is_opened_once_whatever_is_read_at_once(
    caller: Api, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Both sides of where a part of the rows ends."""
    monkeypatch.setattr(lists, "_AT_ONCE", at_once)

    assert await found(caller, "id pr") == ["bjensen", "carol@example.com", "dave", "jsmith"]
    assert await found(caller, "displayName pr", "/Groups", "displayName") == ["Guides", "Others"]


async def test_who_may_not_know_something_cannot_ask_for_it_either(provider: Provider) -> None:
    """A filter over what is hidden would tell it, letter by letter."""
    admin = await directory(provider)
    sent = {"userName": "hidden", "title": "Spy", "externalId": "S-1", "displayName": "Nobody"}
    await admin.made("/Users", schemas=[USER], **sent)
    helper = await somebody(provider, Role.SUPPORT)
    caller = scim(provider, (await by_person(provider, helper, P.USERS_READ)).token)

    shown = (await caller.get('/Users?filter=userName eq "hidden"')).body["Resources"][0]

    assert (shown["displayName"], "title" in shown, "externalId" in shown) == ("Nobody", False, False)
    for text in ('externalId eq "S-1"', 'title sw "S"', 'userName eq "hidden" and title pr'):
        assert (await caller.get(f"/Users?filter={quote(text)}")).body["totalResults"] == 0
