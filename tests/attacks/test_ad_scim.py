"""AD02–AD05, AD07, AD11 and floods at SCIM: what a directory's token is not good for, and what costs nobody much."""

import asyncio
import json
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from idp.domain.permission import Permission as P
from idp.domain.permission import scope_of
from idp.domain.user import Role
from idp.flows.admin import quota
from idp.flows.admin.scim import lists
from idp.policy import lockout
from tests.support.admin_api import Api, by_person, machine_client, person_api, somebody
from tests.support.scim import BULK, GROUP, USER, by_rest, changes, directory, scim
from tests.support.target import Target, target

_numbers = count(1)
POWER = ("role", "roles", "entitlements", "is_admin", "email_verified", "claims", "password_hash", "status")


def new() -> dict[str, Any]:
    return {"schemas": [USER], "userName": f"attacked{next(_numbers)}"}


async def made(caller: Api, **members: Any) -> dict[str, Any]:
    return await caller.made("/Users", **new(), **members)


@pytest.mark.parametrize("member", POWER)
async def test_ad03_nobody_is_given_power_by_a_directory(provider: Target, member: str) -> None:
    """Refused, however it is sent, and the person stays who they were."""
    caller = await directory(provider)
    person = await made(caller)
    path, value = f"/Users/{person['id']}", [{"value": "owner"}]

    refused = [
        await caller.post("/Users", {**new(), member: value}),
        await caller.send("PUT", path, {**person, member: value}),
        await caller.send("PATCH", path, changes({"op": "add", "path": member, "value": value})),
        await caller.send("PATCH", path, changes({"op": "add", "value": {member: value}})),
    ]

    assert {answer.status for answer in refused} == {400}
    assert (await by_rest(provider, caller).get(path.lower())).body["role"] == "user"
    assert (await caller.get(path)).body == person


async def test_ad03_what_only_the_provider_writes_is_not_taken_from_others(provider: Target) -> None:
    """RFC 7643 §2.2, readOnly: ids, times and places that are sent are not looked at."""
    caller = await directory(provider)
    person = await made(caller)
    forged = {"id": "x" * 26, "meta": {"created": "2001-01-01T00:00:00Z", "location": "https://evil.example"}}

    answer = await caller.post("/Users", {**new(), **forged})
    again = await caller.send("PUT", f"/Users/{person['id']}", {**person, **forged})

    assert answer.body["id"] != forged["id"]
    assert "evil" not in answer.body["meta"]["location"]
    assert (again.body["id"], again.body["meta"]["created"]) == (person["id"], person["meta"]["created"])


async def test_ad04_nobody_changes_who_is_not_below_them(provider: Target) -> None:
    """By no method, alone, in bulk, or through a group."""
    caller = await directory(provider)
    above = [await somebody(provider, role) for role in (Role.ADMINISTRATOR, Role.OWNER)]
    group = await caller.made("/Groups", schemas=[GROUP], displayName=f"power{next(_numbers)}")

    for person in above:
        path = f"/Users/{person.id}"
        before = (await caller.get(path)).body
        off = changes({"op": "replace", "path": "active", "value": False})
        join = changes({"op": "add", "path": "members", "value": [{"value": person.id}]})
        refused = [
            await caller.send("PUT", path, {**before, "emails": [{"value": "evil@example.org"}]}),
            await caller.send("PATCH", path, off),
            await caller.send("DELETE", path),
            await caller.send("PATCH", f"/Groups/{group['id']}", join),
        ]
        many = {"schemas": [BULK], "Operations": [{"method": "PATCH", "path": path, "data": off}]}
        in_bulk = (await caller.post("/Bulk", many)).body["Operations"][0]
        assert ([answer.status for answer in refused], in_bulk["status"]) == ([403] * 4, "403")
        assert (await caller.get(path)).body == before
    assert (await caller.get(f"/Groups/{group['id']}")).body == group


@pytest.mark.parametrize("role", list(Role))
async def test_ad04_a_person_does_by_scim_what_their_role_allows(provider: Target, role: Role) -> None:
    """A scope gives nobody more than they are; each refusal of a change leaves a row."""
    caller = scim(provider, (await person_api(provider, role)).token)
    may = role in (Role.ADMINISTRATOR, Role.OWNER)
    before = len(await provider.events("admin_refused"))

    answer = await caller.post("/Users", new())

    assert answer.status == (201 if may else 403)
    assert len(await provider.events("admin_refused")) == before + (not may)


@pytest.mark.parametrize(
    ("permission", "allowed"),
    [
        (P.USERS_READ, {"GET /Users"}),
        (P.USERS_WRITE, {"POST /Users"}),
        (P.GROUPS_READ, {"GET /Groups"}),
        (P.GROUPS_WRITE, {"POST /Groups"}),
        (P.CLIENTS_WRITE, set[str]()),
    ],
)
async def test_ad04_a_scope_opens_one_door(provider: Target, permission: P, allowed: set[str]) -> None:
    """RFC 6750 §3.1: insufficient_scope names the one that is missing."""
    caller = await directory(provider, permission)
    bodies = {"/Users": new(), "/Groups": {"schemas": [GROUP], "displayName": f"door{next(_numbers)}"}}

    for path, body in bodies.items():
        for method in ("GET", "POST"):
            answer = await caller.send(method, path, body if method == "POST" else None)
            if f"{method} {path}" in allowed:
                assert answer.status < 300, answer.text
            else:
                needed = P(f"{path[1:].lower()}.{'write' if method == 'POST' else 'read'}")
                assert answer.status == 403
                assert f'scope="{scope_of(needed)}"' in answer.headers["www-authenticate"]
    assert (await caller.post("/.search", {})).status == 403


@pytest.mark.parametrize("path", ["/Users", "/Groups", "/Me", "/Users/x", "/Bulk", "/.search", "/Users/.search"])
async def test_ad05_without_a_good_token_there_is_nothing(provider: Target, path: str) -> None:
    method = "POST" if path in ("/Bulk", "/.search", "/Users/.search") else "GET"

    for token in (None, "x" * 43, "a.b.c"):
        answer = await scim(provider, token).send(method, path, {} if method == "POST" else None)
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == "application/scim+json"


async def test_ad05_scripts_of_other_origins_and_forms_are_refused(provider: Target) -> None:
    caller = await directory(provider)

    foreign = await caller.post("/Users", new(), origin="https://evil.example")
    form = await caller.post("/Users", "userName=x", content_type="application/x-www-form-urlencoded")
    text = await caller.post("/Users", json.dumps(new()), content_type="text/plain")
    disguised = await caller.post("/Users?_method=DELETE", new(), x_http_method_override="DELETE")

    assert (foreign.status, form.status, text.status, disguised.status) == (403, 415, 415, 201)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 20 + "userName pr" + ")" * 20,
        "not (" * 20 + "userName pr" + ")" * 20,
        "(" * 2000,
        "emails[" * 300,
        " and ".join(["title pr"] * 100),
        'userName eq "' + "x" * 3000 + '"',
        'userName eq "' + "(" * 100 + '" and (' + "(" * 20,
    ],
)
async def test_a_filter_that_is_too_deep_or_too_long_is_not_parsed(provider: Target, text: str) -> None:
    """In the query, in the body, and where a path has a filter within."""
    caller = await directory(provider)
    person = await made(caller)

    asked = await caller.get(f"/Users?filter={quote(text)}")
    searched = await caller.post("/Users/.search", {"filter": text})
    sorted_by = await caller.post("/Users/.search", {"sortBy": text})
    chosen = await caller.post("/Users/.search", {"attributes": [text]})
    patched = await caller.send(
        "PATCH",
        f"/Users/{person['id']}",
        changes({"op": "remove", "path": f"emails[{text}]"}, {"op": "add", "value": {text: 1}}),
    )

    assert asked.status in (400, 414)
    assert [each.status for each in (searched, sorted_by, chosen, patched)] == [400] * 4
    assert searched.body["scimType"] == "invalidFilter"


async def test_brackets_within_a_text_are_no_depth(provider: Target) -> None:
    caller = await directory(provider)

    text = 'userName eq "' + "([" * 50 + chr(92) + '"([" and title pr'
    answer = await caller.get(f"/Users?filter={quote(text)}")

    assert (answer.status, answer.body["totalResults"]) == (200, 0)


@pytest.mark.parametrize(
    "body",
    [
        {"emails": [{"value": f"a{n}@x.example"} for n in range(500)]},
        {"name": {"familyName": "x" * 5000}},
        {"displayName": "a\0b"},
        {"displayName": "\ud800"},
        {"title": [[[[[[]]]]]]},
        {"emails": "x"},
        {"emails": [None] * 200},
        {"name": []},
    ],
    ids=range(8),
)
async def test_bodies_that_are_no_person_are_refused(provider: Target, body: dict[str, Any]) -> None:
    caller = await directory(provider)
    person = await made(caller)

    sent = await caller.post("/Users", {**new(), **body})
    put = await caller.send("PUT", f"/Users/{person['id']}", {**new(), **body})
    patched = await caller.send("PATCH", f"/Users/{person['id']}", changes({"op": "replace", "value": body}))

    assert [each.status for each in (sent, put, patched)] == [400] * 3
    assert (await caller.get(f"/Users/{person['id']}")).body == person


async def test_a_body_nested_beyond_measure_is_refused(provider: Target) -> None:
    caller = await directory(provider)

    for text in ('{"a":' * 5000 + "1" + "}" * 5000, "[" * 30_000, '{"userName": ' + "1" * 5000 + "}"):
        assert (await caller.post("/Users", text)).status == 400


async def test_each_change_of_a_bulk_request_is_counted(tmp_path: Path) -> None:
    """A flood in one envelope is a flood."""
    async with target("sqlite", tmp_path, rate_limits="on") as running:
        client = await machine_client(running, P.USERS_WRITE)
        caller = scim(running, (await client.token(grant_type="client_credentials")).access_token)
        for _ in range(lockout.API_WRITING - 4):
            await quota.reserve(running.site.administration.tools, f"{client.client_id}|", is_reading=False)
        posts = [{"method": "POST", "path": "/Users", "bulkId": str(n), "data": new()} for n in range(6)]

        answer = await caller.post("/Bulk", {"schemas": [BULK], "Operations": posts})

        assert [each["status"] for each in answer.body["Operations"]] == ["201"] * 3 + ["429"] * 3
        assert (await caller.post("/Bulk", {"schemas": [BULK], "Operations": posts})).status == 429


async def test_rows_that_a_filter_opens_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter without an index is as many calls as it reads parts of the list; one with an index is one."""
    monkeypatch.setattr(lists, "_AT_ONCE", 1)
    async with target("sqlite", tmp_path, rate_limits="on") as running:
        client = await machine_client(running, P.USERS_READ, P.USERS_WRITE)
        caller = scim(running, (await client.token(grant_type="client_credentials")).access_token)
        for _ in range(3):
            await made(caller)
        for _ in range(lockout.API_READING - 3):
            await quota.reserve(running.site.administration.tools, f"{client.client_id}|opened", is_reading=True)

        opened = [(await caller.get("/Users?filter=title pr")).status for _ in range(2)]

        assert opened == [200, 429]
        assert (await caller.get("/Users?filter=active eq true")).status == 200


async def test_ad07_secrets_are_neither_shown_nor_asked_for(provider: Target) -> None:
    caller, person = await directory(provider), await provider.account()

    shown = (await caller.get(f"/Users/{person.id}")).text
    asked = [
        await caller.get(f"/Users?{query}")
        for query in ("filter=password pr", 'filter=password sw "v1"', "sortBy=password", "filter=x509Certificates pr")
    ]

    assert "password" not in shown
    assert {answer.status for answer in asked} == {400}


async def test_ad11_what_a_directory_does_is_told_in_its_name_without_personal_data(fresh: Target) -> None:
    caller = await directory(fresh)
    person = await made(caller, displayName="Lovelace", title="Countess")

    await caller.send("PATCH", f"/Users/{person['id']}", changes({"op": "replace", "path": "title", "value": "Queen"}))

    rows = [row for row in await fresh.events("user_changed") if row["user_id"] == person["id"]]
    assert [json.loads(row["detail"])["change"] for row in rows] == ["created", "profile"]
    assert {row["actor_kind"] for row in rows} == {"client"}
    told = json.dumps([{name: str(value) for name, value in row.items()} for row in rows])
    assert not [word for word in ("Lovelace", "Countess", "Queen") if word in told]


async def test_two_at_once_change_one_thing_once(either: Target) -> None:
    """With the version that both saw, one is first; of two of a name, one is made; on both databases."""
    caller, body = await directory(either), new()
    person = await made(caller)
    tag = person["meta"]["version"]

    async def rename(title: str) -> int:
        change = changes({"op": "replace", "path": "title", "value": title})
        return (await caller.send("PATCH", f"/Users/{person['id']}", change, if_match=tag)).status

    changed = await asyncio.gather(*(rename(title) for title in "abcd"))
    named = await asyncio.gather(*(caller.post("/Users", body) for _ in range(4)))

    assert sorted(changed) == [200, 412, 412, 412]
    assert sorted(each.status for each in named) == [201, 409, 409, 409]


async def test_two_at_once_add_their_members_to_one_group(either: Target) -> None:
    """Nobody's member is lost."""
    caller = await directory(either)
    people = [(await made(caller))["id"] for _ in range(4)]
    group = await caller.made("/Groups", schemas=[GROUP], displayName="together")

    async def join(user_id: str) -> int:
        change = changes({"op": "add", "path": "members", "value": [{"value": user_id}]})
        return (await caller.send("PATCH", f"/Groups/{group['id']}", change)).status

    assert await asyncio.gather(*map(join, people)) == [200] * 4
    shown = (await caller.get(f"/Groups/{group['id']}")).body["members"]
    assert {each["value"] for each in shown} == set(people)


async def test_a_group_of_a_thousand_is_changed_by_sets(fresh: Target) -> None:
    """Whoever sends the longest list there may be is answered, and a longer one is refused."""
    caller = await directory(fresh)
    group = await caller.made("/Groups", schemas=[GROUP], displayName="many")
    people = [(await made(caller))["id"] for _ in range(3)]
    ghosts = [{"value": f"ghost{n}"} for n in range(1000 - len(people))]
    path = f"/Groups/{group['id']}"

    gone = {"op": "remove", "path": "members", "value": ghosts}
    added = {"op": "add", "path": "members", "value": [{"value": each} for each in people]}
    answer = await caller.send("PATCH", path, changes(added, *[gone] * 2))
    longer = await caller.send("PATCH", path, changes({**gone, "value": [*ghosts, *ghosts[:10]]}))

    assert (answer.status, len(answer.body["members"])) == (200, 3)
    assert (longer.status, longer.body["scimType"]) == (400, "tooMany")


async def test_an_owner_may_change_an_administrator_but_not_shut_themselves_out(provider: Target) -> None:
    owner = await somebody(provider, Role.OWNER)
    administrator = await somebody(provider, Role.ADMINISTRATOR)
    caller = scim(provider, (await by_person(provider, owner)).token)
    off = changes({"op": "replace", "path": "active", "value": False})

    other = await caller.send("PATCH", f"/Users/{administrator.id}", off)
    self = await caller.send("PATCH", f"/Users/{owner.id}", off)

    assert (other.status, self.status) == (200, 409)
