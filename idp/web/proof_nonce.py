"""The nonce for a client's next DPoP proof: settled where its token is read, told with whatever is answered.

RFC 9449 §8.2, §9: a new one comes before the old one ends, so that no request fails for want of it.
"""

from starlette.requests import Request
from starlette.responses import Response

_HEADER = "dpop-nonce"


def keep_nonce(request: Request, nonce: str | None) -> None:
    """Keep a nonce for the answer to this request."""
    if nonce is not None:
        request.state.proof_nonce = nonce


def with_nonce(request: Request, response: Response) -> Response:
    """Return the answer with the nonce that was kept, if any; one that a challenge tells stays."""
    nonce: str | None = getattr(request.state, "proof_nonce", None)
    if nonce is not None:
        response.headers.setdefault(_HEADER, nonce)
    return response
