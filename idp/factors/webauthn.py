"""Passkeys and security keys – WebAuthn Level 3 §7.1 and §7.2, stricter than the library alone.

Checked here beside the library: size and JSON of the answer, the challenge spent by the first answer and bound to who
asked, id = rawId, nobody else's credential, the owner and the user handle, no foreign frames, backup eligibility that
never changes, the operator's attestation policy. A signature counter that did not grow and a make that is no longer
trusted are told with the proof: they are weighed, not refused.
Not here: what a passkey is worth → domain/assurance.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from idp.domain.assurance import Factor, Proof, Trait
from idp.domain.credential import Credential, plain_name
from idp.domain.json import Json
from idp.domain.refusal import Refusal, Refused
from idp.domain.secret import Digest, Digester, base64url, equal, from_base64url, make_id, random_bytes
from idp.domain.user import User
from idp.factors.factor import Attempt, Challenge, Enrolled
from idp.factors.webauthn_ceremony import (
    ALGORITHMS,
    RelyingParty,
    check_assertion,
    check_registration,
    read_answer,
)
from idp.policy import lifetimes
from idp.storage.credentials import CredentialTaken
from idp.storage.stores import Stores

CHALLENGE_BYTES = 32
MOST_PER_PERSON = 20


class Webauthn:
    """Passkeys, as the only thing that is asked or as the second."""

    factor = Factor.WEBAUTHN

    def __init__(self, party: RelyingParty, digester: Digester) -> None:
        """Be this relying party."""
        self.party = party
        self._digester = digester

    def user_handle(self, user: User) -> bytes:
        """Return the opaque id under which authenticators know a person; it tells nothing about them."""
        return self._digester.digest("webauthn_user", user.id)

    async def begin(self, attempt: Attempt, wish: str = "") -> Challenge | Refused:
        """Return the options for making a passkey (§5.4)."""
        known = await attempt.stores.credentials.of_user(attempt.user.id, self.factor)
        if len(known) >= MOST_PER_PERSON:
            return Refused(Refusal.TOO_MANY)
        challenge = await self._new_challenge(attempt.stores, attempt, "register", attempt.user.id)
        options: dict[str, Json] = {
            "rp": {"id": self.party.rp_id, "name": self.party.name},
            "user": {
                "id": base64url(self.user_handle(attempt.user)),
                "name": attempt.user.label,
                "displayName": attempt.user.display_name,
            },
            "challenge": challenge,
            "pubKeyCredParams": [{"type": "public-key", "alg": alg} for alg in ALGORITHMS],
            "timeout": int(lifetimes.WEBAUTHN_CHALLENGE.total_seconds() * 1000),
            "excludeCredentials": _descriptors(known),
            "authenticatorSelection": {
                "residentKey": "preferred", "requireResidentKey": False, "userVerification": "preferred",
            },
            "attestation": "direct" if self.party.wants_attestation else "none",
            "extensions": {"credProps": True},
        }  # fmt: skip
        return Challenge(options=options)

    async def confirm(
        self, attempt: Attempt, answer: str, *, credential_id: str = "", name: str = ""
    ) -> Enrolled | Refused:
        """Register the passkey that the browser made (§7.1)."""
        stored = await attempt.stores.webauthn_challenges.take(
            attempt.binding, _purpose(attempt, "register"), attempt.now
        )
        parsed = read_answer(answer, "webauthn.create", self.party)
        if parsed is None:
            return Refused(Refusal.PASSKEY_REFUSED)
        if stored is None or stored.user_id != attempt.user.id:
            return Refused(Refusal.CODE_EXPIRED)
        made = check_registration(parsed, stored.challenge, self.party)
        if isinstance(made, Refused):
            return made
        credential = Credential(
            make_id(), attempt.user.id, self.factor, plain_name(name), attempt.now, made.content, counter=made.counter
        )
        try:
            await attempt.stores.credentials.add(credential, lookup=self._lookup(made.raw_id))
        except CredentialTaken:
            return Refused(Refusal.PASSKEY_TAKEN)
        return Enrolled(credential, self._proof(_Shown(credential, made.user_verified), attempt))

    async def challenge(self, attempt: Attempt) -> Challenge | Refused:
        """Return the options for proving one of this person's passkeys (§5.5)."""
        known = await attempt.stores.credentials.of_user(attempt.user.id, self.factor)
        if not known:
            return Refused(Refusal.NOT_AVAILABLE)
        challenge = await self._new_challenge(attempt.stores, attempt, "prove", attempt.user.id)
        trusted = [each for each in known if not self._is_revoked(each)]
        return Challenge(options=self._request(challenge, _descriptors(trusted or known), verification="preferred"))

    async def verify(self, attempt: Attempt, answer: str) -> Proof | Refused:
        """Check an assertion of one of this person's passkeys."""
        found = await self._assertion(attempt.stores, attempt, "prove", answer, user_id=attempt.user.id)
        if isinstance(found, Refused):
            return found
        return self._proof(found, attempt)

    async def challenge_anybody(self, stores: Stores, attempt: "Anybody") -> Mapping[str, Json]:
        """Return the options for a sign-in without a name: the same for everybody (LG03)."""
        challenge = await self._new_challenge(stores, attempt, "sign-in", None)
        return self._request(challenge, [], verification="required")

    async def verify_anybody(self, stores: Stores, attempt: "Anybody", answer: str) -> tuple[User, Proof] | Refused:
        """Return whose passkey this is, if it verified its user itself."""
        found = await self._assertion(stores, attempt, "sign-in", answer, user_id=None)
        if isinstance(found, Refused):
            return found
        user = await stores.users.find(found.credential.user_id)
        if user is None or not user.is_active or not found.user_verified:
            return Refused(Refusal.PASSKEY_REFUSED)
        return user, self._proof(found, attempt)

    async def _assertion(
        self, stores: Stores, attempt: "Attempt | Anybody", kind: str, answer: str, *, user_id: str | None
    ) -> "_Shown | Refused":
        """Check an assertion (§7.2)."""
        stored = await stores.webauthn_challenges.take(attempt.binding, _purpose(attempt, kind), attempt.now)
        parsed = read_answer(answer, "webauthn.get", self.party)
        if parsed is None:
            return Refused(Refusal.PASSKEY_REFUSED)
        if stored is None or stored.user_id != user_id:
            return Refused(Refusal.CODE_EXPIRED)
        credential = await stores.credentials.find_by_lookup(self._lookup(from_base64url(cast(str, parsed["rawId"]))))
        if credential is None or (user_id is not None and credential.user_id != user_id):
            return Refused(Refusal.PASSKEY_UNKNOWN)
        if not await self._is_owner(stores, credential, parsed, is_required=user_id is None):
            return Refused(Refusal.PASSKEY_REFUSED)
        seen = check_assertion(
            parsed, stored.challenge, self.party, public_key=from_base64url(credential.text("public_key")),
            must_verify_user=user_id is None,
        )  # fmt: skip
        if seen is None or seen.is_eligible is not credential.content.get("eligible"):
            return Refused(Refusal.PASSKEY_REFUSED)  # backup eligibility never changes (§7.2)
        counter_stood = seen.counter <= credential.counter and bool(seen.counter or credential.counter)
        highest = max(seen.counter, credential.counter)  # so that a copy is noticed until it is ahead of the original
        used = replace(credential, counter=highest, content={**credential.content, "backed_up": seen.is_backed_up})
        if not await stores.credentials.note_use(used, old_counter=credential.counter, now=attempt.now):
            return Refused(Refusal.PASSKEY_REFUSED)
        return _Shown(used, seen.user_verified, counter_stood)

    def _is_revoked(self, credential: Credential) -> bool:
        return credential.text("aaguid") in self.party.revoked

    def _proof(self, shown: "_Shown", attempt: "Attempt | Anybody") -> Proof:
        content = shown.credential.content
        traits = {
            Trait.USER_VERIFIED: shown.user_verified,
            Trait.DEVICE_BOUND: content.get("eligible") is False,
            Trait.ATTESTED: content.get("attested") is True,
            Trait.REVOKED: self._is_revoked(shown.credential),
            Trait.COUNTER_STOOD: shown.counter_stood,
        }
        found = frozenset(trait for trait, holds in traits.items() if holds)
        return Proof(Factor.WEBAUTHN, attempt.now, shown.credential.id, found)

    async def _is_owner(
        self, stores: Stores, credential: Credential, parsed: Mapping[str, Json], *, is_required: bool
    ) -> bool:
        handle = cast(Mapping[str, Json], parsed["response"]).get("userHandle")
        if handle is None:
            return not is_required
        owner = await stores.users.find(credential.user_id)
        try:
            given = from_base64url(handle) if isinstance(handle, str) else b""
        except ValueError:
            return False
        return owner is not None and equal(given, self.user_handle(owner))

    async def _new_challenge(self, stores: Stores, attempt: "Attempt | Anybody", kind: str, user_id: str | None) -> str:
        challenge = random_bytes(CHALLENGE_BYTES)
        await stores.webauthn_challenges.put(
            attempt.binding, _purpose(attempt, kind), challenge, user_id=user_id,
            expires_at=attempt.now + lifetimes.WEBAUTHN_CHALLENGE,
        )  # fmt: skip
        return base64url(challenge)

    def _request(self, challenge: str, allowed: Sequence[Json], *, verification: str) -> dict[str, Json]:
        return {
            "challenge": challenge,
            "rpId": self.party.rp_id,
            "timeout": int(lifetimes.WEBAUTHN_CHALLENGE.total_seconds() * 1000),
            "userVerification": verification,
            "allowCredentials": list(allowed),
        }

    def _lookup(self, raw_id: bytes) -> Digest:
        return self._digester.digest("webauthn_credential", raw_id.hex())


@dataclass(frozen=True, slots=True)
class Anybody:
    """A passkey sign-in before anybody said who they are."""

    binding: str
    now: datetime
    purpose: str = "sign-in"


@dataclass(frozen=True, slots=True)
class _Shown:
    """A passkey and what its ceremony showed."""

    credential: Credential
    user_verified: bool
    counter_stood: bool = False


def _purpose(attempt: "Attempt | Anybody", kind: str) -> str:
    return f"{kind}:{attempt.purpose}"


def _descriptors(credentials: Sequence[Credential]) -> list[Json]:
    return [
        {"type": "public-key", "id": each.text("id"), "transports": each.content.get("transports") or []}
        for each in credentials
    ]
