"""Who is signed in here: tokens stay on the server, the browser holds only a random key to them."""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

MOST_VISITS = 1000


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint gave."""

    access_token: str
    id_token: str
    refresh_token: str | None
    scope: str
    expires_at: datetime | None

    @classmethod
    def from_answer(cls, answer: Mapping[str, object], now: datetime, before: "Tokens | None" = None) -> "Tokens":
        """Read a token response; what a refresh does not repeat stays as it was `before` (RFC 6749 §6)."""
        life = answer.get("expires_in")
        return cls(
            access_token=str(answer["access_token"]),
            id_token=_text(answer, "id_token") or (before.id_token if before else ""),
            refresh_token=_text(answer, "refresh_token") or (before.refresh_token if before else None),
            scope=_text(answer, "scope") or (before.scope if before else ""),
            expires_at=now + timedelta(seconds=life) if isinstance(life, int) else None,
        )


@dataclass(frozen=True, slots=True)
class Change:
    """One line of "what did the refresh change"."""

    name: str
    before: str
    after: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the last button brought back: a document, or a list of changes."""

    title: str
    meaning: str
    received_at: datetime
    document: Mapping[str, object] | None = None
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money that somebody wants to send; `challenge` is what the bank said instead of doing it."""

    to: str
    amount: str
    challenge: str = ""
    acr_values: str = ""
    max_age: str = ""


@dataclass(slots=True)
class Visit:
    """One signed-in browser."""

    tokens: Tokens
    claims: Mapping[str, object]  #: of the ID token, checked at sign-in
    person: Mapping[str, object]  #: from the userinfo endpoint
    answer: Answer | None = None
    transfer: Transfer | None = None  #: waits until its person has proved more
    refreshing: asyncio.Lock = field(default_factory=asyncio.Lock)  #: a refresh token must not be sent twice at once

    @property
    def greeting(self) -> str:
        """The friendliest name that is known."""
        for claim in ("name", "given_name", "preferred_username", "email", "sub"):
            value = self.person.get(claim)
            if isinstance(value, str) and value:
                return value
        return str(self.claims["sub"])


class Visits:
    """All signed-in browsers of this process; the longest unseen make room for new ones."""

    def __init__(self, most: int = MOST_VISITS) -> None:
        self._most = most
        self._by_key: OrderedDict[str, Visit] = OrderedDict()

    def open(self, visit: Visit) -> str:
        """Remember the visit and return the new, unguessable key to it."""
        key = secrets.token_urlsafe(32)
        self._by_key[key] = visit
        while len(self._by_key) > self._most:
            self._by_key.popitem(last=False)
        return key

    def find(self, key: object) -> Visit | None:
        """Return the visit behind the key, None if there is none (any more)."""
        if not isinstance(key, str) or key not in self._by_key:
            return None
        self._by_key.move_to_end(key)
        return self._by_key[key]

    def close(self, key: object) -> Visit | None:
        """Forget the visit and return what it was."""
        return self._by_key.pop(key, None) if isinstance(key, str) else None


def _text(answer: Mapping[str, object], name: str) -> str | None:
    value = answer.get(name)
    return value if isinstance(value, str) and value else None
