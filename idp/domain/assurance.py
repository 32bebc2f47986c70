"""What a session has proved: factors, when, and the acr and amr words for it.

An acr is a predicate over the proof, not a number; amr values are those of RFC 8176. `phr` and `phrh` are those of
OpenID EAP ACR Values 1.0 §2.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Factor(StrEnum):
    """A way to prove who one is."""

    PASSWORD = "password"
    TOTP = "totp"
    WEBAUTHN = "webauthn"
    EMAIL_OTP = "email_otp"
    SMS_OTP = "sms_otp"
    RECOVERY_CODE = "recovery_code"
    FEDERATED = "federated"  # another provider said who it is (OIDC Core §3.1.3.7)


class Kind(StrEnum):
    """What a factor rests on (NIST SP 800-63B-4 §2)."""

    KNOWLEDGE = "knowledge"
    POSSESSION = "possession"
    INHERENCE = "inherence"


class Trait(StrEnum):
    """What a ceremony showed beyond its factor."""

    USER_VERIFIED = "uv"  # the authenticator asked for a PIN, a finger or a face itself
    DEVICE_BOUND = "bound"  # the key cannot leave its authenticator
    ATTESTED = "attested"  # its make was checked against the operator's roots when it was registered
    REVOKED = "revoked"  # its make is one that the operator no longer trusts
    COUNTER_STOOD = "counter_stood"  # its signature counter did not grow: there may be a copy of the key


KINDS: dict[Factor, frozenset[Kind]] = {
    Factor.PASSWORD: frozenset({Kind.KNOWLEDGE}),
    Factor.TOTP: frozenset({Kind.POSSESSION}),
    Factor.WEBAUTHN: frozenset({Kind.POSSESSION}),
    Factor.EMAIL_OTP: frozenset(),  # an address is no second factor (NIST SP 800-63B-4 §3.1.3)
    Factor.SMS_OTP: frozenset({Kind.POSSESSION}),
    Factor.RECOVERY_CODE: frozenset({Kind.POSSESSION}),
    Factor.FEDERATED: frozenset({Kind.KNOWLEDGE}),  # the least that another provider asks for: a password
}
AMR: dict[Factor, tuple[str, ...]] = {
    Factor.PASSWORD: ("pwd",),
    Factor.TOTP: ("otp",),
    Factor.EMAIL_OTP: ("otp", "mca"),
    Factor.SMS_OTP: ("sms", "mca"),
    Factor.RECOVERY_CODE: ("otp",),
    Factor.FEDERATED: (),  # RFC 8176 has no word for it
}
#: What is said of a key at another provider, which may live anywhere (OpenID EAP ACR Values 1.0 §3).
KEY_ELSEWHERE = ("pop",)
#: What a sign-in may begin with, and what auth_time tells of.
PRIMARY = frozenset({Factor.PASSWORD, Factor.WEBAUTHN, Factor.FEDERATED})
CHECKED = frozenset(Factor) - {Factor.PASSWORD, Factor.FEDERATED}

LOA1 = "urn:idp:loa:1"
LOA1V = "urn:idp:loa:1v"
LOA2 = "urn:idp:loa:2"
PHR = "phr"
PHRH = "phrh"


@dataclass(frozen=True, slots=True)
class Proof:
    """One factor that was verified, when, and with which credential.

    Of a sign-in at another provider, `told` is what that one said of it, word for word, and `believed` the factors that
    the operator has decided to conclude from it; nothing else is.
    """

    factor: Factor
    verified_at: datetime
    credential_id: str | None = None
    traits: frozenset[Trait] = frozenset()
    believed: tuple[Factor, ...] = ()
    told: tuple[str, ...] = ()

    @property
    def kinds(self) -> frozenset[Kind]:
        """Return what this proof rests on; a key that verified its user rests on two things."""
        elsewhere = frozenset(kind for factor in self.believed for kind in KINDS[factor])
        if self.factor is Factor.FEDERATED and elsewhere:
            return elsewhere
        return KINDS[self.factor] | ({Kind.INHERENCE} if self._verified_user else set())

    @property
    def amr(self) -> tuple[str, ...]:
        """Return the amr values of this proof (RFC 8176 §2)."""
        if self.factor is Factor.FEDERATED:
            return tuple(word for factor in self.believed for word in AMR.get(factor, KEY_ELSEWHERE))
        if self.factor is not Factor.WEBAUTHN:
            return AMR[self.factor]
        key = "hwk" if Trait.DEVICE_BOUND in self.traits else "swk"
        return (key, "user") if self._verified_user else (key,)

    @property
    def is_phishing_resistant(self) -> bool:
        """Say whether this is a passkey or security key of a make that is trusted, here or where that is believed."""
        is_own = self.factor is Factor.WEBAUTHN and Trait.REVOKED not in self.traits
        return is_own or Factor.WEBAUTHN in self.believed

    @property
    def is_checked(self) -> bool:
        """Say whether this is more than a password, or than another provider's word for who somebody is."""
        return self.factor in CHECKED or any(factor in CHECKED for factor in self.believed)

    @property
    def _verified_user(self) -> bool:
        """Say whether a key is believed that it verified its user."""
        return self.factor is Factor.WEBAUTHN and self.is_phishing_resistant and Trait.USER_VERIFIED in self.traits


@dataclass(frozen=True, slots=True)
class Requirement:
    """What must have been proved; `join` makes it stricter, nothing makes it weaker."""

    factors: int = 1
    checked: bool = False
    phishing_resistant: bool = False
    hardware_bound: bool = False
    max_age: timedelta | None = None

    def join(self, other: "Requirement") -> "Requirement":
        """Return the strictest of both, part by part."""
        ages = [age for age in (self.max_age, other.max_age) if age is not None]
        return Requirement(
            max(self.factors, other.factors),
            self.checked or other.checked,
            self.phishing_resistant or other.phishing_resistant,
            self.hardware_bound or other.hardware_bound,
            min(ages, default=None),
        )

    def is_met(self, proofs: Iterable[Proof], now: datetime | None = None) -> bool:
        """Say whether these proofs are enough; with `max_age` each counts only while it is fresh."""
        counted = tuple(proofs)
        if self.max_age is not None and now is not None:
            counted = fresh(counted, now - self.max_age)
        return (
            bool(counted)
            and len(kinds(counted)) >= (self.factors if self.factors > 1 else 0)
            and (not self.checked or any(proof.is_checked for proof in counted))
            and (not self.phishing_resistant or any(proof.is_phishing_resistant for proof in counted))
            and (not self.hardware_bound or any(_is_hardware_bound(proof) for proof in counted))
        )


REQUIREMENTS: dict[str, Requirement] = {
    PHRH: Requirement(checked=True, phishing_resistant=True, hardware_bound=True),
    PHR: Requirement(checked=True, phishing_resistant=True),
    LOA2: Requirement(factors=2, checked=True),
    LOA1V: Requirement(checked=True),
    LOA1: Requirement(),
}
SUPPORTED_ACRS = tuple(REQUIREMENTS)


def kinds(proofs: Iterable[Proof]) -> frozenset[Kind]:
    """Return the distinct kinds that these proofs rest on."""
    return frozenset(kind for proof in proofs for kind in proof.kinds)


def amr(proofs: tuple[Proof, ...]) -> tuple[str, ...]:
    """Return the amr values for these proofs, each once, in the order of proof; `mfa` when two kinds were proved."""
    words = tuple(dict.fromkeys(word for proof in proofs for word in proof.amr))
    return (*words, "mfa") if len(kinds(proofs)) >= 2 else words


def holds(acr: str, proofs: tuple[Proof, ...]) -> bool:
    """Say whether these proofs satisfy the acr; one that we do not know never holds."""
    requirement = REQUIREMENTS.get(acr)
    return requirement is not None and requirement.is_met(proofs)


def acr(proofs: tuple[Proof, ...], requested: Sequence[str] = ()) -> str | None:
    """Return the first requested acr that holds, else the first that holds of all we know, else None."""
    return next((value for value in (*requested, *SUPPORTED_ACRS) if holds(value, proofs)), None)


def fresh(proofs: Iterable[Proof], since: datetime) -> tuple[Proof, ...]:
    """Return the proofs that are not older than `since`."""
    return tuple(proof for proof in proofs if proof.verified_at >= since)


def merge(older: Iterable[Proof], newer: Iterable[Proof]) -> tuple[Proof, ...]:
    """Return all proofs, of each factor only the newest, in the order of proof."""
    latest = {proof.factor: proof for proof in sorted((*older, *newer), key=lambda proof: proof.verified_at)}
    return tuple(sorted(latest.values(), key=lambda proof: proof.verified_at))


def authenticated_at(proofs: Iterable[Proof]) -> datetime:
    """Return when a person last proved a first factor: `auth_time` (OIDC Core §2)."""
    proved = tuple(proofs)
    return max(proof.verified_at for proof in [p for p in proved if p.factor in PRIMARY] or proved)


def _is_hardware_bound(proof: Proof) -> bool:
    return proof.is_phishing_resistant and {Trait.DEVICE_BOUND, Trait.ATTESTED} <= proof.traits
