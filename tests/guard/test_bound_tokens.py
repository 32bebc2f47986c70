"""Tokens that are bound to a certificate, and whole applications behind a guard."""

import hashlib
from base64 import urlsafe_b64encode

import httpx2
import pytest
from idp_guard import Guard
from idp_guard.checks import TestProvider
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

AUDIENCE = "https://api.example/mcp"
CERTIFICATE, OTHER = b"the certificate of a client, as DER", b"that of another"
BOUND = {"x5t#S256": urlsafe_b64encode(hashlib.sha256(CERTIFICATE).digest()).rstrip(b"=").decode()}


def guarded(provider: TestProvider, held: bytes | None = None, *, looks: bool = True) -> tuple[Guard, ASGIApp]:
    """Return an application behind a guard that learns which certificate the client holds."""
    guard = Guard(
        issuer=provider.issuer, audience=AUDIENCE, transport=provider.transport,
        certificate=(lambda _request: held) if looks else None, scopes=["tools"],
    )  # fmt: skip

    async def inner(request: Request) -> Response:
        return JSONResponse({"sub": request.state.token.subject, "actor": request.state.token.actor})

    mounted = Mount("/mcp", app=guard.around(Starlette(routes=[Route("/", inner)]), scope="tools"))
    return guard, Starlette(routes=[guard.metadata_route(), mounted])


async def get(app: ASGIApp, path: str, token: str | None = None) -> httpx2.Response:
    """Call the application."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="https://api.example") as http:
        return await http.get(path, headers=headers)


@pytest.mark.parametrize(("held", "status"), [(CERTIFICATE, 200), (OTHER, 401), (None, 401)])
async def test_a_token_of_a_certificate_is_good_with_that_certificate_only(
    provider: TestProvider, held: bytes | None, status: int
) -> None:
    """RFC 8705 §3."""
    _guard, app = guarded(provider, held)

    answer = await get(app, "/mcp/", provider.token(aud=AUDIENCE, scope="tools", cnf=BOUND))

    assert answer.status_code == status
    assert (status == 200) or 'error="invalid_token"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("cnf", [BOUND, {"kid": "somebody"}, {}, "x"])
async def test_a_token_bound_to_what_nobody_here_looks_at_is_refused(provider: TestProvider, cnf: object) -> None:
    """RFC 7800 §3.1: a bound token is no bearer token."""
    _guard, app = guarded(provider, looks=False)

    assert (await get(app, "/mcp/", provider.token(aud=AUDIENCE, scope="tools", cnf=cnf))).status_code == 401
    assert (await get(app, "/mcp/", provider.token(aud=AUDIENCE, scope="tools"))).status_code == 200


def test_the_metadata_says_whether_certificates_bind(provider: TestProvider) -> None:
    """RFC 9728 §2."""
    assert guarded(provider)[0].metadata["tls_client_certificate_bound_access_tokens"] is True
    assert "tls_client_certificate_bound_access_tokens" not in guarded(provider, looks=False)[0].metadata


async def test_a_whole_application_stands_behind_a_guard(provider: TestProvider) -> None:
    """RFC 9728 §5.1, RFC 6750 §3: whoever comes without a token is told where to get which."""
    _guard, app = guarded(provider)

    refused = await get(app, "/mcp/")

    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == (
        'Bearer scope="tools", resource_metadata="https://api.example/.well-known/oauth-protected-resource/mcp"'
    )
    token = provider.token(aud=AUDIENCE, scope="tools", act={"sub": "an-agent"})
    assert (await get(app, "/mcp/", token)).json() == {"sub": "somebody", "actor": "an-agent"}
    assert (await get(app, "/mcp/", provider.token(aud=AUDIENCE))).status_code == 403
    assert (await get(app, "/mcp/", provider.token(aud="https://other.example", scope="tools"))).status_code == 401


async def test_scripts_of_any_origin_read_the_metadata(provider: TestProvider) -> None:
    """RFC 9728 §3.2: MCP clients in browsers look there first."""
    _guard, app = guarded(provider)

    answer = await get(app, "/.well-known/oauth-protected-resource/mcp")

    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json()["resource"] == AUDIENCE
    assert answer.json()["scopes_supported"] == ["tools"]


async def test_a_websocket_is_closed(provider: TestProvider) -> None:
    """No header, no token, no connection."""
    guard, _app = guarded(provider)
    sent: list[dict[str, object]] = []

    async def never(*_arguments: object) -> None:
        raise AssertionError("the application was reached")

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        sent.append(message)

    await guard.around(never)({"type": "websocket"}, never, send)  # type: ignore[arg-type]

    assert sent == [{"type": "websocket.close", "code": 1008}]
