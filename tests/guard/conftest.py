"""An API that guards its endpoints, and a provider whose tokens it takes."""

import pytest
from idp_guard import Guard
from idp_guard.checks import TestProvider
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

AUDIENCE = "https://api.example"


@pytest.fixture
def provider() -> TestProvider:
    return TestProvider("https://id.example")


@pytest.fixture
def guard(provider: TestProvider) -> Guard:
    return Guard(issuer=provider.issuer, audience=AUDIENCE, transport=provider.transport, scopes=["transfers"])


@pytest.fixture
def app(guard: Guard) -> Starlette:
    @guard.protect(scope="transfers", acr="urn:idp:loa:2", max_age=300)
    async def transfer(request: Request) -> Response:
        return JSONResponse({"sub": request.state.token.subject})

    @guard.protect()
    async def balance(request: Request) -> Response:
        return JSONResponse({"acr": request.state.token.acr})

    return Starlette(
        routes=[
            Route("/transfers", transfer, methods=["POST"]),
            Route("/balance", balance),
            guard.metadata_route(),
        ]
    )
