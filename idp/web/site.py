"""Finds the process's parts and the facts of a request."""

import re
from typing import TypedDict

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


_WORD, _NUMBER = re.compile(r"[A-Za-z0-9_.,-]{1,64}"), re.compile(r"[0-9]{1,5}(\.[0-9]{1,6})?")


class _Told(TypedDict, total=False):
    """What a proxy tells of a connection."""

    ja4: str
    ja4h: str
    rtt_ms: float


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
        **_of_proxy(request),
    )
    return visit, browser is None


def _of_proxy(request: Request) -> _Told:
    """Return how the connection looked to a trusted proxy; whoever else sends these headers is not heard."""
    if not request.scope.get("idp.by_proxy"):
        return {}
    settings, told = site_of(request).settings, _Told()
    ja4, ja4h = (_word(request, name) for name in (settings.ja4_header, settings.ja4h_header))
    rtt = _word(request, settings.rtt_header)
    if ja4 is not None:
        told["ja4"] = ja4
    if ja4h is not None:
        told["ja4h"] = ja4h
    if rtt is not None and _NUMBER.fullmatch(rtt):
        told["rtt_ms"] = float(rtt)
    return told


def _word(request: Request, name: str) -> str | None:
    value = request.headers.get(name, "") if name else ""
    return value if _WORD.fullmatch(value) else None


def _hint(request: Request, name: str) -> str | None:
    """Return a client hint without its quotes; nothing for one that says nothing."""
    value = request.headers.get(name, "").strip().strip('"')[:64]
    return value or None


def protocol_request(request: Request, *, query: Pairs, form: Pairs) -> HttpRequest:
    """Return the request as the protocol engine reads it."""
    sent = request.headers.getlist("authorization")  # several are none that anybody meant, and prove nothing
    headers = {"authorization": ", ".join(sent)} if sent else {}
    if proofs := request.headers.getlist("dpop"):
        headers["dpop"] = ", ".join(proofs)  # likewise: no proof has a comma
    if accept := request.headers.get("accept"):
        headers["accept"] = accept
    return HttpRequest(
        request.method, headers, query, form, address_of(request), request_id_of(request),
        path=request.scope["idp.path"], certificate=request.scope.get("idp.certificate"),
    )  # fmt: skip


def context_of(request: Request, stores: Stores, *, query: Pairs | None = None, form: Pairs | None = None) -> Context:
    """Return what an endpoint of the protocol works with."""
    site = site_of(request)
    return Context(site.engine, stores, protocol_request(request, query=query or [], form=form or []), site.clock.now())
