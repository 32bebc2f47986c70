"""Known devices: a cookie that says which accounts this browser has signed in to before.

It proves nothing and opens nothing. It gives the account's owner a counter of their own, so that strangers who guess
cannot lock them out, and it tells the risk engine that a browser is not new. Each entry is bound by a tag under our key
to the person and to the kind of browser, and gets a new generation with every sign-in: whoever copied the cookie and
its owner cannot both go on unnoticed. An old generation that comes back once may be an answer that was lost on its
way; the second time within a month the cookie has been copied.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain.secret import Digester, equal, make_id
from idp.flows.visit import Visit
from idp.policy import lifetimes
from idp.risk.hierarchy import read_agent
from idp.risk.signal import Cookie
from idp.storage.known_devices import KnownDevice
from idp.storage.stores import Stores

MAX_ENTRIES = 5
SECONDS = int(lifetimes.KNOWN_DEVICE.total_seconds())  #: for which a browser keeps the cookie
MAX_COOKIE = 1024
PER_PERSON = 24  #: as many as a profile keeps
#: Two tabs that sign in at once send the same generation, and so does whoever tries again when no answer came.
TOGETHER = timedelta(minutes=2)
STALE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Entry:
    """One account on this device."""

    device_id: str
    since: int
    generation: int
    tag: str

    @property
    def text(self) -> str:
        """Return the entry as it stands in the cookie."""
        return f"{self.device_id}.{self.since}.{self.generation}.{self.tag}"


@dataclass(frozen=True, slots=True)
class Recognised:
    """What the cookie and the server together say: the device, if it is this person's, and whether it was copied."""

    cookie: Cookie
    device_id: str | None = None
    entry: Entry | None = None
    is_stale: bool = False  # an old generation, for the first time
    is_together: bool = False  # the generation before this one, a moment after the change


ABSENT = Recognised(Cookie.ABSENT)


def presented(visit: Visit, *, user_id: str, digester: Digester, now: datetime) -> Entry | None:
    """Return what this browser's cookie says of a person; it was genuine once, and may be old, forgotten or copied."""
    for entry in _entries(visit.device):
        expected = _tag(digester, entry, user_id, visit)
        is_young = 0 <= now.timestamp() - entry.since < lifetimes.KNOWN_DEVICE.total_seconds()
        if is_young and equal(entry.tag.encode(), expected.encode()):
            return entry
    return None


def budget_of(visit: Visit, *, user_id: str, password_since: datetime, digester: Digester, now: datetime) -> str | None:
    """Return the device's id if it has a counter of guesses of its own: used lately, and under this password."""
    entry = presented(visit, user_id=user_id, digester=digester, now=now)
    if entry is None or entry.since < int(password_since.timestamp()):
        return None
    is_recent = now.timestamp() - entry.since < lifetimes.KNOWN_DEVICE_BUDGET.total_seconds()
    return entry.device_id if is_recent else None


async def recognise(stores: Stores, visit: Visit, *, user_id: str, digester: Digester, now: datetime) -> Recognised:
    """Say whether this person has signed in from this browser, and whether its cookie is still its alone."""
    entry = presented(visit, user_id=user_id, digester=digester, now=now)
    device = await stores.known_devices.find(entry.device_id, user_id, now) if entry is not None else None
    if entry is None or device is None:
        return ABSENT
    return _compare(entry, device, now)


def _compare(entry: Entry, device: KnownDevice, now: datetime) -> Recognised:
    if entry.generation >= device.generation:
        return Recognised(Cookie.KNOWN, device.id, entry)
    if entry.generation == device.generation - 1 and now - device.rotated_at < TOGETHER:
        return Recognised(Cookie.KNOWN, device.id, entry, is_together=True)
    if device.stale_at is not None and now - device.stale_at < STALE:
        return Recognised(Cookie.REPLAYED, None, entry)
    return Recognised(Cookie.KNOWN, device.id, entry, is_stale=True)


async def remember(
    stores: Stores, visit: Visit, *, user_id: str, digester: Digester, now: datetime
) -> tuple[str, Recognised]:
    """Note that this person signed in here; return the cookie's next generation, and what the one before was worth.

    A device whose cookie was copied is forgotten, and begins anew under another id.
    """
    found = await recognise(stores, visit, user_id=user_id, digester=digester, now=now)
    device_id, generation = found.device_id, None
    if device_id is not None and found.entry is not None and found.is_together:
        generation = found.entry.generation + 1
    elif device_id is not None:
        generation = await stores.known_devices.rotate(
            device_id, now, life=lifetimes.KNOWN_DEVICE, is_stale=found.is_stale
        )
    elif found.entry is not None:
        await stores.known_devices.forget(user_id, found.entry.device_id)
    if device_id is None or generation is None:
        device_id, generation = make_id(), 1
        await stores.known_devices.add(device_id, user_id, now, life=lifetimes.KNOWN_DEVICE, keep=PER_PERSON)
    new = Entry(device_id, int(now.timestamp()), generation, "")
    new = Entry(device_id, new.since, generation, _tag(digester, new, user_id, visit))
    replaced = presented(visit, user_id=user_id, digester=digester, now=now)
    kept = [entry for entry in _entries(visit.device) if replaced is None or entry.device_id != replaced.device_id]
    return "~".join(entry.text for entry in [new, *kept][:MAX_ENTRIES]), found


def _tag(digester: Digester, entry: Entry, user_id: str, visit: Visit) -> str:
    family = read_agent(visit.user_agent).browser.rstrip("0123456789 ")
    return digester.tag("device", f"{entry.device_id}|{entry.since}|{entry.generation}|{user_id}|{family}")


def _entries(cookie: str | None) -> list[Entry]:
    if cookie is None or len(cookie) > MAX_COOKIE or not cookie.isascii():
        return []
    entries = []
    for text in cookie.split("~")[:MAX_ENTRIES]:
        device_id, since, generation, tag = (*text.split("."), "", "", "", "")[:4]
        if since.isdigit() and len(since) <= 12 and generation.isdigit() and len(generation) <= 9:
            entries.append(Entry(device_id, int(since), int(generation), tag))
    return entries
