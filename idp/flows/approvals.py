"""The end of an interaction that answers a request of another device: yes or no is kept, and whoever polls learns it.

Not here: how such an interaction begins → flows/device_approval.py, flows/ciba_approval.py.
"""

from dataclasses import dataclass, replace

from idp.domain.approval import Approval, Channel
from idp.domain.authorization import AuthorizationRequest
from idp.domain.event import EventKind
from idp.domain.session import Session
from idp.oauth.context import Context
from idp.oauth.grants.authorization_code import grant_of
from idp.policy import lifetimes


@dataclass(frozen=True, slots=True)
class Answered:
    """A request of another device was answered here; `is_kept` is false if that came too late, or was not asked."""

    approval: Approval
    is_allowed: bool
    is_kept: bool = True


async def approve(context: Context, request: AuthorizationRequest, session: Session) -> Answered:
    """Keep what the person of a session allowed; acr, amr and auth_time are the session's."""
    approval, stores = request.approves, context.stores
    assert approval is not None
    grant = replace(grant_of(request, session, audience=(context.engine.issuer,), now=context.now), id=approval.id)
    fetched_by = context.now + lifetimes.ANSWER_FETCHED
    if not await stores.waiting(approval.channel).approve(grant, context.now, fetched_by=fetched_by):
        return Answered(approval, is_allowed=True, is_kept=False)
    await context.record(
        EventKind.REQUEST_APPROVED, user_id=session.user_id, client_id=request.client_id, session_id=session.id,
        grant_id=grant.id, channel=approval.channel.value,
    )  # fmt: skip
    await _tell(context, approval)
    return Answered(approval, is_allowed=True)


async def refuse(context: Context, request: AuthorizationRequest, session: Session | None) -> Answered:
    """Keep that a request was refused; only somebody who is signed in refuses anything."""
    approval = request.approves
    assert approval is not None
    if session is None:
        return Answered(approval, is_allowed=False, is_kept=False)
    is_kept = await context.stores.waiting(approval.channel).deny(approval.id, session.user_id, context.now)
    if is_kept:
        await _tell(context, approval)
    return Answered(approval, is_allowed=False, is_kept=is_kept)


async def _tell(context: Context, approval: Approval) -> None:
    """Owe the client the notification that it asked for (CIBA §10.2)."""
    if approval.channel is Channel.CIBA:
        await context.stores.ciba_requests.owe_ping(approval.id, context.now)
