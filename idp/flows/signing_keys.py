"""The life of signing keys: made, published as next, active, retired, revoked – while several processes serve.

Keys come in kinds (RSA, P-256, Ed25519); the RSA key signs RS256 and PS256 under two kids. The database decides
between processes that rotate at once: its first UPDATE, and a unique index on the active key of an algorithm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.clock import Clock
from idp.domain.event import Actor, Event, EventKind
from idp.domain.secret import make_id
from idp.policy import lifetimes
from idp.providers.keystore.port import KeyStore
from idp.storage.signing_keys import KeyGone, KeyState, SigningKey
from idp.storage.stores import Stores, Transactions

KINDS: dict[str, tuple[str, ...]] = {"RSA": ("RS256", "PS256"), "P-256": ("ES256",), "Ed25519": ("EdDSA",)}
KIND_OF = {alg: kind for kind, algs in KINDS.items() for alg in algs}
MAX_NEXT = 3


class TooManyKeys(Exception):
    """Several next keys wait already; another rotation would only add to them."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation did: kids that sign from now on, and kids that were published."""

    activated: tuple[str, ...]
    published: tuple[str, ...]


class SigningKeys:
    """Makes, rotates and ends signing keys."""

    def __init__(self, transactions: Transactions, keystore: KeyStore, clock: Clock) -> None:
        """Keep what the steps need."""
        self._transactions = transactions
        self._keystore = keystore
        self._clock = clock

    def acting(self, actor: Actor) -> "SigningKeys":
        """Return the same, in which this actor does everything."""
        return SigningKeys(self._transactions.acting(actor), self._keystore, self._clock)

    async def ensure(self) -> None:
        """Make active and next keys where there are none: at the first start, by whichever process is first."""
        async with self._transactions.open(write=False) as stores:
            known = await stores.signing_keys.list()
        for kind, algs in KINDS.items():
            states = {key.state for key in known if key.alg in algs}
            for state in (KeyState.ACTIVE, KeyState.NEXT):
                if state not in states:
                    await self._publish(kind, state)

    async def _publish(self, kind: str, state: KeyState) -> tuple[str, ...]:
        """Make a key of a kind and publish it under one kid for each algorithm; nothing if another was faster."""
        ref, public = self._keystore.make(kind)
        now = self._clock.now()
        async with self._transactions.open(write=True) as stores:
            present = {key.alg for key in await stores.signing_keys.list() if key.state is state}
            if state is KeyState.ACTIVE and present & set(KINDS[kind]):
                self._keystore.delete(ref)
                return ()
            kids = []
            for alg in KINDS[kind]:
                key = SigningKey(
                    kid=make_id(), alg=alg, state=state, public_jwk=public, private_ref=ref, published_at=now,
                    activated_at=now if state is KeyState.ACTIVE else None,
                )  # fmt: skip
                if await stores.signing_keys.add(key):
                    kids.append(key.kid)
            await self._record(stores, EventKind.KEY_ROTATED, now, published=" ".join(kids), state=state.value)
            return tuple(kids)

    async def known(self) -> Sequence[SigningKey]:
        """Return all keys, oldest first."""
        async with self._transactions.open(write=False) as stores:
            return await stores.signing_keys.list()

    async def rotate(self) -> Rotation:
        """Publish a new next key of every kind at once, and let a next key that was published long enough sign.

        A next key that is too young signs once it has been published for a day. Raises TooManyKeys.
        """
        now = self._clock.now()
        young = [key.alg for key in await self.known() if key.state is KeyState.NEXT and not _is_ripe(key, now)]
        waiting = max(young.count(alg) for alg in KIND_OF)  # one that may sign makes room for another
        if waiting >= MAX_NEXT:
            raise TooManyKeys
        activated: list[str] = []
        published: list[str] = []
        for kind in KINDS:
            activated += await self._promote(kind, only_due=False)
            published += await self._publish(kind, KeyState.NEXT)
        return Rotation(tuple(activated), tuple(published))

    async def keep_fresh(self) -> None:
        """Do what is due: activate scheduled keys, and rotate kinds whose active key has signed long enough."""
        now = self._clock.now()
        for kind, algs in KINDS.items():
            keys = [key for key in await self.known() if key.alg in algs]
            old = [key for key in keys if key.state is KeyState.ACTIVE and _age(key, now) >= lifetimes.KEY_ACTIVE]
            if await self._promote(kind, only_due=not old):
                await self._publish(kind, KeyState.NEXT)

    async def _promote(self, kind: str, *, only_due: bool) -> list[str]:
        """Let the oldest ripe next key of a kind sign, for all its algorithms in one transaction."""
        now = self._clock.now()
        try:
            async with self._transactions.open(write=True) as stores:
                keys = [key for key in await stores.signing_keys.list() if key.alg in KINDS[kind]]
                chosen = _ripe(keys, now, only_due=only_due)
                if chosen is None:
                    await self._schedule(stores, keys, only_due=only_due)
                    return []
                activated = []
                for key in (key for key in keys if key.private_ref == chosen and key.state is KeyState.NEXT):
                    old = next(k.kid for k in keys if k.alg == key.alg and k.state is KeyState.ACTIVE)
                    if await stores.signing_keys.promote(kid=key.kid, alg=key.alg, old=old, now=now):
                        activated.append(key.kid)
                await self._record(stores, EventKind.KEY_ROTATED, now, activated=" ".join(activated))
                return activated
        except (KeyGone, StopIteration):
            return []  # another process rotated at the same moment, and won

    async def _schedule(self, stores: Stores, keys: list[SigningKey], *, only_due: bool) -> None:
        young = next((key for key in keys if key.state is KeyState.NEXT), None)
        if young is not None and not only_due:
            for key in keys:
                if key.private_ref == young.private_ref:
                    await stores.signing_keys.schedule(key.kid, key.published_at + lifetimes.KEY_AHEAD)

    async def end(self, kid: str, *, revoke: bool) -> bool:
        """Retire or revoke a key at once; an active one is replaced by its kind's next key first. False if unknown.

        A revoked key leaves the published set and nothing it signed is accepted any more.
        """
        key = next((key for key in await self.known() if key.kid == kid), None)
        if key is None:
            return False
        kind = KIND_OF[key.alg]
        if key.state is KeyState.ACTIVE:
            await self._replace_now(kind)
        now = self._clock.now()
        async with self._transactions.open(write=True) as stores:
            same = [k for k in await stores.signing_keys.list() if k.private_ref == key.private_ref]
            for each in same:
                await stores.signing_keys.set_state(each.kid, KeyState.REVOKED if revoke else KeyState.RETIRED, now)
            await self._record(stores, EventKind.KEY_REVOKED, now, kid=kid, revoked=revoke)
        if revoke:
            self._keystore.delete(key.private_ref)
        if not any(k.state is KeyState.NEXT and k.alg == key.alg for k in await self.known()):
            await self._publish(kind, KeyState.NEXT)
        return True

    async def _replace_now(self, kind: str) -> None:
        """Activate the next key however young it is: a compromised key must not sign for another day."""
        now = self._clock.now()
        if not any(key.state is KeyState.NEXT and key.alg in KINDS[kind] for key in await self.known()):
            await self._publish(kind, KeyState.NEXT)
        async with self._transactions.open(write=True) as stores:
            keys = [key for key in await stores.signing_keys.list() if key.alg in KINDS[kind]]
            ref = next(key.private_ref for key in keys if key.state is KeyState.NEXT)
            for key in (key for key in keys if key.private_ref == ref and key.state is KeyState.NEXT):
                old = next(k.kid for k in keys if k.alg == key.alg and k.state is KeyState.ACTIVE)
                await stores.signing_keys.promote(kid=key.kid, alg=key.alg, old=old, now=now)

    async def _record(self, stores: Stores, kind: EventKind, now: datetime, **detail: str | bool) -> None:
        await stores.events.add(Event(kind, detail=detail), now)


def _age(key: SigningKey, now: datetime) -> timedelta:
    return now - (key.activated_at or key.published_at)


def _is_ripe(key: SigningKey, now: datetime) -> bool:
    return now - key.published_at >= lifetimes.KEY_AHEAD


def _ripe(keys: Sequence[SigningKey], now: datetime, *, only_due: bool) -> str | None:
    """Return the private key of the oldest next key that was published long enough, and is due if that is asked."""
    for key in keys:
        if key.state is not KeyState.NEXT or not _is_ripe(key, now):
            continue
        if not only_due or (key.activates_at is not None and key.activates_at <= now):
            return key.private_ref
    return None
