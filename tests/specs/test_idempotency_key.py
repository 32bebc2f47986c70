"""The Idempotency-Key header – draft-ietf-httpapi-idempotency-key-header §2, at the administrators' API."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from idp.domain.user import Role
from idp.storage.idempotency import idempotent_answers
from tests.support.admin_api import Api, by_person, machine, somebody
from tests.support.provider import DAY, SECOND, HandClock, Provider
from tests.support.target import Target, target

CLIENT = {"metadata": {"client_name": "Books", "redirect_uris": ["https://rp.example/cb"]}}


@pytest.fixture
async def bearer(each_provider: Provider) -> Api:
    """An application that may everything, on either database."""
    return await machine(each_provider)


async def names(bearer: Api, begin: str) -> list[str]:
    return [each["name"] for each in (await bearer.get(f"/groups?find={begin}")).body["items"]]


async def test_the_same_request_acts_once_and_is_answered_alike(bearer: Api) -> None:
    """§2.6: also with its secret, which is shown at no other time."""
    first = await bearer.post("/clients", CLIENT, idempotency_key='"k-1"')
    again = await bearer.post("/clients", CLIENT, idempotency_key="k-1")

    assert (first.status, first.body["client_secret"] is not None) == (201, True)
    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers["etag"] == first.headers["etag"]
    assert (await bearer.post("/clients", CLIENT)).body["id"] != first.body["id"]


async def test_a_key_is_for_one_request(bearer: Api) -> None:
    """§2.7: 422 for another body, or another path."""
    group = (await bearer.post("/groups", {"name": "one"}, idempotency_key="k-2")).body

    for path, body in (("/groups", {"name": "two"}), ("/users", {"username": "two"}), ("/groups", {"name": ["one"]})):
        answer = await bearer.post(path, body, idempotency_key="k-2")
        assert (answer.status, answer.body["type"]) == (422, "urn:idp:problem:key_reused")
    assert (await bearer.get(f"/groups/{group['id']}")).body["name"] == "one"
    await bearer.send("DELETE", f"/groups/{group['id']}")


async def test_a_key_is_the_callers_own(each_provider: Provider, bearer: Api) -> None:
    """§5: nobody is shown what another one made."""
    other = await machine(each_provider)
    person = await by_person(each_provider, await somebody(each_provider, Role.OWNER))

    made = [(await each.post("/clients", CLIENT, idempotency_key="k-3")).body["id"] for each in (bearer, other, person)]

    assert len(set(made)) == 3


@pytest.mark.parametrize("key", ["", '""', "a b", '"a"b"', "x" * 256, '"a", "b"'])
async def test_a_key_is_one_short_visible_string(bearer: Api, key: str) -> None:
    """§2.1: an Item Structured Header; quotes may be left out."""
    answer = await bearer.send("POST", "/groups", {"name": "never"}, **{"idempotency-key": key})

    assert answer.status == 400
    assert await names(bearer, "never") == []


async def test_a_refused_request_leaves_its_key_free(bearer: Api) -> None:
    """§2.6: what did nothing may be tried again, once what stood against it is gone."""
    taken = await bearer.made("/groups", name="taken")
    refused = await bearer.post("/groups", {"name": "taken"}, idempotency_key="k-4")
    await bearer.send("DELETE", f"/groups/{taken['id']}")

    done = await bearer.post("/groups", {"name": "taken"}, idempotency_key="k-4")

    assert (refused.status, done.status) == (409, 201)
    await bearer.send("DELETE", f"/groups/{done.body['id']}")


@pytest.mark.parametrize(
    ("path", "body"), [("/groups", {"name": "at once"}), ("/clients", CLIENT)], ids=["atomic", "opens its own"]
)
async def test_two_at_once_act_once(bearer: Api, path: str, body: dict[str, Any]) -> None:
    """§2.7: whoever comes meanwhile is told 409, whoever comes later the answer."""
    key = f"k-5{path[1:]}"
    before = await count(bearer, path)

    answers = await asyncio.gather(*(bearer.post(path, body, idempotency_key=key) for _ in range(8)))

    statuses = {answer.status for answer in answers}
    assert 201 in statuses
    assert statuses <= {201, 409}
    assert len({answer.body["id"] for answer in answers if answer.status == 201}) == 1
    assert all(answer.body["type"].endswith("under_way") for answer in answers if answer.status == 409)
    assert await count(bearer, path) - before == 1


async def count(bearer: Api, path: str) -> int:
    return (await bearer.get(path, accept="application/x-ndjson")).text.count("\n")


async def test_a_key_is_kept_for_a_day(provider: Provider, clock: HandClock) -> None:
    """§2.3: then it is as if it had never been used."""

    async def post() -> str:
        answer = await (await machine_again()).post("/clients", CLIENT, idempotency_key="k-6")
        assert answer.status == 201, answer.text
        return str(answer.body["id"])

    rp = await provider.client(grant_types=["client_credentials"], redirect_uris=None, scope="admin:clients.write")

    async def machine_again() -> Api:
        token = (await rp.token(grant_type="client_credentials")).access_token
        return Api(provider.http, f"{provider.issuer}/api/admin/v1", token)

    first = await post()
    clock.advance(DAY - SECOND)
    assert await post() == first
    clock.advance(SECOND)
    assert await post() != first


async def test_whoever_lost_the_right_is_not_shown_the_old_answer(provider: Provider) -> None:
    """§5: an answer may hold a secret."""
    rp = await provider.client(grant_types=["client_credentials"], redirect_uris=None, scope="admin:clients.write a")

    async def post(scope: str) -> int:
        token = (await rp.token(grant_type="client_credentials", scope=scope)).access_token
        api = Api(provider.http, f"{provider.issuer}/api/admin/v1", token)
        return (await api.post("/clients", CLIENT, idempotency_key="k-7")).status

    assert [await post("admin:clients.write"), await post("a"), await post("admin:clients.write")] == [201, 403, 201]


@pytest.fixture
async def breakable(tmp_path: Path) -> AsyncIterator[Target]:
    """A provider whose database can be made to fail."""
    (tmp_path / "hooks").mkdir()
    async with target("sqlite", tmp_path, test_hooks=str(tmp_path / "hooks")) as running:
        yield running


async def test_a_request_that_fell_between_acts_once_when_it_comes_again(breakable: Target, tmp_path: Path) -> None:
    """§2.7: effect and answer are written together; what was not is under way for two minutes, then free."""
    rp = await breakable.client(
        grant_types=["client_credentials"], redirect_uris=None, scope="admin:groups.write admin:groups.read"
    )
    bearer = Api(breakable.reach(raises=False), f"{breakable.issuer}/api/admin/v1", None)
    bearer.token = (await rp.token(grant_type="client_credentials")).access_token
    (tmp_path / "hooks" / "fail").write_text("db.update.idempotent_answers\n")

    fallen = await bearer.post("/groups", {"name": "fallen"}, idempotency_key="k-8")
    meanwhile = await bearer.post("/groups", {"name": "fallen"}, idempotency_key="k-8")
    assert await names(bearer, "fallen") == []
    breakable.clock.advance(121 * SECOND)
    done = await bearer.post("/groups", {"name": "fallen"}, idempotency_key="k-8")

    assert (fallen.status, meanwhile.status, done.status) == (503, 409, 201)
    assert await names(bearer, "fallen") == ["fallen"]


async def test_what_is_kept_of_an_answer_is_sealed(each_provider: Provider, bearer: Api) -> None:
    """§5: a stolen database shows no secret."""
    answer = await bearer.post("/clients", CLIENT, idempotency_key="k-9")

    async with each_provider.site.transactions.open(write=False) as stores:
        rows = await stores.connection.execute(select(idempotent_answers))
        kept = b"".join(row.sealed_body or b"" for row in rows)

    assert kept
    assert answer.body["client_secret"].encode() not in kept
