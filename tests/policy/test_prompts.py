"""What a request needs next, as a table: who is signed in, what the client asked, what was done already."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from idp.domain.assurance import LOA1
from idp.domain.authorization import AuthorizationRequest, Interaction, Prompt
from idp.domain.session import Session
from idp.policy.prompts import Fail, Situation, Step, decide
from tests.support.builders import DAY, HOUR, MINUTE, NOW, TICK, client, interaction, request, session

ALICE = session("alice", id="session-of-alice", auth_time=NOW - HOUR)
FRESH = interaction(session_id=ALICE.id, signed_in_at=NOW, account_chosen=True)
CHOSEN = interaction(session_id=ALICE.id, account_chosen=True)
OF_ANOTHER_SESSION = interaction(session_id="session-of-bob", signed_in_at=NOW, account_chosen=True)
LOGIN, CONSENT, NONE, SELECT = (
    frozenset({prompt}) for prompt in (Prompt.LOGIN, Prompt.CONSENT, Prompt.NONE, Prompt.SELECT_ACCOUNT)
)


def ask(
    asked: AuthorizationRequest,
    session: Session | None = ALICE,
    interaction: Interaction | None = None,
    *,
    consent_needed: bool = False,
    default_max_age: int | None = None,
    now: datetime = NOW,
) -> Step | str:
    """Return the step, or the error code."""
    rp = client(default_max_age=default_max_age)
    situation = Situation(interaction, session, now)
    situation = replace(situation, subject=situation.user_id)
    outcome = decide(asked, rp, situation, consent_needed=consent_needed)
    return outcome.error if isinstance(outcome, Fail) else outcome


@pytest.mark.parametrize(
    ("prompts", "signed_in", "consent_needed", "outcome"),
    [
        (frozenset(), None, True, Step.LOGIN),
        (frozenset(), None, False, Step.LOGIN),
        (frozenset(), ALICE, True, Step.CONSENT),
        (frozenset(), ALICE, False, Step.DONE),
        (LOGIN, None, False, Step.LOGIN),
        (LOGIN, ALICE, False, Step.LOGIN),
        (CONSENT, ALICE, True, Step.CONSENT),
        (SELECT, None, False, Step.LOGIN),
        (SELECT, ALICE, False, Step.ACCOUNTS),
        (SELECT | LOGIN, ALICE, False, Step.ACCOUNTS),
        (LOGIN | CONSENT, ALICE, True, Step.LOGIN),
        (NONE, None, False, "login_required"),
        (NONE, None, True, "login_required"),
        (NONE, ALICE, True, "consent_required"),
        (NONE, ALICE, False, Step.DONE),
    ],
)
def test_the_prompt_decides_which_page_comes_first(
    prompts: frozenset[Prompt], signed_in: Session | None, consent_needed: bool, outcome: Step | str
) -> None:
    """OIDC Core §3.1.2.1, §3.1.2.6; prompt=none shows no page (cases AZ17, AZ18)."""
    assert ask(request(prompts=prompts), signed_in, consent_needed=consent_needed) == outcome


@pytest.mark.parametrize(
    ("prompts", "done", "outcome"),
    [
        (LOGIN, None, Step.LOGIN),
        (LOGIN, interaction(), Step.LOGIN),
        (LOGIN, CHOSEN, Step.LOGIN),
        (LOGIN, OF_ANOTHER_SESSION, Step.LOGIN),
        (LOGIN, FRESH, Step.DONE),
        (SELECT, interaction(), Step.ACCOUNTS),
        (SELECT, CHOSEN, Step.DONE),
        (SELECT | LOGIN, CHOSEN, Step.LOGIN),
        (SELECT | LOGIN, FRESH, Step.DONE),
    ],
)
def test_only_what_was_done_in_this_interaction_counts(
    prompts: frozenset[Prompt], done: Interaction | None, outcome: Step
) -> None:
    """Case AZ20: prompt=login is answered by a first factor proved here, by the session that goes on."""
    assert ask(request(prompts=prompts), ALICE, done) == outcome


@pytest.mark.parametrize(
    ("max_age", "default", "age", "outcome"),
    [
        (None, None, 300 * DAY, Step.DONE),
        (60, None, timedelta(seconds=60), Step.DONE),
        (60, None, timedelta(seconds=60) + TICK, Step.LOGIN),
        (None, 60, timedelta(seconds=60) + TICK, Step.LOGIN),
        (None, 60, timedelta(seconds=60), Step.DONE),
        (3600, 60, MINUTE * 30, Step.DONE),
        (60, 3600, MINUTE * 30, Step.LOGIN),
        (0, None, timedelta(), Step.LOGIN),
        (0, 3600, timedelta(), Step.LOGIN),
        (None, 0, timedelta(), Step.LOGIN),
        (60, None, -MINUTE, Step.DONE),
        (10**40, None, 300 * DAY, Step.DONE),
    ],
)
def test_a_session_older_than_max_age_must_sign_in_again(
    max_age: int | None, default: int | None, age: timedelta, outcome: Step
) -> None:
    """Case AZ21; OIDC Core §3.1.2.1, Registration §2: the request's max_age stands before the client's default."""
    aged = replace(ALICE, auth_time=NOW - age)

    assert ask(request(max_age=max_age), aged, default_max_age=default) == outcome
    assert ask(request(max_age=max_age), aged, FRESH, default_max_age=default) == Step.DONE
    if outcome is Step.LOGIN:
        assert ask(request(max_age=max_age, prompts=NONE), aged, default_max_age=default) == "login_required"


@pytest.mark.parametrize(
    ("hinted", "signed_in", "prompts", "outcome"),
    [
        ("alice", ALICE, frozenset(), Step.DONE),
        ("alice", ALICE, NONE, Step.DONE),
        ("bob", ALICE, frozenset(), "login_required"),
        ("bob", ALICE, NONE, "login_required"),
        ("bob", None, frozenset(), Step.LOGIN),
        ("bob", None, NONE, "login_required"),
        ("bob", ALICE, LOGIN, Step.LOGIN),
    ],
)
def test_a_hint_signs_nobody_in_and_nobody_out(
    hinted: str, signed_in: Session | None, prompts: frozenset[Prompt], outcome: Step | str
) -> None:
    """Case AZ22: a hint of somebody else than the signed-in user is login_required."""
    assert ask(request(hinted_sub=hinted, prompts=prompts), signed_in) == outcome


def test_somebody_else_than_the_hinted_person_gets_no_code_by_signing_in() -> None:
    assert ask(request(hinted_sub="bob", prompts=LOGIN), ALICE, FRESH) == "login_required"


@pytest.mark.parametrize(
    ("essential", "outcome"),
    [
        (None, Step.DONE),
        ((LOA1,), Step.DONE),
        (("phr", LOA1), Step.DONE),
        (("phr",), Step.ENROL),
        (("phrh",), "unmet_authentication_requirements"),
        (("",), "unmet_authentication_requirements"),
    ],
)
def test_an_essential_acr_that_cannot_be_met_ends_the_request(
    essential: tuple[str, ...] | None, outcome: Step | str
) -> None:
    """Case AZ24; OIDC Core §5.5.1.1. Before any page, so that nobody signs in for nothing."""
    assert ask(request(essential_acrs=essential)) == outcome
    if isinstance(outcome, str) and not isinstance(outcome, Step):
        assert ask(request(essential_acrs=essential), None) == outcome
        assert ask(request(essential_acrs=essential, prompts=NONE), None) == outcome


def test_a_voluntary_acr_that_cannot_be_met_is_no_error() -> None:
    assert ask(request(acr_values=("phr",))) is Step.DONE


@pytest.mark.parametrize(
    ("age", "outcome"), [(timedelta(), Step.ENROL), (5 * MINUTE, Step.ENROL), (5 * MINUTE + TICK, Step.LOGIN)]
)
def test_a_factor_is_set_up_only_soon_after_a_proof(age: timedelta, outcome: Step) -> None:
    """ASVS 7.5.1, case LG34: a stolen cookie of yesterday adds no factor of the thief's."""
    assert ask(request(essential_acrs=("phr",)), session("alice"), now=NOW + age) == outcome
