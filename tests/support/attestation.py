"""Makers of authenticators: a root, and certificates under it that name the make of a key (WebAuthn §8.2.1)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

AAGUID_EXTENSION = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")


@dataclass(frozen=True)
class Maker:
    """A maker of authenticators, or somebody who plays one."""

    root: bytes  # PEM
    chain: tuple[bytes, ...]  # DER, the leaf first
    key: ec.EllipticCurvePrivateKey


def maker(aaguid: str | None = None) -> Maker:
    """Return a new maker; its certificate names the make unless `aaguid` is None."""
    root_key, leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    name = f"Keys Root {x509.random_serial_number()}"[:60]
    root = _certificate(name, name, root_key, root_key, is_authority=True)
    leaf = _certificate("Keys Attestation", name, leaf_key, root_key, is_authority=False, aaguid=aaguid)
    return Maker(root.public_bytes(Encoding.PEM), (leaf.public_bytes(Encoding.DER),), leaf_key)


def _certificate(
    subject: str,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    is_authority: bool,
    aaguid: str | None = None,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if aaguid is not None:
        content = b"\x04\x10" + UUID(aaguid).bytes
        builder = builder.add_extension(x509.UnrecognizedExtension(AAGUID_EXTENSION, content), critical=False)
    return builder.sign(signer, SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Keys"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Authenticator Attestation"),
            x509.NameAttribute(NameOID.COMMON_NAME, text),
        ]
    )
