"""What anybody is refused in the name of a client leaves a row for whoever looks after it, and no flood of rows."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from joserfc.jwk import ECKey

from idp.domain.event import EventKind
from idp.policy.lockout import CLIENT_REFUSALS_TOLD, CLIENT_REFUSALS_WINDOW
from tests.support.builders import TICK
from tests.support.client_auth import Assertion, Basic, Post
from tests.support.databases import fresh_database
from tests.support.operators import Operators, operators
from tests.support.relying_party import RelyingParty

KEY, ANOTHER = (ECKey.generate_key("P-256", {"kid": "k1", "alg": "ES256"}) for _ in range(2))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Operators]:
    folder = tmp_path_factory.mktemp("refusals")
    async with fresh_database(request.param, folder) as url, operators(folder, url) as desk:
        yield desk


async def errors(desk: Operators, rp: RelyingParty) -> list[tuple[str, str | None, int, str]]:
    """Return what is told to whoever looks after a client."""
    found = await desk.do("clients.errors", id=rp.client_id)
    return [(each["reason"], each["refused_by"], each["count"], each["advice"]) for each in found["items"]]


async def wrongly(rp: RelyingParty, endpoint: str = "token_endpoint") -> int:
    """Send a wrong secret."""
    fields = {"grant_type": "authorization_code", "code": "x", "token": "x"}
    return (await rp.post(endpoint, fields, auth=Basic("not the secret"))).status


async def authorize(desk: Operators, **parameters: str) -> int:
    http = desk.provider.http
    return (await http.get(f"{desk.provider.issuer}/authorize?{urlencode(parameters)}")).status_code


@pytest.mark.parametrize("endpoint", ["token_endpoint", "introspection_endpoint", "revocation_endpoint"])
async def test_a_wrong_secret_is_told_wherever_it_was_sent(desk: Operators, endpoint: str) -> None:
    rp = await desk.provider.client()

    assert await wrongly(rp, endpoint) == 401

    assert await errors(desk, rp) == [("invalid_client", "client_secret_basic", 1, "secret")]


async def test_another_method_and_a_wrong_signature_are_told_apart(desk: Operators) -> None:
    basic = await desk.provider.client()
    keyed = await desk.provider.client(method="private_key_jwt", key=KEY)
    assert isinstance(keyed.auth, Assertion)
    fields = {"grant_type": "authorization_code", "code": "x"}

    await basic.post("token_endpoint", fields, auth=Post("whatever"))
    await keyed.post("token_endpoint", fields, auth=replace(keyed.auth, key=ANOTHER))

    assert await errors(desk, basic) == [("invalid_client", "auth_method", 1, "method")]
    assert await errors(desk, keyed) == [("invalid_client", "private_key_jwt", 1, "assertion")]


async def test_a_redirect_uri_that_is_not_registered_is_told_and_stands_nowhere(desk: Operators) -> None:
    rp = await desk.provider.client()
    elsewhere = "https://elsewhere.example/a-name-in-the-path"

    status = await authorize(desk, client_id=rp.client_id, response_type="code", redirect_uri=elsewhere)
    missing = await authorize(desk, client_id=rp.client_id, response_type="code")

    assert (status, missing) == (400, 400)
    assert await errors(desk, rp) == [("unregistered_redirect_uri", None, 2, "unregistered")]
    assert "elsewhere" not in str(await desk.events(EventKind.CLIENT_REFUSED))


async def test_whoever_came_was_a_stranger(desk: Operators) -> None:
    rp = await desk.provider.client()

    await wrongly(rp)

    (row, *_) = await desk.events(EventKind.CLIENT_REFUSED)
    assert (row["client_id"], row["actor_kind"], row["actor_id"]) == (rp.client_id, "stranger", None)
    assert row["result"] == "refused"


async def test_what_is_right_and_who_does_not_exist_leave_nothing(desk: Operators) -> None:
    rp, nobody = await desk.provider.client(), replace(await desk.provider.client(), client_id="c-nobody")
    gone = await desk.provider.client()
    await desk.do("clients.disable", id=gone.client_id)
    before = await desk.events(EventKind.CLIENT_REFUSED)

    assert (await rp.post("introspection_endpoint", {"token": "x"})).status == 200
    assert [await wrongly(each) for each in (nobody, gone)] == [401, 401]
    assert await authorize(desk, client_id="c-nobody", redirect_uri="https://elsewhere.example/") == 400

    assert await desk.events(EventKind.CLIENT_REFUSED) == before


async def test_a_flood_in_the_name_of_one_client_leaves_some_rows_of_an_hour(desk: Operators) -> None:
    flooded, other = await desk.provider.client(), await desk.provider.client()
    clock = desk.provider.clock
    begin = clock.now()
    for _ in range(CLIENT_REFUSALS_TOLD + 3):
        await wrongly(flooded)
    await authorize(desk, client_id=flooded.client_id, redirect_uri="https://elsewhere.example/")
    await wrongly(other)

    assert [count for *_, count, _ in await errors(desk, flooded)] == [CLIENT_REFUSALS_TOLD]
    assert [count for *_, count, _ in await errors(desk, other)] == [1]
    clock.advance(begin + CLIENT_REFUSALS_WINDOW - TICK - clock.now())
    await wrongly(flooded)
    assert [count for *_, count, _ in await errors(desk, flooded)] == [CLIENT_REFUSALS_TOLD]
    assert clock.now() >= begin + CLIENT_REFUSALS_WINDOW
    await wrongly(flooded)
    assert [count for *_, count, _ in await errors(desk, flooded)] == [CLIENT_REFUSALS_TOLD + 1]


async def test_many_at_once_leave_no_more_rows_than_one_after_another(desk: Operators) -> None:
    rp = await desk.provider.client()

    answers: list[Any] = await asyncio.gather(*(wrongly(rp) for _ in range(CLIENT_REFUSALS_TOLD + 8)))

    assert set(answers) == {401}
    assert [count for *_, count, _ in await errors(desk, rp)] == [CLIENT_REFUSALS_TOLD]
