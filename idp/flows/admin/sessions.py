"""Who is signed in, and what people allowed which client."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from idp.domain import assurance
from idp.domain.event import EventKind
from idp.domain.permission import Permission as P
from idp.flows.admin.listing import Listing, Page, paged, place_of, read_cursor, read_place
from idp.flows.admin.operation import Input, Nothing, Operation, Output, Work
from idp.flows.admin.problem import missing
from idp.flows.admin.users import changeable
from idp.flows.admin.values import Id
from idp.storage.sessions import ListedSession


class SessionShown(Output):
    """A session that is alive; of its network the address, of its browser what it says of itself."""

    id: str
    user_id: str
    created_at: datetime
    auth_time: datetime
    seen_at: datetime
    expires_at: datetime
    acr: str | None
    amr: list[str]
    risk: int
    device: str
    address: str


class SessionsWanted(Listing):
    """A page of sessions, newest first, of everybody or of one person."""

    user_id: Id | None = None


class SessionWanted(Input):
    """One session."""

    id: Id


class ConsentShown(Output):
    """What a person allowed a client."""

    user_id: str
    client_id: str
    scopes: list[str]
    claims: list[str]
    created_at: datetime
    updated_at: datetime


class ConsentsWanted(Listing):
    """A page of consents, of one person, of one client or of both."""

    user_id: Id | None = None
    client_id: Annotated[str, Field(max_length=128)] | None = None


class ConsentWanted(Input):
    """What one person allowed one client."""

    user_id: Id
    client_id: Id


def _shown(found: ListedSession) -> SessionShown:
    session = found.session
    return SessionShown(
        id=session.id, user_id=session.user_id, created_at=session.created_at, auth_time=session.auth_time,
        seen_at=session.seen_at, expires_at=session.expires_at, acr=assurance.acr(session.proofs),
        amr=list(assurance.amr(session.proofs)), risk=session.risk, device=found.device, address=found.address,
    )  # fmt: skip


async def _list(work: Work, wanted: SessionsWanted) -> Page[SessionShown]:
    digester = work.tools.engine.digester
    before = read_place(digester, wanted)
    rows = await work.stores.sessions.page(work.now, user_id=wanted.user_id, before=before, limit=wanted.limit + 1)
    keys = [place_of(each.session.created_at, each.session.id) for each in rows]
    return paged(digester, wanted, [_shown(each) for each in rows], keys)


async def _end(work: Work, wanted: SessionWanted) -> Nothing:
    session = await work.stores.sessions.find_by_id(wanted.id, work.now)
    if session is None:
        raise missing("session")
    await changeable(work, session.user_id)
    await work.stores.sessions.end(session.id, work.now)
    await work.stores.burn_of_user(session.user_id, work.now)
    await work.record(EventKind.SESSIONS_ENDED, user_id=session.user_id, session=session.id)
    return Nothing()


async def _consents(work: Work, wanted: ConsentsWanted) -> Page[ConsentShown]:
    digester = work.tools.engine.digester
    key = read_cursor(digester, wanted)
    rows = await work.stores.consents.page(
        user_id=wanted.user_id, client_id=wanted.client_id,
        after=(str(key[0]), str(key[1])) if key is not None else None, limit=wanted.limit + 1,
    )  # fmt: skip
    items = [
        ConsentShown(
            user_id=each.consent.user_id, client_id=each.consent.client_id, scopes=sorted(each.consent.scopes),
            claims=sorted(each.consent.claims), created_at=each.created_at, updated_at=each.updated_at,
        )
        for each in rows
    ]  # fmt: skip
    return paged(digester, wanted, items, [(each.user_id, each.client_id) for each in items])


async def _revoke(work: Work, wanted: ConsentWanted) -> Nothing:
    await changeable(work, wanted.user_id)
    if not await work.stores.consents.withdraw(wanted.user_id, wanted.client_id):
        raise missing("consent")
    await work.stores.burn_of_user(wanted.user_id, work.now, client_id=wanted.client_id)
    await work.stores.grants.revoke_of_user(wanted.user_id, work.now, client_id=wanted.client_id)
    await work.record(EventKind.APP_REMOVED, user_id=wanted.user_id, client_id=wanted.client_id)
    return Nothing()


LIST = Operation(
    "sessions.list", "List who is signed in", P.SESSIONS_READ, SessionsWanted, Page[SessionShown], _list, "GET",
    "/sessions",
)  # fmt: skip
END = Operation(
    "sessions.end", "End a session", P.SESSIONS_END, SessionWanted, Nothing, _end, "DELETE", "/sessions/{id}",
    status=204,
)  # fmt: skip
CONSENTS = Operation(
    "consents.list", "List what people allowed", P.CONSENTS_READ, ConsentsWanted, Page[ConsentShown], _consents, "GET",
    "/consents",
)  # fmt: skip
REVOKE = Operation(
    "consents.revoke", "Take back what a person allowed a client", P.CONSENTS_REVOKE, ConsentWanted, Nothing, _revoke,
    "DELETE", "/consents/{user_id}/{client_id}", status=204,
)  # fmt: skip
OPERATIONS = (LIST, END, CONSENTS, REVOKE)
