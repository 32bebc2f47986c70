"""Who is at the account pages, and whether they proved enough, recently enough, for a change.

Reading one's own account needs a session; changing what guards it needs everything that the account has, proved within
five minutes (ASVS 7.5.1).
"""

from dataclasses import dataclass
from datetime import timedelta

from idp.domain.session import Session
from idp.domain.user import User
from idp.flows import browser_session, judging
from idp.flows.enrolled import facts_of
from idp.flows.judging import Leave
from idp.flows.visit import Visit
from idp.oauth.context import Context
from idp.policy import lifetimes
from idp.policy.facts import Event
from idp.policy.step_up import Facts

__all__ = ["Event", "Leave", "Owner", "owner_of"]

REAUTHENTICATION = lifetimes.REAUTHENTICATION
#: How long proofs count for looking at the administrators' pages: as long as such a session lives at most.
ADMINISTRATION = lifetimes.SESSION_ADMINISTRATOR[0]


@dataclass(frozen=True, slots=True)
class Owner:
    """A person at their own account."""

    user: User
    session: Session
    facts: Facts

    async def may(self, context: Context, visit: Visit, event: Event, *, within: timedelta | None = None) -> Leave:
        """Say whether they proved enough, recently enough, for this: within five minutes, or within that time."""
        return await judging.leave_for(context, visit, self.user, self.session, self.facts, event, within=within)


async def owner_of(context: Context, visit: Visit) -> Owner | None:
    """Return who is signed in here; None if nobody is, or the account is disabled."""
    session = await browser_session.find(context.stores, context.engine.digester, visit, context.now)
    user = await context.stores.users.find(session.user_id) if session is not None else None
    if session is None or user is None or not user.is_active:
        return None
    session = await browser_session.keep_alive(context.stores, session, context.now)
    facts = await facts_of(context.stores, context.engine, visit, user, context.now)
    return Owner(user, session, facts)
