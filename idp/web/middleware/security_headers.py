"""Headers that every answer carries. Referrer-Policy is same-origin: under no-referrer Chromium sends `Origin: null`
from our own forms, and to other sites same-origin says just as little."""

from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
_HSTS = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")
_NO_CONTENT = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")


class SecurityHeaders:
    """Adds the headers."""

    def __init__(self, app: ASGIApp, *, is_secure: bool) -> None:
        """Add HSTS when the issuer is https."""
        self._app = app
        self._headers = (*_ALWAYS, _HSTS) if is_secure else _ALWAYS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request with the headers added."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def adding(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                headers.extend(self._headers)
                if not any(name == b"content-security-policy" for name, _value in headers):
                    headers.append(_NO_CONTENT)
            await send(message)

        await self._app(scope, receive, adding)
