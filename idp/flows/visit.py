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
