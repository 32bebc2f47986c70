"""Time-based one-time passwords – RFC 6238: six digits, thirty seconds, SHA-1, one step of drift either way.

Each time step is accepted once, over all sessions: the credential's counter is moved forward by one conditional
statement (§5.2). The seed has 160 bits (RFC 4226 §4, R6) and is kept sealed.
Not here: how often one may guess → flows/throttle.py.
"""

import base64
from io import BytesIO

import pyotp
import segno

from idp.domain.assurance import Factor, Proof
from idp.domain.credential import Credential, plain_name
from idp.domain.refusal import Refusal, Refused
from idp.domain.secret import equal, make_id, random_bytes
from idp.factors.factor import Attempt, Challenge, Enrolled, digits_of

SEED_BYTES = 20
STEP_SECONDS = 30
DRIFT = 1
MOST_PER_PERSON = 5


class Totp:
    """Authenticator applications."""

    factor = Factor.TOTP

    def __init__(self, *, issuer: str) -> None:
        """Name the service as it stands in people's applications."""
        self._issuer = issuer.replace(":", " ")

    async def begin(self, attempt: Attempt, wish: str = "") -> Challenge | Refused:
        """Make a seed; it counts once a code confirms it."""
        credentials = attempt.stores.credentials
        if len(await credentials.of_user(attempt.user.id, self.factor)) >= MOST_PER_PERSON:
            return Refused(Refusal.TOO_MANY)
        await credentials.remove_unconfirmed(attempt.user.id, self.factor)
        seed = base64.b32encode(random_bytes(SEED_BYTES)).decode()
        credential = Credential(
            make_id(), attempt.user.id, self.factor, plain_name(wish), attempt.now, {"seed": seed}, is_active=False
        )
        await credentials.add(credential)
        return self._shown(attempt, credential)

    async def resume(self, attempt: Attempt, credential_id: str) -> Challenge | None:
        """Return the seed that was begun, so that a reload or a wrong code shows the same one."""
        found = await attempt.stores.credentials.find(attempt.user.id, credential_id)
        if found is None or found.is_active or found.factor is not self.factor:
            return None
        return self._shown(attempt, found)

    def _shown(self, attempt: Attempt, credential: Credential) -> Challenge:
        seed = credential.text("seed")
        uri = pyotp.TOTP(seed).provisioning_uri(name=attempt.user.label, issuer_name=self._issuer)
        grouped = " ".join(seed[at : at + 4] for at in range(0, len(seed), 4))
        return Challenge(shown={"secret": grouped, "uri": uri, "qr": qr_code(uri)}, credential_id=credential.id)

    async def confirm(
        self, attempt: Attempt, answer: str, *, credential_id: str = "", name: str = ""
    ) -> Enrolled | Refused:
        """Let the authenticator count, if its code is right; that code's step is spent."""
        credentials = attempt.stores.credentials
        credential = await credentials.find(attempt.user.id, credential_id)
        if credential is None or credential.is_active or credential.factor is not self.factor:
            return Refused(Refusal.FORM_EXPIRED)
        step = matching_step(credential.text("seed"), answer, int(attempt.now.timestamp()))
        if step is None:
            return Refused(Refusal.CODE_WRONG)
        if not await credentials.activate(credential.id, counter=step, now=attempt.now):
            return Refused(Refusal.FORM_EXPIRED)
        return Enrolled(credential, Proof(self.factor, attempt.now, credential.id))

    async def challenge(self, attempt: Attempt) -> Challenge | Refused:
        """Nothing is sent: the person's application knows the code."""
        return Challenge()

    async def verify(self, attempt: Attempt, answer: str) -> Proof | Refused:
        """Accept a code of any of the person's authenticators, each step once."""
        credentials = attempt.stores.credentials
        for credential in await credentials.of_user(attempt.user.id, self.factor):
            step = matching_step(credential.text("seed"), answer, int(attempt.now.timestamp()))
            if step is None or step <= credential.counter:
                continue
            if await credentials.advance(credential.id, step, attempt.now):
                return Proof(self.factor, attempt.now, credential.id)
        return Refused(Refusal.CODE_WRONG)


def matching_step(seed: str, answer: str, seconds: int) -> int | None:
    """Return the time step whose code this is, None if it is none of the three that count now."""
    code = digits_of(answer)
    if code is None:
        return None
    current = seconds // STEP_SECONDS
    totp = pyotp.TOTP(seed)
    found = None
    for step in range(current - DRIFT, current + DRIFT + 1):  # always all three, so that time tells nothing
        if equal(totp.generate_otp(step).encode(), code.encode()):
            found = step
    return found


def qr_code(uri: str) -> str:
    """Return the QR code as an inline SVG without any style, so that a strict content security policy shows it."""
    target = BytesIO()
    segno.make(uri, error="m").save(
        target, kind="svg", scale=4, border=2, xmldecl=False, svgns=True, omitsize=True, nl=False, dark="#000",
        light="#fff", svgclass="qr", lineclass=None,
    )  # fmt: skip
    return target.getvalue().decode()
