"""A person answers an application that asks them on their own device – CIBA §8.

Whoever is asked learns of it by mail and on their account page; nobody else can even see the request. The interaction
is that of /authorize, with the policy asked about such an approval, and it always ends on a page with the message.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from idp.domain.waiting import WaitingRequest, WaitingState
from idp.flows import authorization, judging
from idp.flows.authorization import Outcome
from idp.flows.self_service import Owner
from idp.flows.visit import Visit
from idp.oauth.authorization import Accepted
from idp.oauth.context import Context


@dataclass(frozen=True, slots=True)
class Open:
    """A request that waits for a person's answer, as their account page lists it."""

    id: str
    client_name: str
    message: str | None
    ends_at: datetime


def path_of(request_id: str) -> str:
    """Return where a request is answered."""
    return f"/ciba/approve/{request_id}"


async def begin(
    context: Context, visit: Visit, owner: Owner, request_id: str, *, tell: judging.Tell | None = None
) -> Outcome | None:
    """Begin the answer to a request; None if this person is not asked, or not any more."""
    waiting = await context.stores.ciba_requests.find_by_id(request_id)
    if waiting is None or waiting.user_id != owner.user.id or not _is_open(waiting, context.now):
        return None
    client = await context.client(waiting.client_id)
    if client is None:
        return None
    accepted = Accepted(waiting.request, client)
    return await authorization.begin_checked(context, visit, accepted, path=path_of(request_id), tell=tell)


async def open_requests(context: Context, owner: Owner) -> Sequence[Open]:
    """Return what a person is asked now."""
    found = []
    for waiting in await context.stores.ciba_requests.open_of(owner.user.id, context.now):
        client = await context.client(waiting.client_id)
        approval = waiting.request.approves
        if client is not None and approval is not None:
            found.append(Open(waiting.id, client.name, approval.message, waiting.expires_at))
    return found


def _is_open(waiting: WaitingRequest, now: datetime) -> bool:
    return waiting.state is WaitingState.PENDING and now < waiting.expires_at
