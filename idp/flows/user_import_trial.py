"""A trial of an import: every line is checked, also against the store and the lines above it; nothing is stored."""

from idp.clock import Clock
from idp.flows.user_import import Batch, Options, Outcome, Progress, batches
from idp.flows.user_import_fault import Fault, taken
from idp.flows.user_import_file import PeopleFile
from idp.flows.user_import_person import Candidate, Reading
from idp.flows.user_import_report import ImportReport
from idp.storage.stores import Stores, Transactions

_KEPT_BYTES = 12  # of a digest: what is remembered of each name


class ImportTrial:
    """Says what would become of a file."""

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        """Keep what the steps need."""
        self._transactions = transactions
        self._clock = clock
        self._seen: set[bytes] = set()

    async def run(self, file: PeopleFile, options: Options, report: ImportReport, *, progress: Progress) -> Outcome:
        """Check the whole file; raise BadFile when it changes meanwhile."""
        imported = refused = 0
        reading = Reading(keep_ids=options.keep_ids, project=options.project, now=self._clock.now())
        report.resume(1)
        for batch in batches(file.lines(), reading, begin=1):
            faults = await self._faults(batch)
            imported += len(batch.people) + len(batch.faults) - len(faults)
            refused += len(faults)
            report.write(faults)
            report.settle()
            progress(batch.end)
        file.check_unchanged()
        return Outcome(imported, refused, 1)

    async def _faults(self, batch: Batch) -> list[tuple[int, Fault]]:
        faults = list(batch.faults)
        async with self._transactions.open(write=False) as stores:
            for line, candidate in batch.people:
                field = await self._taken(stores, candidate)
                if field is not None:
                    faults.append((line, taken(field)))
        return sorted(faults, key=lambda entry: entry[0])

    async def _taken(self, stores: Stores, candidate: Candidate) -> str | None:
        user = candidate.user
        names = {"id": user.id if candidate.keeps_id else None, "email": user.email, "username": user.username}
        given = {field: name for field, name in names.items() if name}
        keys = {field: self._key(stores, field, name) for field, name in given.items()}
        for field, name in given.items():
            if keys[field] in self._seen or await _is_known(stores, field, name):
                return field
        self._seen.update(keys.values())
        return None

    def _key(self, stores: Stores, field: str, name: str) -> bytes:
        return bytes(stores.users.name_digest(name if field != "id" else f"id {name}")[:_KEPT_BYTES])


async def _is_known(stores: Stores, field: str, name: str) -> bool:
    if field == "id":
        return await stores.users.find(name) is not None or bool(await stores.events.of_user(name, limit=1))
    return await stores.users.find_by_name(name) is not None
