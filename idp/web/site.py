"""Finds the process's parts and the facts of a request."""

from starlette.requests import Request

from idp.domain.secret import make_secret
from idp.flows.visit import Visit
from idp.oauth.context import Context
from idp.oauth.request import HttpRequest
from idp.web.cookies import BROWSER, DEVICE, SESSION, CookieJar
from idp.web.forms import Pairs
from idp.wiring import Site, Stores


def site_of(request: Request) -> Site:
    """Return the process's parts."""
    site: Site = request.scope["app"].state.site
    return site


def jar_of(request: Request) -> CookieJar:
    """Return the reader and writer of our cookies."""
    jar: CookieJar = request.scope["app"].state.jar
    return jar


def address_of(request: Request) -> str:
    """Return the client's network address, as far as it can be trusted."""
    address: str = request.scope.get("idp.address", "unknown")
    return address


def request_id_of(request: Request) -> str:
    """Return the id under which this request stands in the log."""
    identifier: str = request.scope.get("idp.request_id", "")
    return identifier


def visit_of(request: Request) -> tuple[Visit, bool]:
    """Return who is asking, and whether the browser needs its cookie set because it came without one."""
    jar, header = jar_of(request), request.headers.get("cookie")
    browser = jar.read(header, BROWSER)
    visit = Visit(
        browser=browser or make_secret(),
        session=jar.read(header, SESSION),
        device=jar.read(header, DEVICE),
        address=address_of(request),
        user_agent=request.headers.get("user-agent", "")[:512],
        request_id=request_id_of(request),
        accept_language=request.headers.get("accept-language", "")[:256],
        platform=_hint(request, "sec-ch-ua-platform"),
        is_mobile={"?1": True, "?0": False}.get(request.headers.get("sec-ch-ua-mobile", "")),
    )
    return visit, browser is None


def _hint(request: Request, name: str) -> str | None:
    """Return a client hint without its quotes; nothing for one that says nothing."""
    value = request.headers.get(name, "").strip().strip('"')[:64]
    return value or None


def protocol_request(request: Request, *, query: Pairs, form: Pairs) -> HttpRequest:
    """Return the request as the protocol engine reads it."""
    sent = request.headers.getlist("authorization")  # several are none that anybody meant, and prove nothing
    headers = {"authorization": ", ".join(sent)} if sent else {}
    return HttpRequest(request.method, headers, query, form, address_of(request), request_id_of(request))


def context_of(request: Request, stores: Stores, *, query: Pairs | None = None, form: Pairs | None = None) -> Context:
    """Return what an endpoint of the protocol works with."""
    site = site_of(request)
    return Context(site.engine, stores, protocol_request(request, query=query or [], form=form or []), site.clock.now())
