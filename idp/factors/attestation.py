"""Which makes of authenticators an operator takes (WebAuthn Level 3 §7.1 steps 21 to 24, §8.2.1).

The library checks signatures, and chains where there are certificates. What it lets pass is refused here: a key that
vouches for itself where roots are given, formats that may lead to roots of the library's own, and a certificate of
another make.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from webauthn.helpers.structs import AttestationFormat

ZERO_AAGUID = "00000000-0000-0000-0000-000000000000"
#: Formats whose certificates the library leads to the operator's roots and to no others.
CHAINED = frozenset({"packed", "tpm"})
MAKE = "1.3.6.1.4.1.45724.1.1.4"  # id-fido-gen-ce-aaguid
OCTET_STRING = b"\x04\x10"  # of sixteen bytes


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
