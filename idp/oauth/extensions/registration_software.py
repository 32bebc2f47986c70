"""Software statements – RFC 7591 §2.3, §3.1.1.

What an issuer that the operator trusts says of a software wins over what the registrant says, and is validated like
everything else. The algorithm is one of ours, never `none`; no key or URL inside the token is looked at; `exp`, `nbf`,
`iat` and `aud` need not be there, and must be right where they are.
"""

from collections.abc import Mapping
from datetime import datetime

from idp.domain.client import BadClient
from idp.domain.json import BadJson, Json, JsonObject, read_object
from idp.domain.secret import from_base64url
from idp.oauth import signed
from idp.policy import lifetimes
from idp.policy.profiles import ASYMMETRIC_ALGS

INVALID = "invalid_software_statement"
UNAPPROVED = "unapproved_software_statement"
TYPS = (None, "JWT")
_OF_THE_TOKEN = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "software_statement"})
Issuers = Mapping[str, JsonObject]  # issuer → its JSON Web Key Set


def read_statement(text: Json, issuers: Issuers, *, audience: str, now: datetime, is_known: bool) -> dict[str, Json]:
    """Return the members that a statement vouches for; raise BadClient with one of the two codes for statements.

    One that `is_known`, because the client was registered by it, may have expired since.
    """
    if not isinstance(text, str):
        raise BadClient("software_statement is not a signed JWT", code=INVALID)
    try:
        signed.header_of(text, algs=ASYMMETRIC_ALGS, typs=TYPS)
        keys = issuers.get(_claimed_issuer(text))
        if keys is None:
            raise BadClient("the issuer of software_statement is not trusted here", code=UNAPPROVED)
        claims = signed.claims_of(text, signed.of_set(keys), algs=ASYMMETRIC_ALGS, typs=TYPS)
    except signed.NotSigned as error:
        raise BadClient(f"software_statement {error}", code=INVALID) from error
    _check_claims(claims, audience, now, is_known=is_known)
    return {name: value for name, value in claims.items() if name not in _OF_THE_TOKEN}


def _claimed_issuer(text: str) -> str:
    """Return `iss` as claimed, only to know whose keys to try."""
    try:
        issuer = read_object(from_base64url(text.split(".")[1]).decode(), max_depth=16).get("iss")
    except (ValueError, BadJson) as error:
        raise BadClient("software_statement is not a signed JWT", code=INVALID) from error
    return issuer if isinstance(issuer, str) else ""


def _check_claims(claims: Mapping[str, Json], audience: str, now: datetime, *, is_known: bool) -> None:
    ahead = (now + lifetimes.SKEW_AHEAD).timestamp()
    past = (now - lifetimes.SKEW_PAST).timestamp()
    times = {name: claims[name] for name in ("exp", "nbf", "iat") if name in claims}
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in times.values()):
        raise BadClient("a time in software_statement is not a number", code=INVALID)
    if any(float(str(times[name])) > ahead for name in ("nbf", "iat") if name in times):
        raise BadClient("software_statement is not valid yet", code=INVALID)
    if not is_known and "exp" in times and float(str(times["exp"])) <= past:
        raise BadClient("software_statement has expired", code=INVALID)
    listed = claims.get("aud")
    if listed is not None and audience not in (listed if isinstance(listed, list) else [listed]):
        raise BadClient("software_statement is meant for somebody else", code=INVALID)
