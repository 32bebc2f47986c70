"""Who is asking: the facts about a browser's request that journeys need, read from cookies and the connection."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a browser. Cookie values are secrets as the browser sent them, None if absent or malformed."""

    browser: str
    session: str | None
    device: str | None
    address: str
    user_agent: str
    request_id: str
    accept_language: str | None = None  # "" if the header was missing, None where nobody looked
    platform: str | None = None  # what the browser says by Sec-CH-UA-Platform
    is_mobile: bool | None = None
    ja4: str | None = None  # these three by the word of a trusted proxy, None where there is none
    ja4h: str | None = None
    rtt_ms: float | None = None
