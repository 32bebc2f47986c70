"""Lists that are read to their end: as CSV and as JSON lines, in bounded memory, for whoever may read them still."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from idp.domain.permission import Permission as P
from idp.domain.user import Role
from idp.flows.admin.catalog import OPERATIONS
from idp.flows.user_administration import NewUser
from idp.web.api.exports import cell, columns
from tests.support.admin_api import Api, api, by_person, machine, machine_client, somebody
from tests.support.databases import fresh_database
from tests.support.provider import MINUTE, Provider

CSV, LINES = "text/csv", "application/x-ndjson"


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    folder: Path = tmp_path_factory.mktemp("exports")
    async with fresh_database("sqlite", folder) as url, Provider.running(folder, url) as provider:
        yield provider


@pytest.fixture
async def bearer(provider: Provider) -> Api:
    return await machine(provider)


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def many(provider: Provider, count: int, group: str) -> set[str]:
    """Make many people who have no password."""
    made = set()
    for number in range(count):
        new = NewUser(None, f"{group}-{number}", None, {"groups": [group]})
        user = await provider.site.users.create(new)
        made.add(user.id)  # type: ignore[union-attr]
    return made


async def test_every_row_is_there_once_whatever_the_size_of_a_page(provider: Provider, bearer: Api) -> None:
    people = await many(provider, 250, "crowd")

    as_csv = await bearer.get("/users?group=crowd&limit=7", accept=CSV)
    as_lines = await bearer.get("/users?group=crowd", accept=LINES)

    rows = table(as_csv.text)
    assert len(rows) == 250
    assert {row["id"] for row in rows} == people
    assert [json.loads(line)["id"] for line in as_lines.text.splitlines()] == [row["id"] for row in rows]
    assert as_csv.headers["content-type"] == "text/csv; charset=utf-8"
    assert as_lines.headers["content-type"] == LINES
    assert as_csv.headers["content-disposition"] == 'attachment; filename="users.csv"'


async def test_one_page_at_a_time_is_in_memory(provider: Provider, bearer: Api) -> None:
    await many(provider, 250, "stream")
    sizes: list[int] = []

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body" and message["body"]:
            sizes.append(message["body"].count(b"\n"))

    await raw(provider, bearer, "/users", b"group=stream", send)

    assert sizes == [101, 100, 50], "the header row and three pages"


async def raw(provider: Provider, bearer: Api, path: str, query: bytes, send: Any) -> None:
    """Ask for CSV with the bare protocol of the server."""
    headers = [
        (b"host", b"id.example"),
        (b"authorization", f"Bearer {bearer.token}".encode()),
        (b"accept", b"text/csv"),
    ]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "https",
        "path": f"/api/admin/v1{path}", "raw_path": f"/api/admin/v1{path}".encode(), "query_string": query,
        "headers": headers, "client": ("192.0.2.1", 1), "server": ("id.example", 443), "root_path": "",
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()  # the reader stays
        return {"type": "http.disconnect"}

    await provider.transport.app(scope, receive, send)  # type: ignore[arg-type]


async def test_whoever_loses_the_right_meanwhile_loses_the_rest(provider: Provider) -> None:
    """The broken transfer tells that the file is not whole."""
    await many(provider, 150, "taken")
    person = await somebody(provider, Role.OWNER)
    bearer = await by_person(provider, person)
    sent: list[bytes] = []

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body":
            sent.append(message["body"])
            async with provider.site.transactions.open(write=True) as stores:
                await stores.sessions.end_all_of(person.id, provider.clock.now())

    with pytest.raises(Exception, match="unknown, expired, revoked"):
        await raw(provider, bearer, "/users", b"group=taken", send)

    assert len(sent) == 1
    assert sent[0].count(b"\n") == 101


async def test_a_long_file_outlives_its_token(provider: Provider) -> None:
    await many(provider, 150, "slow")
    client = await machine_client(provider, P.USERS_READ)
    bearer = api(provider, (await client.token(grant_type="client_credentials")).access_token)
    rows = 0

    async def send(message: dict[str, Any]) -> None:
        nonlocal rows
        if message["type"] == "http.response.body":
            rows += message["body"].count(b"\n")
            provider.clock.advance(10 * MINUTE)

    await raw(provider, bearer, "/users", b"group=slow", send)

    assert rows == 151
    assert (await bearer.get("/users")).status == 401


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_taken_for_a_formula(begin: str) -> None:
    assert cell(f"{begin}cmd|' /C calc'!A0") == f"'{begin}cmd|' /C calc'!A0"
    assert cell(f"a{begin}") == f"a{begin}"


def test_what_is_not_one_text_is_json() -> None:
    assert [cell(each) for each in (None, True, 7, ["a", "é"], {"b": None})] == [
        "", "true", "7", '["a","é"]', '{"b":null}',
    ]  # fmt: skip


async def test_a_cell_is_quoted_and_a_formula_escaped_on_the_way(bearer: Api) -> None:
    await bearer.made("/groups", name='=HYPERLINK("https://evil.example","x")', description='a, "b" é')

    row = next(each for each in table((await bearer.get("/groups", accept=CSV)).text) if "HYPER" in each["name"])

    assert row["name"] == '\'=HYPERLINK("https://evil.example","x")'
    assert row["description"] == 'a, "b" é'


async def test_an_empty_list_has_its_header_row(bearer: Api) -> None:
    answer = await bearer.get("/groups?find=nobody-is-called-so", accept=CSV)

    assert answer.text == ",".join(columns(OPERATIONS["groups.list"])) + "\r\n"
    assert (await bearer.get("/groups?find=nobody-is-called-so", accept=LINES)).text == ""


@pytest.mark.parametrize("name", [name for name, each in OPERATIONS.items() if columns(each) and "{" not in each.path])
async def test_every_list_can_be_exported(bearer: Api, name: str) -> None:
    for media_type in (CSV, LINES):
        answer = await bearer.get(OPERATIONS[name].path, accept=media_type)
        assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (200, media_type)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", "application/json"),
        ("application/json, text/csv", "application/json"),
        ("text/html, text/csv;q=0.5, */*", CSV),
        ("TEXT/CSV", CSV),
        ("image/png", "application/json"),
    ],
)
async def test_the_first_format_that_is_known_counts(bearer: Api, accept: str, media_type: str) -> None:
    answer = await bearer.get("/groups", accept=accept)

    assert answer.headers["content-type"].partition(";")[0] == media_type
    assert "Accept" in answer.headers["vary"]


async def test_what_is_refused_is_refused_before_the_first_row(provider: Provider, bearer: Api) -> None:
    lacking = await machine(provider, P.GROUPS_READ)

    for answer in (await lacking.get("/users", accept=CSV), await bearer.get("/users?role=god", accept=CSV)):
        assert answer.status in (400, 403)
        assert answer.headers["content-type"] == "application/problem+json"


async def test_an_export_stands_in_the_trail_once(provider: Provider, bearer: Api) -> None:
    answer = await bearer.get("/users", accept=CSV)

    async with provider.site.transactions.open(write=False) as stores:
        rows = await stores.events.list(kind="list_exported", limit=1000)
    mine = [row for row in rows if row.request_id == answer.headers["x-request-id"]]
    assert [(row.actor_kind, row.detail) for row in mine] == [("client", {"operation": "users.list"})]


async def test_an_export_holds_no_secret_column() -> None:
    for operation in OPERATIONS.values():
        assert not {"client_secret", "password", "token", "secret"} & set(columns(operation)), operation.name
