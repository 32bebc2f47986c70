"""What is being connected: for each kind of application the defaults that are safe for it, and why, by code.

The words of each code stand in templates/admin/client_words.html.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from idp.domain.approval import Channel
from idp.domain.client import AuthMethod, Profile
from idp.domain.json import Json

_ALL = ("openid", "profile", "email")


class Kind(StrEnum):
    """A kind of application."""

    WEB = "web"
    SPA = "spa"
    NATIVE = "native"
    MACHINE = "machine"
    API = "api"
    FAPI = "fapi"
    AGENT = "agent"
    DEVICE = "device"
    CIBA = "ciba"


class Why(StrEnum):
    """Why something is set as it is; one sentence each."""

    PKCE = "pkce"
    SECRET = "secret"
    NO_SECRET = "no_secret"
    CODE = "code"
    REFRESH = "refresh"
    REFRESH_SESSION = "refresh_session"
    NO_REFRESH = "no_refresh"
    CORS = "cors"
    LOOPBACK = "loopback"
    CONSENT = "consent"
    OWN_GRANT = "own_grant"
    OWN_SCOPES = "own_scopes"
    AUDIENCE = "audience"
    NOBODY = "nobody"
    FEW_SCOPES = "few_scopes"
    MCP_SERVER = "mcp_server"
    TYPED = "typed"
    EACH_TIME = "each_time"
    OWN_DEVICE = "own_device"
    POLLS = "polls"
    PUSHED = "pushed"
    OWN_KEY = "own_key"
    BOUND = "bound"
    SAME_REFRESH = "same_refresh"


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a kind sets; `auth_methods` are those that may be chosen instead, `why` explains in the order shown."""

    profile: str
    auth_method: AuthMethod
    auth_methods: tuple[AuthMethod, ...]
    grant_types: tuple[str, ...]
    scopes: tuple[str, ...]
    why: tuple[Why, ...]
    has_redirects: bool = True
    has_origins: bool = False
    is_audience: bool = False  # may introspect tokens that were issued for this provider
    more: Mapping[str, Json] = field(default_factory=dict)  # members that only this kind has

    @property
    def response_types(self) -> tuple[str, ...]:
        """Return the response types that fit the grant types (RFC 7591 §2.1)."""
        return ("code",) if "authorization_code" in self.grant_types else ()

    def members(self, issuer: str) -> dict[str, Json]:
        """Return the members of RFC 7591 that are set, whatever is typed beside them."""
        members: dict[str, Json] = {
            "token_endpoint_auth_method": self.auth_method.value,
            "grant_types": list(self.grant_types),
            "response_types": list(self.response_types),
            "scope": " ".join(self.scopes),
            **self.more,
        }
        if self.profile == Profile.NATIVE:
            members["application_type"] = "native"
        return members | ({"audiences": [issuer]} if self.is_audience else {})


_BY_SECRET = (AuthMethod.BASIC, AuthMethod.POST, AuthMethod.PRIVATE_KEY_JWT)
_BY_KEY = (AuthMethod.PRIVATE_KEY_JWT, AuthMethod.TLS, AuthMethod.SELF_SIGNED_TLS)
_SIGN_IN = ("authorization_code", "refresh_token")
KINDS: Mapping[Kind, Defaults] = {
    Kind.WEB: Defaults(
        Profile.OAUTH21, AuthMethod.BASIC, _BY_SECRET, _SIGN_IN, (*_ALL, "offline_access"),
        (Why.CODE, Why.PKCE, Why.SECRET, Why.REFRESH),
    ),
    Kind.SPA: Defaults(
        Profile.OAUTH21, AuthMethod.NONE, (AuthMethod.NONE,), _SIGN_IN, _ALL,
        (Why.CODE, Why.PKCE, Why.NO_SECRET, Why.REFRESH_SESSION, Why.CORS), has_origins=True,
    ),
    Kind.NATIVE: Defaults(
        Profile.NATIVE, AuthMethod.NONE, (AuthMethod.NONE,), _SIGN_IN, (*_ALL, "offline_access"),
        (Why.CODE, Why.PKCE, Why.NO_SECRET, Why.LOOPBACK, Why.REFRESH, Why.CONSENT),
    ),
    Kind.MACHINE: Defaults(
        Profile.OAUTH21, AuthMethod.BASIC, _BY_SECRET, ("client_credentials",), (),
        (Why.OWN_GRANT, Why.SECRET, Why.NO_REFRESH, Why.OWN_SCOPES), has_redirects=False,
    ),
    Kind.API: Defaults(
        Profile.OAUTH21, AuthMethod.BASIC, _BY_SECRET, ("client_credentials",), (),
        (Why.NOBODY, Why.AUDIENCE, Why.SECRET), has_redirects=False, is_audience=True,
    ),
    Kind.FAPI: Defaults(
        Profile.FAPI2, AuthMethod.PRIVATE_KEY_JWT, _BY_KEY, _SIGN_IN, (*_ALL, "offline_access"),
        (Why.PUSHED, Why.PKCE, Why.OWN_KEY, Why.BOUND, Why.SAME_REFRESH),
    ),
    Kind.AGENT: Defaults(
        Profile.NATIVE, AuthMethod.NONE, (AuthMethod.NONE,), _SIGN_IN, ("openid",),
        (Why.CODE, Why.PKCE, Why.NO_SECRET, Why.FEW_SCOPES, Why.REFRESH_SESSION, Why.CONSENT, Why.MCP_SERVER),
    ),
    Kind.DEVICE: Defaults(
        Profile.NATIVE, AuthMethod.NONE, (AuthMethod.NONE,), (Channel.DEVICE.grant_type, "refresh_token"),
        (*_ALL, "offline_access"), (Why.TYPED, Why.EACH_TIME, Why.NO_SECRET, Why.REFRESH), has_redirects=False,
    ),
    Kind.CIBA: Defaults(
        Profile.OAUTH21, AuthMethod.BASIC, _BY_SECRET, (Channel.CIBA.grant_type, "refresh_token"), _ALL,
        (Why.OWN_DEVICE, Why.EACH_TIME, Why.POLLS, Why.SECRET, Why.REFRESH_SESSION), has_redirects=False,
        more={"backchannel_token_delivery_mode": "poll"},
    ),
}  # fmt: skip
