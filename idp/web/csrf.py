"""Cross-site request forgery: every unsafe request that rides on a cookie needs our token and our origin.

Sec-Fetch-Site must say same-origin; where a browser does not send it, Origin must be ours. The token is bound to the
browser's own cookie and to one interaction or page, so it opens nothing elsewhere.
"""

from urllib.parse import urlsplit

from starlette.requests import Request

from idp.domain.secret import equal
from idp.flows.visit import Visit
from idp.web.site import site_of


class Forged(Exception):
    """The post did not come from our own page in this browser."""


def token(request: Request, visit: Visit, purpose: str) -> str:
    """Return the token for a form."""
    return site_of(request).digester.tag("csrf", f"{visit.browser}|{purpose}")


def check(request: Request, visit: Visit, purpose: str, presented: str | None) -> None:
    """Raise Forged unless the post carries the form's token and comes from our origin."""
    fetch_site = request.headers.get("sec-fetch-site")
    if fetch_site is not None:
        is_ours = fetch_site == "same-origin"
    else:
        parts = urlsplit(site_of(request).settings.issuer)
        is_ours = request.headers.get("origin") == f"{parts.scheme}://{parts.netloc}"
    if not is_ours or not equal(token(request, visit, purpose).encode(), (presented or "").encode()):
        raise Forged
