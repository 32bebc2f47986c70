"""Every URL and its handler. The busiest come first: routes are tried in order."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from idp.web import authorize, consent, login, logout, oauth_endpoints, operations, static_files, well_known
from idp.web.account import overview
from idp.web.admin import first_administrator
from idp.web.cors import preflight

Page = Callable[[Request], Awaitable[Response]]


async def _front(request: Request) -> Response:
    return await overview.home(request)


def _form(path: str, show: Page, submit: Page) -> Route:
    """Return one route for a page and its form, so that 405 lists the methods of both."""

    async def page(request: Request) -> Response:
        return await (submit if request.method == "POST" else show)(request)

    return Route(path, page, methods=["GET", "POST"])


def routes(*, is_dev: bool) -> list[BaseRoute]:
    """Return the table of routes; the mailbox exists in development only."""
    table: list[BaseRoute] = [
        Route("/token", oauth_endpoints.token, methods=["POST"]),
        Route("/userinfo", oauth_endpoints.userinfo, methods=["GET", "POST"]),
        Route("/introspect", oauth_endpoints.introspect, methods=["POST"]),
        Route("/authorize", authorize.authorize, methods=["GET", "POST"]),
        Route("/jwks", well_known.jwks, methods=["GET"]),
        Route("/.well-known/openid-configuration", well_known.discovery, methods=["GET"]),
        Route("/.well-known/oauth-authorization-server", well_known.discovery, methods=["GET"]),
        Route("/revoke", oauth_endpoints.revoke, methods=["POST"]),
        _form("/login/{interaction}", login.show, login.submit),
        _form("/consent/{interaction}", consent.show, consent.submit),
        _form("/accounts/{interaction}", login.show_accounts, login.submit_accounts),
        Route("/end_session", logout.request_logout, methods=["GET", "POST"]),
        Route("/end_session/confirm", logout.confirm, methods=["POST"]),
        Route("/signed-out", logout.signed_out, methods=["GET"]),
        Route("/static/{name}", static_files.static, methods=["GET"]),
        Route("/brand/logo", static_files.operator_logo, methods=["GET"]),
        Route("/brand/{color}.css", static_files.brand_stylesheet, methods=["GET"]),
        Route("/brand/{client_id}/logo", static_files.client_logo, methods=["GET"]),
        Route("/", _front, methods=["GET"]),
        Route("/account", overview.home, methods=["GET"]),
        Route("/account/sign-in", overview.sign_in, methods=["GET"]),
        Route("/account/apps", overview.apps, methods=["GET"]),
        _form("/admin/first/{link}", first_administrator.show, first_administrator.submit),
        Route("/health/live", operations.live, methods=["GET"]),
        Route("/health/ready", operations.ready, methods=["GET"]),
        Route("/metrics", operations.exposition, methods=["GET"]),
    ]
    table += [Route(path, preflight, methods=["OPTIONS"]) for path in ("/token", "/userinfo", "/revoke")]
    if is_dev:
        table.append(Route("/dev/mailbox", operations.mailbox, methods=["GET"]))
        table.append(Route("/dev/mailbox.json", operations.mailbox_json, methods=["GET"]))
    return table
