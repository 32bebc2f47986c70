"""Requests to the administrators' API – RFC 9110 §8.8.3, §13, §15; RFC 9457; RFC 8288 §3; RFC 6585 §4."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from idp.domain.permission import Permission as P
from idp.domain.user import Role
from idp.flows.admin import quota
from idp.policy import lockout
from tests.support.admin_api import Api, api, by_person, machine, machine_client, somebody
from tests.support.databases import fresh_database
from tests.support.provider import MINUTE, Provider
from tests.support.relying_party import Answer


@pytest.fixture
async def bearer(provider: Provider) -> Api:
    """An application that may everything."""
    return await machine(provider)


@pytest.fixture
async def group(bearer: Api) -> dict[str, Any]:
    """A group of this test's own."""
    return await bearer.made("/groups", name=f"group of {bearer.token}"[-90:])


def assert_problem(answer: Answer, status: int, code: str) -> None:
    assert answer.status == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.body["type"] == f"urn:idp:problem:{code}"
    assert (answer.body["status"], answer.body["instance"]) == (status, answer.headers["x-request-id"])
    assert answer.body["title"]


async def test_a_refusal_names_every_member_at_fault_and_repeats_no_value(bearer: Api) -> None:
    """RFC 9457 §3: type, title, status, detail, instance, and errors of our own."""
    sent = {"email": 7, "username": "U" * 70, "claims": {"sub": "SECRET"}, "nonsense": "SECRET"}

    answer = await bearer.post("/users", sent)

    assert_problem(answer, 400, "invalid")
    assert {each["member"] for each in answer.body["errors"]} == {"email", "username", "nonsense"}
    assert "SECRET" not in answer.text
    assert "U" * 70 not in answer.text


@pytest.mark.parametrize("path", ["", "/", "/nowhere", "/users/x/y/z", "/Users", "/openapi.yaml"])
async def test_an_unknown_path_is_a_problem_too(bearer: Api, path: str) -> None:
    """RFC 9110 §15.5.5."""
    assert_problem(await bearer.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/users", "GET, HEAD, POST"),
        ("OPTIONS", "/users", "GET, HEAD, POST"),
        ("GET", "/users/bulk", "POST"),
        ("POST", "/users/x/role", "PUT"),
        ("POST", "/openapi.json", "GET, HEAD"),
        ("BREW", "/openapi.json", "GET, HEAD"),
    ],
)
async def test_a_method_that_a_path_does_not_have_is_told_with_those_it_has(
    bearer: Api, method: str, path: str, allowed: str
) -> None:
    """RFC 9110 §15.5.6: Allow."""
    answer = await bearer.send(method, path)

    assert_problem(answer, 405, "method_not_allowed")
    assert ", ".join(sorted(answer.headers["allow"].split(", "))) == allowed


async def test_a_method_nobody_knows_is_refused(bearer: Api) -> None:
    """RFC 9110 §9.1."""
    assert_problem(await bearer.send("BREW", "/users"), 405, "method_not_allowed")


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ("name=x", {"content-type": "application/x-www-form-urlencoded"}, 415),
        ('{"name":"x"}', {"content-type": "text/plain"}, 415),
        ('{"name":"x"}', {"content-type": "application/json; charset=latin-1"}, 415),
        ('{"name":"x"}', {"content-encoding": "gzip"}, 415),
        (b'{"name":"\xff"}', {}, 400),
        ("", {}, 400),
        ("[]", {}, 400),
        ("null", {}, 400),
        ('{"name":"x"', {}, 400),
        ('{"name":"x","name":"y"}', {}, 400),
        ('{"name":NaN}', {}, 400),
        ('{"name":"\\ud800"}', {}, 400),
        ('{"name":"a\\u0000b"}', {}, 400),
        ('{"name":"a\\u0007b"}', {}, 400),
        ('{"name":' + "[" * 200 + "]" * 200 + "}", {}, 400),
        ('{"name":' + "[" * 20_000 + "]" * 20_000 + "}", {}, 400),
        ('{"name":"x","description":"' + "x" * 70_000 + '"}', {}, 413),
    ],
    ids=range(17),
)
async def test_a_body_is_json_and_can_be_read(
    bearer: Api, body: str | bytes, headers: dict[str, str], status: int
) -> None:
    """RFC 8259, RFC 7493 §2: one meaning or none."""
    answer = await bearer.post("/groups", body, **headers)

    assert_problem(answer, status, {415: "unsupported_media_type", 400: "invalid", 413: "too_large"}[status])


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/users?limit=0", None),
        ("GET", "/users?limit=101", None),
        ("GET", "/users?limit=1.5", None),
        ("GET", "/users?limit=", None),
        ("GET", "/users?limit=1&limit=1", None),
        ("GET", "/users?sort=password", None),
        ("GET", "/users?find=a%00b", None),
        ("GET", "/users?find=%ff", None),
        ("GET", "/users?cursor=x", None),
        ("GET", "/users?role=god", None),
        ("GET", "/events?since=yesterday", None),
        ("GET", "/events?since=2030-01-01T00:00:00", None),
        ("GET", "/users/x?id=y", None),
        ("GET", "/users", {"limit": 1}),
        ("POST", "/groups?name=x", {"name": "x"}),
        ("PATCH", "/groups/x", {"id": "y"}),
        ("PATCH", "/groups/x", {"version": "y"}),
        ("PUT", "/groups/x/members/y", {"id": "x"}),
        ("DELETE", "/groups/x?version=y", None),
        ("DELETE", "/groups/x", {}),
    ],
)
async def test_each_member_comes_once_from_its_own_place(
    bearer: Api, method: str, path: str, body: dict[str, Any] | None
) -> None:
    """What was not understood in one way only is refused, never guessed."""
    assert_problem(await bearer.send(method, path, body), 400, "invalid")


async def test_a_representation_has_its_version_as_entity_tag(bearer: Api, group: dict[str, Any]) -> None:
    """RFC 9110 §8.8.3, §13.1.2: 304 for whoever has it."""
    path = f"/groups/{group['id']}"

    tag = (await bearer.get(path)).headers["etag"]
    again = await bearer.get(path, if_none_match=f'"other", W/{tag}')

    assert tag == f'"{group["version"]}"'
    assert (again.status, again.text, again.headers["etag"]) == (304, "", tag)
    assert (await bearer.get(path, if_none_match='"other"')).status == 200


async def test_a_stale_change_is_refused_and_changes_nothing(bearer: Api, group: dict[str, Any]) -> None:
    """RFC 9110 §13.1.1: 412, and strong comparison."""
    path, seen = f"/groups/{group['id']}", f'"{group["version"]}"'
    changed = await bearer.send("PATCH", path, {"description": "first"}, if_match=seen)

    for stale in (seen, f"W/{changed.headers['etag']}", '"a", "b"'):
        refused = await bearer.send("PATCH", path, {"description": "second"}, if_match=stale)
        assert_problem(refused, 412, "changed_meanwhile")

    assert changed.status == 200
    assert_problem(await bearer.send("PATCH", path, {"description": "second"}, if_match="x"), 400, "invalid")
    assert (await bearer.get(path)).body["description"] == "first"
    assert (await bearer.send("DELETE", path, if_match="*")).status == 204


async def test_a_condition_is_never_ignored(bearer: Api, group: dict[str, Any]) -> None:
    """RFC 9110 §13.1.1: what has no version cannot promise that it is the same."""
    answer = await bearer.send("DELETE", "/sessions/x", if_match='"x"')

    assert_problem(answer, 400, "invalid")


async def test_what_was_made_is_told_by_its_address(bearer: Api) -> None:
    """RFC 9110 §10.2.2."""
    made = await bearer.post("/users", {"username": "made-here", "invite": False})

    assert made.status == 201
    assert (await bearer.get(made.headers["location"])).body["username"] == "made-here"


async def test_a_list_is_read_by_following_its_links(bearer: Api, provider: Provider) -> None:
    """RFC 8288 §3: next; each row once, and no link behind the last."""
    for number in range(5):
        await bearer.made("/groups", name=f"link {number}")
    found: list[str] = []
    url = f"{bearer.root}/groups?find=link&limit=2"
    while url:
        answer = await bearer.get(url)
        found += [each["name"] for each in answer.body["items"]]
        link = answer.headers.get("link")
        assert (link is None) is ("next" not in answer.body)
        url = link.removesuffix('>; rel="next"').removeprefix("<") if link else ""
        assert not url or parse_qs(urlsplit(url).query)["find"] == ["link"]

    assert found == [f"link {number}" for number in range(5)]


@pytest.fixture
async def limited(tmp_path: Path) -> AsyncIterator[Provider]:
    """A provider that limits floods."""
    async with (
        fresh_database("sqlite", tmp_path) as url,
        Provider.running(tmp_path, url, settings={"IDP_RATE_LIMITS": "on"}) as provider,
    ):
        yield provider


async def test_too_many_calls_are_told_to_wait(limited: Provider) -> None:
    """RFC 6585 §4: 429 with Retry-After, for one client and person; reading and changing apart."""
    client = await machine_client(limited, P.GROUPS_READ, P.GROUPS_WRITE, access_token_format="opaque")
    bearer = api(limited, (await client.token(grant_type="client_credentials")).access_token)
    other = await by_person(limited, await somebody(limited, Role.OWNER))
    for is_reading, most in ((True, lockout.API_READING), (False, lockout.API_WRITING)):
        for _ in range(most - 1):
            await quota.reserve(limited.site.administration.tools, f"{client.client_id}|", is_reading=is_reading)

    assert [(await bearer.get("/groups")).status for _ in range(2)] == [200, 429]
    assert [(await bearer.post("/groups", {})).status for _ in range(2)] == [400, 429]
    full = await bearer.get("/groups")
    assert_problem(full, 429, "too_many")
    assert full.headers["retry-after"] == "60"
    assert (await other.get("/groups")).status == 200

    limited.clock.advance(MINUTE - timedelta(microseconds=1))
    assert (await bearer.get("/groups")).status == 429
    limited.clock.advance(timedelta(microseconds=1))
    assert (await bearer.get("/groups")).status == 200
