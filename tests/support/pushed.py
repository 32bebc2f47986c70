"""A relying party that pushes its requests (RFC 9126), and what a browser does with the reference."""

from collections.abc import Mapping
from urllib.parse import urlencode

from tests.support.dpop import send
from tests.support.html_browser import HtmlBrowser, Page
from tests.support.relying_party import Answer, AuthorizationAnswer, RelyingParty

PUSHED = "pushed_authorization_request_endpoint"


async def push(rp: RelyingParty, proof: str | None = None, **changes: str | None) -> Answer:
    """Push the request that the client would otherwise send by the browser; `changes` replace parameters."""
    request = await rp.authorization_request(**changes)
    return await send(rp, PUSHED, proof, **request.parameters)


async def reference(rp: RelyingParty, proof: str | None = None, **changes: str | None) -> str:
    """Push a request that must be taken, and return its reference."""
    answer = await push(rp, proof, **changes)
    assert answer.status == 201, answer.text
    return str(answer.body["request_uri"])


def url_of(rp: RelyingParty, parameters: Mapping[str, str]) -> str:
    """Return a URL of the authorization endpoint with just these parameters."""
    return f"{rp.issuer}/authorize?{urlencode(parameters)}"


async def arrive(browser: HtmlBrowser, rp: RelyingParty, reference: str, **more: str) -> Page:
    """Open a reference as the client sends it: its id, the reference, and perhaps more."""
    url = url_of(rp, {"client_id": rp.client_id, "request_uri": reference, **more})
    return await browser.open(url, came_from_elsewhere=True)


async def visit(browser: HtmlBrowser, rp: RelyingParty, reference: str, **more: str) -> AuthorizationAnswer:
    """The same, and go on as a willing person does until the client has its answer."""
    return await browser.finish(rp, await arrive(browser, rp, reference, **more))


async def page_error(browser: HtmlBrowser, rp: RelyingParty, **parameters: str) -> str:
    """Return the error code of a request that must end on our own page."""
    page = await browser.open(url_of(rp, parameters), came_from_elsewhere=True)
    assert (page.status, page.name, page.location) == (400, "error", None), page.describe()
    return page.text("error-code")
