"""What operators allow beyond a person's own yes: exchanging tokens, and believing another issuer's assertions."""

from dataclasses import dataclass
from enum import StrEnum

from idp.domain.json import JsonObject

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"
ID_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:id_token"


@dataclass(frozen=True, slots=True)
class ExchangeRule:
    """Which tokens a client may trade for which (RFC 8693 §2.1).

    Impersonation leaves no trace of the client in the new token; acting names who acts, in the claim `act`.
    """

    id: str
    name: str
    client_id: str
    audiences: tuple[str, ...]
    scopes: tuple[str, ...] = ()
    subject_token_types: tuple[str, ...] = (ACCESS_TOKEN_TYPE,)
    may_impersonate: bool = False
    may_act: bool = False


class SubjectMatch(StrEnum):
    """What of an account an assertion's subject is compared with."""

    ID = "id"
    USERNAME = "username"
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class AssertionIssuer:
    """Somebody whose signed word about a person is as good as that person's presence (RFC 7523 §2.1)."""

    id: str
    issuer: str
    clients: tuple[str, ...]
    scopes: tuple[str, ...]
    algs: tuple[str, ...] = ("ES256",)
    jwks: JsonObject | None = None
    jwks_uri: str | None = None
    subject_claim: str = "sub"
    subject_match: SubjectMatch = SubjectMatch.ID
