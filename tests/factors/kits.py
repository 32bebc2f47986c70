"""What the contract suite needs to know of each factor: how it is set up, asked and rightly answered."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count

from idp.factors.catalog import Catalog
from idp.factors.factor import Attempt, FactorCheck
from idp.policy.lifetimes import ONE_TIME_CODE, WEBAUTHN_CHALLENGE
from tests.support.builders import NOW
from tests.support.factors import App, asked, set_up_passkey, set_up_phone, set_up_totp
from tests.support.passkey import Authenticator

_numbers = count(100000)
STEP = 30
LATER = NOW + timedelta(minutes=10)  # when everything that the set-up used is over


class Kit(ABC):
    """One factor, and people who have it."""

    is_bound = True  #: an answer belongs to the sign-in or session that asked

    def __init__(self, factors: Catalog) -> None:
        self.factors = factors

    @property
    @abstractmethod
    def check(self) -> FactorCheck:
        """The factor."""

    @abstractmethod
    async def set_up(self, attempt: Attempt) -> None:
        """Give a person the factor."""

    @abstractmethod
    async def ask(self, attempt: Attempt) -> str:
        """Ask a person, and return the right answer."""

    @abstractmethod
    def wrong(self, right: str) -> str:
        """Return an answer of the right shape that is not right."""

    def dies_at(self, now: datetime) -> datetime | None:
        """Return the first moment at which an answer given out at `now` is over."""
        return now + ONE_TIME_CODE


class Totp(Kit):
    """Authenticator applications."""

    is_bound = False

    def __init__(self, factors: Catalog) -> None:
        super().__init__(factors)
        self.apps: dict[str, App] = {}

    @property
    def check(self) -> FactorCheck:
        return self.factors.totp

    async def set_up(self, attempt: Attempt) -> None:
        self.apps[attempt.user.id] = await set_up_totp(self.factors, attempt)

    async def ask(self, attempt: Attempt) -> str:
        await self.check.challenge(attempt)
        return self.apps[attempt.user.id].code(attempt.now)

    def wrong(self, right: str) -> str:
        return next(iter(self.apps.values())).wrong(LATER)

    def dies_at(self, now: datetime) -> datetime | None:
        step = int(now.timestamp()) // STEP
        return datetime.fromtimestamp((step + 2) * STEP, now.tzinfo)


class EmailOtp(Kit):
    """Codes by mail."""

    @property
    def check(self) -> FactorCheck:
        return self.factors.email_otp

    async def set_up(self, attempt: Attempt) -> None:
        assert attempt.user.email_verified

    async def ask(self, attempt: Attempt) -> str:
        return asked(await self.check.challenge(attempt)).code or ""

    def wrong(self, right: str) -> str:
        return f"{(int(right) + 1) % 10**6:06}"


class SmsOtp(EmailOtp):
    """Codes by SMS."""

    @property
    def check(self) -> FactorCheck:
        return self.factors.sms_otp

    async def set_up(self, attempt: Attempt) -> None:
        await set_up_phone(self.factors, attempt, f"+4915123{next(_numbers)}")


class Webauthn(Kit):
    """Passkeys."""

    def __init__(self, factors: Catalog) -> None:
        super().__init__(factors)
        self.devices: dict[str, Authenticator] = {}

    @property
    def check(self) -> FactorCheck:
        return self.factors.webauthn

    async def set_up(self, attempt: Attempt) -> None:
        device = self.devices[attempt.user.id] = Authenticator()
        await set_up_passkey(self.factors, attempt, device)

    async def ask(self, attempt: Attempt) -> str:
        options = asked(await self.check.challenge(attempt)).options
        assert options is not None
        return self.devices[attempt.user.id].prove(options)

    def wrong(self, right: str) -> str:
        return right.replace('"signature": "', '"signature": "AAAA')

    def dies_at(self, now: datetime) -> datetime | None:
        return now + WEBAUTHN_CHALLENGE


class RecoveryCodes(Kit):
    """Recovery codes."""

    is_bound = False

    def __init__(self, factors: Catalog) -> None:
        super().__init__(factors)
        self.codes: dict[str, Sequence[str]] = {}

    @property
    def check(self) -> FactorCheck:
        return self.factors.recovery_codes

    async def set_up(self, attempt: Attempt) -> None:
        self.codes[attempt.user.id] = asked(await self.check.begin(attempt)).codes

    async def ask(self, attempt: Attempt) -> str:
        await self.check.challenge(attempt)
        return self.codes[attempt.user.id][0]

    def wrong(self, right: str) -> str:
        return right[:-1] + ("a" if right[-1] != "a" else "b")

    def dies_at(self, now: datetime) -> datetime | None:
        return None


KITS: tuple[type[Kit], ...] = (Totp, EmailOtp, SmsOtp, Webauthn, RecoveryCodes)
