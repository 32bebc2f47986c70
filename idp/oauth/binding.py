"""What a request proves beside its credentials: the key that tokens are bound to – RFC 9449 §5, RFC 8705 §3.

One proof counts: a DPoP proof if there is one, else the client certificate of a client that is to have bound tokens.
"""

import hashlib
from dataclasses import dataclass

from authlib.oauth2.rfc6749 import InvalidRequestError

from idp.domain.client import Client
from idp.domain.secret import base64url
from idp.domain.tokens import JKT, X5T, Confirmation
from idp.oauth.context import Context
from idp.oauth.extensions import dpop
from idp.policy.profiles import binds_to_certificate, requires_binding, requires_dpop_nonce, requires_dpop_proof


@dataclass(frozen=True, slots=True)
class Proved:
    """The key that was proved, if any, and a new nonce for the client's next DPoP proof."""

    confirmation: Confirmation | None
    next_nonce: str | None = None

    @property
    def thumbprint(self) -> str | None:
        """Return the key's thumbprint."""
        return None if self.confirmation is None else self.confirmation.thumbprint


async def proved_key(context: Context, client: Client) -> Proved:
    """Return the DPoP key that a request proves, where none need be proved yet; raise BadProof for a wrong proof."""
    checked = await dpop.check(context, requires_nonce=requires_dpop_nonce(client))
    return Proved(None) if checked is None else Proved(Confirmation(JKT, checked.thumbprint), checked.next_nonce)


async def prove(context: Context, client: Client) -> Proved:
    """Return what a client's request to an endpoint of ours proves.

    Raises BadProof for a proof that is wrong, InvalidRequestError where one is due and none came.
    """
    proved = await proved_key(context, client)
    if proved.confirmation is not None:
        return proved
    if requires_dpop_proof(client):
        raise InvalidRequestError("this client registered for tokens bound to a DPoP key, and no proof came")
    certificate = context.http.certificate
    if certificate is not None and binds_to_certificate(client):
        return Proved(of_certificate(certificate.der))
    if requires_binding(client):
        raise InvalidRequestError(
            "tokens of this client are bound to a key: a DPoP proof or a client certificate is due"
        )
    return Proved(None)


def of_certificate(der: bytes) -> Confirmation:
    """Return what a certificate is known by: the hash of its DER form (RFC 8705 §3.1)."""
    return Confirmation(X5T, base64url(hashlib.sha256(der).digest()))
