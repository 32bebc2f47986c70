"""The demo's own pages: Jinja2 templates in `pages/`, always escaped, and the headers that keep them to themselves."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from idp.demo import tokens
from idp.demo.config import Config
from idp.demo.problems import Problem

FOLDER = Path(__file__).parent / "pages"
KEPT_FOR_A_WHILE = "public, max-age=3600"


class Pages:
    """Renders a page by the name of its template."""

    def __init__(self, config: Config) -> None:
        self._jinja = Environment(
            loader=FileSystemLoader(FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._jinja.globals["issuer"] = config.issuer
        self._jinja.globals["client_id"] = config.client_id
        self._jinja.globals["base_url"] = config.base_url
        self._jinja.filters |= {"shorten": tokens.shorten, "moment": tokens.moment, "distance": tokens.distance}
        self._jinja.filters["json"] = lambda document: json.dumps(document, indent=2, ensure_ascii=False)

    def show(self, name: str, status: int = 200, **facts: object) -> Response:
        """Render `pages/{name}.html`; times in it count from now."""
        template = self._jinja.get_template(f"{name}.html")
        return HTMLResponse(template.render(page=name, now=datetime.now(UTC), **facts), status)

    def explain(self, problem: Problem) -> Response:
        """Render what went wrong and how to go on."""
        return self.show("problem", problem.status, problem=problem)

    @staticmethod
    def file(name: str, media_type: str) -> Response:
        """Serve one of the two static files beside the templates."""
        return Response(
            (FOLDER / name).read_bytes(), media_type=media_type, headers={"Cache-Control": KEPT_FOR_A_WHILE}
        )


class OwnHeaders:
    """Middleware: security headers on every answer, and one host name for every visitor.

    The session cookie belongs to the host of `base_url`; somebody who came by another name of this machine would lose
    the sign-in on the way back, so they are sent to the right one first.
    """

    def __init__(self, app: ASGIApp, config: Config) -> None:
        self._app = app
        self._base_url = config.base_url
        self._host = urlsplit(config.base_url).netloc
        self._headers = _security_headers(config)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        app = self._app
        if scope["type"] == "http" and scope["method"] == "GET" and Headers(scope=scope).get("host") != self._host:
            app = RedirectResponse(self._base_url + "/", 303)
        await app(scope, receive, send_with_headers)


def _security_headers(config: Config) -> Mapping[str, str]:
    # Sign-in and sign-out are forms whose answer redirects to the provider, which Chromium counts as form-action.
    policy = {
        "default-src": "'none'",
        "style-src": "'self'",
        "img-src": "'self'",
        "form-action": f"'self' {config.issuer_origin}",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
