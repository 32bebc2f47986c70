"""Which makes of authenticators an operator takes (WebAuthn Level 3 §7.1 steps 21 to 24, §8.2.1).

The library checks signatures, and chains where there are certificates. What it lets pass is refused here: a key that
vouches for itself where roots are given, formats that may lead to roots of the library's own, and a certificate of
another make.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from idp.domain.json import BadJson, Json, read_object
from idp.domain.secret import from_base64url

if TYPE_CHECKING:
    from webauthn.helpers.structs import AttestationFormat

ZERO_AAGUID = "00000000-0000-0000-0000-000000000000"
#: Formats whose certificates the library leads to the operator's roots and to no others.
CHAINED = frozenset({"packed", "tpm"})
MAKE = "1.3.6.1.4.1.45724.1.1.4"  # id-fido-gen-ce-aaguid
OCTET_STRING = b"\x04\x10"  # of sixteen bytes
_AAGUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BLOB = re.compile(r"eyJ[A-Za-z0-9_-]+\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+")
#: How FIDO Metadata Service 3.0 (AuthenticatorStatus) marks a make whose keys or user verification can be forged. An
#: update that mends it says nothing of the key at hand.
BROKEN = frozenset({
    "REVOKED", "USER_VERIFICATION_BYPASS", "ATTESTATION_KEY_COMPROMISE", "USER_KEY_REMOTE_COMPROMISE",
    "USER_KEY_PHYSICAL_COMPROMISE",
})  # fmt: skip


def roots_by_format(roots: Sequence[bytes]) -> "Mapping[AttestationFormat, list[bytes]] | None":
    """Return the operator's roots as the library takes them."""
    from webauthn.helpers.structs import AttestationFormat

    return {format_: list(roots) for format_ in AttestationFormat} if roots else None


def is_allowed(
    format_: str, aaguid: str, attestation: bytes, *, aaguids: frozenset[str], roots: Sequence[bytes]
) -> bool:
    """Say whether an attestation that was verified is of a make that the operator takes; all are if none is listed.

    Raises ValueError for a certificate that cannot be read.
    """
    if format_ == "none" or aaguid == ZERO_AAGUID or (aaguids and aaguid not in aaguids):
        return False
    return not roots or (format_ in CHAINED and _is_certified(attestation, aaguid))


def _is_certified(attestation: bytes, aaguid: str) -> bool:
    """Say whether there is a certificate at all, and that it names no other make."""
    from cryptography import x509
    from webauthn.helpers import parse_attestation_object

    certificates = parse_attestation_object(attestation).att_stmt.x5c
    if not certificates:
        return False
    named = [
        extension.value.public_bytes()
        for extension in x509.load_der_x509_certificate(certificates[0]).extensions
        if extension.oid.dotted_string == MAKE
    ]
    return named in ([], [OCTET_STRING + bytes.fromhex(aaguid.replace("-", ""))])


def read_makes(text: str) -> frozenset[str]:
    """Return the makes that an operator's file calls broken: AAGUIDs, one a line, or a metadata BLOB of FIDO.

    Whether a BLOB is genuine is for whoever put it there to check, as with a list. Raises ValueError with the line for
    anything else.
    """
    blob = _BLOB.fullmatch(text.strip())
    if blob is not None:
        return frozenset(_broken_makes(blob[1]))
    found = set()
    for number, line in enumerate(text.splitlines(), 1):
        aaguid = line.split("#")[0].strip().lower()
        if aaguid and not _AAGUID.fullmatch(aaguid):
            raise ValueError(f"line {number} is no AAGUID")
        found |= {aaguid} if aaguid else set()
    return frozenset(found)


def _broken_makes(payload: str) -> Iterator[str]:
    try:
        document = read_object(from_base64url(payload).decode("utf-8"))
    except (BadJson, ValueError) as error:
        raise ValueError("the payload of the BLOB cannot be read") from error
    for entry in _entries(document):
        aaguid, reports = _member(entry, "aaguid"), _member(entry, "statusReports")
        statuses = [_member(report, "status") for report in reports] if isinstance(reports, list) else []
        if isinstance(aaguid, str) and not BROKEN.isdisjoint(map(str, statuses)):
            yield aaguid.lower()


def _entries(document: Mapping[str, Json]) -> list[Json]:
    match document.get("entries"):
        case list(entries):
            return entries
        case _:
            raise ValueError("the BLOB has no entries")


def _member(document: Json, name: str) -> Json:
    return document.get(name) if isinstance(document, Mapping) else None
