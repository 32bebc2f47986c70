"""The factors that are switched on, by name."""

from collections.abc import Mapping
from dataclasses import dataclass

from idp.domain.assurance import Factor
from idp.domain.secret import Digester
from idp.factors.email_otp import EmailOtp
from idp.factors.factor import FactorCheck
from idp.factors.one_time_code import OneTimeCodes
from idp.factors.recovery_codes import RecoveryCodes
from idp.factors.sms_otp import SmsOtp
from idp.factors.totp import Totp
from idp.factors.webauthn import Webauthn
from idp.factors.webauthn_ceremony import RelyingParty


@dataclass(frozen=True, slots=True)
class Catalog:
    """Every factor but the password, which needs its pool of threads."""

    totp: Totp
    webauthn: Webauthn
    email_otp: EmailOtp
    sms_otp: SmsOtp
    recovery_codes: RecoveryCodes
    codes: OneTimeCodes

    def by_name(self) -> Mapping[Factor, FactorCheck]:
        """Return the factors by their names."""
        each: tuple[FactorCheck, ...] = (
            self.totp, self.webauthn, self.email_otp, self.sms_otp, self.recovery_codes,
        )  # fmt: skip
        return {check.factor: check for check in each}

    def __getitem__(self, factor: Factor) -> FactorCheck:
        """Return a factor."""
        return self.by_name()[factor]


def build_catalog(digester: Digester, party: RelyingParty) -> Catalog:
    """Return all factors of a deployment."""
    codes = OneTimeCodes(digester)
    return Catalog(
        Totp(issuer=party.name), Webauthn(party, digester), EmailOtp(codes), SmsOtp(codes), RecoveryCodes(digester),
        codes,
    )  # fmt: skip
