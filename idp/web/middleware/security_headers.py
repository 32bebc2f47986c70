"""Headers that answers carry: the full set on pages, what still matters on everything else.

Referrer-Policy is same-origin: under no-referrer Chromium sends `Origin: null` from our own forms, and to other sites
same-origin says just as little (docs/adr/0004).
"""

from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

_ALWAYS = ((b"x-content-type-options", b"nosniff"),)
_ON_PAGES = (
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
_HSTS = ((b"strict-transport-security", b"max-age=63072000; includeSubDomains"),)


class SecurityHeaders:
    """Adds the headers."""

    def __init__(self, app: ASGIApp, *, is_secure: bool) -> None:
        """Add HSTS when the issuer is https."""
        self._app = app
        self._plain = [*_ALWAYS, *_HSTS] if is_secure else [*_ALWAYS]
        self._page = [*self._plain, *_ON_PAGES]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request with the headers added."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def adding(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                is_page = any(name == b"content-type" and value.startswith(b"text/html") for name, value in headers)
                # A new list: some responses are prepared once and sent many times.
                message["headers"] = [*headers, *(self._page if is_page else self._plain)]
            await send(message)

        await self._app(scope, receive, adding)
