"""Getting back in: a forgotten password by a link, lost second factors by waiting, and the cry for help.

Whoever asks learns nothing about the account. A reset changes the password and nothing else: factors stay and are asked
(NIST SP 800-63B-4 §4.2). A link is shown by GET and spent by POST only.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from idp.domain.assurance import Factor
from idp.domain.event import EventKind
from idp.domain.refusal import Refusal, Refused
from idp.domain.user import User
from idp.flows import labels, throttle
from idp.flows.access import end_everywhere, wipe_factors
from idp.flows.alerts import Alert, Alerts, Code
from idp.flows.authorization import Standing, Step
from idp.flows.labels import Label
from idp.flows.links import link_digest
from idp.flows.new_password import Accepted, NewPassword
from idp.flows.notices import SECURE, Notices
from idp.flows.visit import Visit
from idp.oauth.context import Context
from idp.policy import lifetimes, lockout
from idp.storage.links import Link

RESET, LOST, CANCEL_LOST = "reset", "lost-factor", "cancel-recovery"


@dataclass(frozen=True, slots=True)
class Pending:
    """A recovery that waits; None if there is none."""

    due_at: datetime | None


class Recovery:
    """What people do who cannot get in."""

    def __init__(self, new_password: NewPassword, notices: Notices, alerts: Alerts, *, wait: timedelta) -> None:
        """Let somebody who lost every second factor wait that long; zero means never."""
        self._alerts = alerts
        self.new_password = new_password
        self._notices = notices
        self._wait = wait

    async def forgot(
        self, context: Context, visit: Visit, name: str, *, interaction_id: str, locale: str
    ) -> Refused | None:
        """Send a link to whoever has this name, if anybody does; say nothing about it."""
        stores, now = context.stores, context.now
        network = context.engine.digester.digest("forgot", throttle.network_of(visit.address))
        asked = await stores.attempts.add_in_window(network, now, window=lockout.SIGN_UPS_WINDOW)
        if context.engine.limits_floods and asked > lockout.NETWORK_FAILURES:
            return Refused(Refusal.THROTTLED, lockout.SIGN_UPS_WINDOW)
        user = await stores.users.find_by_name(name)
        # Counted for unknown names as well: both ways cost the same statements.
        counter = context.engine.digester.digest("resets", user.id if user else stores.users.name_digest(name).hex())
        sent = await stores.attempts.add_in_window(counter, now, window=lifetimes.RESENDS_WINDOW)
        if user is None or user.email is None or not user.is_active or sent > lifetimes.RESENDS:
            return None
        await context.record(EventKind.RESET_ASKED, user_id=user.id)
        await self.send_reset(context, user, locale=locale, interaction_id=interaction_id)
        return None

    async def send_reset(
        self, context: Context, user: User, *, locale: str, interaction_id: str = "", kind: str = "reset_link"
    ) -> None:
        """Send a person the link with which they choose a new password."""
        if user.email is None:
            return
        link = await self._notices.link(
            context.stores, RESET, now=context.now, life=lifetimes.RESET_LINK, user_id=user.id, path="reset",
            email=user.email, interaction=interaction_id,
        )  # fmt: skip
        minutes = int(lifetimes.RESET_LINK.total_seconds() // 60)
        await self._notices.mail(
            context.stores, kind, to=user.email, locale=locale, now=context.now, life=lifetimes.RESET_LINK,
            link=link, minutes=minutes,
        )  # fmt: skip

    async def owner(self, context: Context, secret: str, purpose: str) -> tuple[User, Link] | None:
        """Return whose open link this is, while their address is the one it was sent to."""
        link = await context.stores.links.look(link_digest(context, secret), purpose=purpose, now=context.now)
        return await self._owner(context, link)

    async def _owner(self, context: Context, link: Link | None) -> tuple[User, Link] | None:
        user = await context.stores.users.find(link.user_id) if link is not None and link.user_id else None
        if link is None or user is None or not user.is_active:
            return None
        return (user, link) if link.text("email") in ("", user.email) else None

    async def reset(self, context: Context, secret: str, accepted: Accepted) -> tuple[User, Link] | Refused:
        """Spend a link: the new password counts, and everybody who was signed in is out.

        Whoever first proves an address wipes what was attached to it before.
        """
        stores, now = context.stores, context.now
        taken = await stores.links.take(link_digest(context, secret), purpose=RESET, now=now)
        found = await self._owner(context, taken)
        if found is None:
            return Refused(Refusal.LINK_SPENT)
        user, link = found
        if not user.email_verified:
            await wipe_factors(stores, user.id, keep_password=False)
            await stores.users.save(replace(user, email_verified=True, updated_at=now))
            await context.record(EventKind.ADDRESS_VERIFIED, user_id=user.id)
        await self.new_password.store(stores, user.id, accepted, now)
        await end_everywhere(stores, user.id, now)
        await throttle.forgive(stores, context.engine.digester, user.id)
        await context.record(EventKind.PASSWORD_RESET, user_id=user.id)
        await self._notices.tell(stores, user, "password_changed", now, to=user.email)
        return user, link

    async def pending(self, context: Context, standing: Standing) -> Pending | None:
        """Return the wait that has begun; None where this person may not begin one here.

        Only somebody who has just proved the password, and is asked for more, may.
        """
        user, interaction = standing.user, standing.interaction
        proved = {proof.factor for proof in interaction.proofs}
        if user is None or not self._wait or standing.step is not Step.STEP_UP or Factor.PASSWORD not in proved:
            return None
        if interaction.user_id != user.id or not user.email_verified:
            return None
        link = await context.stores.links.newest(CANCEL_LOST, user.id, context.now)
        return Pending(datetime.fromisoformat(link.text("due")) if link is not None else None)

    async def start_waiting(self, context: Context, standing: Standing) -> Pending | None:
        """Begin the wait, and tell the person how to stop it."""
        pending = await self.pending(context, standing)
        if pending is None or pending.due_at is not None or standing.user is None or standing.user.email is None:
            return pending
        user, stores, now, due = standing.user, context.stores, context.now, context.now + self._wait
        life = self._wait + lifetimes.LOST_FACTOR_LINK
        link = await self._notices.link(
            stores, LOST, now=now, life=life, user_id=user.id, path="lost/confirm", email=standing.user.email,
            due=due.isoformat(),
        )  # fmt: skip
        hours = int(lifetimes.LOST_FACTOR_LINK.total_seconds() // 3600)
        locale = self._notices.locale_of(user)
        ready = await self._notices.mail(
            stores, "recovery_ready", to=standing.user.email, locale=locale, now=now, life=lifetimes.LOST_FACTOR_LINK,
            due_at=due, link=link, hours=hours,
        )  # fmt: skip
        cancel = await self._notices.link(
            stores, CANCEL_LOST, now=now, life=life, user_id=user.id, path="lost/cancel", message=ready.id,
            due=due.isoformat(),
        )  # fmt: skip
        await self._notices.tell(stores, user, "recovery_started", now, link=cancel, due=due)
        await context.record(EventKind.RECOVERY_STARTED, user_id=user.id)
        return Pending(due)

    async def cancel_waiting(self, context: Context, secret: str) -> bool:
        """Stop a wait: its link dies and its mail never leaves."""
        stores, now = context.stores, context.now
        link = await stores.links.take(link_digest(context, secret), purpose=CANCEL_LOST, now=now)
        if link is None or link.user_id is None:
            return False
        await stores.links.void(LOST, link.user_id, now)
        await stores.outbox.cancel(link.text("message"), now)
        await context.record(EventKind.RECOVERY_CANCELLED, user_id=link.user_id)
        return True

    async def remove_lost_factors(self, context: Context, secret: str) -> bool:
        """Spend the link that came after the wait: the password alone is enough again."""
        stores, now = context.stores, context.now
        taken = await stores.links.take(link_digest(context, secret), purpose=LOST, now=now)
        found = await self._owner(context, taken)
        if found is None:
            return False
        user, link = found
        if now < datetime.fromisoformat(link.text("due")):
            return False
        await wipe_factors(stores, user.id, keep_password=True)
        await end_everywhere(stores, user.id, now)
        await stores.links.void(CANCEL_LOST, user.id, now)
        await context.record(EventKind.RECOVERY_DONE, user_id=user.id)
        await self._notices.tell(stores, user, "recovery_done", now)
        return True

    async def reset_factors(self, context: Context, user: User) -> None:
        """Remove a person's second factors at an operator's hand; the password stays, and they are told."""
        await wipe_factors(context.stores, user.id, keep_password=True)
        await end_everywhere(context.stores, user.id, context.now)
        await context.stores.links.void(CANCEL_LOST, user.id, context.now)
        await context.record(EventKind.USER_CHANGED, user_id=user.id, change="factors reset")
        await self._notices.tell(context.stores, user, "recovery_done", context.now)

    async def secure(self, context: Context, secret: str) -> User | None:
        """Answer a cry for help: everybody is out, the password is off, and a link to choose a new one is sent.

        The link that was clicked signs nobody in.
        """
        link = await context.stores.links.take(link_digest(context, secret), purpose=SECURE, now=context.now)
        user = await context.stores.users.find(link.user_id) if link is not None and link.user_id else None
        if user is None:
            return None
        await self.lock(context, user)
        if link is not None:
            await self._note_attack(context, user, link.text("decision"))
        return user

    async def _note_attack(self, context: Context, user: User, decision_id: str) -> None:
        """Tell administrators of the cry, and label what the link was about."""
        decision = await labels.find(context, user.id, decision_id) if decision_id else None
        await self._alerts.raised(context.stores, Alert(Code.NOT_ME, reference=decision_id), context.now)
        if decision is not None and not await labels.put(context, decision, Label.ATTACK, by=user.id):
            await labels.take_back(context, decision)  # whoever called it their own had no access to this mailbox

    async def lock(self, context: Context, user: User, *, kind: str = "account_secured") -> None:
        """End all access and take the password and all links away; the owner gets a link for a new password."""
        stores, now = context.stores, context.now
        await end_everywhere(stores, user.id, now)
        await stores.links.void(CANCEL_LOST, user.id, now)
        await stores.credentials.remove_all(user.id, factor=Factor.PASSWORD, keep_password=False)
        await stores.upstream_identities.remove_all(user.id)  # whoever was in here may have linked one of their own
        await context.record(EventKind.ACCOUNT_SECURED, user_id=user.id)
        await self.send_reset(context, user, locale=self._notices.locale_of(user), kind=kind)
