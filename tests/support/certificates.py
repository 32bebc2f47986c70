"""Certificates of clients, and how a proxy tells of them (RFC 8705, RFC 9440)."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from joserfc.jwk import ECKey

from tests.support.client_auth import Proof

DN = "CN=reports,OU=Accounts,O=Harbour Books,C=GB"


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        """The certificate in DER form."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> str:
        """The certificate in PEM form."""
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        """Its key in PEM form."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    @property
    def thumbprint(self) -> str:
        """Its x5t#S256 (RFC 8705 §3.1)."""
        return base64.urlsafe_b64encode(self.certificate.fingerprint(hashes.SHA256())).decode().rstrip("=")

    @property
    def field(self) -> dict[str, str]:
        """The header of RFC 9440."""
        return {"Client-Cert": f":{base64.b64encode(self.der).decode()}:"}

    def nginx(self, verify: str = "SUCCESS") -> dict[str, str]:
        """The headers that our nginx example sends."""
        return {"X-Client-Cert": quote(self.pem), "X-Client-Verify": verify}

    def jwks(self) -> dict[str, object]:
        """The key set with the certificate in it (RFC 7517 §4.7)."""
        public = ECKey.import_key(self.key_pem).as_dict(private=False)
        return {"keys": [{**public, "x5c": [base64.b64encode(self.der).decode()]}]}


def certificate(dn: str = DN, **names: str) -> Certificate:
    """Make a certificate; `names` are dns, uri, ip and email."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name.from_rfc4514_string(dn)
    kinds = {
        "dns": x509.DNSName, "uri": x509.UniformResourceIdentifier, "email": x509.RFC822Name,
        "ip": lambda text: x509.IPAddress(ip_address(text)),
    }  # fmt: skip
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
    if names:
        others = x509.SubjectAlternativeName([kinds[kind](text) for kind, text in names.items()])
        builder = builder.add_extension(others, critical=False)
    return Certificate(builder.sign(key, hashes.SHA256()), key)


@dataclass(frozen=True)
class ByCertificate:
    """tls_client_auth or self_signed_tls_client_auth: the id in the body, the certificate told by a proxy."""

    headers: dict[str, str]

    def prove(self, client_id: str, issuer: str) -> Proof:
        """Put the id into the body, and the headers of the proxy beside it."""
        return Proof({"client_id": client_id}, self.headers)
