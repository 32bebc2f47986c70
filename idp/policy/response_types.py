"""Response types: which ones a client may register, and what must be registered with them.

Everything but `code` lets codes or tokens pass through the browser's address (RFC 9700 §2.1.2 advises against it), so
it needs the operator's switch and profile `oidc`.
Not here: how such an answer is made → oauth/extensions/front_channel.py.
"""

from idp.domain.authorization import RESPONSE_TYPES
from idp.domain.client import BadClient, Client, Profile
from idp.policy.offers import Offers
from idp.policy.profiles import requires_binding

IMPLICIT = "implicit"
CODE_GRANT = "authorization_code"


def offered(offers: Offers) -> tuple[str, ...]:
    """Return the response types that somebody may register here."""
    return RESPONSE_TYPES if offers.front_channel else RESPONSE_TYPES[:1]


def allows(client: Client, response_type: str) -> bool:
    """Say whether a request of the client may ask for this type, which is spelt as in RESPONSE_TYPES."""
    is_own = response_type == "code" or client.profile is Profile.OIDC
    return is_own and response_type in client.response_types and grants_of(response_type) <= set(client.grant_types)


def grants_of(response_type: str) -> set[str]:
    """Return the grant types that belong to a response type (OIDC Registration §2)."""
    words = set(response_type.split(" "))
    return ({CODE_GRANT} if "code" in words else set()) | ({IMPLICIT} if words != {"code"} else set())


def check(client: Client, offers: Offers) -> None:
    """Raise BadClient for response types that are not offered to this client, or stand without their grant types."""
    types = set(client.response_types)
    if types - set(offered(offers)):
        raise BadClient(f"response_types are some of {', '.join(repr(each) for each in offered(offers))}")
    front = types - {"code"}
    if (front or IMPLICIT in client.grant_types) and client.profile is not Profile.OIDC:
        raise BadClient("response_types other than code are for clients of profile oidc")
    if front and IMPLICIT not in client.grant_types:
        raise BadClient("response_types other than code need the grant type implicit (OIDC Registration §2)")
    if requires_binding(client) and any("token" in each.split(" ") for each in front):
        raise BadClient("response_types with token give access tokens that are bound to no key")


def check_agreement(client: Client) -> None:
    """Raise BadClient unless grant types and response types belong together, each way (RFC 7591 §2.1)."""
    needed = {grant for each in client.response_types for grant in grants_of(each)}
    for grant in (CODE_GRANT, IMPLICIT):
        if (grant in needed) != (grant in client.grant_types):
            raise BadClient(f"grant type {grant} and the response types that need it go together")
