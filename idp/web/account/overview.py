"""The account's front page and its applications, from which a sign-in at a client can begin (OIDC Core §4)."""

from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.client import Client
from idp.domain.user import User
from idp.flows import authorization, browser_session
from idp.web import pages
from idp.web.authorize import bind, see_other, to_response
from idp.web.site import context_of, site_of, visit_of


@dataclass(frozen=True, slots=True)
class App:
    """An application as the page shows it."""

    name: str
    logo: str | None
    host: str
    login_uri: str | None


async def home(request: Request) -> Response:
    """Show who is signed in."""
    return pages.page(request, "account/home.html", account=pages.account(await _person(request)))


async def sign_in(request: Request) -> Response:
    """Begin a sign-in that leads back to the account's front page."""
    visit, is_new = visit_of(request)
    site = site_of(request)
    async with site.transactions.open(write=True, request_id=visit.request_id) as stores:
        go_to = await authorization.begin_without_client(context_of(request, stores), visit, return_path="/account")
    return bind(request, visit, is_new, to_response(request, go_to))


async def apps(request: Request) -> Response:
    """Show the applications that this person can open or has allowed."""
    site = site_of(request)
    user = await _person(request)
    if user is None:
        return see_other(f"{site.settings.issuer}/account/sign-in")
    async with site.transactions.open(write=False) as stores:
        consents = await stores.consents.of_user(user.id)
        clients = await stores.clients.list()
    allowed = {consent.client_id for consent in consents}
    shown = [client for client in clients if client.is_active and (client.initiate_login_uri or client.id in allowed)]
    return pages.page(request, "account/apps.html", apps=[_app(request, client) for client in shown])


def _app(request: Request, client: Client) -> App:
    login_uri = None
    if client.initiate_login_uri is not None:  # third-party initiated login: only ever the registered URL
        separator = "&" if "?" in client.initiate_login_uri else "?"
        query = urlencode({"iss": site_of(request).settings.issuer})
        login_uri = f"{client.initiate_login_uri}{separator}{query}"
    party = pages.party(request, client)
    return App(client.name, party.logo if party else None, client.host, login_uri)


async def _person(request: Request) -> User | None:
    visit, _ = visit_of(request)
    site = site_of(request)
    async with site.transactions.open(write=False) as stores:
        session = await browser_session.find(stores, site.digester, visit, site.clock.now())
        user = await stores.users.find(session.user_id) if session else None
    return user if user and user.is_active else None
