"""RFC 9068, 6750, 9470 and 9728 at an API: who may call, and what the others are told."""

import time
from typing import Annotated

import httpx2
import pytest
from fastapi import Depends, FastAPI
from idp_guard import Guard, Token
from idp_guard.checks import TestProvider, check_endpoint
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from tests.guard.conftest import AUDIENCE


async def call(app: ASGIApp, token: str | None, path: str = "/transfers", **headers: str) -> httpx2.Response:
    sent = ({"Authorization": f"Bearer {token}"} if token else {}) | headers
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=AUDIENCE) as http:
        return await http.request("POST" if path == "/transfers" else "GET", path, headers=sent)


async def test_every_bad_token_is_refused_by_starlette(app: Starlette, guard: Guard, provider: TestProvider) -> None:
    faults = await check_endpoint(
        app, "POST", "/transfers", guard, provider, scope="transfers", acr="urn:idp:loa:2", max_age=300
    )

    assert faults == []


async def test_every_bad_token_is_refused_by_fastapi(guard: Guard, provider: TestProvider) -> None:
    app = FastAPI()

    @app.post("/transfers")
    async def transfer(
        token: Annotated[Token, Depends(guard.require(scope="transfers", acr="urn:idp:loa:2", max_age=300))],
    ) -> dict[str, str]:
        return {"sub": token.subject}

    faults = await check_endpoint(
        app, "POST", "/transfers", guard, provider, scope="transfers", acr="urn:idp:loa:2", max_age=300
    )

    assert faults == []


async def test_the_checks_find_an_endpoint_that_forgets_to_guard(guard: Guard, provider: TestProvider) -> None:
    async def open_to_all(_request: Request) -> Response:
        return PlainTextResponse("come in")

    app = Starlette(routes=[Route("/transfers", open_to_all, methods=["POST"])])

    faults = await check_endpoint(app, "POST", "/transfers", guard, provider, acr="urn:idp:loa:2", max_age=300)

    assert "no token: 200 instead of 401" in faults
    assert "an old sign-in: 200 instead of 401" in faults


async def test_the_checks_find_a_demand_that_was_left_out(guard: Guard, provider: TestProvider) -> None:
    @guard.protect(acr="urn:idp:loa:2")
    async def transfer(_request: Request) -> Response:
        return PlainTextResponse("done")

    app = Starlette(routes=[Route("/transfers", transfer, methods=["POST"])])

    faults = await check_endpoint(app, "POST", "/transfers", guard, provider, acr="urn:idp:loa:2", max_age=300)

    assert faults == ["no time of sign-in: 200 instead of 401", "an old sign-in: 200 instead of 401"]


async def test_without_a_token_the_challenge_names_no_error(app: Starlette) -> None:
    """RFC 6750 §3.1, RFC 9728 §5.1."""
    answer = await call(app, None)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == (
        'Bearer scope="transfers", resource_metadata="https://api.example/.well-known/oauth-protected-resource"'
    )


async def test_a_weak_sign_in_is_told_what_is_needed(app: Starlette, provider: TestProvider) -> None:
    """RFC 9470 §3: acr_values quoted, max_age a number."""
    answer = await call(app, provider.token(aud=AUDIENCE, scope="transfers", acr="urn:idp:loa:1"))

    challenge = answer.headers["www-authenticate"]
    assert answer.status_code == 401
    assert 'error="insufficient_user_authentication"' in challenge
    assert 'acr_values="urn:idp:loa:2"' in challenge
    assert "max_age=300" in challenge
    assert answer.headers["cache-control"] == "no-store"


async def test_scope_is_asked_before_acr(app: Starlette, provider: TestProvider) -> None:
    """Nobody proves more for something that their client may not do anyway (RFC 6750 §3.1)."""
    answer = await call(app, provider.token(aud=AUDIENCE, acr="urn:idp:loa:1"))

    assert answer.status_code == 403
    assert 'scope="transfers"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize(("age", "status"), [(298, 200), (305, 401)])
async def test_a_sign_in_is_recent_until_max_age(app: Starlette, provider: TestProvider, age: int, status: int) -> None:
    token = provider.token(aud=AUDIENCE, scope="transfers", auth_time=int(time.time()) - age)

    assert (await call(app, token)).status_code == status


@pytest.mark.parametrize(
    ("acr", "demanded", "status"),
    [
        ("phrh", "phr", 200),
        ("urn:idp:loa:2", "urn:idp:loa:1v", 200),
        ("urn:idp:loa:1v", "urn:idp:loa:1", 200),
        ("phr", "urn:idp:loa:1v", 200),
        ("phr", "urn:idp:loa:2", 401),
        ("urn:idp:loa:2", "phr", 401),
        ("phr", "phrh", 401),
        ("urn:idp:loa:1", "urn:idp:loa:1v", 401),
        ("gold", "gold", 200),
        ("gold", "silver", 401),
        ("phr", "urn:idp:loa:2 phr", 200),
    ],
)
async def test_a_stronger_acr_stands_for_a_weaker_one(
    guard: Guard, provider: TestProvider, acr: str, demanded: str, status: int
) -> None:
    @guard.protect(acr=demanded)
    async def endpoint(_request: Request) -> Response:
        return PlainTextResponse("done")

    app = Starlette(routes=[Route("/balance", endpoint)])

    assert (await call(app, provider.token(aud=AUDIENCE, acr=acr), "/balance")).status_code == status


async def test_two_authorization_headers_are_a_bad_request(app: Starlette, provider: TestProvider) -> None:
    token = provider.token(aud=AUDIENCE)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=AUDIENCE) as http:
        answer = await http.get(
            "/balance", headers=[("Authorization", f"Bearer {token}"), ("Authorization", "Bearer x")]
        )

    assert answer.status_code == 400


async def test_a_token_in_the_query_is_not_looked_at(app: Starlette, provider: TestProvider) -> None:
    """RFC 9700 §4.3.2."""
    answer = await call(app, None, f"/balance?access_token={provider.token(aud=AUDIENCE)}")

    assert answer.status_code == 401


async def test_an_audience_may_be_one_of_several(app: Starlette, provider: TestProvider) -> None:
    assert (await call(app, provider.token(aud=[AUDIENCE, "https://other.example"]), "/balance")).status_code == 200


@pytest.mark.parametrize("token", ["a.b.c", "...", "é.é.é", "e30.e30.e30", "x" * 20_000, "W10.W10.W10"])
async def test_garbage_is_an_invalid_token(app: Starlette, token: str) -> None:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=AUDIENCE) as http:
        answer = await http.get("/balance", headers={"Authorization": f"Bearer {token}".encode("latin-1")})

    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_the_algorithm_none_is_no_signature(app: Starlette, provider: TestProvider) -> None:
    _header, claims, _signature = provider.token(aud=AUDIENCE).split(".")

    answer = await call(app, f"eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{claims}.", "/balance")

    assert answer.status_code == 401


async def test_the_metadata_names_the_provider(app: Starlette) -> None:
    """RFC 9728 §2."""
    document = (await call(app, None, "/.well-known/oauth-protected-resource")).json()

    assert document["resource"] == AUDIENCE
    assert document["authorization_servers"] == ["https://id.example"]
    assert document["scopes_supported"] == ["transfers"]
    assert document["bearer_methods_supported"] == ["header"]


def test_the_metadata_of_a_resource_with_a_path_stands_before_that_path(provider: TestProvider) -> None:
    """RFC 9728 §3.1."""
    guard = Guard(issuer=provider.issuer, audience="https://api.example/v1/")

    assert guard.metadata_path == "/.well-known/oauth-protected-resource/v1"
