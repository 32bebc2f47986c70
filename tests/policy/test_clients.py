"""Which registrations are refused, and what a client of each profile must and may do."""

from datetime import timedelta
from typing import Any

import pytest

from idp.domain.authorization import ResponseMode
from idp.domain.client import AuthMethod, BadClient, Profile
from idp.policy import clients, profiles
from tests.support.builders import client, digest

RSA = {"kty": "RSA", "n": "AQAB", "e": "AQAB"}
EC = {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}
JWKS = {"keys": [RSA, EC]}
SECRET = "s" * 32
CALLBACK = "https://rp.example/cb"
FRONT: dict[str, Any] = {
    "profile": Profile.OIDC, "grant_types": ("authorization_code", "implicit"),
    "tls_client_certificate_bound_access_tokens": True,
}  # fmt: skip

GOOD: dict[str, dict[str, Any]] = {
    "plain": {},
    "public": {"auth_method": AuthMethod.NONE, "secret_digests": ()},
    "by post": {"auth_method": AuthMethod.POST},
    "by shared secret": {"auth_method": AuthMethod.SECRET_JWT, "secret_digests": (), "hmac_secret": SECRET},
    "by key": {"auth_method": AuthMethod.PRIVATE_KEY_JWT, "secret_digests": (), "jwks": JWKS},
    "machine": {"grant_types": ("client_credentials",), "redirect_uris": (), "scopes": ("read", "write:all")},
    "two secrets": {"secret_digests": (digest(), digest())},
    "20 redirect URIs": {"redirect_uris": tuple(f"https://rp.example/{number}" for number in range(20))},
    "loopback": {"redirect_uris": ("http://127.0.0.1:5000/cb", "http://localhost/cb")},
    "own scopes": {"scopes": ("openid", "https://api.example/read", "a:b!c")},
    "a name of 100": {"name": "é" * 100},
    "an origin": {"allowed_cors_origins": ("https://spa.example", "http://localhost:3000")},
    "max_age 0": {"default_max_age": 0},
    "own algorithms": {"assertion_algs": ("PS256", "ES256"), "id_token_alg": "EdDSA", "access_token_alg": "PS256"},
    "oidc": {"profile": Profile.OIDC},
    "native": {
        "profile": Profile.NATIVE,
        "auth_method": AuthMethod.NONE,
        "secret_digests": (),
        "redirect_uris": ("com.example.app:/cb", "http://127.0.0.1/cb", "https://rp.example/cb"),
    },
    "by key from elsewhere": {"auth_method": AuthMethod.PRIVATE_KEY_JWT, "jwks_uri": "https://rp.example/jwks"},
    "assertions by HS256 with a secret": {
        "auth_method": AuthMethod.SECRET_JWT,
        "hmac_secret": SECRET,
        "assertion_algs": ("HS256",),
    },
    "an ID token in the browser, and bound tokens": FRONT | {"response_types": ("code", "code id_token")},
    "a frame beside a redirect URI": {"frontchannel_logout_uri": "https://rp.example/out"},
}
BAD: dict[str, dict[str, Any]] = {
    "no id": {"id": ""},
    "an id like a user's": {"id": "a" * 26},
    "an id with a slash": {"id": "a/b"},
    "no name": {"name": "  "},
    "a name of 101": {"name": "x" * 101},
    "a control character in the name": {"name": "Shop\x1b[2J"},
    "a line break in the name": {"name": "Shop\nInc"},
    "a bidi override in the name": {"name": "Shop\u202egpj"},
    "a zero-width character in the name": {"name": "Sh\u200bop"},
    "an unknown grant": {"grant_types": ("password",)},
    "implicit": {"grant_types": ("authorization_code", "implicit")},
    "a token in the browser, and none that is unbound": FRONT | {"response_types": ("code", "code token")},
    "no grant": {"grant_types": ()},
    "an implicit response type": {"response_types": ("code", "id_token")},
    "client_credentials without a secret": {
        "grant_types": ("client_credentials",),
        "auth_method": AuthMethod.NONE,
        "secret_digests": (),
    },
    "basic without a secret": {"secret_digests": ()},
    "post without a secret": {"auth_method": AuthMethod.POST, "secret_digests": ()},
    "client_secret_jwt with a digest only": {"auth_method": AuthMethod.SECRET_JWT},
    "client_secret_jwt with 31 bytes": {"auth_method": AuthMethod.SECRET_JWT, "hmac_secret": "s" * 31},
    "private_key_jwt without keys": {"auth_method": AuthMethod.PRIVATE_KEY_JWT},
    "private_key_jwt with an empty set": {"auth_method": AuthMethod.PRIVATE_KEY_JWT, "jwks": {"keys": []}},
    "a bare key for a set": {"auth_method": AuthMethod.PRIVATE_KEY_JWT, "jwks": RSA},
    "a private RSA key": {"jwks": {"keys": [EC, RSA | {"d": "AQAB"}]}},
    "half a private RSA key": {"jwks": {"keys": [RSA | {"p": "AQAB"}]}},
    "a shared key": {"jwks": {"keys": [{"kty": "oct", "k": "AQAB"}]}},
    "a key of no type": {"jwks": {"keys": [{"n": "AQAB", "e": "AQAB"}]}},
    "keys that are no objects": {"jwks": {"keys": ["AQAB"]}},
    "assertions without a signature": {"assertion_algs": ("none",)},
    "assertions by HS256": {"assertion_algs": ("ES256", "HS256")},
    "public with a secret": {"auth_method": AuthMethod.NONE},
    "public with a shared secret": {"auth_method": AuthMethod.NONE, "secret_digests": (), "hmac_secret": SECRET},
    "ID tokens without a signature": {"id_token_alg": "none"},
    "ID tokens by HS256": {"id_token_alg": "HS256"},
    "access tokens by HS256": {"access_token_alg": "HS256"},
    "a scope with a space": {"scopes": ("openid", "a b")},
    "a scope with a quote": {"scopes": ('a"b',)},
    "an empty scope": {"scopes": ("",)},
    "a scope outside ASCII": {"scopes": ("é",)},
    "an origin with a path": {"allowed_cors_origins": ("https://spa.example/",)},
    "an origin with its own port": {"allowed_cors_origins": ("https://spa.example:443",)},
    "any origin": {"allowed_cors_origins": ("*",)},
    "the null origin": {"allowed_cors_origins": ("null",)},
    "an http origin": {"allowed_cors_origins": ("http://spa.example",)},
    "a negative max_age": {"default_max_age": -1},
    "a policy by script": {"policy_uri": "javascript:alert(1)"},
    "terms over http": {"tos_uri": "http://rp.example/terms"},
    "a home page by data": {"client_uri": "data:text/html,x"},
    "keys in two places": {"jwks": JWKS, "jwks_uri": "https://rp.example/jwks"},
    "keys by http": {"jwks_uri": "http://rp.example/jwks"},
    "a native client with a secret": {"profile": Profile.NATIVE},
    "assertions by RS256 with a secret": {
        "auth_method": AuthMethod.SECRET_JWT,
        "hmac_secret": SECRET,
        "assertion_algs": ("RS256",),
    },
    "a frame elsewhere": {"frontchannel_logout_uri": "https://other.example/out"},
    "a frame on another port": {"frontchannel_logout_uri": "https://rp.example:8443/out"},
    "an unknown subject type": {"subject_type": "secret"},
    "an application of no type": {"application_type": "desktop"},
    "11 contacts": {"contacts": tuple(f"{number}@rp.example" for number in range(11))},
    "a contact with a line break": {"contacts": ("a@rp.example\nb",)},
    "a long software_id": {"software_id": "x" * 256},
    "a picture by data": {"logo_uri": "data:image/png;base64,AA"},
    "a login page elsewhere": {"initiate_login_uri": "http://rp.example/login"},
}
BAD_REDIRECTS: dict[str, dict[str, Any]] = {
    "none": {"redirect_uris": ()},
    "21": {"redirect_uris": tuple(f"https://rp.example/{number}" for number in range(21))},
    "21 for logout": {"post_logout_redirect_uris": tuple(f"https://rp.example/{number}" for number in range(21))},
    "a script": {"redirect_uris": ("https://rp.example/cb", "javascript:alert(1)")},
    "a script for logout": {"post_logout_redirect_uris": ("JaVaScRiPt:alert(1)",)},
    "data": {"redirect_uris": ("data:text/html,x",)},
    "a file": {"post_logout_redirect_uris": ("file:///etc/passwd",)},
    "a fragment": {"redirect_uris": ("https://rp.example/cb#x",)},
    "user-info": {"redirect_uris": ("https://rp@evil.example/cb",)},
    "a wildcard": {"redirect_uris": ("https://*.rp.example/cb",)},
    "http": {"redirect_uris": ("http://rp.example/cb",)},
}


@pytest.mark.parametrize("changes", GOOD.values(), ids=GOOD.keys())
def test_a_coherent_registration_is_accepted(changes: dict[str, Any]) -> None:
    clients.check(client(**changes))


@pytest.mark.parametrize("changes", BAD.values(), ids=BAD.keys())
def test_an_incoherent_or_unsafe_registration_is_refused(changes: dict[str, Any]) -> None:
    """RFC 7591 §2, §3.2.2."""
    with pytest.raises(BadClient) as refused:
        clients.check(client(**changes))

    assert refused.value.code == "invalid_client_metadata"


@pytest.mark.parametrize("changes", BAD_REDIRECTS.values(), ids=BAD_REDIRECTS.keys())
def test_a_bad_redirect_uri_is_refused_by_its_own_error(changes: dict[str, Any]) -> None:
    """RFC 7591 §3.2.2; case AZ07."""
    with pytest.raises(BadClient) as refused:
        clients.check(client(**changes))

    assert refused.value.code == "invalid_redirect_uri"


@pytest.mark.parametrize(
    ("profile", "method", "required"),
    [
        (Profile.OAUTH21, AuthMethod.BASIC, True),
        (Profile.OAUTH21, AuthMethod.NONE, True),
        (Profile.OIDC, AuthMethod.NONE, True),
        (Profile.OIDC, AuthMethod.BASIC, False),
    ],
)
def test_pkce_is_optional_only_for_confidential_clients_of_the_oidc_profile(
    profile: Profile, method: AuthMethod, required: bool
) -> None:
    """RFC 9700 §2.1.1."""
    assert profiles.requires_pkce(client(profile=profile, auth_method=method)) is required


@pytest.mark.parametrize(
    ("profile", "grant_types", "scopes", "given"),
    [
        (Profile.OAUTH21, ("authorization_code", "refresh_token"), ("openid",), True),
        (Profile.OAUTH21, ("authorization_code",), ("openid", "offline_access"), False),
        (Profile.OIDC, ("authorization_code", "refresh_token"), ("openid",), False),
        (Profile.OIDC, ("authorization_code", "refresh_token"), ("openid", "offline_access"), True),
        (Profile.OIDC, ("authorization_code",), ("openid", "offline_access"), False),
    ],
)
def test_a_refresh_token_needs_the_grant_and_under_oidc_the_scope(
    profile: Profile, grant_types: tuple[str, ...], scopes: tuple[str, ...], given: bool
) -> None:
    """OIDC Core §11."""
    assert profiles.gets_refresh_token(client(profile=profile, grant_types=grant_types), scopes) is given


@pytest.mark.parametrize("profile", Profile)
def test_a_client_may_use_the_response_modes_it_registered(profile: Profile) -> None:
    free, bound = client(profile=profile), client(profile=profile, response_modes=("form_post",))

    plain = {ResponseMode.QUERY, ResponseMode.FORM_POST}
    plain |= set() if profile is Profile.FAPI2 else {ResponseMode.FRAGMENT}
    allowed = {mode for mode in ResponseMode if profiles.allows_response_mode(free, mode, CALLBACK)}
    assert allowed == {mode for mode in ResponseMode if mode.plain in plain}
    assert [mode for mode in ResponseMode if profiles.allows_response_mode(bound, mode, CALLBACK)] == [
        ResponseMode.FORM_POST
    ]


@pytest.mark.parametrize(
    ("changes", "algs"),
    [
        ({"auth_method": AuthMethod.SECRET_JWT}, ("HS256",)),
        ({"auth_method": AuthMethod.SECRET_JWT, "assertion_algs": ("RS256",)}, ("HS256",)),
        ({"auth_method": AuthMethod.PRIVATE_KEY_JWT}, profiles.ASYMMETRIC_ALGS),
        ({"auth_method": AuthMethod.PRIVATE_KEY_JWT, "assertion_algs": ("ES256",)}, ("ES256",)),
    ],
)
def test_an_assertion_is_signed_as_the_method_and_the_client_say(
    changes: dict[str, Any], algs: tuple[str, ...]
) -> None:
    """RFC 8725 §3.1: the verifier names the algorithms, and never both kinds at once."""
    assert profiles.assertion_algs(client(**changes)) == algs


def test_only_the_oidc_profile_relaxes_assertions() -> None:
    strict, relaxed = profiles.rules_for(client()), profiles.rules_for(client(profile=Profile.OIDC))

    assert (strict.accepts_token_url_as_audience, strict.longest_assertion) == (False, timedelta(minutes=5))
    assert (relaxed.accepts_token_url_as_audience, relaxed.longest_assertion) == (True, timedelta(minutes=60))


def test_every_profile_has_its_rules() -> None:
    assert set(profiles.RULES) == set(Profile)
