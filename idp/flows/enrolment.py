"""Setting up and removing factors: by an owner who proved all that the account has, or on the way in when demanded.

Every change is told to the owner, ends every other session and forgets remembered browsers. The first second factor
brings recovery codes along.
"""

from dataclasses import dataclass, replace

from idp.domain.assurance import Factor, Proof
from idp.domain.credential import plain_name
from idp.domain.event import EventKind
from idp.domain.refusal import Refusal, Refused
from idp.domain.user import User
from idp.factors.catalog import Catalog
from idp.factors.factor import Attempt, Challenge
from idp.flows import browser_session, throttle
from idp.flows.access import end_elsewhere
from idp.flows.browser_session import OpenedSession
from idp.flows.notices import Notices
from idp.flows.upstream_links import has_way_in
from idp.flows.visit import Visit
from idp.oauth.context import Context
from idp.policy.step_up import SECOND_FACTORS

PURPOSE = "enrolment"


@dataclass(frozen=True, slots=True)
class Added:
    """A factor that counts now; recovery codes if this was the first, and the cookie of the session that goes on."""

    proof: Proof
    codes: tuple[str, ...] = ()
    opened: OpenedSession | None = None


class Enrolment:
    """Changes what a person proves themselves with."""

    def __init__(self, catalog: Catalog, notices: Notices) -> None:
        """Keep what the steps need."""
        self.catalog = catalog
        self._notices = notices

    def attempt(self, context: Context, user: User, binding: str) -> Attempt:
        """Return a set-up that is bound to the session or sign-in in which it was begun."""
        return Attempt(context.stores, user, binding, context.now, PURPOSE)

    async def begin(
        self, context: Context, user: User, factor: Factor, *, binding: str, wish: str = ""
    ) -> Challenge | Refused:
        """Begin to set up a factor; a code that is needed for it is sent."""
        if factor not in SECOND_FACTORS or (factor is Factor.SMS_OTP and not context.engine.rules.sends_sms):
            return Refused(Refusal.NOT_AVAILABLE)
        challenge = await self.catalog[factor].begin(self.attempt(context, user, binding), wish)
        if isinstance(challenge, Challenge) and challenge.code is not None and challenge.destination is not None:
            await self._notices.code(context.stores, user, factor, challenge.code, challenge.destination, context.now)
            await context.record(EventKind.CODE_SENT, user_id=user.id, factor=factor.value)
        return challenge

    async def confirm(
        self, context: Context, user: User, factor: Factor, *, binding: str, answer: str, credential_id: str = "",
        name: str = "", session_id: str | None = None,
    ) -> Added | Refused:  # fmt: skip
        """Let a factor count by a right answer; `session_id` is the one session that goes on."""
        stores, digester = context.stores, context.engine.digester
        if factor is not Factor.WEBAUTHN:
            refused = await throttle.reserve_code(stores, digester, user_id=user.id, factor=factor, now=context.now)
            if refused is not None:
                return refused
        enrolled = await self.catalog[factor].confirm(
            self.attempt(context, user, binding), answer, credential_id=credential_id, name=name
        )
        if isinstance(enrolled, Refused):
            await context.record(
                EventKind.FACTOR_REFUSED, user_id=user.id, factor=factor.value, reason=enrolled.reason.value
            )
            return enrolled
        await throttle.code_succeeded(stores, digester, user_id=user.id, factor=factor)
        if factor is Factor.SMS_OTP and enrolled.credential is not None:
            claims = {
                **user.claims, "phone_number": enrolled.credential.text("phone"), "phone_number_verified": True,
            }  # fmt: skip
            await stores.users.save(replace(user, claims=claims, updated_at=context.now))
        label = enrolled.credential.name if enrolled.credential is not None else ""
        await self._changed(context, user, EventKind.FACTOR_ADDED, factor, label, session_id)
        codes: tuple[str, ...] = ()
        if not await stores.recovery_codes.count(user.id):
            codes = await self._new_codes(context, user)
        return Added(enrolled.proof, codes)

    async def raise_session(self, context: Context, visit: Visit, user: User, added: Added) -> Added:
        """Let the session at hand hold the proof of what was just set up, under a new cookie."""
        opened = await browser_session.open_or_raise(
            context.stores, context.engine.digester, visit, user=user, proofs=(added.proof,), now=context.now
        )
        return replace(added, opened=opened)

    async def make_codes(self, context: Context, user: User) -> tuple[str, ...]:
        """Make a new set of recovery codes; the old one is void, and its owner is told."""
        codes = await self._new_codes(context, user)
        await self._notices.tell(context.stores, user, "recovery_codes_made", context.now)
        return codes

    async def _new_codes(self, context: Context, user: User) -> tuple[str, ...]:
        made = await self.catalog.recovery_codes.begin(self.attempt(context, user, user.id))
        await context.record(EventKind.RECOVERY_CODES_MADE, user_id=user.id)
        return made.codes if isinstance(made, Challenge) else ()

    async def remove(self, context: Context, user: User, credential_id: str, *, session_id: str) -> Refused | None:
        """Remove a factor of one's own; somebody else's is unknown, and the last way in stays."""
        stores = context.stores
        credential = await stores.credentials.find(user.id, credential_id)
        if credential is None:
            return Refused(Refusal.NOT_AVAILABLE)
        rest = [each for each in await stores.credentials.of_user(user.id) if each.id != credential.id]
        demands = context.engine.rules.demands_second_factor
        if (demands and not rest) or not await has_way_in(stores, user.id, without_factor=credential.id):
            return Refused(Refusal.LAST_WAY_IN)
        if not await stores.credentials.remove(user.id, credential.id):
            return Refused(Refusal.NOT_AVAILABLE)
        if credential.factor is Factor.SMS_OTP:
            claims = {name: value for name, value in user.claims.items() if not name.startswith("phone_number")}
            await stores.users.save(replace(user, claims=claims, updated_at=context.now))
        if not rest:
            await stores.recovery_codes.remove(user.id)
        await self._changed(context, user, EventKind.FACTOR_REMOVED, credential.factor, credential.name, session_id)
        return None

    async def rename(self, context: Context, user: User, credential_id: str, name: str) -> Refused | None:
        """Give a factor of one's own another name."""
        credential = await context.stores.credentials.find(user.id, credential_id)
        plain = plain_name(name)
        if credential is None:
            return Refused(Refusal.NOT_AVAILABLE)
        if not plain:
            return Refused(Refusal.NAME_INVALID)
        await context.stores.credentials.rename(replace(credential, name=plain))
        await context.record(EventKind.FACTOR_RENAMED, user_id=user.id, factor=credential.factor.value)
        return None

    async def _changed(
        self, context: Context, user: User, kind: EventKind, factor: Factor, name: str, session_id: str | None
    ) -> None:
        await context.record(kind, user_id=user.id, factor=factor.value)
        await end_elsewhere(context.stores, user.id, context.now, spare=session_id)
        # A phone that replaces another is no further way to sign in.
        told = "phone_changed" if factor is Factor.SMS_OTP and kind is EventKind.FACTOR_ADDED else kind.value
        await self._notices.tell(context.stores, user, told, context.now, factor=factor.value, name=name)
