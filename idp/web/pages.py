"""Renders a page: template, facts, brand, language, and the security headers that fit it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from idp.domain.client import Client, host_of, is_loopback
from idp.domain.document_url import path_name, vouching_host
from idp.domain.secret import make_id
from idp.domain.user import User
from idp.oauth.extensions.response_modes import Delivery
from idp.web.site import site_of

BASE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Brand:
    """Whose product the page is."""

    name: str
    logo: str | None
    stylesheet: str | None


@dataclass(frozen=True, slots=True)
class Party:
    """The relying party as a page shows it; `vouched_by` is the host whose document describes it."""

    name: str
    logo: str | None
    policy_uri: str | None
    tos_uri: str | None
    host: str
    self_registered: bool
    vouched_by: str | None = None
    is_on_this_device: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """A person as a page shows them."""

    name: str | None
    label: str


def party(request: Request, client: Client | None, redirect_uri: str | None = None) -> Party | None:
    """Return what a page may say of a client; `host` is where this request sends people back to, if it says so."""
    if client is None:
        return None
    base = site_of(request).settings.base_path
    logo = f"{base}/brand/{path_name(client.id)}/logo" if client.has_logo else None
    host = client.host if redirect_uri is None else host_of(redirect_uri)
    return Party(
        client.name, logo, client.policy_uri, client.tos_uri, host, client.is_self_registered,
        vouching_host(client.id), redirect_uri is not None and is_loopback(redirect_uri),
    )  # fmt: skip


def account(user: User | None) -> Account | None:
    """Return what a page may say of a person."""
    if user is None:
        return None
    name = user.claims.get("name")
    return Account(name if isinstance(name, str) and name else None, user.label)


def brand(request: Request, client: Client | None) -> Brand:
    """Return the operator's brand, in the client's colour if it has one."""
    settings = site_of(request).settings
    name = settings.brand_name or urlsplit(settings.issuer).netloc
    logo = f"{settings.base_path}/brand/logo" if settings.brand_logo else None
    color = (client.brand_color if client else None) or settings.brand_color
    stylesheet = f"{settings.base_path}/brand/{color[1:].lower()}.css" if color else None
    return Brand(name, logo, stylesheet)


def locale(request: Request, ui_locales: str | None = None) -> str:
    """Return the language of the page: what the client asked for, else what the browser prefers."""
    wished = ui_locales[:256] if ui_locales else None
    return _pick(site_of(request).templates, wished, request.headers.get("accept-language", "")[:256])


@lru_cache(maxsize=512)
def _pick(templates: object, ui_locales: str | None, accept_language: str) -> str:
    picked: str = templates.pick_locale(ui_locales, accept_language)  # type: ignore[attr-defined]
    return picked


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    brand_of: Client | None = None,
    ui_locales: str | None = None,
    form_target: str | None = None,
    scripts: Sequence[str] = (),
    **facts: object,
) -> Response:
    """Return an HTML page; `form_target` is a URL that a form on it may lead to by redirect.

    `scripts` are static files of ours that make the page nicer, or talk to the browser's own passkey dialog.
    """
    language = locale(request, ui_locales)
    nonce = make_id() if scripts else None
    html = site_of(request).templates.render(
        template,
        locale=language,
        nonce=nonce,
        scripts=scripts,
        brand=brand(request, brand_of),
        request_id=request.scope.get("idp.request_id", ""),
        status=status,
        guidance=site_of(request).approved.guidance(language),
        **facts,
    )
    headers = {"content-language": language, "cache-control": "no-store", "vary": "Accept-Language, Cookie"}
    script_policy = f"script-src 'nonce-{nonce}'; connect-src 'self'; " if nonce else ""
    headers["content-security-policy"] = f"{BASE_POLICY}; {script_policy}form-action {_form_action(form_target)}"
    return HTMLResponse(html, status, headers=headers)


def may_frame(response: Response, addresses: Sequence[str]) -> None:
    """Let a page embed these addresses of others, and no other places."""
    if addresses:
        sources = " ".join(dict.fromkeys(map(_source, addresses)))
        response.headers["content-security-policy"] += f"; frame-src {sources}"


def _form_action(target: str | None) -> str:
    return "'self'" if target is None else f"'self' {_source(target)}"


def _source(uri: str) -> str:
    """Return what a policy calls the place of a redirect URI; an application's own scheme has no host (CSP §2.3.1)."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"


def form_post(request: Request, delivery: Delivery, *, ui_locales: str | None = None) -> Response:
    """Return the page that posts an authorization response to the client by itself (OAuth Form Post §2)."""
    nonce = make_id()
    language = locale(request, ui_locales)
    html = site_of(request).templates.render(
        "form_post/form_post.html",
        locale=language,
        nonce=nonce,
        brand=brand(request, None),
        request_id=request.scope.get("idp.request_id", ""),
        action=delivery.redirect_uri,
        fields=list(delivery.fields),
    )
    policy = f"{BASE_POLICY}; script-src 'nonce-{nonce}'; form-action {_source(delivery.redirect_uri)}"
    headers = {"content-language": language, "cache-control": "no-store", "content-security-policy": policy}
    return HTMLResponse(html, headers=headers)
