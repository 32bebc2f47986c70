"""A code by mail, to the address that the account has proved to own.

It checks that the person still has the mailbox; it never counts as a second factor (NIST SP 800-63B-4 §3.1.3).
"""

from idp.domain.assurance import Factor, Proof
from idp.domain.refusal import Refusal, Refused
from idp.factors.factor import Attempt, Challenge, Enrolled
from idp.factors.one_time_code import OneTimeCodes, purpose_of


class EmailOtp:
    """Codes by mail."""

    factor = Factor.EMAIL_OTP

    def __init__(self, codes: OneTimeCodes) -> None:
        """Make and check codes with these."""
        self._codes = codes

    async def begin(self, attempt: Attempt, wish: str = "") -> Challenge | Refused:
        """Send a code to the address that is to be proved."""
        return await self._send(attempt, wish)

    async def confirm(
        self, attempt: Attempt, answer: str, *, credential_id: str = "", name: str = ""
    ) -> Enrolled | Refused:
        """Take the code; `Enrolled.credential` is None, the caller marks exactly `name`, the address, as proved."""
        sent = await self._codes.check(
            attempt.stores, binding=attempt.binding, purpose=purpose_of(attempt, self.factor), answer=answer,
            now=attempt.now,
        )  # fmt: skip
        if isinstance(sent, Refused):
            return sent
        if sent.destination != name:
            return Refused(Refusal.CODE_WRONG)
        return Enrolled(None, Proof(self.factor, attempt.now))

    async def challenge(self, attempt: Attempt) -> Challenge | Refused:
        """Send a code to the account's own address."""
        if attempt.user.email is None or not attempt.user.email_verified:
            return Refused(Refusal.NOT_AVAILABLE)
        return await self._send(attempt, attempt.user.email)

    async def verify(self, attempt: Attempt, answer: str) -> Proof | Refused:
        """Take a code that was sent to the address the account has now."""
        enrolled = await self.confirm(attempt, answer, name=attempt.user.email or "")
        return enrolled if isinstance(enrolled, Refused) else enrolled.proof

    async def _send(self, attempt: Attempt, to: str) -> Challenge | Refused:
        return await self._codes.make(
            attempt.stores, binding=attempt.binding, purpose=purpose_of(attempt, self.factor),
            user_id=attempt.user.id, destination=to, now=attempt.now,
        )  # fmt: skip


def masked_email(address: str) -> str:
    """Return an address as a page shows it before all is proved: enough to recognise, not enough to learn."""
    local, _, domain = address.partition("@")
    name, dot, ending = domain.rpartition(".")
    shown = local[:1] if len(local) < 4 else local[:2]
    return f"{shown}•••@{name[:1]}•••{dot}{ending}"
