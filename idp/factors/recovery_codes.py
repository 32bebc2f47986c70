"""Recovery codes: ten, shown once, each used once, for the day the other factors are lost.

A code is three characters that find it and thirteen that prove it (65 bits). What is stored is a salted scrypt hash of
a keyed digest (ASVS 6.5.2); its cost is kept low, since nobody guesses 65 bits.
"""

import hashlib

from idp.domain.assurance import Factor, Proof
from idp.domain.refusal import Refusal, Refused
from idp.domain.secret import Digester, equal, make_readable, random_bytes
from idp.factors.factor import Attempt, Challenge, Enrolled
from idp.storage.recovery_codes import HashedCode

COUNT = 10
SELECTOR, VERIFIER = 3, 13
SALT_BYTES = 16
_COST = 1 << 10  # about 3 ms
_LOOKALIKES = str.maketrans("01", "ol")  # the alphabet has neither 0 nor 1


class RecoveryCodes:
    """Sets of recovery codes."""

    factor = Factor.RECOVERY_CODE

    def __init__(self, digester: Digester) -> None:
        """Key the digests with the deployment's key."""
        self._digester = digester

    async def begin(self, attempt: Attempt, wish: str = "") -> Challenge | Refused:
        """Make a new set; the old one is void from now on."""
        selectors: set[str] = set()
        while len(selectors) < COUNT:
            selectors.add(make_readable(SELECTOR))
        codes = [selector + make_readable(VERIFIER) for selector in sorted(selectors)]
        hashed = [self._hashed(attempt.user.id, code, random_bytes(SALT_BYTES)) for code in codes]
        await attempt.stores.recovery_codes.replace(attempt.user.id, hashed, attempt.now)
        return Challenge(codes=tuple(_grouped(code) for code in codes))

    async def confirm(
        self, attempt: Attempt, answer: str, *, credential_id: str = "", name: str = ""
    ) -> Enrolled | Refused:
        """Nothing is to be confirmed: codes count once they were shown."""
        return Refused(Refusal.NOT_AVAILABLE)

    async def challenge(self, attempt: Attempt) -> Challenge | Refused:
        """Nothing is sent: the person has the codes on paper."""
        return Challenge()

    async def verify(self, attempt: Attempt, answer: str) -> Proof | Refused:
        """Spend a code."""
        code = plain_code(answer)
        if code is None:
            return Refused(Refusal.CODE_WRONG)
        store = attempt.stores.recovery_codes
        stored = await store.find(attempt.user.id, code[:SELECTOR])
        salt = stored.salt if stored is not None else bytes(SALT_BYTES)
        tried = self._hashed(attempt.user.id, code, salt)
        if stored is None or not equal(stored.hash, tried.hash):
            return Refused(Refusal.CODE_WRONG)
        if not await store.spend(attempt.user.id, stored, attempt.now):
            return Refused(Refusal.CODE_WRONG)
        return Proof(self.factor, attempt.now)

    def _hashed(self, user_id: str, code: str, salt: bytes) -> HashedCode:
        keyed = self._digester.digest("recovery_code", f"{user_id}|{code}")
        return HashedCode(code[:SELECTOR], salt, hashlib.scrypt(keyed, salt=salt, n=_COST, r=8, p=1, dklen=32))


def plain_code(answer: str) -> str | None:
    """Return a code as it is compared, however it was typed; None if it cannot be one."""
    if len(answer) > 64:
        return None
    code = "".join(answer.split()).replace("-", "").lower().translate(_LOOKALIKES)
    return code if len(code) == SELECTOR + VERIFIER and code.isascii() and code.isalnum() else None


def _grouped(code: str) -> str:
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))
