"""A person's browser without Chromium: keeps cookies, follows redirects at the provider, fills and sends its forms.

It behaves as a browser where the provider can tell: Origin and Sec-Fetch headers, and no SameSite=Lax cookies on a form
that another site posts. It leaves the provider when a redirect does, and then says where to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from urllib.parse import urlencode, urljoin, urlsplit

import httpx2

from tests.support.html_page import HtmlDocument, Value, target
from tests.support.relying_party import AuthorizationAnswer, RelyingParty

MOST_REDIRECTS = 10
MOST_PAGES = 8
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def origin_of(url: str) -> str:
    """Return scheme, host and port."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True)
class Page:
    """What the browser shows, or the redirect with which it left the provider."""

    response: httpx2.Response
    document: HtmlDocument

    @property
    def url(self) -> str:
        """Where the page is."""
        return str(self.response.request.url)

    @property
    def status(self) -> int:
        """Its HTTP status."""
        return self.response.status_code

    @property
    def name(self) -> str | None:
        """What kind of page it says it is (data-page)."""
        return self.document.data_page

    @property
    def location(self) -> str | None:
        """Where a redirect that was not followed leads."""
        location = self.response.headers.get("location")
        return urljoin(self.url, location) if location is not None else None

    def text(self, id: str) -> str:
        """Return the text of an element, white space collapsed."""
        assert id in self.document.texts, f"no element {id!r} on page {self.name!r}: {self.response.text[:2000]}"
        return " ".join(self.document.texts[id].split())

    def has(self, id: str) -> bool:
        """Say whether there is an element of that id."""
        return id in self.document.texts

    def answer(self) -> AuthorizationAnswer:
        """Return what this page carries to the client: by its redirect, or by the form that posts itself."""
        if self.name == "form-post":
            return AuthorizationAnswer(self.document.forms[0].hidden, "form_post")
        assert self.location is not None, self.describe()
        return AuthorizationAnswer.from_url(self.location)

    def describe(self) -> str:
        """Say in one line what is shown, for error messages."""
        detail = [
            f"{id}={self.text(id)!r}" for id in ("error-code", "error-description", "login-error") if self.has(id)
        ]
        return f"{self.status} page={self.name!r} url={self.url} location={self.location} {' '.join(detail)}"


class HtmlBrowser:
    """One person at one browser."""

    def __init__(
        self,
        issuer: str,
        *,
        username: str = "",
        password: str = "",
        transport: httpx2.AsyncBaseTransport | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.username = username
        self.password = password
        self._origin = origin_of(issuer)
        self._http = httpx2.AsyncClient(
            transport=transport,
            trust_env=False,
            timeout=30,
            headers={
                "Accept": "text/html",
                "Sec-Fetch-Mode": "navigate",
                "Sec-Fetch-Dest": "document",
                **(headers or {}),
            },
        )
        self._page: Page | None = None

    async def __aenter__(self) -> "HtmlBrowser":
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        await self._http.aclose()

    @property
    def page(self) -> Page:
        """What is shown now."""
        assert self._page is not None, "no page was opened yet"
        return self._page

    @property
    def cookies(self) -> httpx2.Cookies:
        """The cookies; to be read, copied to another browser, or cleared."""
        return self._http.cookies

    async def open(self, url: str, *, came_from_elsewhere: bool = False) -> Page:
        """Open an address as typed, or as a link on another site."""
        site = "cross-site" if came_from_elsewhere else "none"
        return await self._go(self._http.build_request("GET", url, headers={"Sec-Fetch-Site": site}))

    async def post_from_elsewhere(
        self, url: str, fields: Mapping[str, str], origin: str = "https://rp.example"
    ) -> Page:
        """Send a form that stands on another site; Lax cookies stay at home, then as usual."""
        headers = {**FORM, "Origin": origin, "Sec-Fetch-Site": "cross-site"}
        request = self._http.build_request("POST", url, content=urlencode(fields), headers=headers)
        request.headers.pop("cookie", None)
        return await self._go(request)

    async def submit(self, button: str, /, **fields: Value) -> Page:
        """Fill in fields and press a button, both by id (with `_` for `-`, unless the id has it)."""
        form, control = self.page.document.form_with_button(button)
        known = {each.id for each in form.controls}
        form.fill({id if id in known else id.replace("_", "-"): value for id, value in fields.items()})
        method, url = target(self.page.url, form, control)
        sent = urlencode(form.pressed(control))
        if method == "GET":
            return await self.open(f"{url.split('?')[0]}?{sent}")
        site = "same-origin" if origin_of(url) == origin_of(self.page.url) else "cross-site"
        headers = {**FORM, "Origin": origin_of(self.page.url), "Sec-Fetch-Site": site}
        return await self._go(self._http.build_request("POST", url, content=sent, headers=headers))

    async def reload(self) -> Page:
        """Ask for the shown page again."""
        return await self.open(self.page.url)

    def show(self, page: Page) -> None:
        """Go back to a page as it was, without asking anybody: the back button, or another tab."""
        self._page = page

    async def sign_in(self) -> Page:
        """Type name and password into the sign-in page that is shown."""
        return await self.submit("login-submit", username=self.username, password=self.password)

    async def answer(self, rp: RelyingParty, **changes: str | None) -> AuthorizationAnswer:
        """Go through an authorization as a willing person: sign in, agree, come back. Returns what the client gets."""
        request = await rp.authorization_request(**changes)
        return await self.finish(rp, await self.open(request.url, came_from_elsewhere=True))

    async def authorize(self, rp: RelyingParty, **changes: str | None) -> str:
        """The same, when it must succeed. Returns the code."""
        return (await self.answer(rp, **changes)).code

    async def finish(self, rp: RelyingParty, page: Page) -> AuthorizationAnswer:
        """Go on from wherever an authorization stands until it is back at the client."""
        return rp.receive(await rp.open((await self.leave(page)).answer()))

    async def leave(self, page: Page) -> Page:
        """Do as a willing person does on every page, until the browser leaves the provider."""
        for _ in range(MOST_PAGES):
            assert not page.has("login-error"), page.describe()
            if page.location is not None or page.name == "form-post":
                return page
            match page.name:
                case "login":
                    page = await self.sign_in()
                case "accounts":
                    page = await self.submit("account-continue")
                case "consent":
                    page = await self.submit("consent-allow")
                case _:
                    raise AssertionError(f"the authorization ended at {page.describe()}")
        raise AssertionError(f"the authorization goes round in circles: {page.describe()}")

    async def _go(self, request: httpx2.Request) -> Page:
        """Send, follow 303 as long as it stays at the provider, and show what is there."""
        for _ in range(MOST_REDIRECTS):
            response = await self._http.send(request)
            self._page = Page(response, HtmlDocument(response.text if _is_html(response) else ""))
            location = self._page.location
            if response.status_code != 303 or location is None or origin_of(location) != self._origin:
                return self._page
            headers = {"Sec-Fetch-Site": request.headers.get("Sec-Fetch-Site", "none")}
            request = self._http.build_request("GET", location, headers=headers)
        raise AssertionError(f"more than {MOST_REDIRECTS} redirects, the last to {self.page.location}")


def _is_html(response: httpx2.Response) -> bool:
    return response.headers.get("content-type", "").startswith("text/html")
