"""A relying party: what it registered, and which redirect URIs are its own."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

from idp.domain.json import JsonObject
from idp.domain.secret import Digest
from idp.domain.user import USER_ID

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "[::1]", "localhost"})
MAX_URIS = 20
CLIENT_ID = re.compile(r"[A-Za-z0-9._~-]{1,128}")
_AUTHORITY = re.compile(r"(?P<host>\[::1\]|[a-z0-9]([a-z0-9.-]*[a-z0-9])?)(:(?P<port>[1-9][0-9]{0,4}))?")
_OWN_PORTS = {"https": ":443", "http": ":80"}
# RFC 3986 without # * [ ] " < > \ ^ ` { | } and controls; a percent sign begins two hexadecimal digits.
# A private-use scheme is a reversed domain name: it has a dot, so it is neither javascript, data nor file.
_PRIVATE_USE = re.compile(r"[a-z][a-z0-9-]*(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+:/(?!/)")
_LOOPBACK = re.compile(r"(?P<host>http://(127\.0\.0\.1|\[::1\]|localhost))(:[0-9]+)?(?P<rest>[/?].*)?")
_URI_TEXT = re.compile(r"([!$&-)+-;=?-Z_a-z~]|%[0-9A-Fa-f]{2})*")


class Profile(StrEnum):
    """What a client of this kind must and may do; the table stands in policy/profiles.py."""

    OAUTH21 = "oauth21"
    OIDC = "oidc"
    NATIVE = "native"
    FAPI2 = "fapi2"


class AuthMethod(StrEnum):
    """How a client proves who it is (OIDC Core §9)."""

    NONE = "none"
    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    SECRET_JWT = "client_secret_jwt"
    PRIVATE_KEY_JWT = "private_key_jwt"
    TLS = "tls_client_auth"
    SELF_SIGNED_TLS = "self_signed_tls_client_auth"


EVERY_METHOD = tuple(method.value for method in AuthMethod)
CONFIDENTIAL_METHODS = tuple(method for method in EVERY_METHOD if method != AuthMethod.NONE)
SECRET_METHODS = frozenset({AuthMethod.BASIC, AuthMethod.POST, AuthMethod.SECRET_JWT})
ASSERTION_METHODS = frozenset({AuthMethod.SECRET_JWT, AuthMethod.PRIVATE_KEY_JWT})


class TokenFormat(StrEnum):
    """How an access token looks: a JWT of RFC 9068, or an opaque handle."""

    JWT = "jwt"
    OPAQUE = "opaque"


class BadClient(ValueError):
    """A registration that would be unsafe or contradicts itself; `code` is RFC 7591's error."""

    def __init__(self, message: str, *, code: str = "invalid_client_metadata") -> None:
        """Keep the RFC 7591 §3.2.2 error code beside the sentence."""
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Client:
    """A registered relying party, with the member names of RFC 7591 and OIDC Registration."""

    id: str
    name: str
    profile: Profile = Profile.OAUTH21
    auth_method: AuthMethod = AuthMethod.BASIC
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    grant_types: tuple[str, ...] = ("authorization_code",)
    response_types: tuple[str, ...] = ("code",)
    response_modes: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ("openid", "profile", "email", "address", "phone", "offline_access")
    default_scopes: tuple[str, ...] = ()
    jwks: JsonObject | None = None
    jwks_uri: str | None = None
    assertion_algs: tuple[str, ...] = ()
    id_token_alg: str = "RS256"
    authorization_alg: str | None = None
    id_token_encryption_alg: str | None = None
    id_token_encryption_enc: str | None = None
    userinfo_alg: str | None = None  # none: plain JSON
    userinfo_encryption_alg: str | None = None
    userinfo_encryption_enc: str | None = None
    introspection_alg: str = "RS256"
    introspection_encryption_alg: str | None = None
    introspection_encryption_enc: str | None = None
    authorization_encryption_alg: str | None = None
    authorization_encryption_enc: str | None = None
    access_token_alg: str = "ES256"
    token_format: TokenFormat = TokenFormat.JWT
    is_first_party: bool = False
    is_self_registered: bool = False
    is_active: bool = True
    default_max_age: int | None = None
    require_auth_time: bool = True
    default_acr_values: tuple[str, ...] = ()
    initiate_login_uri: str | None = None
    client_uri: str | None = None
    policy_uri: str | None = None
    tos_uri: str | None = None
    logo_uri: str | None = None
    contacts: tuple[str, ...] = ()
    application_type: str = "web"
    subject_type: str = "public"
    sector_identifier_uri: str | None = None
    software_id: str | None = None
    software_version: str | None = None
    software_statement: str | None = None
    backchannel_token_delivery_mode: str | None = None
    backchannel_client_notification_endpoint: str | None = None
    backchannel_authentication_request_signing_alg: str | None = None
    backchannel_logout_uri: str | None = None
    backchannel_logout_session_required: bool = False
    frontchannel_logout_uri: str | None = None
    frontchannel_logout_session_required: bool = False
    require_pushed_authorization_requests: bool = False
    require_signed_request_object: bool = False
    dpop_bound_access_tokens: bool = False
    require_dpop_nonce: bool = False
    tls_client_certificate_bound_access_tokens: bool = False
    tls_client_auth_subject_dn: str | None = None
    tls_client_auth_san_dns: str | None = None
    tls_client_auth_san_uri: str | None = None
    tls_client_auth_san_ip: str | None = None
    tls_client_auth_san_email: str | None = None
    rotate_refresh_tokens: bool = False  # although the profile does without
    request_object_alg: str | None = None
    request_uris: tuple[str, ...] = ()
    has_logo: bool = False
    brand_color: str | None = None
    allowed_cors_origins: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    default_resource: str | None = None
    authorization_details_types: tuple[str, ...] = ()
    secret_digests: tuple[Digest, ...] = ()
    old_secret_ends_at: int | None = None
    hmac_secret: str | None = field(default=None, repr=False)
    created_at: datetime | None = None
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_confidential(self) -> bool:
        """Say whether the client can keep a secret (RFC 6749 §2.1)."""
        return self.auth_method is not AuthMethod.NONE

    def live_secrets(self, now: datetime) -> tuple[Digest, ...]:
        """Return the digests of secrets that count: the newest, and its predecessor until its overlap ends."""
        has_overlap = self.old_secret_ends_at is not None and now.timestamp() < self.old_secret_ends_at
        return self.secret_digests if has_overlap else self.secret_digests[:1]

    @property
    def host(self) -> str:
        """Return the host that people are sent back to, the one verifiable fact about a client."""
        return host_of(self.redirect_uris[0]) if self.redirect_uris else ""

    @property
    def cors_origins(self) -> frozenset[str]:
        """Return the origins whose scripts may call the token endpoint for this client."""
        web = [uri for uri in self.redirect_uris if is_safe_uri(uri)]
        return frozenset(origin_of(uri) for uri in web) | frozenset(self.allowed_cors_origins)

    def allows_redirect(self, uri: str) -> bool:
        """Say whether the URI is registered, compared as a string, byte for byte (RFC 9700 §2.1).

        A native client may take any port of the loopback host that it registered (RFC 8252 §7.3).
        """
        if self.profile is not Profile.NATIVE:
            return uri in self.redirect_uris and self.may_register(uri)
        registered = {_without_port(each) for each in self.redirect_uris}
        return self.may_register(uri) and (uri in self.redirect_uris or _without_port(uri) in registered - {None})

    def allows_logout_redirect(self, uri: str) -> bool:
        """Say whether a sign-out may lead there (RP-Initiated Logout §3)."""
        return uri in self.post_logout_redirect_uris and self.may_register(uri)

    def may_register(self, uri: str) -> bool:
        """Say whether a client of this profile may be answered at such a URI at all."""
        if self.profile is Profile.FAPI2 and not uri.startswith("https://"):  # FAPI 2.0 §5.3.2.2
            return False
        return is_safe_uri(uri) or (self.profile is Profile.NATIVE and is_private_use_uri(uri))


def _without_port(uri: str) -> tuple[str, str] | None:
    """Return a loopback URI without its port, None for any other URI."""
    found = _LOOPBACK.fullmatch(uri)
    return (found["host"], found["rest"] or "") if found else None


def is_loopback(uri: str) -> bool:
    """Say whether a redirect URI leads to a program on the person's own device."""
    return _LOOPBACK.fullmatch(uri) is not None


def host_of(uri: str) -> str:
    """Return the host that a redirect URI leads to; of a private-use URI its scheme, which names the application."""
    return urlsplit(uri).hostname or uri.partition(":")[0]


def is_private_use_uri(uri: str) -> bool:
    """Say whether this is a redirect URI of a private-use scheme, a reversed domain name (RFC 8252 §7.1)."""
    return len(uri) <= 2048 and bool(_PRIVATE_USE.match(uri)) and bool(_URI_TEXT.fullmatch(uri.partition(":")[2]))


def origin_of(uri: str) -> str:
    """Return scheme://host[:port] of a URI, as browsers write it: without the scheme's own port (RFC 6454 §6.2)."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc.removesuffix(_OWN_PORTS.get(parts.scheme, ':'))}"


def is_safe_uri(uri: str) -> bool:
    """Say whether every URL parser reads this redirect URI alike and it can carry no script.

    https anywhere; http only on a loopback host (RFC 8252 §8.3); no user-info, fragment, wildcard,
    backslash or control character, at registration and again at use.
    """
    scheme, separator, rest = uri.partition("://")
    if not separator or len(uri) > 2048 or scheme not in ("https", "http"):
        return False
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None or ".." in authority or not _URI_TEXT.fullmatch(rest[len(authority) :]):
        return False
    return int(parts["port"] or 0) < 65536 and (scheme == "https" or parts["host"] in LOOPBACK_HOSTS)


def check_client_id(client_id: str) -> None:
    """Raise BadClient for an id that could be a user's, or that a URL or log would garble."""
    if not CLIENT_ID.fullmatch(client_id):
        raise BadClient("client_id has 1 to 128 letters, digits or . _ ~ -")
    if USER_ID.fullmatch(client_id):  # sub of client_credentials must never be a person's (RFC 9700 §4.15)
        raise BadClient("client_id has the shape of a user id")
