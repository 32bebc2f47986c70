"""A small bank with an interface of its own: it takes access tokens, and for money it wants to be sure.

A resource server in the words of OAuth. It shares nothing with the pages beside it but the process; they call it over
HTTP like anybody else.
"""

from idp_guard import Guard
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from idp.demo.config import Config

#: A passkey or a code, not only a password, and a sign-in of the last five minutes.
ACR = "urn:idp:loa:1v"
MAX_AGE_SECONDS = 300


class Bank:
    """The interface of the bank."""

    def __init__(self, config: Config) -> None:
        # Tokens that name no resource are made for the provider itself (RFC 9068 §3).
        self._guard = Guard(issuer=config.issuer, audience=config.issuer, resource=f"{config.base_url}/api/transfers")
        self.url = self._guard.resource

    def routes(self) -> list[Route]:
        """Return what the bank answers to."""

        @self._guard.protect(acr=ACR, max_age=MAX_AGE_SECONDS)
        async def transfer(request: Request) -> Response:
            token = request.state.token
            return JSONResponse({"done": True, "from": token.subject, "proved": list(token.amr), "acr": token.acr})

        return [Route("/api/transfers", transfer, methods=["POST"]), self._guard.metadata_route()]
