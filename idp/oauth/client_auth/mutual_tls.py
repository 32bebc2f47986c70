"""Client authentication by certificate – RFC 8705 §2: tls_client_auth and self_signed_tls_client_auth.

Whoever ended TLS has seen that the client holds the certificate's key. With a chain that was verified the certificate
is known by one name; a self-signed one must be among those of the client's own key set, byte for byte.
"""

import base64
from dataclasses import dataclass

from idp.domain.client import AuthMethod, Client
from idp.oauth.authlib_models import RegisteredClient
from idp.oauth.client_auth.secret import Query
from idp.oauth.distinguished_name import read_subject
from idp.oauth.remote_keys import RemoteKeys
from idp.oauth.request import ProtocolRequest
from idp.policy.mutual_tls import Names, certificates, fits


@dataclass(frozen=True, slots=True)
class CertificateAuthentication:
    """Both methods for Authlib's registry; `method` says which one this instance accepts."""

    method: AuthMethod
    remote_keys: RemoteKeys | None = None

    def __call__(self, query_client: Query, request: ProtocolRequest) -> RegisteredClient | None:
        """Return the client of `client_id` if the connection's certificate is its own (§2)."""
        certificate = request.http.certificate
        registered = query_client(request.form.get("client_id", ""))
        if certificate is None or registered is None or registered.noun.auth_method is not self.method:
            return None
        if self.method is AuthMethod.SELF_SIGNED_TLS:
            return registered if certificate.der in self._own(registered.noun) else None
        names = read_names(certificate.der, registered.noun) if certificate.is_verified else None
        return registered if names is not None and fits(registered.noun, names) else None

    def _own(self, client: Client) -> list[bytes]:
        jwks = client.jwks if self.remote_keys is None else self.remote_keys.of(client)
        own = []
        for text in certificates(jwks or {}):
            try:
                own.append(base64.b64decode(text, validate=True))
            except ValueError:
                continue
        return own


def read_names(der: bytes, client: Client) -> Names | None:
    """Return what a certificate names, its subject as the client spelt it if both name the same (RFC 4514)."""
    from cryptography import x509  # loaded by those who need it

    spelt = client.tls_client_auth_subject_dn
    unreadable = (ValueError, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
    try:
        certificate = x509.load_der_x509_certificate(der)
        is_same = spelt is not None and read_subject(spelt) == certificate.subject
        subject = certificate.subject.rfc4514_string()
        named = list(certificate.extensions)
    except unreadable:
        return None
    found = next((each.value for each in named if isinstance(each.value, x509.SubjectAlternativeName)), None)
    other = found if found is not None else x509.SubjectAlternativeName([])
    return Names(
        subject=spelt if is_same and spelt is not None else subject,
        dns=frozenset(name.lower() for name in other.get_values_for_type(x509.DNSName)),
        uris=frozenset(other.get_values_for_type(x509.UniformResourceIdentifier)),
        addresses=frozenset(str(each) for each in other.get_values_for_type(x509.IPAddress)),
        emails=frozenset(other.get_values_for_type(x509.RFC822Name)),
    )
