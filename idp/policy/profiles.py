"""What a client of each profile must and may do: the table of profiles, asked one question at a time."""

from dataclasses import dataclass
from datetime import timedelta

from idp.domain.authorization import ResponseMode
from idp.domain.client import AuthMethod, Client, Profile

ID_TOKEN_ALGS = ("RS256", "PS256", "ES256", "EdDSA")
ASYMMETRIC_ALGS = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
FAPI_ALGS = ("PS256", "ES256", "EdDSA", "Ed25519")  # FAPI 2.0 Security Profile §5.4.1


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
    access_token_algs: tuple[str, ...] = ID_TOKEN_ALGS
    requires_pushed_requests: bool = False
    requires_binding: bool = False  # access tokens are bound to a key of the client
    requires_dpop_nonce: bool = False
    rotates_refresh_tokens: bool = True
    objects_by_reference: bool = False
    strict_objects: bool = True  # a request object says for whom and until when; see oauth/extensions/jar.py
    objects_have_nbf: bool = False
    objects_have_friends: bool = False  # the issuer may stand among other audiences


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
        objects_have_friends=True,
    ),
    Profile.FAPI2: Rules(  # FAPI 2.0 Security Profile §5.3.2
        requires_pkce=True,
        accepts_token_url_as_audience=False,
        longest_assertion=timedelta(minutes=5),
        response_modes=(ResponseMode.QUERY, ResponseMode.FORM_POST),
        refresh_needs_offline_access=True,
        auth_methods=(AuthMethod.PRIVATE_KEY_JWT, AuthMethod.TLS, AuthMethod.SELF_SIGNED_TLS),
        algs=FAPI_ALGS,
        signing_algs=("ES256", "PS256", "EdDSA"),
        access_token_algs=("ES256", "PS256"),
        requires_pushed_requests=True,
        requires_binding=True,
        requires_dpop_nonce=True,
        rotates_refresh_tokens=False,
        objects_have_nbf=True,
        objects_have_friends=True,
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
    """Say whether the client may be answered this way at that URI; an application on a device takes no posts."""
    is_native = client.profile is Profile.NATIVE
    if is_native and mode.plain is ResponseMode.FORM_POST and not redirect_uri.startswith("https:"):
        return False
    is_registered = not client.response_modes or mode in client.response_modes
    return mode.plain in RULES[client.profile].response_modes and is_registered


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


def authorization_alg(client: Client) -> str:
    """Return the algorithm that signs authorization responses for the client (JARM §3)."""
    return client.authorization_alg or ("ES256" if client.profile is Profile.FAPI2 else "RS256")


def signing_algs(client: Client) -> tuple[str, ...]:
    """Return the algorithms by which things may be signed for a client; the first is the default."""
    return RULES[client.profile].signing_algs


def gets_refresh_token(client: Client, scopes: tuple[str, ...]) -> bool:
    """Say whether a grant of these scopes comes with a refresh token."""
    needs_offline = RULES[client.profile].refresh_needs_offline_access
    return "refresh_token" in client.grant_types and ("offline_access" in scopes or not needs_offline)
