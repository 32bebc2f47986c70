"""Gathers what is known of a new password and asks the policy: strength, common ones, breached ones.

Nothing of a password is logged, kept or sent, but five digits of its digest where the operator chose a range service.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from idp.domain.refusal import Refusal
from idp.factors.breached import BreachedPasswords
from idp.factors.password import common_passwords
from idp.factors.password_range import BreachService
from idp.factors.password_strength import Strength, StrengthEstimator
from idp.policy import passwords
from idp.policy.passwords import Facts, Verdict

PREVIEWS_WAITING = 8
Names = Sequence[str | None]
_NONE = Strength(0.0, 0)
_HIGHEST_SCORE_REFUSED = 2
_WITHOUT_STRENGTH = frozenset({Refusal.PASSWORD_INVALID, Refusal.PASSWORD_TOO_LONG})


@dataclass(frozen=True, slots=True)
class Appraisal:
    """A verdict, and how strong the password is."""

    verdict: Verdict
    strength: Strength
    minimum: int

    @property
    def score(self) -> int:
        """Return the strength as a person should see it, 0 to 4: what is refused is never called strong."""
        score = self.strength.score
        return score if self.verdict.is_acceptable else min(score, _HIGHEST_SCORE_REFUSED)


class PasswordJudge:
    """Says which new passwords may be used, and which old ones should not be any longer."""

    def __init__(
        self,
        *,
        surroundings: tuple[str, ...] = (),
        approved_words: Callable[[], Awaitable[tuple[str, ...]]] | None = None,
        breached: BreachedPasswords | None = None,
        service: BreachService | None = None,
        queue: int = 64,
    ) -> None:
        """Let nobody use a password made of the `surroundings`: product, host, and what the operator named.

        The `approved_words` of that moment are asked for with every password; at most `queue` of these wait.
        """
        self._surroundings = passwords.own_words(*surroundings)
        self._approved_words = approved_words
        self._breached = breached
        self._service = service
        self._queue = queue
        self._estimator = StrengthEstimator()

    async def judge_new(self, password: str, *, own_words: Names = (), beside_second_factor: bool = False) -> Verdict:
        """Judge a password that somebody wants to use; `own_words` are their names and addresses, each as it is.

        Asks the range service, too, if there is one. Raises HashPoolBusy when too many are waiting.
        """
        appraisal = await self.appraise(password, own_words=own_words, beside_second_factor=beside_second_factor)
        return appraisal.verdict

    async def appraise(self, password: str, *, own_words: Names = (), beside_second_factor: bool = False) -> Appraisal:
        """Judge a password like `judge_new`, and say how strong it is."""
        found = await self._appraise(password, own_words, beside_second_factor, room=self._queue)
        if found.verdict.is_acceptable and self._service is not None and await self._service.is_breached(password):
            return replace(found, verdict=Verdict(Refusal.PASSWORD_BREACHED))
        return found

    async def preview(self, password: str, *, own_words: Names = (), beside_second_factor: bool = False) -> Appraisal:
        """Judge a password that is being typed: nobody outside is asked, and few may wait.

        Raises HashPoolBusy when too many are waiting.
        """
        return await self._appraise(password, own_words, beside_second_factor, room=PREVIEWS_WAITING)

    def is_breached(self, password: str) -> bool:
        """Say whether a password in use is known to have leaked, by the local filter only; costs microseconds."""
        return self._breached is not None and self._breached.has(password)

    def close(self) -> None:
        """Let go of thread and file."""
        self._estimator.close()
        if self._breached is not None:
            self._breached.close()

    async def _appraise(self, password: str, own_words: Names, beside_second_factor: bool, *, room: int) -> Appraisal:
        minimum = passwords.shortest(beside_second_factor=beside_second_factor)
        form = passwords.judge_form(password, beside_second_factor=beside_second_factor)
        if form.refusal in _WITHOUT_STRENGTH or not password:
            return Appraisal(form, _NONE, minimum)
        approved = await self._approved_words() if self._approved_words is not None else ()
        words = (*passwords.own_words(*own_words), *self._surroundings, *approved)
        strength = await self._estimator.estimate(passwords.normalise(password), words, room=room)
        facts = Facts(
            guesses_log10=strength.guesses_log10,
            own_words=words,
            common=common_passwords(),
            is_breached=self.is_breached(password),
            beside_second_factor=beside_second_factor,
        )
        return Appraisal(passwords.judge(password, facts), strength, minimum)
