"""The two ceremonies of WebAuthn Level 3: what the browser answered, read strictly and checked.

§7.1 and §7.2, the parts that need no database: strict JSON, ids that agree, our type, challenge and origin, no foreign
frame, RP id, flags, algorithms, signatures. Malformed answers are refused quickly.
Not here: which makes are taken → attestation.py; whose credential it is, counters, challenges → webauthn.py.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from idp.domain.json import BadJson, Json, read_object
from idp.domain.refusal import Refusal, Refused
from idp.domain.secret import base64url, from_base64url
from idp.factors import attestation

LONGEST_ANSWER = 32_000
LONGEST_ID = 1023
TRANSPORTS = ("usb", "nfc", "ble", "smart-card", "hybrid", "internal", "cable")
ALGORITHMS = (-8, -7, -257)  # Ed25519, ES256, RS256, in the order of preference
KEY_TYPES = {-8: 1, -7: 2, -257: 3}  # of COSE: OKP, EC2, RSA
#: What reading CBOR, COSE and certificates of a stranger raises beside the libraries' own exceptions.
_MALFORMED = (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Who we are to authenticators, and which makes of them we take."""

    rp_id: str
    origins: tuple[str, ...]
    name: str
    wants_attestation: bool = False
    aaguids: frozenset[str] = frozenset()
    roots: tuple[bytes, ...] = ()
    revoked: frozenset[str] = frozenset()  # makes that are no longer trusted

    def takes(self, format_: str, aaguid: str, statement: bytes) -> bool:
        """Say whether an authenticator said who made it, in a way that the operator trusts."""
        return attestation.is_allowed(format_, aaguid, statement, aaguids=self.aaguids, roots=self.roots)


@dataclass(frozen=True, slots=True)
class Made:
    """A passkey that was made: its own id, what is kept of it, its counter, and whether it verified its user."""

    raw_id: bytes
    content: Mapping[str, Json]
    counter: int
    user_verified: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """What an assertion showed."""

    counter: int
    is_eligible: bool
    is_backed_up: bool
    user_verified: bool


def check_registration(parsed: Mapping[str, Json], challenge: bytes, party: RelyingParty) -> Made | Refused:
    """Check what the browser made (§7.1)."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from webauthn import verify_registration_response  # only a worker that needs it loads its cryptography
    from webauthn.helpers.cose import COSEAlgorithmIdentifier
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        made = verify_registration_response(
            credential=cast(dict[str, Any], parsed),
            expected_challenge=challenge,
            expected_rp_id=party.rp_id,
            expected_origin=list(party.origins),
            supported_pub_key_algs=[COSEAlgorithmIdentifier(alg) for alg in ALGORITHMS],
            pem_root_certs_bytes_by_fmt=attestation.roots_by_format(party.roots),
        )
        is_usable = _is_usable(made.credential_public_key)
        is_attested = party.wants_attestation and party.takes(str(made.fmt), made.aaguid, made.attestation_object)
    except (WebAuthnException, UnsupportedAlgorithm, *_MALFORMED):
        return Refused(Refusal.PASSKEY_REFUSED)
    if made.aaguid in party.revoked or (party.wants_attestation and not is_attested):
        return Refused(Refusal.PASSKEY_NOT_ALLOWED)
    if not is_usable or not 0 < len(made.credential_id) <= LONGEST_ID:
        return Refused(Refusal.PASSKEY_REFUSED)
    transports = cast(Mapping[str, Any], parsed["response"]).get("transports")
    content: dict[str, Json] = {
        "id": base64url(made.credential_id),
        "public_key": base64url(made.credential_public_key),
        "aaguid": made.aaguid,
        "transports": [word for word in TRANSPORTS if isinstance(transports, list) and word in transports],
        "eligible": made.credential_device_type == "multi_device",
        "backed_up": made.credential_backed_up,
        "attested": is_attested and bool(party.roots),
        "discoverable": _is_discoverable(parsed),
    }
    return Made(made.credential_id, content, made.sign_count, made.user_verified)


def _is_usable(public_key: bytes) -> bool:
    """Say whether a key is of the type that its algorithm takes, and can be loaded; raise like the library."""
    from webauthn.helpers import decode_credential_public_key
    from webauthn.helpers.decoded_public_key_to_cryptography import decoded_public_key_to_cryptography

    decoded = decode_credential_public_key(public_key)
    decoded_public_key_to_cryptography(decoded)
    return KEY_TYPES.get(decoded.alg) == decoded.kty


def check_assertion(
    parsed: Mapping[str, Json], challenge: bytes, party: RelyingParty, *, public_key: bytes, must_verify_user: bool
) -> Seen | None:
    """Check what a passkey signed (§7.2), but for its counter; None if it is not right."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from webauthn import verify_authentication_response
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        seen = verify_authentication_response(
            credential=cast(dict[str, Any], parsed),
            expected_challenge=challenge,
            expected_rp_id=party.rp_id,
            expected_origin=list(party.origins),
            credential_public_key=public_key,
            credential_current_sign_count=0,  # the rule about counters is ours
            require_user_verification=must_verify_user,
        )
    except (WebAuthnException, UnsupportedAlgorithm, *_MALFORMED):
        return None
    is_eligible = seen.credential_device_type == "multi_device"
    return Seen(seen.new_sign_count, is_eligible, seen.credential_backed_up, seen.user_verified)


def _is_discoverable(parsed: Mapping[str, Json]) -> bool | None:
    """Return what the browser said of the key being found without a name; None if it said nothing (§10.1.3)."""
    results = parsed.get("clientExtensionResults")
    properties = results.get("credProps") if isinstance(results, Mapping) else None
    told = properties.get("rk") if isinstance(properties, Mapping) else None
    return told if isinstance(told, bool) else None


def read_answer(answer: str, ceremony: str, party: RelyingParty) -> dict[str, Json] | None:
    """Return the browser's answer if it is one at all: strict JSON, ids that agree, our origin, no foreign frame."""
    if len(answer) > LONGEST_ANSWER:
        return None
    try:
        parsed = read_object(answer, max_depth=8)
        raw_id, response = parsed.get("rawId"), parsed.get("response")
        if not isinstance(raw_id, str) or not isinstance(response, Mapping) or parsed.get("id") != raw_id:
            return None
        if parsed.get("type") != "public-key" or not 0 < len(from_base64url(raw_id)) <= LONGEST_ID:
            return None
        client_data = response.get("clientDataJSON")
        if not isinstance(client_data, str):
            return None
        told = read_object(from_base64url(client_data).decode("utf-8"), max_depth=8)
    except (BadJson, ValueError):
        return None
    is_ours = told.get("type") == ceremony and told.get("origin") in party.origins
    is_framed = told.get("crossOrigin") not in (None, False) or "topOrigin" in told
    return parsed if is_ours and not is_framed else None


def as_json(options: Mapping[str, Json]) -> str:
    """Return options as the page's script reads them."""
    return json.dumps(options, separators=(",", ":"))
