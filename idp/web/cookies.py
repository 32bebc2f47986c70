"""Cookies: their names, how they are read strictly and how they are set (RFC 6265bis §4.1.3.1)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

MAX_COOKIE_HEADER = 8192
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
_DEVICE = re.compile(r"[A-Za-z0-9._~-]{1,1024}")
BROWSER, SESSION, DEVICE = "idp_browser", "idp_session", "idp_device"
_SHAPES = {BROWSER: _SECRET, SESSION: _SECRET, DEVICE: _DEVICE}


@dataclass(frozen=True, slots=True)
class CookieJar:
    """Reads and writes our cookies; over https they carry the __Host- prefix."""

    is_secure: bool

    def name(self, which: str) -> str:
        """Return a cookie's name on the wire."""
        return f"__Host-{which}" if self.is_secure else which

    def read(self, header: str | None, which: str) -> str | None:
        """Return a cookie's value; a repeated, malformed or oversize one counts as none."""
        if header is None or len(header) > MAX_COOKIE_HEADER:
            return None
        name = self.name(which)
        found = [part.strip().partition("=")[2] for part in header.split(";") if part.strip().partition("=")[0] == name]
        return found[0] if len(found) == 1 and _SHAPES[which].fullmatch(found[0]) else None

    def set(self, which: str, value: str, *, max_age: int | None = None) -> tuple[str, str]:
        """Return a Set-Cookie header; without `max_age` the cookie ends with the browser."""
        lasting = f"; Max-Age={max_age}" if max_age is not None else ""
        secure = "; Secure" if self.is_secure else ""
        return ("set-cookie", f"{self.name(which)}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{lasting}")

    def clear(self, which: str) -> tuple[str, str]:
        """Return a Set-Cookie header that removes a cookie."""
        return self.set(which, "", max_age=0)


Headers = Sequence[tuple[str, str]]
