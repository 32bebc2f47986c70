"""A code by SMS: a restricted second factor (NIST SP 800-63B-4 §3.1.3.3), switched off where the operator sends none.

Not here: whether it may be used for what is asked → policy/step_up.py.
"""

import phonenumbers

from idp.domain.assurance import Factor, Proof
from idp.domain.credential import Credential
from idp.domain.refusal import Refusal, Refused
from idp.domain.secret import make_id
from idp.factors.factor import Attempt, Challenge, Enrolled
from idp.factors.one_time_code import OneTimeCodes, purpose_of

LONGEST_TYPED = 40


class SmsOtp:
    """Codes by SMS."""

    factor = Factor.SMS_OTP

    def __init__(self, codes: OneTimeCodes) -> None:
        """Make and check codes with these."""
        self._codes = codes

    async def begin(self, attempt: Attempt, wish: str = "") -> Challenge | Refused:
        """Send a code to the number that is to be proved."""
        number = plain_number(wish)
        return Refused(Refusal.PHONE_INVALID) if number is None else await self._send(attempt, number)

    async def confirm(
        self, attempt: Attempt, answer: str, *, credential_id: str = "", name: str = ""
    ) -> Enrolled | Refused:
        """Take the code and keep the number it was sent to as the person's one phone."""
        sent = await self._codes.check(
            attempt.stores, binding=attempt.binding, purpose=purpose_of(attempt, self.factor), answer=answer,
            now=attempt.now,
        )  # fmt: skip
        if isinstance(sent, Refused):
            return sent
        credentials = attempt.stores.credentials
        await credentials.remove_all(attempt.user.id, factor=self.factor)
        phone = {"phone": sent.destination}
        credential = Credential(make_id(), attempt.user.id, self.factor, "", attempt.now, phone)
        await credentials.add(credential)
        return Enrolled(credential, Proof(self.factor, attempt.now, credential.id))

    async def challenge(self, attempt: Attempt) -> Challenge | Refused:
        """Send a code to the person's phone."""
        phone = await self._phone(attempt)
        return Refused(Refusal.NOT_AVAILABLE) if phone is None else await self._send(attempt, phone.text("phone"))

    async def verify(self, attempt: Attempt, answer: str) -> Proof | Refused:
        """Take a code that was sent to the number the account has now."""
        sent = await self._codes.check(
            attempt.stores, binding=attempt.binding, purpose=purpose_of(attempt, self.factor), answer=answer,
            now=attempt.now,
        )  # fmt: skip
        if isinstance(sent, Refused):
            return sent
        phone = await self._phone(attempt)
        if phone is None or phone.text("phone") != sent.destination:
            return Refused(Refusal.CODE_WRONG)
        await attempt.stores.credentials.note_use(phone, old_counter=phone.counter, now=attempt.now)
        return Proof(self.factor, attempt.now, phone.id)

    async def _phone(self, attempt: Attempt) -> Credential | None:
        found = await attempt.stores.credentials.of_user(attempt.user.id, self.factor)
        return found[0] if found else None

    async def _send(self, attempt: Attempt, to: str) -> Challenge | Refused:
        return await self._codes.make(
            attempt.stores, binding=attempt.binding, purpose=purpose_of(attempt, self.factor),
            user_id=attempt.user.id, destination=to, now=attempt.now,
        )  # fmt: skip


def plain_number(text: str) -> str | None:
    """Return a phone number in E.164, None unless it can be called from everywhere (it begins with +)."""
    typed = text.strip()
    if len(typed) > LONGEST_TYPED or not typed.isprintable():
        return None
    if typed.startswith("00"):
        typed = "+" + typed[2:]
    try:
        number = phonenumbers.parse(typed, None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def masked_number(number: str) -> str:
    """Return a number as a page shows it: country's first digits and the last two."""
    return f"{number[:3]}{'•' * max(len(number) - 5, 3)}{number[-2:]}"
