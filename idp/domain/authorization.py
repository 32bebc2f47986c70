"""An authorization request as understood, and the interaction in which a person answers it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from idp.domain.approval import Approval
from idp.domain.assurance import Factor, Proof
from idp.domain.json import Json, JsonObject
from idp.domain.user import CLAIMS_BY_SCOPE, RESERVED_CLAIMS


class Prompt(StrEnum):
    """What the client wants the person to be asked (OIDC Core §3.1.2.1)."""

    NONE = "none"
    LOGIN = "login"
    CONSENT = "consent"
    SELECT_ACCOUNT = "select_account"
    CREATE = "create"  # Initiating User Registration via OpenID Connect 1.0 §4


class ResponseMode(StrEnum):
    """How the answer travels to the client; the signed modes are those of JARM §2.3."""

    QUERY = "query"
    FRAGMENT = "fragment"
    FORM_POST = "form_post"
    QUERY_JWT = "query.jwt"
    FRAGMENT_JWT = "fragment.jwt"
    FORM_POST_JWT = "form_post.jwt"

    @property
    def is_signed(self) -> bool:
        """Say whether the answer travels inside a JWT."""
        return self.value.endswith(_SIGNED)

    @property
    def plain(self) -> "ResponseMode":
        """Return the mode by which a JWT of this mode travels."""
        return ResponseMode(self.value.removesuffix(_SIGNED))

    @property
    def signed(self) -> "ResponseMode":
        """Return the JWT form of this mode."""
        return ResponseMode(self.plain.value + _SIGNED)


_SIGNED = ".jwt"
#: Every response type that can be offered, its words in the order in which we write them.
RESPONSE_TYPES = ("code", "id_token", "id_token token", "code id_token", "code token", "code id_token token")


def response_type_of(text: str) -> str | None:
    """Return a response type as RESPONSE_TYPES spells it, None for an unknown one.

    The order of its words does not count (RFC 6749 §3.1.1).
    """
    words = sorted(text.split(" "))
    return next((each for each in RESPONSE_TYPES if sorted(each.split(" ")) == words), None)


def default_mode(response_type: str | None) -> ResponseMode:
    """Return how answers travel unless asked otherwise (OAuth Multiple Response Types §2.1, §5)."""
    return ResponseMode.QUERY if response_type in (None, "code") else ResponseMode.FRAGMENT


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """One member of the `claims` parameter (OIDC Core §5.5.1)."""

    essential: bool = False
    values: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """Everything that a client asked for, checked. Nothing in a form can change it.

    `resources` are the audiences asked for (RFC 8707), `details` the authorization details (RFC 9396). `dpop_jkt` is
    the key that the code will be bound to (RFC 9449 §10). `pushed` is the digest of the reference under which the
    request was pushed (RFC 9126), `object_id` that of its request object's `jti` (RFC 9101): the answer spends both.
    """

    client_id: str
    redirect_uri: str
    response_mode: ResponseMode
    scopes: tuple[str, ...]
    response_type: str = "code"
    state: str | None = None
    nonce: str | None = None
    code_challenge: str | None = None
    prompts: frozenset[Prompt] = frozenset()
    max_age: int | None = None
    login_hint: str | None = None
    hinted_sub: str | None = None
    ui_locales: str | None = None
    acr_values: tuple[str, ...] = ()
    essential_acrs: tuple[str, ...] | None = None
    userinfo_claims: Mapping[str, ClaimRequest] | None = None
    id_token_claims: Mapping[str, ClaimRequest] | None = None
    resources: tuple[str, ...] = ()
    details: tuple[JsonObject, ...] = ()
    dpop_jkt: str | None = None
    pushed: str | None = None
    object_id: str | None = None
    approves: Approval | None = None  # the request of another device that it answers; no redirect does
    tested_by: str | None = None  # the administrator who tests the client by it; no request from outside has one

    def pushed_as(self, digest: str) -> "AuthorizationRequest":
        """Return the request as begun by the reference with this digest."""
        return replace(self, pushed=digest)

    def returns(self, what: str) -> bool:
        """Say whether the answer from /authorize itself holds a `code`, a `token` or an `id_token`."""
        return what in self.response_type.split(" ")

    @property
    def is_openid(self) -> bool:
        """Say whether an ID token is asked for (OIDC Core §3.1.2.1)."""
        return "openid" in self.scopes

    @property
    def is_offline(self) -> bool:
        """Say whether the grant is to outlive the browser session (OIDC Core §11)."""
        return "offline_access" in self.scopes

    @property
    def extra_claims(self) -> frozenset[str]:
        """Return the names of single claims asked for beyond the scopes; those of the protocol reveal nobody."""
        asked = frozenset(self.userinfo_claims or ()) | frozenset(self.id_token_claims or ())
        return asked - RESERVED_CLAIMS - {name for scope in self.scopes for name in CLAIMS_BY_SCOPE.get(scope, ())}


@dataclass(frozen=True, slots=True)
class Interaction:
    """A request waiting for its person, bound to the browser that began it.

    `user_id` and `proofs` are what was proved in this very interaction. `fresh_within` is set on the way to one of
    our own sensitive pages: everything that the account asks for must have been proved that recently. `method` is the
    factor that the person wants to use next. `judgement` is how unusual the attempt is, and which facts a policy sees.
    `linking` names the other provider whose identity waits to be linked to whoever signs in here.
    """

    id: str
    request: AuthorizationRequest | None
    return_path: str | None
    created_at: datetime
    expires_at: datetime
    session_id: str | None = None
    signed_in_at: datetime | None = None
    account_chosen: bool = False
    consent_given: bool = False
    completed_at: datetime | None = None
    user_id: str | None = None
    proofs: tuple[Proof, ...] = ()
    fresh_within: timedelta | None = None
    method: Factor | None = None
    judgement: Mapping[str, Json] | None = None
    linking: str | None = None

    def is_open(self, now: datetime) -> bool:
        """Say whether the person may still act here."""
        return self.completed_at is None and now < self.expires_at
