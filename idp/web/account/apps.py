"""The applications a person can open, what each may see, and taking that back (OIDC Core §4: sign-in begins here)."""

from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.client import Client
from idp.domain.consent import Consent
from idp.domain.document_url import vouching_host
from idp.web import pages
from idp.web.account.gate import Desk, own
from idp.web.site import site_of


@dataclass(frozen=True, slots=True)
class App:
    """An application as the page shows it."""

    id: str
    name: str
    logo: str | None
    host: str
    login_uri: str | None
    scopes: tuple[str, ...]
    is_allowed: bool


async def _apps(desk: Desk) -> Response:
    stores, user = desk.context.stores, desk.owner.user
    if "app-remove" in desk.fields:
        await site_of(desk.request).accounts.own_data.remove_app(desk.context, user, desk.fields["app-remove"][:128])
        return desk.go("/account/apps?saved=1")
    consents = {consent.client_id: consent for consent in await stores.consents.of_user(user.id)}
    granted = {grant.client_id for grant in await stores.grants.of_user(user.id, desk.context.now)}
    shown = [
        _app(desk.request, client, consents.get(client.id), client.id in granted)
        for client in await stores.clients.list()
        if client.is_active and (_is_offered(client) or client.id in consents or client.id in granted)
    ]
    return desk.page("account/apps.html", apps=shown, is_saved="saved" in desk.request.query_params)


def _is_offered(client: Client) -> bool:
    """Say whether everybody is shown an application: never one that a stranger registered, whatever it calls itself."""
    return client.initiate_login_uri is not None and not client.is_self_registered


def _app(request: Request, client: Client, consent: Consent | None, is_granted: bool) -> App:
    login_uri = None
    if client.initiate_login_uri is not None:  # third-party initiated login: only ever the registered URL
        separator = "&" if "?" in client.initiate_login_uri else "?"
        query = urlencode({"iss": site_of(request).settings.issuer})
        login_uri = f"{client.initiate_login_uri}{separator}{query}"
    party = pages.party(request, client)
    scopes = tuple(sorted(consent.scopes)) if consent is not None else ()
    host = vouching_host(client.id) or client.host
    return App(
        client.id, client.name, party.logo if party else None, host, login_uri, scopes,
        consent is not None or is_granted,
    )  # fmt: skip


apps = own(_apps)
