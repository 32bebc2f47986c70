"""What attacks have in common: raw requests to /authorize, and how a refusal must look."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

import httpx2
from joserfc.jwk import ECKey

from idp.domain.client import Profile
from tests.support.client_auth import ClientAuthentication
from tests.support.html_browser import HtmlBrowser, Page, origin_of
from tests.support.html_page import HtmlDocument
from tests.support.provider import Person, Provider
from tests.support.relying_party import Answer, AuthorizationAnswer, RelyingParty

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
Pairs = list[tuple[str, str]]
_CHANGING = re.compile(r"[A-Za-z0-9_-]{22,}")  # ids and tokens of forms


async def parameters_of(rp: RelyingParty, **changes: str | None) -> dict[str, str]:
    """Return the parameters of a good authorization request."""
    return dict((await rp.authorization_request(**changes)).parameters)


async def ask(provider: Provider, parameters: Mapping[str, str] | Pairs | str) -> httpx2.Response:
    """Send an authorization request as a browser without cookies would; text is sent as it is."""
    query = parameters if isinstance(parameters, str) else urlencode(parameters)
    async with httpx2.AsyncClient(transport=provider.transport) as http:
        return await http.get(f"{provider.issuer}/authorize?{query}")


@dataclass(frozen=True)
class RawAnswer:
    """An answer to a request that no honest client would send."""

    status: int
    pairs: list[tuple[bytes, bytes]]
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        """Its headers by their lower-case names."""
        return {name.decode().lower(): value.decode() for name, value in self.pairs}


async def send(
    provider: Provider,
    method: str,
    path: str,
    *,
    query: bytes = b"",
    headers: list[tuple[bytes, bytes]] | None = None,
    body: bytes = b"",
    address: str = "203.0.113.9",
) -> RawAnswer:
    """Hand a request to the application below HTTP, where nothing is repaired; Host is added only if none is given."""
    given = headers or []
    host = [] if any(name == b"host" for name, _ in given) else [(b"host", urlsplit(provider.issuer).netloc.encode())]
    scope: dict[str, Any] = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": unquote(path), "raw_path": path.encode(), "query_string": query, "root_path": "",
        "headers": [*host, *given], "client": (address, 4711), "server": ("127.0.0.1", 8000), "state": {},
    }  # fmt: skip
    inbox = [{"type": "http.request", "body": body, "more_body": False}]
    said: list[Any] = []

    async def receive() -> Any:
        return inbox.pop() if inbox else {"type": "http.disconnect"}

    async def hear(message: Any) -> None:
        said.append(message)

    await provider.transport.app(scope, receive, hear)
    content = b"".join(message.get("body", b"") for message in said[1:])
    return RawAnswer(said[0]["status"], list(said[0]["headers"]), content)


def assert_error_page(response: httpx2.Response) -> None:
    """Fail unless this is the page that is shown where nobody may be redirected to."""
    assert response.status_code == 400, (response.status_code, response.headers.get("location"))
    assert "location" not in response.headers
    assert HtmlDocument(response.text).data_page == "error"
    assert "code=" not in response.text


def without_ids(response: httpx2.Response) -> str:
    """Return a page's text without what differs from request to request."""
    return _CHANGING.sub("ID", response.text)


def redirected(response: httpx2.Response) -> AuthorizationAnswer:
    """Return what the client is told by a redirect."""
    assert response.status_code == 303, (response.status_code, response.text[:500])
    return AuthorizationAnswer.from_url(response.headers["location"])


def assert_refused(response: httpx2.Response, error: str, rp: RelyingParty, state: str | None) -> None:
    """Fail unless the client is told this error, with its state and our issuer (RFC 9207 §2)."""
    answer = redirected(response)
    assert response.headers["location"].startswith(rp.redirect_uri)
    assert (answer.error, answer.state) == (error, state), answer.parameters
    assert answer.parameters["iss"] == rp.issuer
    assert "code" not in answer.parameters


def through(worker: Provider, rp: RelyingParty) -> RelyingParty:
    """Return the same client, talking to another worker."""
    return replace(rp, http=worker.http)


async def within_a_second(ask: Callable[[], Awaitable[Answer]], *, status: int) -> None:
    """Ask until the answer has this status; a change must reach every worker within a second."""
    give_up = time.monotonic() + 1
    while (await ask()).status != status:
        assert time.monotonic() < give_up, f"no {status} within a second"
        await asyncio.sleep(0.02)


async def post_form(browser: HtmlBrowser, url: str, fields: Mapping[str, str], **headers: str) -> Page:
    """Post a form from the provider's own origin, with whatever fields; `headers` replace (with `_` for `-`)."""
    own = {"Origin": origin_of(url), "Sec-Fetch-Site": "same-origin"}
    own |= {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {name: value for name, value in {**FORM, **own}.items() if value}
    return await browser._go(browser._http.build_request("POST", url, content=urlencode(fields), headers=sent))


async def tokens_for(provider: Provider, rp: RelyingParty, person: Person, **changes: str | None) -> Answer:
    """Sign a person in at a client, and return the client's tokens."""
    answer = await rp.redeem(await provider.browser(person).authorize(rp, **changes))
    assert answer.status == 200, answer.text
    return answer


async def signed_in(provider: Provider, person: Person) -> HtmlBrowser:
    """Return a browser in which a person is signed in, without any client."""
    browser = provider.browser(person)
    await browser.open(f"{provider.issuer}/account/sign-in")
    page = await browser.sign_in()
    assert page.status == 200, page.describe()
    return browser


async def try_in(provider: Provider, username: str, password: str) -> Page:
    """Try a name and a password in a browser that was never here, and return the page that comes."""
    browser = provider.browser()
    await browser.open(f"{provider.issuer}/account/sign-in")
    return await browser.submit("login-submit", username=username, password=password)


async def machine(provider: Provider, method: str = "client_secret_basic", **options: Any) -> RelyingParty:
    """Register a client that needs nobody: its token request succeeds or fails by authentication alone."""
    rp = await provider.client(method=method, grant_types=["client_credentials"], redirect_uris=None, **options)
    await provider.site.clients.update(await provider.registration(rp), {"scope": "api"})
    return rp


async def of_profile(provider: Provider, profile: Profile, **members: Any) -> RelyingParty:
    """Register a client of a profile, with a key where the profile wants one."""
    key = ECKey.generate_key("P-256") if profile is Profile.FAPI2 else None
    return await provider.client(
        profile=profile, **({"method": "private_key_jwt", "key": key} if key is not None else {}), **members
    )


async def token(rp: RelyingParty, auth: ClientAuthentication | None = None, **fields: str) -> Answer:
    """Ask for a token of the client's own."""
    return await rp.post("token_endpoint", {"grant_type": "client_credentials", **fields}, auth=auth)


def is_no_client(answer: Answer) -> bool:
    """Say whether client authentication was refused (RFC 6749 §5.2)."""
    return (answer.status, answer.error) == (401, "invalid_client")


async def is_signed_in(browser: HtmlBrowser) -> bool:
    """Say whether the account page knows who this is."""
    page = await browser.open(f"{browser._origin}/account/apps")
    return page.name != "login"
