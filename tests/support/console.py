"""An administrator at the console of a provider that weighs risk, and decisions that somebody tampered with."""

from itertools import count

from sqlalchemy import update

from idp.domain.user import Role, User
from idp.flows.user_administration import NewUser
from idp.storage.decisions import StoredDecision, decisions
from tests.support.careful import Visitor
from tests.support.html_browser import Page
from tests.support.provider import PASSWORD, Person, Provider

_numbers = count(1)


async def administrator(provider: Provider) -> Visitor:
    """Return somebody who looks after the provider, at a browser that has not signed in yet."""
    name = f"keeper{next(_numbers)}"
    new = NewUser(f"{name}@example.org", name, PASSWORD, {}, email_verified=True, role=Role.OWNER)
    user = await provider.site.users.create(new)
    assert isinstance(user, User), user
    return Visitor(provider, Person(user, name))


async def visit(visitor: Visitor, path: str) -> Page:
    """Open a page as somebody who proves whatever is asked on the way."""
    page = await visitor.browser.open(f"{visitor.provider.issuer}{path}")
    page = await visitor.browser.sign_in() if page.name == "login" else page
    return await visitor.mailed_code() if page.name == "step-up" else page


async def change_decision(provider: Provider, decision: StoredDecision, **columns: object) -> None:
    """Write into the row of a decision past everything that keeps it whole."""
    async with provider.site.transactions.open(write=True) as stores:
        await stores.connection.execute(update(decisions).where(decisions.c.id == decision.id).values(**columns))


async def events(provider: Provider, kind: str, user_id: str) -> list[dict[str, object]]:
    """Return the details of somebody's events of a kind, newest first."""
    async with provider.site.transactions.open(write=False) as stores:
        return [row.detail or {} for row in await stores.events.list(kind=kind, user_id=user_id)]


async def helper(provider: Provider, role: Role) -> Visitor:
    """Return somebody of a role, at a browser that has not signed in yet."""
    name = f"{role.value.replace('_', '')}{next(_numbers)}"
    new = NewUser(f"{name}@example.org", name, PASSWORD, {}, email_verified=True, role=role)
    user = await provider.site.users.create(new)
    assert isinstance(user, User), user
    return Visitor(provider, Person(user, name))
