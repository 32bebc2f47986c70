"""The import of people: in batches of one transaction each, refused line by line, and resumable after any end.

How far a file has come stands in the database and moves in the transaction of its people, so nobody is imported twice.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from idp.clock import Clock
from idp.domain.event import Event, EventKind, Target
from idp.factors.foreign_hashes.firebase import FirebaseProject
from idp.factors.password import PasswordHasher
from idp.flows.user_import_fault import Fault, Faulty, taken
from idp.flows.user_import_file import Line, PeopleFile
from idp.flows.user_import_person import Candidate, Reading, candidate_of
from idp.flows.user_import_report import ImportReport
from idp.storage.stores import Stores, Transactions
from idp.storage.user_imports import ImportState
from idp.storage.users import IdentifierTaken

BATCH = 500
Progress = Callable[[int], None]


class ImportStopped(Exception):
    """The import cannot go on; the message says why."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a file is to be understood; an import goes on only with the options that it was begun with."""

    form: str
    keep_ids: bool = False
    project: FirebaseProject | None = None

    @property
    def name(self) -> str:
        """Return what must be the same when an import goes on."""
        return " ".join((self.form, *(["keep-ids"] if self.keep_ids else []), *(["firebase"] if self.project else [])))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file, over all its runs; `began_at` is the line where this run began."""

    imported: int
    refused: int
    began_at: int
    was_finished: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines that share a transaction: people who may come in, and those of whom it is known that they may not."""

    first_line: int
    next_line: int
    end: int
    people: Sequence[tuple[int, Candidate]]
    faults: Sequence[tuple[int, Fault]]


class UserImport:
    """Brings the people of a file into the store."""

    def __init__(self, transactions: Transactions, hasher: PasswordHasher, clock: Clock) -> None:
        """Keep what the steps need."""
        self._transactions = transactions
        self._hasher = hasher
        self._clock = clock

    async def run(
        self, file: PeopleFile, options: Options, report: ImportReport, *, again: bool, progress: Progress
    ) -> Outcome:
        """Import what is left of a file; `again` begins at its start whatever is known of it.

        Raises ImportStopped, and BadFile when the file changes meanwhile. `progress` hears how many bytes are done.
        """
        began = await self._begin(file.digest, options, again=again)
        if began.finished_at is not None:
            report.resume(began.next_line)
            return Outcome(began.imported, began.refused, began.next_line, was_finished=True)
        report.resume(began.next_line)
        line = began.next_line
        for batch in batches(file.lines(after=line - 1), self._reading(options), begin=line):
            file.check_unchanged()
            await self._commit(file, batch, report)
            line = batch.next_line
            progress(batch.end)
        file.check_unchanged()
        state = await self._finish(file.digest, line)
        return Outcome(state.imported, state.refused, began.next_line)

    def _reading(self, options: Options) -> Reading:
        return Reading(keep_ids=options.keep_ids, project=options.project, now=self._clock.now())

    async def _begin(self, digest: str, options: Options, *, again: bool) -> ImportState:
        async with self._transactions.open(write=True) as stores:
            if again:
                await stores.user_imports.forget(digest)
            await stores.user_imports.begin(digest, options.name, self._clock.now())
            state = await stores.user_imports.find(digest)
        assert state is not None
        if state.options != options.name:
            raise ImportStopped(f"this file was begun otherwise ({state.options}); say the same, or --again")
        return state

    async def _commit(self, file: PeopleFile, batch: Batch, report: ImportReport) -> None:
        async def work(stores: Stores) -> None:
            await self._store(stores, file, batch, report)

        await self._transactions.run(work, write=True)
        report.settle()

    async def _store(self, stores: Stores, file: PeopleFile, batch: Batch, report: ImportReport) -> None:
        now = self._clock.now()
        # First, so that whoever imports the same file at the same time waits here and then sees that we were faster.
        if not await stores.user_imports.advance(file.digest, line=batch.first_line, to=batch.next_line):
            raise ImportStopped("another process is importing this file")
        faults = list(batch.faults)
        for line, candidate in batch.people:
            fault = await self._add(stores, candidate, now)
            if fault is not None:
                faults.append((line, fault))
        faults.sort(key=lambda entry: entry[0])
        refused = len(faults)
        total = len(batch.people) + len(batch.faults)
        await stores.user_imports.count(file.digest, imported=total - refused, refused=refused)
        report.write(faults)

    async def _add(self, stores: Stores, candidate: Candidate, now: datetime) -> Fault | None:
        user = candidate.user
        # An id lives on in the audit trail after its account; whoever got it would inherit that past.
        if candidate.keeps_id and await stores.events.of_user(user.id, limit=1):
            return taken("id")
        try:
            await stores.users.add(user)
        except IdentifierTaken:
            return taken(await _whose(stores, candidate))
        if candidate.foreign is not None:
            await stores.credentials.add_password(user.id, self._hasher.adopt(candidate.foreign), now)
        event = Event(EventKind.USER_CHANGED, user_id=user.id, detail={"change": "imported"})
        await stores.events.add(event, now)
        return None

    async def _finish(self, digest: str, line: int) -> ImportState:
        now = self._clock.now()
        async with self._transactions.open(write=True) as stores:
            finished = await stores.user_imports.finish(digest, line=line, now=now)
            state = await stores.user_imports.find(digest)
            if not finished or state is None:
                raise ImportStopped("another process is importing this file")
            detail: dict[str, str | int | bool | None] = {
                "change": "import",
                "imported": state.imported,
                "refused": state.refused,
            }
            event = Event(EventKind.USER_CHANGED, detail=detail, target=Target("file", f"sha256:{digest}"))
            await stores.events.add(event, now)
        return state


def batches(lines: Iterable[Line], reading: Reading, *, begin: int) -> Iterator[Batch]:
    """Check lines one by one and yield them in batches; the first batch reaches back to line `begin`."""
    people: list[tuple[int, Candidate]] = []
    faults: list[tuple[int, Fault]] = []
    first, last = begin, None
    for line in lines:
        last = line
        try:
            if isinstance(line.content, Fault):
                faults.append((line.number, line.content))
            else:
                people.append((line.number, candidate_of(line.content, reading)))
        except Faulty as error:
            faults.append((line.number, error.fault))
        if len(people) + len(faults) == BATCH:
            yield Batch(first, line.number + 1, line.end, people, faults)
            people, faults, first, last = [], [], line.number + 1, None
    if last is not None:
        yield Batch(first, last.number + 1, last.end, people, faults)


async def _whose(stores: Stores, candidate: Candidate) -> str:
    """Return which identifier of somebody who could not be added is taken."""
    user = candidate.user
    if await stores.users.find(user.id) is not None:
        return "id"
    return "email" if user.email and await stores.users.find_by_name(user.email) is not None else "username"
