"""A new password: judged, compared with earlier ones, hashed – all outside of any transaction – and then stored."""

from dataclasses import dataclass
from datetime import datetime

from idp.domain.refusal import Refusal, Refused
from idp.domain.user import User
from idp.factors.password import PasswordHasher, is_plausible
from idp.factors.password_judge import PasswordJudge
from idp.policy.passwords import own_words
from idp.storage.stores import Stores, Transactions


@dataclass(frozen=True, slots=True)
class Accepted:
    """A password that may be used, as its hash."""

    hash: str


class NewPassword:
    """Accepts passwords."""

    def __init__(
        self, transactions: Transactions, hasher: PasswordHasher, judge: PasswordJudge, *, history: int
    ) -> None:
        """Refuse the last `history` passwords of the same person."""
        self._transactions = transactions
        self._hasher = hasher
        self._judge = judge
        self._history = history

    async def accept(
        self, password: str, *, email: str | None, name: str | None, user: User | None = None, differs: bool = False
    ) -> Accepted | Refused:
        """Judge a password for somebody; raise HashPoolBusy when too many are waiting.

        With `differs` it must not be the one that they have, even where no history is kept.
        """
        if not password:
            return Refused(Refusal.MISSING_FIELDS)
        username = user.username if user is not None else None
        beside = user is not None and await self._has_second_factor(user)
        words = own_words(email, (email or "").partition("@")[0], username, name)
        verdict = await self._judge.judge_new(password, own_words=words, beside_second_factor=beside)
        if verdict.refusal is not None:
            return Refused(verdict.refusal)
        if user is not None and is_plausible(password) and await self._was_used(user, password, differs=differs):
            return Refused(Refusal.PASSWORD_REUSED)
        return Accepted(await self._hasher.hash(password))

    async def _has_second_factor(self, user: User) -> bool:
        async with self._transactions.open(write=False) as stores:
            return len(await stores.credentials.factors_of(user.id)) > 1

    async def _was_used(self, user: User, password: str, *, differs: bool) -> bool:
        if not self._history and not differs:
            return False
        async with self._transactions.open(write=False) as stores:
            current = await stores.credentials.password_of(user.id)
            earlier = await stores.password_history.of_user(user.id, limit=self._history)
        known = [*([current.hash] if current is not None else []), *earlier]
        for hash_ in known:
            if await self._hasher.verify(hash_, password):
                return True
        return False

    async def store(self, stores: Stores, user_id: str, accepted: Accepted, now: datetime) -> None:
        """Replace a person's password; the old one joins the history."""
        before = await stores.credentials.password_of(user_id)
        if before is not None and self._history:
            await stores.password_history.add(user_id, before.hash, now, keep=self._history)
        await stores.credentials.set_password(user_id, accepted.hash, now)
