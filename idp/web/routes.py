"""Every URL and its handler. The busiest come first: routes are tried in order."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from idp.oauth.extensions.protected_resource import APIS, WELL_KNOWN
from idp.web import (
    authorize,
    ciba,
    consent,
    device,
    enrol,
    login,
    logout,
    new_password,
    oauth_endpoints,
    operations,
    password_strength,
    recovery,
    registration,
    signup,
    static_files,
    step_up,
    upstream,
    well_known,
)
from idp.web.account import activity, apps, overview, own_data, profile, reasons, security, sessions, sign_ins
from idp.web.admin import first_administrator
from idp.web.admin.clients_routes import client_routes
from idp.web.admin.routes import console
from idp.web.api.table import api_routes
from idp.web.cors import preflight
from idp.web.scim_door import scim_routes
from idp.web.ssf import ssf_routes

Page = Callable[[Request], Awaitable[Response]]


async def _front(request: Request) -> Response:
    return await overview.home(request)


def _form(path: str, show: Page, submit: Page) -> Route:
    """Return one route for a page and its form, so that 405 lists the methods of both."""

    async def page(request: Request) -> Response:
        return await (submit if request.method == "POST" else show)(request)

    return Route(path, page, methods=["GET", "POST"])


def _page(path: str, page: Page) -> Route:
    return Route(path, page, methods=["GET", "POST"])


def routes(*, is_dev: bool) -> list[BaseRoute]:
    """Return the table of routes; the mailbox exists in development only."""
    return [
        *_protocol(), *_sign_in(), *_account(), *_links(), *console(), *client_routes(), *_operations(is_dev=is_dev),
        *api_routes(), *scim_routes(), *ssf_routes(),
    ]  # fmt: skip


def _protocol() -> list[BaseRoute]:
    return [
        Route("/token", oauth_endpoints.token, methods=["POST"]),
        Route("/userinfo", oauth_endpoints.userinfo, methods=["GET", "POST"]),
        Route("/introspect", oauth_endpoints.introspect, methods=["POST"]),
        Route("/par", oauth_endpoints.par, methods=["POST"]),
        Route("/authorize", authorize.authorize, methods=["GET", "POST"]),
        Route("/jwks", well_known.jwks, methods=["GET"]),
        Route("/.well-known/openid-configuration", well_known.discovery, methods=["GET"]),
        Route("/.well-known/oauth-authorization-server", well_known.discovery, methods=["GET"]),
        Route("/revoke", oauth_endpoints.revoke, methods=["POST"]),
        Route("/register", registration.register, methods=["POST"]),
        Route("/register/{client_id}", registration.manage, methods=["GET", "PUT", "DELETE"]),
        Route("/device_authorization", oauth_endpoints.device_authorization, methods=["POST"]),
        Route("/ciba", oauth_endpoints.ciba_request, methods=["POST"]),
        Route("/end_session", logout.request_logout, methods=["GET", "POST"]),
        Route("/end_session/confirm", logout.confirm, methods=["POST"]),
        *(Route(f"{WELL_KNOWN}{path}", well_known.protected_resource, methods=["GET"]) for path in APIS),
        Route("/.well-known/webauthn", well_known.webauthn, methods=["GET"]),
        *(Route(path, preflight, methods=["OPTIONS"]) for path in ("/token", "/userinfo", "/revoke")),
    ]


def _sign_in() -> list[BaseRoute]:
    return [
        _form("/login/{interaction}", login.show, login.submit),
        _form("/consent/{interaction}", consent.show, consent.submit),
        _form("/enrol/{interaction}", enrol.show, enrol.submit),
        _form("/new-password/{interaction}", new_password.show, new_password.submit),
        _form("/step-up/{interaction}", step_up.show, step_up.submit),
        _form("/accounts/{interaction}", login.show_accounts, login.submit_accounts),
        _page("/ciba/approve/{request_id}", ciba.begin),
        _form("/device", device.show, device.submit),
        Route("/upstream/{interaction}/go", upstream.go, methods=["POST"]),
        Route("/upstream/{upstream}/callback", upstream.callback, methods=["GET"]),
        _form("/upstream/{interaction}/new", upstream.show_new, upstream.submit_new),
        _form("/link/{interaction}", upstream.show_link, upstream.submit_link),
        Route("/signed-out", logout.signed_out, methods=["GET"]),
        Route("/static/{name}", static_files.static, methods=["GET"]),
        Route("/brand/logo", static_files.operator_logo, methods=["GET"]),
        Route("/brand/{color}.css", static_files.brand_stylesheet, methods=["GET"]),
        Route("/brand/upstream/{upstream}/logo", static_files.upstream_logo, methods=["GET"]),
        Route("/brand/{client_id}/logo", static_files.client_logo, methods=["GET"]),
        _form("/signup/{interaction}", signup.show, signup.submit),
        _form("/signup/{interaction}/code", signup.show_code, signup.submit_code),
        _form("/forgot/{interaction}", recovery.show_forgot, recovery.submit_forgot),
        _form("/lost/{interaction}", recovery.show_lost, recovery.submit_lost),
        Route("/password/strength", password_strength.strength, methods=["POST"]),
    ]


def _account() -> list[BaseRoute]:
    return [
        Route("/", _front, methods=["GET"]),
        Route("/account", overview.home, methods=["GET"]),
        Route("/account/sign-in", overview.sign_in, methods=["GET"]),
        Route("/account/forgot", recovery.begin_forgot, methods=["GET"]),
        Route("/account/keep", overview.keep, methods=["POST"]),
        _page("/account/profile", profile.profile),
        _page("/account/email", profile.email),
        _page("/account/password", profile.password),
        Route("/account/security", security.security, methods=["GET"]),
        _page("/account/security/totp", security.totp),
        _page("/account/security/passkey", security.passkey),
        _page("/account/security/phone", security.phone),
        _page("/account/security/recovery-codes", security.recovery_codes),
        Route("/account/security/recovery-codes/file", security.download_codes, methods=["POST"]),
        Route("/account/security/browsers", security.browsers, methods=["POST"]),
        _page("/account/security/sign-ins", sign_ins.sign_ins),
        _page("/account/security/factor/{credential}", security.factor),
        _page("/account/sessions", sessions.sessions),
        _page("/account/apps", apps.apps),
        Route("/account/activity", activity.activity, methods=["GET"]),
        _page("/account/activity/{decision}/why", reasons.why),
        _page("/account/data", own_data.data),
        _page("/account/delete", own_data.delete),
    ]


def _links() -> list[BaseRoute]:
    """Return what mails link to; these stand before anything that could be mistaken for them."""
    return [
        _page("/secure/{link}", recovery.link_page("secure")),
        _page("/lost/confirm/{link}", recovery.link_page("lost-confirm")),
        _page("/lost/cancel/{link}", recovery.link_page("lost-cancel")),
        _page("/email/undo/{link}", recovery.link_page("undo-email")),
        _page("/account-keep/{link}", recovery.link_page("keep-account")),
        _form("/signup/confirm/{link}", signup.show_link, signup.submit_link),
        _form("/invitation/{link}", signup.show_link, signup.submit_link),
        _form("/reset/{link}", recovery.show_reset, recovery.submit_reset),
        _form("/admin/first/{link}", first_administrator.show, first_administrator.submit),
    ]


def _operations(*, is_dev: bool) -> list[BaseRoute]:
    table: list[BaseRoute] = [
        Route("/health/live", operations.live, methods=["GET"]),
        Route("/health/ready", operations.ready, methods=["GET"]),
        Route("/metrics", operations.exposition, methods=["GET"]),
    ]
    if is_dev:
        table.append(Route("/dev/mailbox", operations.mailbox, methods=["GET"]))
        table.append(Route("/dev/mailbox.json", operations.mailbox_json, methods=["GET"]))
    return table
