"""The approved words and texts as a process remembers them: read again with a password, after half a minute."""

import time
from collections.abc import Mapping

from idp.storage.database import Database
from idp.storage.drafts import DraftKind, DraftStore

GOOD_SECONDS = 30.0


class ApprovedDrafts:
    """What people approved."""

    def __init__(self, database: Database, *, good_seconds: float = GOOD_SECONDS) -> None:
        """Read from this database; nothing is read before the first question."""
        self._database = database
        self._good_seconds = good_seconds
        self._read_at = float("-inf")
        self._words: tuple[str, ...] = ()
        self._guidance: Mapping[str, Mapping[str, str]] = {}

    async def words(self) -> tuple[str, ...]:
        """Return the words that no password may be made of; raise DatabaseAway if that cannot be known."""
        if time.monotonic() - self._read_at >= self._good_seconds:
            async with self._database.transaction(write=False) as connection:
                rows = await DraftStore(connection).approved()
            self._words = tuple(text for kind, _, text in rows if kind is DraftKind.WORD)
            guidance: dict[str, dict[str, str]] = {}
            for kind, name, text in rows:
                code, _, language = name.partition(":")
                if kind is DraftKind.GUIDANCE:
                    guidance.setdefault(language, {})[code] = text
            self._guidance, self._read_at = guidance, time.monotonic()
        return self._words

    def guidance(self, language: str) -> Mapping[str, str]:
        """Return the approved texts of a language by the code of the refusal, as they were last read."""
        return self._guidance.get(language, {})
