"""Which registrations are coherent and safe (RFC 7591 §2, OIDC Registration §2).

Not here: what a client of each profile must and may do → policy/profiles.py.
"""

from collections.abc import Mapping

from idp.domain.approval import Channel
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
from idp.domain.document_url import is_document_url
from idp.domain.exchange import JWT_BEARER, TOKEN_EXCHANGE
from idp.domain.json import Json, JsonObject
from idp.domain.permission import SCOPE_PREFIX
from idp.domain.redirect_uri import faults_of
from idp.policy import ciba, encryption, mutual_tls, response_types, sectors
from idp.policy.offers import EVERYTHING, Offers
from idp.policy.profiles import RULES, authorization_alg, signing_algs

POLLED = tuple(channel.grant_type for channel in Channel)
OF_OPERATORS = (TOKEN_EXCHANGE, JWT_BEARER)  # that need an operator's word beside the registration
GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials", *POLLED, *OF_OPERATORS)
SCOPES = ("openid", "profile", "email", "address", "phone", "offline_access")
PUBLIC_KEY_TYPES = ("RSA", "EC", "OKP")
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})  # RFC 7518 §6
SHORTEST_HMAC_KEY = 32
MAX_CONTACTS = 10
OPEN_PROFILES = (Profile.OAUTH21, Profile.NATIVE)  # that a stranger's client gets, by how it authenticates
LINKS = (
    "initiate_login_uri", "policy_uri", "tos_uri", "client_uri", "logo_uri", "jwks_uri", "sector_identifier_uri",
    "backchannel_logout_uri", "frontchannel_logout_uri",
)  # fmt: skip


def check(client: Client, offers: Offers = EVERYTHING) -> None:
    """Raise BadClient unless the registration is coherent, safe and offered (RFC 7591 §2, OIDC Registration §2)."""
    if not (client.is_self_registered and is_document_url(client.id)):  # the one place where a URL is an id
        check_client_id(client.id)
    if not client.name.strip() or len(client.name) > 100 or not client.name.isprintable():
        raise BadClient("client_name has 1 to 100 printable characters")
    _check_uris(client)
    _check_words(client)
    _check_grants(client, offers)
    _check_authentication(client)
    if client.default_max_age is not None and client.default_max_age < 0:
        raise BadClient("default_max_age is a number of seconds, not negative")
    offered = RULES[client.profile].signing_algs
    algs = {client.id_token_alg, client.userinfo_alg, client.introspection_alg}
    if not algs <= {*offered, None}:
        raise BadClient(f"signing algorithms of profile {client.profile} are {', '.join(offered)}")
    if client.access_token_alg not in (by := RULES[client.profile].access_token_algs):
        raise BadClient(f"access tokens of profile {client.profile} are signed by {', '.join(by)}")
    encryption.check(client)
    mutual_tls.check(client)
    if client.auth_method in mutual_tls.METHODS and not offers.mutual_tls:
        raise BadClient("certificates of clients are not asked for here")
    if client.tls_client_certificate_bound_access_tokens and not offers.mutual_tls:
        raise BadClient("tokens are not bound to certificates here")
    sectors.check(client)
    ciba.check(client)
    if authorization_alg(client) not in signing_algs(client):
        raise BadClient(f"authorization_signed_response_alg is one of {', '.join(signing_algs(client))}")
    if client.is_self_registered and any(scope.startswith(SCOPE_PREFIX) for scope in client.scopes):
        raise BadClient("scopes of administration are for clients that an owner made")
    if unknown := sorted(set(client.scopes) - set(SCOPES) - {s for s in client.scopes if is_scope(s)}):
        raise BadClient(f"not a scope token: {unknown[0]!r}")


def is_scope(text: str) -> bool:
    """Say whether this can be a scope at all (RFC 6749 §3.3)."""
    return 0 < len(text) <= 128 and all("!" <= c <= "~" and c not in '"\\' for c in text)


def _check_uris(client: Client) -> None:
    for grant in {"authorization_code", response_types.IMPLICIT} & set(client.grant_types):
        if not client.redirect_uris:
            raise BadClient(f"{grant} needs at least one redirect URI", code="invalid_redirect_uri")
    for uris in (client.redirect_uris, client.post_logout_redirect_uris):
        if len(uris) > MAX_URIS:
            raise BadClient(f"at most {MAX_URIS} redirect URIs", code="invalid_redirect_uri")
        if faults := faults_of(uris, is_native=client.profile is Profile.NATIVE):
            told = "; ".join(f"redirect URI {uris[each.index]!r} {each.sentence}" for each in faults)
            raise BadClient(told, code="invalid_redirect_uri")
    if refused := next((uri for uri in client.redirect_uris if not client.may_register(uri)), None):
        told = f"redirect URI {refused!r} is not one that clients of profile {client.profile} may have"
        raise BadClient(told, code="invalid_redirect_uri")
    _check_objects(client)
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


def _check_objects(client: Client) -> None:
    """Check where request objects may be kept and what they are signed with (OIDC Registration §2)."""
    rules = RULES[client.profile]
    if client.request_uris and not rules.objects_by_reference:
        raise BadClient("request_uris is for clients of profile oidc")
    if len(client.request_uris) > MAX_URIS or not all(
        is_safe_uri(uri.partition("#")[0]) for uri in client.request_uris
    ):
        raise BadClient(f"request_uris are at most {MAX_URIS} https URLs")
    if client.request_object_alg not in {*rules.algs, None}:
        raise BadClient(f"a request object is signed with one of {', '.join(rules.algs)}")


def _check_words(client: Client) -> None:
    if client.application_type not in ("web", "native"):
        raise BadClient("application_type is web or native")
    if len(client.contacts) > MAX_CONTACTS or not all(_is_short(text, 254) for text in client.contacts):
        raise BadClient(f"contacts are at most {MAX_CONTACTS} short printable strings")
    if not all(_is_short(text, 255) for text in (client.software_id or "-", client.software_version or "-")):
        raise BadClient("software_id and software_version are short printable strings")


def _is_short(text: str, longest: int) -> bool:
    return 0 < len(text) <= longest and text.isprintable()


def grant_types(offers: Offers = EVERYTHING) -> tuple[str, ...]:
    """Return the grant types that may be registered where this is offered."""
    return (*GRANT_TYPES, response_types.IMPLICIT) if offers.front_channel else GRANT_TYPES


def _check_grants(client: Client, offers: Offers) -> None:
    if unknown := sorted(set(client.grant_types) - set(grant_types(offers))):
        raise BadClient(f"grant type {unknown[0]!r} is not offered")
    if not client.grant_types:
        raise BadClient("at least one grant type is needed")
    if "client_credentials" in client.grant_types and not client.is_confidential:
        raise BadClient("client_credentials is for confidential clients only (RFC 6749 §4.4)")
    if {*OF_OPERATORS} & {*client.grant_types} and not client.is_confidential:
        raise BadClient("token exchange and assertions are for confidential clients only")
    response_types.check(client, offers)


def check_agreement(client: Client) -> None:
    """Raise BadClient unless grant types and response types belong together (RFC 7591 §2.1)."""
    response_types.check_agreement(client)
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
