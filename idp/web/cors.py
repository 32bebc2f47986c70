"""Cross-origin requests: public documents for anybody, client endpoints for origins that an active client owns.

Never with credentials, never for `null`.
"""

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.client import Client
from idp.web.site import site_of

EXPOSED = "WWW-Authenticate, DPoP-Nonce"


def allow_anybody(response: Response) -> Response:
    """Let scripts of every origin read a public document."""
    response.headers["access-control-allow-origin"] = "*"
    return response


async def allow_client_origin(request: Request, response: Response, client: Client | None = None) -> Response:
    """Let a script read the answer if its origin is the client's; while nobody knows which client asks, any client's.

    An answer to a client that did not prove itself holds nothing but an error.
    """
    origin = request.headers.get("origin")
    if origin is None:
        return response
    response.headers["vary"] = "Origin"
    if origin != "null" and origin in (client.cors_origins if client else await _known_origins(request)):
        response.headers["access-control-allow-origin"] = origin
        response.headers["access-control-expose-headers"] = EXPOSED
    return response


async def _known_origins(request: Request) -> frozenset[str]:
    origins = origins_of(request)
    await origins.refresh(request)
    return origins.known


async def preflight(request: Request) -> Response:
    """Answer a browser that asks whether a script may call a client endpoint."""
    response = await allow_client_origin(request, Response(status_code=204))
    if "access-control-allow-origin" in response.headers:
        response.headers["access-control-allow-methods"] = "GET, POST"
        response.headers["access-control-allow-headers"] = "Authorization, Content-Type, DPoP"
        response.headers["access-control-max-age"] = "600"
    return response


class Origins:
    """The origins of all active clients, read anew when a client changes anywhere."""

    def __init__(self) -> None:
        """Start with none."""
        self.known: frozenset[str] = frozenset()
        self._epoch = -1

    async def refresh(self, request: Request) -> None:
        """Read the origins again if any client has changed."""
        site = site_of(request)
        await site.watch.refresh()
        epoch = site.watch.get("clients")
        if epoch == self._epoch:
            return
        clients = await site.clients.list()
        self.known = frozenset(origin for client in clients if client.is_active for origin in client.cors_origins)
        self._epoch = epoch


def origins_of(request: Request) -> Origins:
    """Return the process's knowledge of origins."""
    origins: Origins = request.scope["app"].state.origins
    return origins
