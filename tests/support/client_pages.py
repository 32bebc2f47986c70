"""People at the pages about clients, and what they type there."""

from itertools import count

from idp.domain.event import Actor, ActorKind
from idp.domain.user import Role, User
from idp.flows.admin import client_managers
from idp.flows.admin.callers import of_command
from idp.flows.user_administration import NewUser
from tests.support.careful import Visitor
from tests.support.console import visit
from tests.support.html_browser import Page
from tests.support.provider import PASSWORD, Person, Provider

_numbers = count(1)
CALLBACK = "https://shop.example/callback"
COMMAND = of_command(Actor(ActorKind.COMMAND_LINE, "tests"))


async def somebody(provider: Provider, role: Role = Role.OWNER) -> Visitor:
    """Return somebody of a role who has just signed in at a browser."""
    name = f"registrar{next(_numbers)}"
    new = NewUser(f"{name}@example.org", name, PASSWORD, {"name": name}, email_verified=True, role=role)
    user = await provider.site.users.create(new)
    assert isinstance(user, User), user
    visitor = Visitor(provider, Person(user, name))
    page = await visit(visitor, "/admin/clients")
    assert page.name == ("clients" if role is not Role.SUPPORT else "notice"), page.describe()
    return visitor


async def go(visitor: Visitor, path: str) -> Page:
    """Open a page below /admin/clients."""
    return await visit(visitor, f"/admin/clients{path}")


async def make(visitor: Visitor, kind: str = "web", **fields: str | bool) -> Page:
    """Register a client of a kind; return the page that is shown then."""
    await go(visitor, f"/new/{kind}")
    typed: dict[str, str | bool] = {"client_name": "Corner Shop"}
    if kind in ("web", "spa", "native", "agent"):
        typed["redirect_uris"] = CALLBACK
    return await visitor.browser.submit("client-create", **typed | fields)


async def give(provider: Provider, client_id: str, manager: Visitor) -> None:
    """Put a client into somebody's care."""
    await provider.site.administration.call(
        client_managers.ADD_MANAGER, COMMAND, {"id": client_id, "user_id": manager.person.id}
    )
