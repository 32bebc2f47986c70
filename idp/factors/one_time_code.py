"""Codes that are sent: six digits, five minutes, five tries, the newest only, once.

Each is bound to who asked (sign-in or session), what for, and where it was sent; only its keyed digest is stored, so
that it appears in its message and nowhere else (NIST SP 800-63B-4 §3.1.3).
"""

from datetime import datetime

from idp.domain.refusal import Refusal, Refused
from idp.domain.secret import Digest, Digester, equal, make_digits
from idp.factors.factor import DIGITS, Attempt, Challenge, digits_of
from idp.policy import lifetimes
from idp.storage.one_time_codes import SentCode
from idp.storage.stores import Stores


class OneTimeCodes:
    """Makes and checks codes that are sent to a destination."""

    def __init__(self, digester: Digester) -> None:
        """Digest under the deployment's key."""
        self._digester = digester

    async def make(
        self, stores: Stores, *, binding: str, purpose: str, user_id: str | None, destination: str, now: datetime
    ) -> Challenge | Refused:
        """Store a new code for this destination and return it; Refused when too many were sent this hour."""
        for subject in (destination, user_id):
            if subject is not None and not await self._may_send(stores, subject, now):
                return Refused(Refusal.TOO_MANY_SENT, lifetimes.RESENDS_WINDOW)
        code = make_digits(DIGITS)
        await stores.one_time_codes.put(
            binding, purpose, user_id=user_id, digest=self._digest(binding, purpose, destination, code),
            destination=destination, now=now, expires_at=now + lifetimes.ONE_TIME_CODE,
        )  # fmt: skip
        return Challenge(code=code, destination=destination)

    async def _may_send(self, stores: Stores, subject: str, now: datetime) -> bool:
        counter = self._digester.digest("sends", subject.casefold())  # one mailbox however it is spelled (LG23)
        sent = await stores.attempts.add_in_window(counter, now, window=lifetimes.RESENDS_WINDOW)
        return sent <= lifetimes.RESENDS

    async def check(
        self, stores: Stores, *, binding: str, purpose: str, answer: str, now: datetime
    ) -> SentCode | Refused:
        """Spend the code if the answer is right; the try is counted before it is compared."""
        code = digits_of(answer)
        if code is None:
            return Refused(Refusal.CODE_WRONG)
        sent = await stores.one_time_codes.try_one(binding, purpose, now, limit=lifetimes.ONE_TIME_CODE_TRIES)
        if sent is None:
            return Refused(Refusal.CODE_EXPIRED)
        if not equal(sent.digest, self._digest(binding, purpose, sent.destination, code)):
            return Refused(Refusal.CODE_WRONG)
        if not await stores.one_time_codes.spend(binding, purpose, sent.digest, now):
            return Refused(Refusal.CODE_WRONG)
        return sent

    def _digest(self, binding: str, purpose: str, destination: str, code: str) -> Digest:
        return self._digester.digest("one_time_code", f"{binding}|{purpose}|{destination}|{code}")


def purpose_of(attempt: Attempt, factor: str) -> str:
    """Return the purpose under which a factor's code is stored: a code for one thing opens no other."""
    return f"{factor}:{attempt.purpose}"
