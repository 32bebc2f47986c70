"""Known devices: a cookie that says which accounts this browser has signed in to before.

It proves nothing and opens nothing. It gives the account's owner a counter of their own, so that strangers who guess
cannot lock them out. Each entry is bound to the person and their password by a tag under our key; no state is kept.
"""

from dataclasses import dataclass
from datetime import datetime

from idp.domain.secret import Digester, equal, make_id
from idp.policy import lifetimes

MAX_ENTRIES = 5
MAX_COOKIE = 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """One account on this device."""

    device_id: str
    since: int
    tag: str

    @property
    def text(self) -> str:
        """Return the entry as it stands in the cookie."""
        return f"{self.device_id}.{self.since}.{self.tag}"


def recognise(
    cookie: str | None, *, user_id: str, password_since: datetime, digester: Digester, now: datetime
) -> str | None:
    """Return the device's id if this browser signed this person in before, under this password and not too long ago."""
    for entry in _entries(cookie):
        expected = _tag(digester, entry.device_id, entry.since, user_id, password_since)
        is_young = 0 <= now.timestamp() - entry.since < lifetimes.KNOWN_DEVICE.total_seconds()
        if is_young and equal(entry.tag.encode(), expected.encode()):
            return entry.device_id
    return None


def remember(cookie: str | None, *, user_id: str, password_since: datetime, digester: Digester, now: datetime) -> str:
    """Return the cookie with this person noted as signed in here, newest first."""
    since = int(now.timestamp())
    known = recognise(cookie, user_id=user_id, password_since=password_since, digester=digester, now=now)
    device_id = known or make_id()
    kept = [entry for entry in _entries(cookie) if entry.device_id != known]
    new = Entry(device_id, since, _tag(digester, device_id, since, user_id, password_since))
    return "~".join(entry.text for entry in [new, *kept][:MAX_ENTRIES])


def _tag(digester: Digester, device_id: str, since: int, user_id: str, password_since: datetime) -> str:
    return digester.tag("device", f"{device_id}|{since}|{user_id}|{password_since.isoformat()}")


def _entries(cookie: str | None) -> list[Entry]:
    if cookie is None or len(cookie) > MAX_COOKIE or not cookie.isascii():
        return []
    entries = []
    for text in cookie.split("~")[:MAX_ENTRIES]:
        device_id, _, rest = text.partition(".")
        since, _, tag = rest.partition(".")
        if since.isdigit() and len(since) <= 12:
            entries.append(Entry(device_id, int(since), tag))
    return entries
