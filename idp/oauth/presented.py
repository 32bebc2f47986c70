"""Access tokens as they are presented at resources of ours – RFC 6750 §2, RFC 9449 §7, RFC 8705 §3.

A token that is bound to a key is good only with that key: by the scheme DPoP with a proof made for this very token, or
over a connection with that certificate. Grant, person, session and client are looked at live, so a revoked token fails
here although its signature still verifies.
"""

from collections.abc import Container
from dataclasses import dataclass

from idp.domain.client import Client
from idp.domain.tokens import JKT, AccessToken
from idp.oauth import binding
from idp.oauth.context import Context
from idp.oauth.extensions import dpop
from idp.oauth.tokens import access_token
from idp.policy.profiles import requires_dpop_nonce
from idp.storage.grants import LiveGrant

BEARER, DPOP = "Bearer", "DPoP"
INVALID = "the access token is unknown, expired, revoked or not for us"


class TokenRefused(Exception):
    """No token that is good here: the error for the challenge, None if no credentials came at all (RFC 6750 §3.1).

    `scheme` is how the token was presented. `client` is the token's, if it is one of ours; `nonce` is for its next
    proof.
    """

    def __init__(
        self, error: str | None, description: str = INVALID, *, scheme: str = BEARER, client: Client | None = None,
        nonce: str | None = None,
    ) -> None:  # fmt: skip
        """Keep what the challenge says."""
        super().__init__(description)
        self.error = error
        self.description = description
        self.scheme = scheme
        self.client = client
        self.nonce = nonce


@dataclass(frozen=True, slots=True)
class Presented:
    """A token that is good, with its grant and client; how it came, and a new nonce for the client's next proof."""

    token: AccessToken
    live: LiveGrant
    client: Client
    scheme: str = BEARER
    next_nonce: str | None = None


def credentials(header: str | None) -> tuple[str, str] | None:
    """Return scheme and token of an Authorization header, None for a scheme that carries no token of ours."""
    scheme, _, text = (header or "").partition(" ")
    known = {BEARER.lower(): BEARER, DPOP.lower(): DPOP}.get(scheme.lower())
    return (known, text.strip()) if known and text.strip() else None


def challenge(scheme: str, **parameters: str) -> str:
    """Return a value of WWW-Authenticate; that of DPoP names the algorithms of a proof (RFC 9449 §7.1)."""
    told = parameters | ({"algs": " ".join(dpop.ALGS)} if scheme == DPOP else {})
    return f"{scheme} " + ", ".join(f'{name}="{value}"' for name, value in told.items())


async def read(
    context: Context, scheme: str, text: str, *, audiences: Container[str], was_proved: bool = False
) -> Presented:
    """Return the token that came, and raise TokenRefused unless it is good here and now.

    With `was_proved` the key was proved when this request began, and only what may have ended since is looked at.
    """
    engine, stores = context.engine, context.stores
    token = await access_token.read(
        text, keyring=engine.keyring, store=stores.access_tokens, digester=engine.digester, issuer=engine.issuer,
        now=context.now,
    )  # fmt: skip
    client = await context.client(token.client_id) if token else None
    if token is None or client is None or not any(each in audiences for each in token.audience):
        raise TokenRefused("invalid_token", scheme=scheme, client=client)
    next_nonce = None if was_proved else await _prove(context, scheme, text, token, client)
    live = await stores.grants.find_live(token.grant_id, context.now, jti=token.jti)
    if live is None:
        raise TokenRefused("invalid_token", scheme=scheme, client=client)
    return Presented(token, live, client, scheme, next_nonce)


async def _prove(context: Context, scheme: str, text: str, token: AccessToken, client: Client) -> str | None:
    """Refuse a token without the key that it is bound to; return a nonce for the next proof."""
    if token.token_type != scheme:
        raise TokenRefused(
            "invalid_token", f"this access token is not of the scheme {scheme}", scheme=scheme, client=client
        )
    bound_to = token.confirmation
    if bound_to is None:
        return None
    if bound_to.method != JKT:
        certificate = context.http.certificate
        if certificate is None or binding.of_certificate(certificate.der) != bound_to:
            raise TokenRefused("invalid_token", "the access token is bound to another certificate", client=client)
        return None
    requires_nonce = requires_dpop_nonce(client)
    try:
        checked = await dpop.check(
            context, requires_nonce=requires_nonce, access_token=text, bound_to=bound_to.thumbprint
        )
    except dpop.BadProof as error:
        nonce = dpop.nonce(context.engine.digester, context.now)
        raise TokenRefused(error.error, error.description, scheme=scheme, client=client, nonce=nonce) from error
    if checked is None:
        raise TokenRefused("invalid_token", "the access token needs a DPoP proof", scheme=scheme, client=client)
    return checked.next_nonce
