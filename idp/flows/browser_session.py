"""Browser sessions: found by their cookie, opened, raised by fresh proof, and ended."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from idp.domain.assurance import Proof, authenticated_at, merge
from idp.domain.event import Event, EventKind
from idp.domain.secret import Digest, Digester, make_id, make_secret
from idp.domain.session import Session
from idp.domain.user import Role, User
from idp.flows.visit import Visit
from idp.policy import lifetimes, step_up
from idp.storage.stores import Stores

PURPOSE = "session"
MAX_DEVICE_TEXT = 300


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session and the secret for its cookie; the secret is new each time something was proved."""

    session: Session
    secret: str


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a policy wants of a session: its risk from now on, and how long it may live at most."""

    risk: int | None = None
    life: timedelta | None = None


async def find(stores: Stores, digester: Digester, visit: Visit, now: datetime) -> Session | None:
    """Return the live session of a browser."""
    if visit.session is None:
        return None
    return await stores.sessions.find(session_digest(digester, visit.session), now)


def session_digest(digester: Digester, secret: str) -> Digest:
    """Return what is stored of a session's cookie."""
    return digester.digest(PURPOSE, secret)


async def keep_alive(stores: Stores, session: Session, now: datetime) -> Session:
    """Move the idle limit of a session in use; written at most every few minutes."""
    if now - session.seen_at < lifetimes.SESSION_TOUCH:
        return session
    idle = session.idle_expires_at - session.seen_at
    return await stores.sessions.touch(session, now=now, idle_expires_at=now + idle)


async def open_or_raise(
    stores: Stores,
    digester: Digester,
    visit: Visit,
    *,
    user: User,
    proofs: tuple[Proof, ...],
    now: datetime,
    bounds: Bounds = Bounds(),
) -> OpenedSession:
    """Return the browser's session after something was proved: the same one for the same person, else a new one.

    The cookie's secret changes in either case, so a planted or copied cookie is worthless (session fixation).
    A session of somebody else in this browser ends.
    """
    secret = make_secret()
    digest = session_digest(digester, secret)
    current = await find(stores, digester, visit, now)
    if current is not None and current.user_id == user.id and visit.session is not None:
        raised = _fresh(replace(current, proofs=merge(current.proofs, proofs)), user, now, bounds)
        if await stores.sessions.raise_proofs(raised, old=session_digest(digester, visit.session), new=digest):
            return OpenedSession(raised, secret)
    elif current is not None:
        await end(stores, current, now, address=visit.address)
    session = _fresh(
        Session(make_id(), user.id, proofs, created_at=now, auth_time=now, seen_at=now, expires_at=now,
                idle_expires_at=now),
        user,
        now,
        bounds,
    )  # fmt: skip
    await stores.sessions.open(session, digest, device=visit.user_agent[:MAX_DEVICE_TEXT], address=visit.address)
    await stores.sessions.end_oldest_beyond(user.id, keep=lifetimes.SESSIONS_PER_USER, now=now, spare=session.id)
    return OpenedSession(session, secret)


def _fresh(session: Session, user: User, now: datetime, bounds: Bounds) -> Session:
    absolute, idle = step_up.session_limits(session.proofs, is_administrator=user.role is not Role.USER)
    absolute = absolute if bounds.life is None else min(absolute, bounds.life)
    return replace(
        session,
        auth_time=authenticated_at(session.proofs),
        seen_at=now,
        expires_at=now + absolute,
        idle_expires_at=now + idle,
        risk=session.risk if bounds.risk is None else bounds.risk,
    )


async def end(stores: Stores, session: Session, now: datetime, *, address: str) -> None:
    """End a session: its cookie, the codes in flight and every token that is not offline die with it."""
    if await stores.sessions.end(session.id, now):
        await stores.burn_of_session(session.id, now)
        event = Event(EventKind.SIGNED_OUT, user_id=session.user_id, session_id=session.id, address=address)
        await stores.events.add(event, now)
