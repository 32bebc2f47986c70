"""Signing in with a password: count, verify, open the session – three steps, two short transactions.

No transaction is open while the password is hashed. Known, unknown, disabled and throttled accounts cost and look
alike; what really happened stands in the audit trail.
"""

from dataclasses import dataclass
from datetime import datetime

from idp.clock import Clock
from idp.domain.assurance import Factor, Proof
from idp.domain.event import Event, EventKind
from idp.domain.refusal import Refusal, Refused
from idp.domain.secret import Digester
from idp.domain.user import User
from idp.factors.password import PasswordHasher, is_plausible
from idp.flows import browser_session, known_device, throttle
from idp.flows.browser_session import OpenedSession
from idp.flows.throttle import Budget
from idp.flows.visit import Visit
from idp.storage.credentials import StoredHash
from idp.storage.stores import Stores, Transactions

NOBODY = ""  # an id that no person has: unknown names cost the same statements as known ones


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The person proved who they are; cookies to set."""

    user: User
    opened: OpenedSession
    device: str


@dataclass(frozen=True, slots=True)
class _Attempt:
    user: User | None
    stored: StoredHash | None
    budget: Budget


class Login:
    """The password step of every journey."""

    def __init__(
        self,
        transactions: Transactions,
        hasher: PasswordHasher,
        digester: Digester,
        clock: Clock,
        *,
        limits_floods: bool,
    ) -> None:
        """Keep what the steps need."""
        self._transactions = transactions
        self._hasher = hasher
        self._digester = digester
        self._clock = clock
        self._limits_floods = limits_floods

    async def with_password(
        self, visit: Visit, *, username: str, password: str, interaction_id: str | None
    ) -> SignedIn | Refused:
        """Sign a person in; raise HashPoolBusy when too many sign in at once."""
        if not username.strip() or not password:
            return Refused(Refusal.MISSING_FIELDS)
        attempt = await self._reserve(visit, username)
        if isinstance(attempt, Refused):
            return attempt
        stored = attempt.stored.hash if attempt.stored and is_plausible(password) else None
        matches = await self._hasher.verify(stored, password if is_plausible(password) else "")
        upgraded = None
        if matches and stored is not None and self._hasher.needs_upgrade(stored):
            upgraded = await self._hasher.hash(password)
        async with self._transactions.open(write=True, request_id=visit.request_id) as stores:
            return await self._conclude(stores, visit, attempt, matches, upgraded, interaction_id)

    async def _reserve(self, visit: Visit, username: str) -> _Attempt | Refused:
        now = self._clock.now()
        async with self._transactions.open(write=True, request_id=visit.request_id) as stores:
            user = await stores.users.find_by_name(username)
            stored = await stores.credentials.password_of(user.id if user else NOBODY)
            device_id = None
            if user is not None and stored is not None:
                device_id = known_device.recognise(
                    visit.device, user_id=user.id, password_since=stored.created_at, digester=self._digester, now=now
                )
            account = user.id.encode() if user else stores.users.name_digest(username)
            budget = throttle.budget(self._digester, account=account, address=visit.address, device_id=device_id)
            refused = await throttle.reserve(stores, budget, now, limits_floods=self._limits_floods)
            if refused is not None:
                await self._note(stores, EventKind.THROTTLED, visit, user, now)
                return refused
            return _Attempt(user, stored, budget)

    async def _conclude(
        self,
        stores: Stores,
        visit: Visit,
        attempt: _Attempt,
        matches: bool,
        upgraded: str | None,
        interaction_id: str | None,
    ) -> SignedIn | Refused:
        now = self._clock.now()
        # As they are now, not as they were when the password was typed.
        user = await stores.users.find(attempt.user.id if attempt.user else NOBODY)
        stored = attempt.stored
        if not matches or user is None or stored is None or not user.is_active:
            await throttle.failed(stores, attempt.budget, now)
            reason = "disabled" if user and not user.is_active else "password" if attempt.user else "unknown"
            await self._note(stores, EventKind.SIGN_IN_REFUSED, visit, user, now, reason=reason)
            return Refused(Refusal.WRONG_CREDENTIALS)
        await throttle.succeeded(stores, attempt.budget)
        if upgraded is not None:
            await stores.credentials.upgrade_password(user.id, old=stored.hash, new=upgraded)
        proof = Proof(Factor.PASSWORD, now)
        opened = await browser_session.open_or_raise(
            stores, self._digester, visit, user_id=user.id, proof=proof, now=now
        )
        if interaction_id is not None:
            await stores.interactions.note_sign_in(interaction_id, opened.session.id, now)
        await self._note(stores, EventKind.SIGNED_IN, visit, user, now, session_id=opened.session.id)
        device = known_device.remember(
            visit.device, user_id=user.id, password_since=stored.created_at, digester=self._digester, now=now
        )
        return SignedIn(user, opened, device)

    async def _note(
        self,
        stores: Stores,
        kind: EventKind,
        visit: Visit,
        user: User | None,
        now: datetime,
        *,
        session_id: str | None = None,
        **detail: str,
    ) -> None:
        user_id = user.id if user else None
        event = Event(kind, user_id=user_id, session_id=session_id, address=visit.address, detail=detail)
        await stores.events.add(event, now)
