"""The interface of every factor: begin and confirm its set-up, challenge, verify.

A factor does one thing and decides nothing: which factors are asked for stands in policy/step_up.py, how often one may
guess in flows/throttle.py, and what is sent to people is written by the flow.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from idp.domain.assurance import Factor, Proof
from idp.domain.credential import Credential
from idp.domain.json import Json
from idp.domain.refusal import Refused
from idp.domain.user import User
from idp.storage.stores import Stores

DIGITS = 6


@dataclass(frozen=True, slots=True)
class Attempt:
    """One person at one factor. `binding` is the sign-in or session that asks; an answer to another one is foreign."""

    stores: Stores
    user: User
    binding: str
    now: datetime
    purpose: str = "sign-in"


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a person needs in order to answer.

    `code` is to be sent to `destination` and shown nowhere; `options` are for the browser's own passkey dialog;
    `shown` is for the page (a seed, a set of codes).
    """

    code: str | None = None
    destination: str | None = None
    options: Mapping[str, Json] | None = None
    shown: Mapping[str, str] = field(default_factory=dict)
    codes: tuple[str, ...] = ()
    credential_id: str | None = None


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A factor that counts from now on, and the proof that its set-up was."""

    credential: Credential | None
    proof: Proof


class FactorCheck(Protocol):
    """One way to prove who one is; the same suite of tests runs over all of them."""

    factor: Factor

    async def begin(self, attempt: Attempt, wish: str = "") -> Challenge | Refused:
        """Begin to set the factor up; `wish` is what the person chose (a name, a phone number)."""
        ...

    async def confirm(
        self, attempt: Attempt, answer: str, *, credential_id: str = "", name: str = ""
    ) -> Enrolled | Refused:
        """Finish the set-up by a right answer; until then nothing counts."""
        ...

    async def challenge(self, attempt: Attempt) -> Challenge | Refused:
        """Ask for a proof; Refused if this person cannot be asked that way."""
        ...

    async def verify(self, attempt: Attempt, answer: str) -> Proof | Refused:
        """Check an answer and spend it: a second use, and every answer to another question, is refused."""
        ...


def digits_of(answer: str) -> str | None:
    """Return the six digits of what a person typed, blanks left out; None if it is anything else."""
    if len(answer) > 32:
        return None
    code = "".join(answer.split()).replace("-", "")
    return code if len(code) == DIGITS and code.isascii() and code.isdigit() else None
