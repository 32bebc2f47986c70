"""A client whose person answers on another device, and that person: RFC 8628 and CIBA, as tests speak to them."""

from dataclasses import dataclass
from urllib.parse import urljoin

from tests.support.html_browser import HtmlBrowser, Page
from tests.support.provider import Person, Provider
from tests.support.relying_party import Answer, RelyingParty

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
CIBA = "urn:openid:params:grant-type:ciba"


@dataclass(frozen=True)
class Television:
    """A device with a screen and no keyboard."""

    rp: RelyingParty

    async def begin(self, **changes: str | None) -> Answer:
        """Ask for a code (RFC 8628 §3.1)."""
        return await self.rp.post("device_authorization_endpoint", {"scope": self.rp.scope, **changes})

    async def poll(self, begun: Answer, **changes: str | None) -> Answer:
        """Ask for the tokens (RFC 8628 §3.4)."""
        fields: dict[str, str | None] = {"grant_type": DEVICE_CODE, "device_code": begun.body["device_code"]}
        return await self.rp.post("token_endpoint", fields | changes)


async def television(provider: Provider, **members: object) -> Television:
    """Return a public client that can only do this, and renew its tokens."""
    given: dict[str, object] = {
        "token_endpoint_auth_method": "none", "grant_types": [DEVICE_CODE, "refresh_token"], "redirect_uris": None,
        "response_types": [], "client_name": "Living Room",
    }  # fmt: skip
    given |= members
    method = str(given.pop("token_endpoint_auth_method"))
    return Television(await provider.client(method=method, **given))  # type: ignore[arg-type]


async def type_code(browser: HtmlBrowser, begun: Answer) -> Page:
    """Sign in at the page that the device names, if need be, and type the code."""
    page = await browser.open(begun.body["verification_uri"])
    if page.name == "login":
        page = await browser.sign_in()
    assert page.name == "device", page.describe()
    return await browser.submit("user-code-submit", user_code=begun.body["user_code"])


async def allow(browser: HtmlBrowser, begun: Answer) -> Page:
    """Type the code and agree."""
    page = await type_code(browser, begun)
    assert page.name == "consent", page.describe()
    return await browser.submit("consent-allow")


@dataclass(frozen=True)
class Bank:
    """A client that asks its customers on their own devices."""

    rp: RelyingParty

    async def ask(self, person: Person | None = None, **changes: str | None) -> Answer:
        """Ask somebody (CIBA §7.1)."""
        fields: dict[str, str | None] = {"scope": "openid", "login_hint": person.username if person else None}
        return await self.rp.post("backchannel_authentication_endpoint", fields | changes)

    async def poll(self, asked: Answer, **changes: str | None) -> Answer:
        """Ask for the tokens (CIBA §10.1)."""
        fields: dict[str, str | None] = {"grant_type": CIBA, "auth_req_id": asked.body["auth_req_id"]}
        return await self.rp.post("token_endpoint", fields | changes)


async def bank(provider: Provider, **members: object) -> Bank:
    """Return a confidential client that can only do this, and renew its tokens."""
    given: dict[str, object] = {
        "grant_types": [CIBA, "refresh_token"], "redirect_uris": None, "response_types": [],
        "client_name": "Harbour Bank", "backchannel_token_delivery_mode": "poll",
    }  # fmt: skip
    return Bank(await provider.client(**given | members))  # type: ignore[arg-type]


async def to_answer(browser: HtmlBrowser, issuer: str) -> Page:
    """Go from the account page to what waits there for an answer, signing in if need be."""
    page = await browser.open(f"{issuer}/account")
    if not page.has("waiting-requests"):
        await browser.open(f"{issuer}/account/sign-in")
        page = await browser.sign_in()
    assert page.has("waiting-requests"), page.describe()
    (first, *_) = [link["href"] for link in page.document.links if "/ciba/approve/" in link.get("href", "")]
    return await browser.open(urljoin(issuer, first))
