"""What a client of each profile must and may do: the table of profiles, asked one question at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from idp.domain.authorization import ResponseMode
from idp.domain.client import (
    MAX_URIS,
    AuthMethod,
    BadClient,
    Client,
    Profile,
    check_client_id,
    is_safe_uri,
    origin_of,
)
from idp.domain.json import Json, JsonObject
from idp.domain.permission import SCOPE_PREFIX
from idp.domain.redirect_uri import faults_of
from idp.policy import encryption, sectors

GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")
SCOPES = ("openid", "profile", "email", "address", "phone", "offline_access")
ID_TOKEN_ALGS = ("RS256", "PS256", "ES256", "EdDSA")
ASYMMETRIC_ALGS = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
FAPI_ALGS = ("PS256", "ES256", "EdDSA", "Ed25519")  # FAPI 2.0 Security Profile §5.4.1
PUBLIC_KEY_TYPES = ("RSA", "EC", "OKP")
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})  # RFC 7518 §6
SHORTEST_HMAC_KEY = 32
MAX_CONTACTS = 10
OPEN_PROFILES = (Profile.OAUTH21, Profile.NATIVE)  # that a stranger's client gets, by how it authenticates
LINKS = (
    "initiate_login_uri", "policy_uri", "tos_uri", "client_uri", "logo_uri", "jwks_uri", "sector_identifier_uri",
    "backchannel_logout_uri", "frontchannel_logout_uri",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rules:
    """One column of the table of profiles."""

    requires_pkce: bool
    accepts_token_url_as_audience: bool
    longest_assertion: timedelta
    response_modes: tuple[ResponseMode, ...]
    refresh_needs_offline_access: bool
    auth_methods: tuple[AuthMethod, ...] = tuple(AuthMethod)
    algs: tuple[str, ...] = ASYMMETRIC_ALGS  # of what the client signs
    signing_algs: tuple[str, ...] = ID_TOKEN_ALGS  # of what is signed for it; the first is the default
    requires_pushed_requests: bool = False
    requires_binding: bool = False  # access tokens are bound to a key of the client
    requires_dpop_nonce: bool = False
    rotates_refresh_tokens: bool = True
    objects_by_reference: bool = False
    strict_objects: bool = True  # a request object says for whom and until when; see oauth/extensions/jar.py
    objects_have_nbf: bool = False


RULES: dict[Profile, Rules] = {
    Profile.OAUTH21: Rules(
        requires_pkce=True,
        accepts_token_url_as_audience=False,
        longest_assertion=timedelta(minutes=5),
        response_modes=(ResponseMode.QUERY, ResponseMode.FRAGMENT, ResponseMode.FORM_POST),
        refresh_needs_offline_access=False,
    ),
    Profile.OIDC: Rules(
        requires_pkce=False,
        accepts_token_url_as_audience=True,
        longest_assertion=timedelta(minutes=60),
        response_modes=(ResponseMode.QUERY, ResponseMode.FRAGMENT, ResponseMode.FORM_POST),
        refresh_needs_offline_access=True,
        objects_by_reference=True,
        strict_objects=False,
    ),
    Profile.FAPI2: Rules(  # FAPI 2.0 Security Profile §5.3.2
        requires_pkce=True,
        accepts_token_url_as_audience=False,
        longest_assertion=timedelta(minutes=5),
        response_modes=(ResponseMode.QUERY, ResponseMode.FORM_POST),
        refresh_needs_offline_access=True,
        auth_methods=(AuthMethod.PRIVATE_KEY_JWT,),
        algs=FAPI_ALGS,
        signing_algs=("ES256", "PS256", "EdDSA"),
        requires_pushed_requests=True,
        requires_binding=True,
        requires_dpop_nonce=True,
        rotates_refresh_tokens=False,
        objects_have_nbf=True,
    ),
    Profile.NATIVE: Rules(
        requires_pkce=True,
        accepts_token_url_as_audience=False,
        longest_assertion=timedelta(minutes=5),
        response_modes=(ResponseMode.QUERY, ResponseMode.FRAGMENT, ResponseMode.FORM_POST),
        refresh_needs_offline_access=False,
        auth_methods=(AuthMethod.NONE, AuthMethod.PRIVATE_KEY_JWT),
    ),
}


def rules_for(client: Client) -> Rules:
    """Return the rules of the client's profile."""
    return RULES[client.profile]


def requires_pkce(client: Client) -> bool:
    """Say whether a request without a code_challenge is refused; always for clients without a secret."""
    return RULES[client.profile].requires_pkce or not client.is_confidential


def allows_response_mode(client: Client, mode: ResponseMode, redirect_uri: str) -> bool:
    """Say whether the client may be answered this way at that URI; an application's own scheme takes no posts."""
    if mode is ResponseMode.FORM_POST and not is_safe_uri(redirect_uri):
        return False
    return mode in RULES[client.profile].response_modes and (not client.response_modes or mode in client.response_modes)


def assertion_algs(client: Client) -> tuple[str, ...]:
    """Return the algorithms a client's assertion may be signed with."""
    if client.auth_method is AuthMethod.SECRET_JWT:
        return ("HS256",)
    return client.assertion_algs or RULES[client.profile].algs


def request_object_algs(client: Client) -> tuple[str, ...]:
    """Return the algorithms a client's request object may be signed with (RFC 9101 §6.2)."""
    return (client.request_object_alg,) if client.request_object_alg else RULES[client.profile].algs


def requires_pushed_requests(client: Client) -> bool:
    """Say whether a client's plain requests are refused (RFC 9126 §6)."""
    return RULES[client.profile].requires_pushed_requests or client.require_pushed_authorization_requests


def requires_binding(client: Client) -> bool:
    """Say whether a client gets no token that is not bound to a key of its own."""
    registered = client.dpop_bound_access_tokens or client.tls_client_certificate_bound_access_tokens
    return RULES[client.profile].requires_binding or registered


def requires_dpop_proof(client: Client) -> bool:
    """Say whether the client registered for tokens bound to a DPoP key, and so to nothing else (RFC 9449 §5.2)."""
    return client.dpop_bound_access_tokens


def binds_to_certificate(client: Client) -> bool:
    """Say whether a client's certificate binds its tokens when it proves no other key (RFC 8705 §3)."""
    return RULES[client.profile].requires_binding or client.tls_client_certificate_bound_access_tokens


def requires_dpop_nonce(client: Client) -> bool:
    """Say whether a client's proofs must carry a nonce of ours (RFC 9449 §8)."""
    return RULES[client.profile].requires_dpop_nonce or client.require_dpop_nonce


def rotates_refresh_tokens(client: Client) -> bool:
    """Say whether each refresh replaces the refresh token (RFC 9700 §4.14.2, FAPI 2.0 §5.3.2.1)."""
    return RULES[client.profile].rotates_refresh_tokens or client.rotate_refresh_tokens


def gets_refresh_token(client: Client, scopes: tuple[str, ...]) -> bool:
    """Say whether a grant of these scopes comes with a refresh token."""
    needs_offline = RULES[client.profile].refresh_needs_offline_access
    return "refresh_token" in client.grant_types and ("offline_access" in scopes or not needs_offline)


def check(client: Client) -> None:
    """Raise BadClient unless the registration is coherent and safe (RFC 7591 §2, OIDC Registration §2)."""
    check_client_id(client.id)
    if not client.name.strip() or len(client.name) > 100 or not client.name.isprintable():
        raise BadClient("client_name has 1 to 100 printable characters")
    _check_uris(client)
    _check_words(client)
    _check_grants(client)
    _check_authentication(client)
    if client.default_max_age is not None and client.default_max_age < 0:
        raise BadClient("default_max_age is a number of seconds, not negative")
    offered = RULES[client.profile].signing_algs
    algs = {client.id_token_alg, client.access_token_alg, client.userinfo_alg, client.introspection_alg}
    if not algs <= {*offered, None}:
        raise BadClient(f"signing algorithms of profile {client.profile} are {', '.join(offered)}")
    encryption.check(client)
    sectors.check(client)
    if client.is_self_registered and any(scope.startswith(SCOPE_PREFIX) for scope in client.scopes):
        raise BadClient("scopes of administration are for clients that an owner made")
    if unknown := sorted(set(client.scopes) - set(SCOPES) - {s for s in client.scopes if is_scope(s)}):
        raise BadClient(f"not a scope token: {unknown[0]!r}")


def is_scope(text: str) -> bool:
    """Say whether this can be a scope at all (RFC 6749 §3.3)."""
    return 0 < len(text) <= 128 and all("!" <= c <= "~" and c not in '"\\' for c in text)


def _check_uris(client: Client) -> None:
    if "authorization_code" in client.grant_types and not client.redirect_uris:
        raise BadClient("authorization_code needs at least one redirect URI", code="invalid_redirect_uri")
    for uris in (client.redirect_uris, client.post_logout_redirect_uris):
        if len(uris) > MAX_URIS:
            raise BadClient(f"at most {MAX_URIS} redirect URIs", code="invalid_redirect_uri")
        if faults := faults_of(uris, is_native=client.profile is Profile.NATIVE):
            told = "; ".join(f"redirect URI {uris[each.index]!r} {each.sentence}" for each in faults)
            raise BadClient(told, code="invalid_redirect_uri")
    for origin in client.allowed_cors_origins:
        if not is_safe_uri(origin) or origin_of(origin) != origin:
            raise BadClient("allowed_cors_origins are https://host, with nothing behind it")
    for name in LINKS:
        link = getattr(client, name)
        if link is not None and not is_safe_uri(link):
            raise BadClient(f"{name} is not an https URL")
    frame = client.frontchannel_logout_uri
    if frame is not None and origin_of(frame) not in {origin_of(uri) for uri in client.redirect_uris}:
        raise BadClient("frontchannel_logout_uri is on the scheme, host and port of a redirect URI")


def _check_words(client: Client) -> None:
    if client.application_type not in ("web", "native"):
        raise BadClient("application_type is web or native")
    if len(client.contacts) > MAX_CONTACTS or not all(_is_short(text, 254) for text in client.contacts):
        raise BadClient(f"contacts are at most {MAX_CONTACTS} short printable strings")
    if not all(_is_short(text, 255) for text in (client.software_id or "-", client.software_version or "-")):
        raise BadClient("software_id and software_version are short printable strings")


def _is_short(text: str, longest: int) -> bool:
    return 0 < len(text) <= longest and text.isprintable()


def _check_grants(client: Client) -> None:
    if unknown := sorted(set(client.grant_types) - set(GRANT_TYPES)):
        raise BadClient(f"grant type {unknown[0]!r} is not offered")
    if not client.grant_types:
        raise BadClient("at least one grant type is needed")
    if "client_credentials" in client.grant_types and not client.is_confidential:
        raise BadClient("client_credentials is for confidential clients only (RFC 6749 §4.4)")
    if set(client.response_types) - {"code"}:
        raise BadClient("the only response type offered is code")


def check_agreement(client: Client) -> None:
    """Raise BadClient unless grant types and response types belong together (RFC 7591 §2.1)."""
    if ("code" in client.response_types) != ("authorization_code" in client.grant_types):
        raise BadClient("response type code and grant type authorization_code go together")
    if client.grant_types == ("refresh_token",):
        raise BadClient("grant type refresh_token needs another one beside it")


def _check_authentication(client: Client) -> None:
    if client.auth_method not in RULES[client.profile].auth_methods:
        raise BadClient(f"a client of profile {client.profile} does not authenticate by {client.auth_method}")
    if client.jwks is not None and client.jwks_uri is not None:
        raise BadClient("jwks and jwks_uri exclude each other (RFC 7591 §2)")
    match client.auth_method:
        case AuthMethod.NONE if client.secret_digests or client.hmac_secret:
            raise BadClient("a client without authentication has no secret")
        case AuthMethod.BASIC | AuthMethod.POST if not client.secret_digests:
            raise BadClient(f"{client.auth_method} needs a secret")
        case AuthMethod.SECRET_JWT if len((client.hmac_secret or "").encode()) < SHORTEST_HMAC_KEY:
            raise BadClient(f"client_secret_jwt needs a secret of {SHORTEST_HMAC_KEY} bytes (RFC 7518 §3.2)")
        case AuthMethod.PRIVATE_KEY_JWT if not client.jwks and not client.jwks_uri:
            raise BadClient("private_key_jwt needs the client's public keys: jwks or jwks_uri")
    if client.jwks is not None and not _holds_public_keys(client.jwks):
        raise BadClient("jwks holds public RSA, EC or OKP keys, and nothing else")
    offered = ("HS256",) if client.auth_method is AuthMethod.SECRET_JWT else RULES[client.profile].algs
    if unknown := sorted(set(client.assertion_algs) - set(offered)):
        raise BadClient(f"an assertion is signed with one of {', '.join(offered)}, not {unknown[0]!r}")


def _holds_public_keys(jwks: JsonObject) -> bool:
    keys = jwks.get("keys")
    return isinstance(keys, list) and bool(keys) and all(_is_public_key(key) for key in keys)


def _is_public_key(key: Json) -> bool:
    return isinstance(key, Mapping) and key.get("kty") in PUBLIC_KEY_TYPES and not PRIVATE_MEMBERS & key.keys()
