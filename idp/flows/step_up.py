"""The further factor of a sign-in: ask for one, send its code, check the answer – each in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass

from idp.domain.assurance import Factor
from idp.domain.event import EventKind
from idp.domain.json import Json
from idp.domain.refusal import Refusal, Refused
from idp.domain.user import User
from idp.factors.catalog import Catalog
from idp.factors.email_otp import masked_email
from idp.factors.factor import Attempt
from idp.factors.one_time_code import purpose_of
from idp.factors.sms_otp import masked_number
from idp.flows import throttle
from idp.flows.authorization import Standing
from idp.flows.notices import Notices
from idp.flows.sign_in import Proceeded, SignIn
from idp.flows.visit import Visit
from idp.oauth.context import Context
from idp.policy import prompts

SENT = {Factor.EMAIL_OTP: masked_email, Factor.SMS_OTP: masked_number}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page of the further factor shows."""

    factor: Factor
    others: tuple[Factor, ...]
    may_remember: bool
    destination: str | None = None
    options: Mapping[str, Json] | None = None
    refused: Refused | None = None


class StepUp:
    """Asks for a further factor."""

    def __init__(self, catalog: Catalog, sign_in: SignIn, notices: Notices) -> None:
        """Keep what the steps need."""
        self._catalog = catalog
        self._sign_in = sign_in
        self._notices = notices

    async def ask(self, context: Context, standing: Standing, *, refused: Refused | None = None) -> Asked:
        """Return what to ask now; a code is sent when its page is first shown, and not again by a reload."""
        user, options = self._who(standing), choices(standing)
        assert options, "the step is asked only where a factor is left"
        wished = standing.interaction.method
        factor = wished if wished in options else options[0]
        asked = Asked(
            factor,
            tuple(other for other in options if other is not factor),
            prompts.may_remember(standing.request, standing.situation),
            refused=refused,
        )
        attempt = self._attempt(context, standing, user)
        if factor in SENT:
            return await self._with_code(context, attempt, asked)
        if factor is Factor.WEBAUTHN:
            challenge = await self._catalog.webauthn.challenge(attempt)
            options_ = None if isinstance(challenge, Refused) else challenge.options
            return Asked(factor, asked.others, asked.may_remember, options=options_, refused=refused)
        return asked

    async def _with_code(self, context: Context, attempt: Attempt, asked: Asked) -> Asked:
        purpose = purpose_of(attempt, asked.factor)
        waiting = await context.stores.one_time_codes.find(attempt.binding, purpose, context.now)
        destination, refused = waiting.destination if waiting else None, asked.refused
        if waiting is None and (refused is None or refused.reason is Refusal.CODE_EXPIRED):
            sent = await self._send(context, attempt, asked.factor)
            if isinstance(sent, Refused):
                refused = refused or sent
            else:
                destination = sent
        masked = SENT[asked.factor](destination) if destination else None
        return Asked(asked.factor, asked.others, asked.may_remember, masked, refused=refused)

    async def resend(self, context: Context, standing: Standing) -> Asked:
        """Send a new code by the way that was chosen; tries already made stay counted."""
        asked = await self.ask(context, standing)
        if asked.factor not in SENT:
            return asked
        sent = await self._send(context, self._attempt(context, standing, self._who(standing)), asked.factor)
        if isinstance(sent, Refused):
            return Asked(asked.factor, asked.others, asked.may_remember, asked.destination, refused=sent)
        return asked

    async def _send(self, context: Context, attempt: Attempt, factor: Factor) -> str | Refused:
        challenge = await self._catalog[factor].challenge(attempt)
        if isinstance(challenge, Refused):
            return challenge
        assert challenge.code is not None
        assert challenge.destination is not None
        await self._notices.code(
            context.stores, attempt.user, factor, challenge.code, challenge.destination, context.now
        )
        await context.record(EventKind.CODE_SENT, user_id=attempt.user.id, factor=factor.value)
        return challenge.destination

    async def choose(self, context: Context, standing: Standing, method: str) -> bool:
        """Note by which factor the person wants to go on; only one that satisfies what is asked can be chosen."""
        found = next((factor for factor in choices(standing) if factor.value == method), None)
        if found is not None:
            await context.stores.interactions.note_method(standing.interaction.id, found)
        return found is not None

    async def answer(
        self, context: Context, visit: Visit, standing: Standing, answer: str, *, remember: bool
    ) -> Proceeded | Refused:
        """Check an answer; the attempt is counted before it is checked, so that parallel ones all count."""
        user, options = self._who(standing), choices(standing)
        wished = standing.interaction.method
        factor = wished if wished in options else options[0]
        stores, digester = context.stores, context.engine.digester
        if factor is not Factor.WEBAUTHN:
            refused = await throttle.reserve_code(stores, digester, user_id=user.id, factor=factor, now=context.now)
            if refused is not None:
                await context.record(EventKind.THROTTLED, user_id=user.id, factor=factor.value)
                await self._notices.attempts_blocked(stores, user, context.now)
                return refused
        proof = await self._catalog[factor].verify(self._attempt(context, standing, user), answer)
        if isinstance(proof, Refused):
            await context.record(
                EventKind.FACTOR_REFUSED, user_id=user.id, factor=factor.value, reason=proof.reason.value
            )
            return proof
        await throttle.code_succeeded(stores, digester, user_id=user.id, factor=factor)
        if factor is Factor.RECOVERY_CODE:
            await self._notices.recovery_code_used(context, user)
        return await self._sign_in.record(context, visit, standing, user, proof, remember=remember)

    def _who(self, standing: Standing) -> User:
        assert standing.user is not None
        return standing.user

    def _attempt(self, context: Context, standing: Standing, user: User) -> Attempt:
        return Attempt(context.stores, user, standing.interaction.id, context.now)


def choices(standing: Standing) -> tuple[Factor, ...]:
    """Return the factors that would satisfy what is asked now, strongest first."""
    return prompts.options(standing.request, standing.client, standing.situation)
