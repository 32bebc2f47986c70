"""The demo as a web application: its addresses, and what surrounds every one of them."""

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from idp.demo.bank import Bank
from idp.demo.config import Config
from idp.demo.pages import OwnHeaders, Pages
from idp.demo.problems import Problem
from idp.demo.provider import Provider
from idp.demo.sign_in import SignIn
from idp.demo.signed_in import SignedIn
from idp.demo.transfers import Transfers
from idp.demo.visits import Visits

LONGEST_BODY = 16 * 1024
COOKIE = "demo_session"  # cookies know no ports: on localhost the provider sees it too, so the name is the demo's own
Handler = Callable[[Request], Awaitable[Response]]


def create_app(config: Config) -> ASGIApp:
    """Build the relying party for one registration at one provider."""
    provider, visits, pages = Provider(config), Visits(), Pages(config)
    sign_in = SignIn(config, provider, visits, pages)
    signed_in = SignedIn(config, provider, visits, pages)
    bank = Bank(config)
    transfers = Transfers(config, bank, visits, pages)

    def button(handler: Handler) -> Handler:
        async def checked(request: Request) -> Response:
            _refuse_foreign_form(request, config)
            return await handler(request)

        return checked

    async def style(_request: Request) -> Response:
        return pages.file("style.css", "text/css")

    async def icon(_request: Request) -> Response:
        return pages.file("icon.svg", "image/svg+xml")

    application = Starlette(
        routes=[
            Route("/", signed_in.home),
            Route("/login", sign_in.login, methods=["GET", "POST"]),
            Route("/callback", sign_in.callback),
            Route("/refresh", button(signed_in.refresh), methods=["POST"]),
            Route("/userinfo", button(signed_in.userinfo), methods=["POST"]),
            Route("/introspect", button(signed_in.introspect), methods=["POST"]),
            Route("/transfer", transfers.show),
            Route("/transfer", button(transfers.send), methods=["POST"]),
            *bank.routes(),
            Route("/logout", button(sign_in.logout), methods=["POST"]),
            Route("/signed-out", sign_in.signed_out),
            Route("/style.css", style),
            Route("/icon.svg", icon),
        ],
        middleware=[
            Middleware(
                SessionMiddleware,
                secret_key=config.cookie_secret,
                session_cookie=COOKIE,
                max_age=None,  # ends with the browser; the tokens live in this process anyway
                same_site="lax",
                https_only=config.base_url.startswith("https:"),
            ),
        ],
        exception_handlers=_explanations(pages),
        max_body_size=LONGEST_BODY,
    )
    return OwnHeaders(application, config)  # outermost, so that even the page of a fault carries them


def _refuse_foreign_form(request: Request, config: Config) -> None:
    """Refuse a form that another site sent; a neighbour on another port of localhost gets past SameSite cookies."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site not in (None, "same-origin") or origin not in (None, config.base_url):
        raise Problem("foreign_form", status=403)


def _explanations(pages: Pages) -> dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]]:
    """Answer every exception with a page in words; a fault of the demo's own is logged by the server as well."""

    async def known(_request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return pages.explain(error)

    async def http(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}.get(error.status_code, "invalid_request")
        answer = pages.explain(Problem(code, status=error.status_code))
        answer.headers.update(error.headers or {})
        return answer

    async def unknown(_request: Request, _error: Exception) -> Response:
        return pages.explain(Problem("internal_error", status=500))

    return {Problem: known, HTTPException: http, Exception: unknown}
