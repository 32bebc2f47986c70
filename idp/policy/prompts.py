"""prompt, max_age, id_token_hint and acr → what must happen next: sign in, choose, agree, go on, or refuse."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from idp.domain import assurance
from idp.domain.authorization import AuthorizationRequest, Interaction, Prompt
from idp.domain.client import Client
from idp.domain.session import Session


class Step(StrEnum):
    """What the person must do, or that nothing is left to do."""

    LOGIN = "login"
    ACCOUNTS = "accounts"
    CONSENT = "consent"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Fail:
    """The request ends with this error at the client (OIDC Core §3.1.2.6)."""

    error: str
    description: str


_NONE_ERRORS = {
    Step.LOGIN: Fail("login_required", "nobody is signed in who can answer this request without a page"),
    Step.ACCOUNTS: Fail("account_selection_required", "the person must choose an account"),
    Step.CONSENT: Fail("consent_required", "the person has not agreed to this request yet"),
}


def decide(
    request: AuthorizationRequest,
    client: Client,
    interaction: Interaction | None,
    session: Session | None,
    *,
    consent_needed: bool,
    now: datetime,
) -> Step | Fail:
    """Say what this request needs next, given who is signed in and what was already done for it."""
    step = _next(request, client, interaction, session, consent_needed=consent_needed, now=now)
    if Prompt.NONE in request.prompts and isinstance(step, Step) and step is not Step.DONE:
        return _NONE_ERRORS[step]
    return step


def _next(
    request: AuthorizationRequest,
    client: Client,
    interaction: Interaction | None,
    session: Session | None,
    *,
    consent_needed: bool,
    now: datetime,
) -> Step | Fail:
    if request.essential_acrs is not None and not set(request.essential_acrs) & set(assurance.SUPPORTED_ACRS):
        return Fail("unmet_authentication_requirements", "no way to sign in here reaches the acr that was demanded")
    if Prompt.SELECT_ACCOUNT in request.prompts and session and not (interaction and interaction.account_chosen):
        return Step.ACCOUNTS
    if session is None or needs_login(request, client, interaction, session, now=now):
        return Step.LOGIN
    if request.hinted_sub is not None and request.hinted_sub != session.user_id:
        # Somebody else signed in: a hint signs nobody in and nobody out (OIDC Core §3.1.2.1).
        return Fail("login_required", "another person is signed in than the one the client asked for")
    return Step.CONSENT if consent_needed else Step.DONE


def needs_login(
    request: AuthorizationRequest,
    client: Client,
    interaction: Interaction | None,
    session: Session,
    *,
    now: datetime,
) -> bool:
    """Say whether the session is not fresh or not strong enough for the request.

    prompt=login and max_age=0 ask for a first factor proved in this very interaction.
    """
    is_own = interaction is not None and interaction.signed_in_at is not None and interaction.session_id == session.id
    max_age = client.default_max_age if request.max_age is None else request.max_age
    if interaction is not None and interaction.account_chosen and interaction.session_id != session.id:
        return True  # the person chose to sign in with another account
    if is_own:
        return False
    if Prompt.LOGIN in request.prompts or max_age == 0:
        return True
    return max_age is not None and (now - session.auth_time).total_seconds() > max_age  # any integer, however large
