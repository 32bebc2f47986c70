"""The first factor of a sign-in: a password or a passkey.

A password takes two short transactions: count and look up, then store the proof. None is open while it is hashed.
Known, unknown, disabled and throttled accounts cost and look alike; what really happened stands in the audit trail.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from idp.domain.assurance import Factor, Proof
from idp.domain.event import EventKind
from idp.domain.refusal import Refusal, Refused
from idp.domain.user import User
from idp.factors.password import PasswordHasher, is_plausible
from idp.factors.password_judge import PasswordJudge
from idp.factors.webauthn import Anybody, Webauthn
from idp.factors.webauthn_ceremony import as_json
from idp.flows import assessment, authorization, known_device, throttle
from idp.flows.advising import Advising
from idp.flows.assessment import Assessed
from idp.flows.authorization import Standing, Step, Stuck
from idp.flows.notices import Notices
from idp.flows.sign_in import Proceeded, SignIn
from idp.flows.throttle import Budget
from idp.flows.visit import Visit
from idp.flows.work import NO_WORK, WAIT, Work, is_demanded, is_done
from idp.oauth.context import Context
from idp.policy.facts import Event
from idp.storage.credentials import StoredHash
from idp.storage.stores import Stores, Transactions

NOBODY = ""  # an id that no person has: unknown names cost the same statements as known ones
MakeContext = Callable[[Stores], Context]


@dataclass(frozen=True, slots=True)
class NotYet:
    """The person may not pass, and stays on the page."""

    standing: Standing
    refused: Refused
    passkey_options: str = ""


@dataclass(frozen=True, slots=True)
class _Typed:
    username: str
    password: str = field(repr=False)
    work: Work


@dataclass(frozen=True, slots=True)
class _Attempt:
    standing: Standing
    user: User | None
    stored: StoredHash | None
    budget: Budget
    assessed: Assessed | None


class Login:
    """The first step of every sign-in."""

    def __init__(
        self,
        transactions: Transactions,
        hasher: PasswordHasher,
        judge: PasswordJudge,
        webauthn: Webauthn,
        sign_in: SignIn,
        notices: Notices,
        advising: Advising,
    ) -> None:
        """Keep what the steps need."""
        self._advising = advising
        self._transactions = transactions
        self._hasher = hasher
        self._judge = judge
        self._webauthn = webauthn
        self._sign_in = sign_in
        self._notices = notices

    async def passkey_options(self, context: Context, standing: Standing) -> str:
        """Return what the browser needs to offer a passkey, the same for everybody; a new challenge each time."""
        options = await self._webauthn.challenge_anybody(context.stores, Anybody(standing.interaction.id, context.now))
        return as_json(options)

    async def with_password(
        self,
        make_context: MakeContext,
        visit: Visit,
        interaction_id: str,
        *,
        username: str,
        password: str,
        check: Callable[[], None],
        work: Work = NO_WORK,
    ) -> Proceeded | NotYet | Stuck:
        """Take a name and a password; `check` raises unless the form is ours.

        Raises HashPoolBusy when too many sign in at once.
        """
        typed = _Typed(username, password, work)
        attempt = await self._reserve(make_context, visit, interaction_id, typed, check)
        if not isinstance(attempt, _Attempt):
            return attempt
        stored = attempt.stored.hash if attempt.stored and is_plausible(password) else None
        matches = await self._hasher.verify(stored, password if is_plausible(password) else "")
        upgraded = None
        if matches and stored is not None and self._hasher.needs_upgrade(stored):
            upgraded = await self._hasher.hash(password)
        # Only now the password is at hand, and only now a list that grew since it was chosen can be asked.
        is_breached = matches and self._judge.is_breached(password)
        if matches and attempt.assessed is not None and attempt.user is not None:
            attempt = replace(attempt, assessed=await self._second_opinion(visit, attempt, is_breached=is_breached))
        async with self._transactions.open(write=True, request_id=visit.request_id) as stores:
            return await self._conclude(
                make_context(stores), visit, attempt, matches=matches, is_breached=is_breached, upgraded=upgraded
            )

    async def _second_opinion(self, visit: Visit, attempt: _Attempt, *, is_breached: bool) -> Assessed:
        """Ask the adviser while no transaction is open; without an answer in time the local score stands."""
        assert attempt.assessed is not None
        assert attempt.user is not None
        request, client = attempt.standing.request, attempt.standing.client
        trying = assessment.Attempt(Event.LOGIN, request, client, is_breached=is_breached)
        assessed = attempt.assessed.with_breach(found=is_breached)
        return await self._advising.ask(visit, attempt.user, trying, assessed)

    async def _reserve(
        self,
        make_context: MakeContext,
        visit: Visit,
        interaction_id: str,
        typed: _Typed,
        check: Callable[[], None],
    ) -> _Attempt | Proceeded | NotYet | Stuck:
        async with self._transactions.open(write=True, request_id=visit.request_id) as stores:
            context = make_context(stores)
            standing = await authorization.stand(context, visit, interaction_id)
            if isinstance(standing, Stuck):
                if standing.why not in ("foreign", "unknown"):
                    check()
                return standing
            check()
            if standing.step is not Step.LOGIN:
                return Proceeded(await authorization.resume(context, visit, interaction_id))
            username = typed.username
            if not username.strip() or not typed.password:
                return await self._not_yet(context, standing, Refused(Refusal.MISSING_FIELDS))
            user = await stores.users.find_by_name(username)
            stored = await stores.credentials.password_of(user.id if user else NOBODY)
            budget = self._budget(context, visit, username, user, stored)
            refused = await throttle.reserve(stores, budget, context.now, limits_floods=context.engine.limits_floods)
            refused = refused or await self._denied(context, visit)
            if refused is not None:
                await context.record(EventKind.THROTTLED, user_id=user.id if user else None)
                return await self._not_yet(context, standing, refused)
            attempt = assessment.Attempt(Event.LOGIN, standing.request, standing.client)
            assessed = await assessment.assess(context, visit, user, attempt)
            if (
                assessed is not None
                and is_demanded(attempt, assessed)
                and not await self._is_worked(context, standing, typed)
            ):
                await context.record(EventKind.SIGN_IN_REFUSED, reason=Refusal.WORK_MISSING.value)
                return await self._not_yet(context, standing, Refused(Refusal.WORK_MISSING, WAIT))
            return _Attempt(standing, user, stored, budget, assessed)

    async def _is_worked(self, context: Context, standing: Standing, typed: _Typed) -> bool:
        interaction, digester = standing.interaction.id, context.engine.digester
        return await is_done(
            context.stores, digester, interaction, username=typed.username, work=typed.work, now=context.now
        )

    async def _denied(self, context: Context, visit: Visit) -> Refused | None:
        return await throttle.denied(
            context.stores, context.engine.digester, address=visit.address, agent=visit.user_agent, now=context.now
        )

    def _budget(
        self, context: Context, visit: Visit, username: str, user: User | None, stored: StoredHash | None
    ) -> Budget:
        device_id, digester, now = None, context.engine.digester, context.now
        if user is not None and stored is not None:
            device_id = known_device.budget_of(
                visit, user_id=user.id, password_since=stored.created_at, digester=digester, now=now
            )
        account = user.id.encode() if user else context.stores.users.name_digest(username)
        return throttle.budget(digester, account=account, address=visit.address, device_id=device_id)

    async def _conclude(
        self,
        context: Context,
        visit: Visit,
        attempt: _Attempt,
        *,
        matches: bool,
        is_breached: bool,
        upgraded: str | None,
    ) -> Proceeded | NotYet | Stuck:
        stores, now = context.stores, context.now
        # As they are now, not as they were when the password was typed.
        user = await stores.users.find(attempt.user.id if attempt.user else NOBODY)
        stored = attempt.stored
        if not matches or user is None or stored is None or not user.is_active:
            await throttle.failed(stores, attempt.budget, now)
            if context.engine.risk is not None:
                await context.engine.risk.surges.count(stores, attempt.budget.account[0], now)
            reason = "disabled" if user and not user.is_active else "password" if attempt.user else "unknown"
            await context.record(EventKind.SIGN_IN_REFUSED, user_id=user.id if user else None, reason=reason)
            return await self._not_yet(context, attempt.standing, Refused(Refusal.WRONG_CREDENTIALS))
        await throttle.succeeded(stores, attempt.budget)
        if is_breached:
            await context.record(EventKind.PASSWORD_BREACHED, user_id=user.id)
            await self._notices.password_breached(stores, user, now)
        if upgraded is not None:
            await stores.credentials.upgrade_password(user.id, old=stored.hash, new=upgraded)
        standing = await authorization.stand(context, visit, attempt.standing.interaction.id)
        if isinstance(standing, Stuck):
            return standing
        proof = Proof(Factor.PASSWORD, now)
        return await self._sign_in.record(context, visit, standing, user, proof, assessed=attempt.assessed)

    async def with_passkey(
        self,
        make_context: MakeContext,
        visit: Visit,
        interaction_id: str,
        *,
        answer: str,
        check: Callable[[], None],
    ) -> Proceeded | NotYet | Stuck:
        """Take the answer of a passkey that says itself whose it is."""
        async with self._transactions.open(write=True, request_id=visit.request_id) as stores:
            context = make_context(stores)
            standing = await authorization.stand(context, visit, interaction_id)
            if isinstance(standing, Stuck):
                if standing.why not in ("foreign", "unknown"):
                    check()
                return standing
            check()
            if standing.step is not Step.LOGIN:
                return Proceeded(await authorization.resume(context, visit, interaction_id))
            refused = await self._denied(context, visit)
            if refused is not None:
                return await self._not_yet(context, standing, refused)
            found = await self._whose(context, standing, answer)
            if isinstance(found, Refused):
                await context.record(EventKind.SIGN_IN_REFUSED, reason=found.reason.value, factor="webauthn")
                return await self._not_yet(context, standing, found)
            user, proof = found
            return await self._sign_in.record(context, visit, standing, user, proof)

    async def _whose(self, context: Context, standing: Standing, answer: str) -> tuple[User, Proof] | Refused:
        asked = Anybody(standing.interaction.id, context.now)
        return await self._webauthn.verify_anybody(context.stores, asked, answer)

    async def _not_yet(self, context: Context, standing: Standing, refused: Refused) -> NotYet:
        return NotYet(standing, refused, await self.passkey_options(context, standing))
