"""Ready configuration for what people connect: each exact for one client, with the redirect URI that it expects.

The texts stand in templates/admin/snippets. Values are quoted there; what could not stand between quotes is left out.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from idp.domain.client import AuthMethod, Profile, origin_of
from idp.flows.admin.clients import ClientShown
from idp.wiring import Site

PLACEHOLDER = "YOUR_CLIENT_SECRET"
ANYWHERE = "https://your-application.example/callback"
_PLAIN_SCOPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+-]*")
_SECRETS = frozenset({AuthMethod.BASIC.value, AuthMethod.POST.value})
_ANY = frozenset(each.value for each in AuthMethod)
_CERTIFICATES = frozenset({AuthMethod.TLS.value, AuthMethod.SELF_SIGNED_TLS.value})
_ABLE = frozenset({"openid_client", "generic"})  # to push, sign and prove a key
_SIGN_IN, _MACHINE, _API = "sign_in", "machine", "api"


@dataclass(frozen=True, slots=True)
class Library:
    """Something that people connect; `path` is where it wants to be answered, None if that is free."""

    name: str
    title: str
    methods: frozenset[str]
    uses: frozenset[str]
    path: str | None = None


_EVERY = frozenset({_SIGN_IN, _MACHINE, _API})
LIBRARIES: Sequence[Library] = (
    Library("authlib", "Authlib (Python)", _SECRETS | {"none"}, frozenset({_SIGN_IN, _MACHINE})),
    Library("openid_client", "openid-client (Node)", _ANY, frozenset({_SIGN_IN, _MACHINE})),
    Library("spring", "Spring Security", _SECRETS | {"none"}, _EVERY, "/login/oauth2/code/idp"),
    Library("mod_auth_openidc", "mod_auth_openidc (Apache)", _SECRETS, frozenset({_SIGN_IN, _API})),
    Library("oauth2_proxy", "oauth2-proxy", _SECRETS, frozenset({_SIGN_IN}), "/oauth2/callback"),
    Library("authjs", "Auth.js (NextAuth)", _SECRETS, frozenset({_SIGN_IN}), "/api/auth/callback/idp"),
    Library("allauth", "django-allauth", _SECRETS, frozenset({_SIGN_IN}), "/accounts/oidc/idp/login/callback/"),
    Library("grafana", "Grafana", _SECRETS, frozenset({_SIGN_IN}), "/login/generic_oauth"),
    Library("generic", "", _ANY, _EVERY),
)


@dataclass(frozen=True, slots=True)
class Snippet:
    """A configuration; `callback` is where its library will want to be answered, and whether that is registered."""

    name: str
    title: str
    text: str
    callback: str
    is_registered: bool


@dataclass(frozen=True, slots=True)
class Connection:
    """What somebody needs who connects a client; `left_out` are libraries that cannot be what it is registered for."""

    discovery: str
    snippets: list[Snippet]
    left_out: list[str]


def connection(site: Site, client: ClientShown, secret: str | None = None) -> Connection:
    """Return everything to connect a client with; without its secret a placeholder stands in its place."""
    issuer = site.settings.issuer
    members = client.metadata
    method, use = str(members["token_endpoint_auth_method"]), _use(client)
    fitting = [each for each in LIBRARIES if use in each.uses]
    able = _ABLE if _demands(client) else frozenset(each.name for each in LIBRARIES)
    facts = _facts(issuer, client, secret or PLACEHOLDER, use)
    shown = [each for each in fitting if method in each.methods and each.name in able]
    snippets = [_snippet(site, each, client, facts) for each in shown]
    return Connection(str(facts["discovery"]), snippets, [each.title for each in fitting if each not in shown])


def _use(client: ClientShown) -> str:
    if "authorization_code" in client.metadata["grant_types"]:
        return _SIGN_IN
    return _API if client.metadata.get("audiences") else _MACHINE


def _pushes(client: ClientShown) -> bool:
    is_financial = client.profile == Profile.FAPI2
    return is_financial or bool(client.metadata.get("require_pushed_authorization_requests"))


def _proves_key(client: ClientShown) -> bool:
    """Say whether its tokens are bound to a DPoP key, and not to the certificate that it authenticates by."""
    is_certified = client.metadata["token_endpoint_auth_method"] in _CERTIFICATES
    return (client.profile == Profile.FAPI2 and not is_certified) or bool(
        client.metadata.get("dpop_bound_access_tokens")
    )


def _demands(client: ClientShown) -> bool:
    """Say whether the client must do what most libraries cannot: push, sign, or prove a key."""
    signs = bool(client.metadata.get("require_signed_request_object"))
    return signs or _pushes(client) or _proves_key(client)


def _facts(issuer: str, client: ClientShown, secret: str, use: str) -> dict[str, object]:
    members = client.metadata
    scopes = str(members["scope"]).split()
    return {
        "issuer": issuer,
        "discovery": f"{issuer}/.well-known/openid-configuration",
        "is_http": issuer.startswith("http:"),
        "client_id": client.id,
        "secret": secret,
        "method": members["token_endpoint_auth_method"],
        "use": use,
        "scope": " ".join(each for each in scopes if _PLAIN_SCOPE.fullmatch(each)),
        "all_scopes": " ".join(scopes),
        "grants": " ".join(members["grant_types"]),
        "has_refresh": "refresh_token" in members["grant_types"],
        "redirect_uris": members["redirect_uris"],
        "logout_uris": members.get("post_logout_redirect_uris", []),
        "audiences": members.get("audiences", []),
        "id_token_alg": members["id_token_signed_response_alg"],
        "pushes": _pushes(client),
        "proves_key": _proves_key(client),
        "by_certificate": members["token_endpoint_auth_method"] in _CERTIFICATES,
    }


def _snippet(site: Site, library: Library, client: ClientShown, facts: dict[str, object]) -> Snippet:
    callback, is_registered = callback_of(library.path, client.metadata["redirect_uris"])
    text = site.templates.render(f"admin/snippets/{library.name}.txt", locale="en", **facts, callback=callback)
    is_asked = facts["use"] == _SIGN_IN and library.name != "generic"
    return Snippet(library.name, library.title, text.strip() + "\n", callback, is_registered or not is_asked)


def callback_of(path: str | None, registered: Sequence[str]) -> tuple[str, bool]:
    """Return where a library wants to be answered, and whether that is registered."""
    web = [uri for uri in registered if uri.startswith(("https://", "http://"))]
    if path is None:
        return (registered[0], True) if registered else (ANYWHERE, False)
    for uri in web:
        if urlsplit(uri).path == path and not urlsplit(uri).query:
            return uri, True
    origin = origin_of(web[0]) if web else origin_of(ANYWHERE)
    return f"{origin}{path}", False
