"""Words and texts that are drafted for operators: suggested, looked at by a person, taken or thrown away."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from idp.domain.event import Event, EventKind, Target, actor_called
from idp.domain.refusal import Refusal
from idp.providers.adviser.port import Writer
from idp.risk import drafting
from idp.risk.drafting import ApprovedFact
from idp.risk.drafting_text import GUIDANCE
from idp.risk.wording import Language
from idp.storage.drafts import DraftKind, StoredDraft
from idp.storage.stores import Stores, Transactions

MOST_APPROVED_WORDS = 500
CODES = tuple(GUIDANCE)


class TooManyWords(Exception):
    """More words are approved than are looked at when a password is judged."""


@dataclass(frozen=True, slots=True)
class Drafts:
    """Keeps what was drafted."""

    transactions: Transactions
    writer: Writer | None = None

    async def suggest_words(self, facts: Sequence[ApprovedFact], now: datetime) -> Sequence[StoredDraft]:
        """Return the words that wait for a person now, after these facts; raises ValueError for too many facts."""
        found = await drafting.propose_words(facts, self.writer.write if self.writer is not None else None)
        async with self.transactions.open(write=True) as stores:
            for word in found:
                model = self.writer.model if self.writer is not None and word.is_ai_written else None
                await stores.drafts.propose(DraftKind.WORD, word.word, word.word, model=model, now=now)
        return [each for each in await self.all(DraftKind.WORD) if each.approved_by is None]

    async def draft_guidance(
        self, codes: Sequence[Refusal], languages: Sequence[Language], now: datetime
    ) -> Sequence[StoredDraft]:
        """Return the texts that wait for a person; without a model, or where its text is dropped, none is added.

        What was approved is not drafted again. The model sees a code, a language and our own text, of nobody.
        """
        if self.writer is not None:
            taken = {each.name for each in await self.all(DraftKind.GUIDANCE) if each.approved_by is not None}
            for code in codes:
                for language in languages:
                    if f"{code.value}:{language.value}" not in taken:
                        await self._draft_one(code, language, self.writer, now)
        return [each for each in await self.all(DraftKind.GUIDANCE) if each.approved_by is None]

    async def _draft_one(self, code: Refusal, language: Language, writer: Writer, now: datetime) -> None:
        wording = await drafting.guide(code, language, writer.write)
        if not wording.is_ai_written:
            return
        async with self.transactions.open(write=True) as stores:
            name = f"{code.value}:{language.value}"
            await stores.drafts.propose(DraftKind.GUIDANCE, name, wording.text, model=writer.model, now=now)

    async def all(self, kind: DraftKind) -> Sequence[StoredDraft]:
        """Return the drafts of a kind, approved or not."""
        async with self.transactions.open(write=False) as stores:
            return await stores.drafts.all(kind)

    async def approve(self, kind: DraftKind, names: Sequence[str], *, by: str, now: datetime) -> tuple[str, ...]:
        """Take drafts, as they read now; return the names of those that wait for nobody, of which nothing is taken.

        Raises TooManyWords.
        """
        async with self.transactions.open(write=True) as stores:
            every = await stores.drafts.all(kind)
            waiting = {each.name: each for each in every if each.approved_by is None}
            missing = tuple(name for name in names if name not in waiting)
            if missing:
                return missing
            approved = len(every) - len(waiting) + len(set(names))
            if kind is DraftKind.WORD and approved > MOST_APPROVED_WORDS:
                raise TooManyWords(f"at most {MOST_APPROVED_WORDS} words are looked at")
            for name in dict.fromkeys(names):
                await stores.drafts.approve(waiting[name], by=by, now=now)
                await _note(stores, EventKind.DRAFT_APPROVED, kind, name, by, now)
        return ()

    async def remove(self, kind: DraftKind, names: Sequence[str], *, by: str, now: datetime) -> tuple[str, ...]:
        """Throw drafts away, approved or not; return the names that there were none of."""
        async with self.transactions.open(write=True) as stores:
            missing = []
            for name in dict.fromkeys(names):
                if await stores.drafts.remove(kind, name):
                    await _note(stores, EventKind.DRAFT_REMOVED, kind, name, by, now)
                else:
                    missing.append(name)
        return tuple(missing)


async def _note(stores: Stores, what: EventKind, kind: DraftKind, name: str, by: str, now: datetime) -> None:
    told = {"draft": f"{kind.value} {name}", "by": by}
    await stores.events.add(Event(what, detail=told, actor=actor_called(by), target=Target("draft", name)), now)
