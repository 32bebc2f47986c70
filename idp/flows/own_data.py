"""What people see, take along and take back: sessions, applications, activity, all their data, the account itself."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from idp.domain.event import EventKind
from idp.domain.user import User
from idp.flows.access import end_elsewhere
from idp.flows.devices import describe_agent
from idp.flows.links import link_digest
from idp.flows.notices import Notices
from idp.oauth.context import Context
from idp.providers.geo.port import Places
from idp.storage.events import RecordedEvent

KEEP = "keep-account"
ACTIVITY_PAGE = 50


@dataclass(frozen=True, slots=True)
class SessionLine:
    """A session as its person sees it."""

    id: str
    device: str
    address: str
    place: str
    created_at: datetime
    seen_at: datetime
    is_this: bool


class OwnData:
    """Shows people what is held about them, and lets them end it."""

    activity_page = ACTIVITY_PAGE

    def __init__(self, notices: Notices, places: Places, *, deletion_delay: timedelta) -> None:
        """Keep an account that its owner wants deleted for a while."""
        self._notices = notices
        self._places = places
        self._delay = deletion_delay

    async def sessions(self, context: Context, user: User, *, this: str, locale: str) -> list[SessionLine]:
        """Return a person's sessions, the one that asks first."""
        listed = await context.stores.sessions.of_user(user.id, context.now)
        lines = [
            SessionLine(
                id=each.session.id,
                device=describe_agent(each.device),
                address=each.address,
                place=self.place(each.address, locale),
                created_at=each.session.created_at,
                seen_at=each.session.seen_at,
                is_this=each.session.id == this,
            )
            for each in listed
        ]
        return sorted(lines, key=lambda line: not line.is_this)

    def place(self, address: str, locale: str) -> str:
        """Return where an address is, coarsely; empty when it is not known."""
        return self._places.name(address, locale=locale)

    async def end_session(self, context: Context, user: User, session_id: str) -> bool:
        """End one session of a person; somebody else's is unknown."""
        found = await context.stores.sessions.find_by_id(session_id, context.now)
        if found is None or found.user_id != user.id:
            return False
        await context.stores.sessions.end(session_id, context.now)
        await context.stores.burn_of_session(session_id, context.now)
        await context.record(EventKind.SESSIONS_ENDED, user_id=user.id, session_id=session_id)
        return True

    async def end_other_sessions(self, context: Context, user: User, *, this: str) -> int:
        """End every session but the one that asks, and every token."""
        ended = await end_elsewhere(context.stores, user.id, context.now, spare=this)
        await context.record(EventKind.SESSIONS_ENDED, user_id=user.id, ended=ended)
        return ended

    async def forget_browser(self, context: Context, user: User, browser_id: str) -> bool:
        """Let a remembered browser ask for the second factor again."""
        if not await context.stores.remembered_browsers.forget(user.id, browser_id):
            return False
        await context.record(EventKind.BROWSER_FORGOTTEN, user_id=user.id)
        return True

    async def remove_app(self, context: Context, user: User, client_id: str) -> bool:
        """Take an application's access back: consent, tokens and codes (UI15)."""
        stores, now = context.stores, context.now
        withdrawn = await stores.consents.withdraw(user.id, client_id)
        await stores.grants.revoke_of_user(user.id, now, client_id=client_id)
        await stores.burn_of_user(user.id, now, client_id=client_id)
        await context.record(EventKind.APP_REMOVED, user_id=user.id, client_id=client_id)
        return withdrawn

    async def activity(self, context: Context, user: User, *, before: str | None = None) -> Sequence[RecordedEvent]:
        """Return what happened to an account, newest first; `before` continues a page."""
        return await context.stores.events.of_user(user.id, before=before, limit=ACTIVITY_PAGE)

    async def schedule_deletion(self, context: Context, user: User, *, this: str) -> datetime:
        """Note that a person wants their account deleted; they are out elsewhere, and can still change their mind."""
        due = context.now + self._delay
        await context.stores.users.save(replace(user, deletes_at=due, updated_at=context.now))
        await end_elsewhere(context.stores, user.id, context.now, spare=this)
        await context.record(EventKind.DELETION_SCHEDULED, user_id=user.id)
        keep = await self._notices.link(
            context.stores, KEEP, now=context.now, life=self._delay, user_id=user.id, path="account-keep"
        )
        await self._notices.tell(context.stores, user, "deletion_scheduled", context.now, due=due, link=keep)
        return due

    async def undo_deletion(self, context: Context, user: User) -> None:
        """Keep the account after all."""
        await context.stores.users.save(replace(user, deletes_at=None, updated_at=context.now))
        await context.stores.links.void(KEEP, user.id, context.now)
        await context.record(EventKind.DELETION_UNDONE, user_id=user.id)

    async def undo_deletion_by_link(self, context: Context, secret: str) -> bool:
        """Keep the account by the link in the notice; it signs nobody in."""
        digest = link_digest(context, secret)
        link = await context.stores.links.take(digest, purpose=KEEP, now=context.now)
        user = await context.stores.users.find(link.user_id) if link is not None and link.user_id else None
        if user is None:
            return False
        await self.undo_deletion(context, user)
        return True
