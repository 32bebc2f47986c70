"""Authorization Server Issuer Identification – RFC 9207.

Every authorization response, errors included, names the issuer, so that a client of several servers cannot be
made to send one server's code to another (mix-up).
"""


def parameter(issuer: str) -> tuple[str, str]:
    """Return the `iss` response parameter (RFC 9207 §2)."""
    return ("iss", issuer)
