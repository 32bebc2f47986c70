"""prompt, max_age, id_token_hint and acr → what must happen next: sign in, confirm, choose, agree, go on, or refuse."""

from datetime import timedelta

from idp.domain import assurance
from idp.domain.assurance import Factor, Proof, Requirement
from idp.domain.authorization import AuthorizationRequest, Prompt
from idp.domain.client import Client
from idp.policy import judgement as judgements
from idp.policy import lifetimes, step_up
from idp.policy.judgement import Account
from idp.policy.rules import Decision, EffectKind
from idp.policy.situation import AUTHENTICATION, Fail, Situation, Step
from idp.policy.step_up import Facts, Rules
from idp.policy.verdict_parts import Refusal, Resolution

__all__ = ["AUTHENTICATION", "Fail", "Situation", "Step"]

LONGEST_MAX_AGE = 10**9  # seconds; a client that accepts older sign-ins accepts any


_DENIED = Fail("access_denied", "this attempt was refused")
_UNMET = Fail("unmet_authentication_requirements", "no way to sign in here reaches the acr that was demanded")
_NONE_ERRORS = {
    Step.LOGIN: Fail("login_required", "nobody is signed in who can answer this request without a page"),
    Step.STEP_UP: Fail("interaction_required", "the person must prove more than they have"),
    Step.ENROL: Fail("interaction_required", "the person must set up another factor"),
    Step.NEW_PASSWORD: Fail("interaction_required", "the person must choose a new password"),
    Step.ACCOUNTS: Fail("account_selection_required", "the person must choose an account"),
    Step.LINK: Fail("interaction_required", "the person must say whether an identity elsewhere is theirs"),
    Step.CONSENT: Fail("consent_required", "the person has not agreed to this request yet"),
}


def decide(request: AuthorizationRequest, client: Client, situation: Situation, *, consent_needed: bool) -> Step | Fail:
    """Say what this request needs next, given who is signed in and what was already done for it."""
    step = _next(request, client, situation, consent_needed=consent_needed)
    if Prompt.NONE in request.prompts and isinstance(step, Step) and step is not Step.DONE:
        return _NONE_ERRORS[step]
    return step


def _next(request: AuthorizationRequest, client: Client, situation: Situation, *, consent_needed: bool) -> Step | Fail:
    session, interaction = situation.session, situation.interaction
    if request.essential_acrs is not None and not set(request.essential_acrs) & set(situation.rules.acrs):
        return _UNMET
    chosen = interaction is not None and interaction.account_chosen
    if Prompt.SELECT_ACCOUNT in request.prompts and session and not chosen and not situation.own_proofs:
        return Step.ACCOUNTS
    proofs = proofs_at_hand(request, client, situation)
    if proofs and request.hinted_sub is not None and request.hinted_sub != situation.subject:
        # Somebody else signed in: a hint signs nobody in and nobody out (OIDC Core §3.1.2.1).
        return Fail("login_required", "another person is signed in than the one the client asked for")
    missing = _missing(requirement_of(request, situation), proofs, situation)
    if missing is not None:
        return missing
    if situation.own_proofs and not situation.is_concluded:
        return Step.LOGIN  # enough was proved, but no session holds it: it began anew somewhere else
    if situation.waits_for_link:
        return Step.LINK
    return Step.CONSENT if consent_needed else Step.DONE


def missing_proof(
    request: AuthorizationRequest | None, client: Client | None, situation: Situation
) -> Step | Fail | None:
    """Say what is still to be proved in an interaction; None when its session may be opened or raised."""
    if request is None or client is None:
        return _missing_for_ourselves(situation)
    proofs = proofs_at_hand(request, client, situation)
    return _missing(requirement_of(request, situation), proofs, situation)


def requirement_of(request: AuthorizationRequest, situation: Situation) -> Requirement | None:
    """Return what must have been proved for this request; None if its demand can never be met."""
    facts = situation.facts or Facts()
    # Without facts the session was opened under the account's own rules, and nothing more was asked.
    required = step_up.of_account(facts, situation.rules) if situation.facts is not None else Requirement()
    asked = _of_request(request, facts)
    return None if asked is None else required.join(asked)


def _of_request(request: AuthorizationRequest, facts: Facts) -> Requirement | None:
    if request.essential_acrs is not None:
        return step_up.demanded(request.essential_acrs, facts)
    return step_up.wished(request.acr_values, facts)


def resolution_of(base: Requirement | None, proofs: tuple[Proof, ...], situation: Situation) -> Resolution | None:
    """Return what the policy makes of this attempt; None where nobody was judged, or a demand can never be met."""
    judgement, facts = situation.judgement, situation.facts
    if judgement is None or facts is None or base is None or not proofs:
        return None
    began = situation.interaction.created_at if situation.interaction is not None else None
    return judgements.weigh(judgement, Account(facts, situation.rules, base, situation.now, began), proofs)


def _missing(base: Requirement | None, proofs: tuple[Proof, ...], situation: Situation) -> Step | Fail | None:
    """Say how the person must prove more, by what account, client and request ask for and by what the policy does."""
    resolution = resolution_of(base, proofs, situation)
    if resolution is None or base is None:
        return authenticate(base, proofs, situation)
    if resolution.decision is Decision.DENY and resolution.refusal is Refusal.RULE:
        return _DENIED
    if not step_up.is_reachable(base, situation.facts or Facts()):
        # A demand of the client or the operator leads to a new factor, whatever a policy would settle for.
        missing = authenticate(base, proofs, situation)
        if missing is not None:
            return missing
    match resolution.decision:
        case Decision.DENY:
            return _DENIED
        case Decision.ALLOW:
            return Step.NEW_PASSWORD if _must_change(resolution, situation) else None
        case Decision.ENROL:
            return _prove_or_enrol(proofs, situation)
    return Step.STEP_UP if _offered(resolution) else Step.LOGIN


def _must_change(resolution: Resolution, situation: Situation) -> bool:
    """Say whether the password that was typed here lets nobody in before another has taken its place."""
    if situation.has_new_password:
        return False
    if not any(effect.kind is EffectKind.CHANGE_PASSWORD for effect in resolution.effects):
        return False
    return any(proof.factor is Factor.PASSWORD for proof in situation.own_proofs)


def _offered(resolution: Resolution) -> tuple[Factor, ...]:
    """Return what the page of the further factor offers; a password is asked for on its own page."""
    return tuple(factor for factor in resolution.options if factor is not Factor.PASSWORD)


def authenticate(
    requirement: Requirement | None, proofs: tuple[Proof, ...], situation: Situation
) -> Step | Fail | None:
    """Say how the person must prove more; None if what they proved is enough."""
    if not proofs:
        return Step.LOGIN
    if requirement is None:
        return _UNMET
    if requirement.is_met(proofs, situation.now):
        return None
    facts, rules = situation.facts or Facts(), situation.rules
    if step_up.options(requirement, proofs, facts, rules):
        return Step.STEP_UP
    if not step_up.is_enrolable(requirement):
        return _UNMET
    return _prove_or_enrol(proofs, situation)


def _prove_or_enrol(proofs: tuple[Proof, ...], situation: Situation) -> Step | Fail:
    """Lead to a new factor: only somebody who proved all that the account has, and just now (ASVS 6.1.3, 7.5.1)."""
    facts, rules = situation.facts or Facts(), situation.rules
    recent = _recent(proofs, situation)
    if not any(proof.factor in assurance.PRIMARY for proof in recent):
        return Step.LOGIN
    whole = _of_what_there_is(facts)
    if not whole.is_met(recent):
        return Step.STEP_UP if step_up.options(whole, recent, facts, rules) else _UNMET
    return Step.ENROL


def _recent(proofs: tuple[Proof, ...], situation: Situation) -> tuple[Proof, ...]:
    since = situation.now - lifetimes.REAUTHENTICATION
    return assurance.merge(assurance.fresh(proofs, since), situation.own_proofs)


def _of_what_there_is(facts: Facts) -> Requirement:
    """Return what the account asks for by itself; no remembered browser spares anything."""
    return step_up.of_account(Facts(facts.enrolled), Rules())


def proofs_at_hand(request: AuthorizationRequest, client: Client, situation: Situation) -> tuple[Proof, ...]:
    """Return what counts for this request: the session's proofs while they are fresh enough, and this interaction's."""
    session, own = situation.session, situation.own_proofs
    if session is None or session.user_id != situation.user_id or needs_login(request, client, situation):
        return own
    max_age = effective_max_age(request, client)
    kept = session.proofs
    if max_age is not None and max_age < LONGEST_MAX_AGE and not situation.is_concluded:
        kept = assurance.fresh(kept, situation.now - timedelta(seconds=max_age))
    return assurance.merge(kept, own)


def effective_max_age(request: AuthorizationRequest, client: Client) -> int | None:
    """Return the age in seconds that a sign-in may have; the client's default counts where it asks for none."""
    return client.default_max_age if request.max_age is None else request.max_age


def needs_login(request: AuthorizationRequest, client: Client, situation: Situation) -> bool:
    """Say whether the session is not fresh enough for the request, or not the one that the person wants.

    prompt=login and max_age=0 ask for a first factor proved in this very interaction; so does prompt=create, because
    whoever makes an account is signed in by it.
    """
    interaction, session = situation.interaction, situation.session
    if session is None:
        return True
    if interaction is not None and interaction.account_chosen and interaction.session_id != session.id:
        return True  # the person chose to sign in with another account
    if situation.is_concluded:
        return False
    max_age = effective_max_age(request, client)
    if request.prompts & {Prompt.LOGIN, Prompt.CREATE} or max_age == 0:
        return True
    # Any integer, however large.
    return max_age is not None and (situation.now - session.auth_time).total_seconds() > max_age


def decide_for_ourselves(situation: Situation) -> Step | Fail:
    """Say what one of our own pages needs next: a sign-in in this interaction, or all that the account has, freshly."""
    missing = _missing_for_ourselves(situation)
    if missing is not None:
        return missing
    if situation.own_proofs and not situation.is_concluded:
        return Step.LOGIN
    return Step.LINK if situation.waits_for_link else Step.DONE


def _missing_for_ourselves(situation: Situation) -> Step | Fail | None:
    interaction = situation.interaction
    assert interaction is not None
    if interaction.fresh_within is None and situation.is_concluded:
        return None
    requirement, proofs = asked(None, None, situation)
    if not any(proof.factor in assurance.PRIMARY for proof in proofs):
        return Step.LOGIN
    return _missing(requirement, proofs, situation)


def options(request: AuthorizationRequest | None, client: Client | None, situation: Situation) -> tuple[Factor, ...]:
    """Return the factors by which the person can go on now, strongest first; empty when nothing would help."""
    facts, rules = situation.facts or Facts(), situation.rules
    requirement, proofs = asked(request, client, situation)
    resolution = resolution_of(requirement, proofs, situation)
    if resolution is not None and resolution.decision in (Decision.STEP_UP, Decision.VERIFY_EMAIL):
        return _offered(resolution)
    found = step_up.options(requirement, proofs, facts, rules) if requirement is not None else ()
    # On the way to a new factor the old ones are asked first.
    return found or step_up.options(_of_what_there_is(facts), _recent(proofs, situation), facts, rules)


def may_remember(request: AuthorizationRequest | None, situation: Situation) -> bool:
    """Say whether the person may have this browser remembered: only where the account alone asked for more."""
    facts = situation.facts or Facts()
    account = step_up.of_account(Facts(facts.enrolled), situation.rules)
    if situation.interaction is not None and situation.interaction.fresh_within is not None:
        return False
    if request is not None and _of_request(request, facts) != Requirement():
        return False
    base = _of_request(request, facts) if request is not None else Requirement()
    resolution = resolution_of(base, situation.own_proofs, situation)
    if resolution is not None and resolution.asks:
        return False
    return bool(facts.second_factors) and situation.rules.remembers_browsers and account != Requirement()


def asked(
    request: AuthorizationRequest | None, client: Client | None, situation: Situation
) -> tuple[Requirement | None, tuple[Proof, ...]]:
    """Return what account, client and request ask for, and the proofs that count for it."""
    facts, interaction, session = situation.facts or Facts(), situation.interaction, situation.session
    if request is not None and client is not None:
        return requirement_of(request, situation), proofs_at_hand(request, client, situation)
    if interaction is None or interaction.fresh_within is None:
        return step_up.of_account(facts, situation.rules), situation.own_proofs
    since = situation.now - interaction.fresh_within
    kept = session.proofs if session is not None and session.user_id == situation.user_id else ()
    proofs = assurance.merge(assurance.fresh(kept, since), assurance.fresh(situation.own_proofs, since))
    return step_up.of_sensitive_page(facts), proofs
