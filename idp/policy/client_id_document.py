"""Which hosts may describe clients, and for how long a description counts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from idp.domain.document_url import is_document_url, vouching_host

SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(hours=24)
USABLE = timedelta(hours=1)  # beyond that, for what has begun, while the host does not answer
ANYBODY = "on"
NOBODY = "off"
_DIRECTIVE = re.compile(r'\s*([A-Za-z-]+)\s*(?:=\s*"?([^",]*)"?)?\s*')


@dataclass(frozen=True, slots=True)
class DocumentHosts:
    """The hosts whose word about their clients counts here; everybody's if `is_open`."""

    hosts: frozenset[str] = field(default_factory=frozenset)
    is_open: bool = False

    @classmethod
    def read(cls, text: str) -> "DocumentHosts":
        """Read `on`, `off`, or a list of hosts, each with its port if that is not 443."""
        if text in (ANYBODY, NOBODY):
            return cls(is_open=text == ANYBODY)
        return cls(frozenset(part.strip().lower().removesuffix(":443") for part in text.split(",") if part.strip()))

    @property
    def are_any(self) -> bool:
        """Say whether there is such a host at all."""
        return self.is_open or bool(self.hosts)

    def vouch_for(self, client_id: str) -> bool:
        """Say whether a client id is the URL of a document whose host counts."""
        if not is_document_url(client_id):
            return False
        return self.is_open or (vouching_host(client_id) or "").removesuffix(":443") in self.hosts


def fresh_for(headers: Mapping[str, str], now: datetime) -> timedelta:
    """Return how long an answer with these headers counts (RFC 9111 §4.2), but never under a minute or above a day."""
    found = [_DIRECTIVE.fullmatch(part) for part in headers.get("cache-control", "").split(",")]
    known = {each[1].lower(): each[2] for each in found if each is not None}
    if known.keys() & {"no-store", "no-cache"}:
        return SHORTEST
    age = _seconds(headers.get("age"))
    life = _seconds(known["max-age"]) if "max-age" in known else _until_expiry(headers, now)
    return max(SHORTEST, min(LONGEST, timedelta(seconds=max(life - age, 0))))


def _seconds(text: str | None) -> int:
    """Return a number of seconds; what is none counts as none (RFC 9111 §4.2.1)."""
    return min(int(text), 10**9) if text is not None and re.fullmatch("[0-9]{1,18}", text.strip()) else 0


def _until_expiry(headers: Mapping[str, str], now: datetime) -> int:
    try:
        expires = parsedate_to_datetime(headers.get("expires", ""))
        date = parsedate_to_datetime(headers["date"]) if "date" in headers else now
        return int((expires - date).total_seconds())
    except (ValueError, TypeError):  # an invalid date is in the past (RFC 9111 §5.3); one without a zone as well
        return 0
