"""When a request needs a further factor, a new one, or cannot be met: the part of the table that is about factors."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from idp.domain.assurance import LOA1, LOA1V, LOA2, PHR, PHRH, Factor, Proof, Trait
from idp.domain.authorization import AuthorizationRequest, Prompt
from idp.policy import facts, prompts, rule_file
from idp.policy.judgement import Judgement
from idp.policy.prompts import Fail, Situation, Step
from idp.policy.situation import NEW_PASSWORD
from idp.policy.step_up import Facts, Rules
from tests.support.builders import HOUR, MINUTE, NOW, TICK, client, interaction, request, session

F = Factor
PASSWORD, TOTP, MAIL, KEY = (Proof(each, NOW) for each in (F.PASSWORD, F.TOTP, F.EMAIL_OTP, F.WEBAUTHN))
VERIFIED_KEY = replace(KEY, traits=frozenset({Trait.USER_VERIFIED}))
NONE = frozenset({Prompt.NONE})
UNMET = "unmet_authentication_requirements"
REQUIRED = Rules(demands_second_factor=True)


def situated(
    *, own: tuple[Proof, ...] = (), kept: tuple[Proof, ...] = (), enrolled: set[Factor] | None = None,
    rules: Rules | None = None, is_remembered: bool = False, **changes: Any,
) -> Situation:  # fmt: skip
    """Return a situation in which alice proved something here (`own`), and has a session with proofs (`kept`)."""
    known = Facts(frozenset(enrolled or ()), is_remembered)
    waiting = interaction(proofs=own, user_id="alice" if own else None, **changes)
    visit = session("alice", proofs=kept, auth_time=kept[0].verified_at) if kept else None
    return Situation(waiting, visit, NOW, known, rules or Rules())


def decide(situation: Situation, asked: AuthorizationRequest | None = None) -> Step | str:
    outcome = prompts.decide(asked or request(), client(), situation, consent_needed=False)
    return outcome.error if isinstance(outcome, Fail) else outcome


@pytest.mark.parametrize(
    ("own", "enrolled", "rules", "step"),
    [
        ((PASSWORD,), {F.TOTP}, Rules(), Step.STEP_UP),
        ((PASSWORD, TOTP), {F.TOTP}, Rules(), Step.LOGIN),  # all is proved, the session is still to be opened
        ((PASSWORD,), {F.EMAIL_OTP}, Rules(), Step.LOGIN),
        ((PASSWORD,), set(), Rules(), Step.LOGIN),
        ((PASSWORD,), set(), REQUIRED, Step.ENROL),
        ((PASSWORD,), {F.EMAIL_OTP}, REQUIRED, Step.ENROL),
        ((PASSWORD, MAIL), {F.EMAIL_OTP}, REQUIRED, Step.ENROL),
        ((PASSWORD,), {F.TOTP}, REQUIRED, Step.STEP_UP),
        ((), {F.TOTP}, Rules(), Step.LOGIN),
    ],
)
def test_an_account_asks_for_all_that_it_has(
    own: tuple[Proof, ...], enrolled: set[Factor], rules: Rules, step: Step
) -> None:
    situation = situated(own=own, enrolled=enrolled, rules=rules)

    assert decide(situation) is step
    is_missing = prompts.missing_proof(request(), client(), situation)
    assert (is_missing is None) is (bool(own) and step is Step.LOGIN)


@pytest.mark.parametrize(
    ("essential", "kept", "enrolled", "step"),
    [
        ((LOA2,), (PASSWORD,), {F.TOTP}, Step.STEP_UP),
        ((LOA2,), (PASSWORD, TOTP), {F.TOTP}, Step.DONE),
        ((LOA2,), (PASSWORD,), set(), Step.ENROL),
        ((LOA2,), (PASSWORD, MAIL), {F.EMAIL_OTP}, Step.ENROL),
        ((LOA1V,), (PASSWORD,), {F.EMAIL_OTP}, Step.STEP_UP),
        ((PHR,), (PASSWORD, TOTP), {F.TOTP}, Step.ENROL),
        ((PHR,), (PASSWORD,), {F.TOTP}, Step.STEP_UP),  # what the account has comes before a new factor
        ((PHR,), (PASSWORD, TOTP), {F.TOTP, F.WEBAUTHN}, Step.STEP_UP),
        ((PHR,), (PASSWORD, KEY), {F.WEBAUTHN}, Step.DONE),
        ((PHRH,), (PASSWORD, KEY), {F.WEBAUTHN}, UNMET),
        ((PHRH, LOA1), (PASSWORD,), {F.WEBAUTHN}, Step.STEP_UP),
        (("urn:unknown",), (PASSWORD,), {F.TOTP}, UNMET),
    ],
)
def test_a_demand_is_met_stepped_up_to_enrolled_for_or_refused(
    essential: tuple[str, ...], kept: tuple[Proof, ...], enrolled: set[Factor], step: Step | str
) -> None:
    """OIDC Core §5.5.1.1; RFC 9470 §5."""
    asked = request(essential_acrs=essential)
    situation = situated(kept=kept, enrolled=enrolled)

    assert decide(situation, asked) == step
    silent = decide(situation, request(essential_acrs=essential, prompts=NONE))
    assert silent == (step if step in (Step.DONE, UNMET) else "interaction_required")


@pytest.mark.parametrize(
    ("wishes", "enrolled", "step"),
    [
        ((LOA2,), {F.TOTP}, Step.STEP_UP),
        ((LOA2,), set(), Step.DONE),
        ((PHR, LOA2), {F.TOTP}, Step.STEP_UP),
        ((PHR,), set(), Step.DONE),
        ((LOA1,), set(), Step.DONE),
    ],
)
def test_a_wish_is_granted_where_the_person_can(wishes: tuple[str, ...], enrolled: set[Factor], step: Step) -> None:
    assert decide(situated(kept=(PASSWORD,), enrolled=enrolled), request(acr_values=wishes)) is step


@pytest.mark.parametrize("asked", [{"acr_values": (LOA2,)}, {"essential_acrs": (LOA2,)}], ids=str)
def test_a_remembered_browser_spares_the_account_and_no_request(asked: dict[str, Any]) -> None:
    remembered = situated(own=(PASSWORD,), enrolled={F.TOTP}, is_remembered=True)

    assert prompts.missing_proof(request(), client(), remembered) is None
    assert prompts.missing_proof(request(**asked), client(), remembered) is Step.STEP_UP
    assert prompts.options(request(**asked), client(), remembered) == (F.TOTP,)


@pytest.mark.parametrize(
    ("asked", "changes", "may"),
    [
        ({}, {}, True),
        ({"acr_values": (LOA2,)}, {}, False),
        ({"essential_acrs": (LOA2,)}, {}, False),
        ({}, {"rules": Rules(remembers_browsers=False)}, False),
        ({}, {"enrolled": {F.EMAIL_OTP}}, False),
        ({}, {"fresh_within": 5 * MINUTE}, False),
    ],
    ids=str,
)
def test_a_browser_may_be_remembered_where_only_the_account_asked(
    asked: dict[str, Any], changes: dict[str, Any], may: bool
) -> None:
    situation = situated(**{"own": (PASSWORD,), "enrolled": {F.TOTP}, **changes})

    assert prompts.may_remember(request(**asked), situation) is may


def test_a_stale_session_proves_only_what_is_fresh() -> None:
    """max_age asks for a new sign-in, and the second factor with it."""
    old = tuple(Proof(each, NOW - HOUR) for each in (F.PASSWORD, F.TOTP))
    asked = request(max_age=60, essential_acrs=(LOA2,))

    assert decide(situated(kept=old, enrolled={F.TOTP}), asked) is Step.LOGIN
    assert decide(situated(kept=old, own=(PASSWORD,), enrolled={F.TOTP}), asked) is Step.STEP_UP


def test_prompt_login_asks_for_every_factor_anew() -> None:
    asked = request(prompts=frozenset({Prompt.LOGIN}))
    kept = (PASSWORD, TOTP)

    assert decide(situated(kept=kept, enrolled={F.TOTP}), asked) is Step.LOGIN
    assert decide(situated(kept=kept, own=(PASSWORD,), enrolled={F.TOTP}), asked) is Step.STEP_UP


def test_a_second_factor_alone_proves_nothing_to_ourselves() -> None:
    situation = situated(own=(TOTP,), enrolled={F.TOTP})

    assert prompts.missing_proof(None, None, situation) is Step.LOGIN


@pytest.mark.parametrize(
    ("age", "enrolled", "missing"),
    [
        (timedelta(), {F.TOTP}, None),
        (5 * MINUTE, {F.TOTP}, None),
        (5 * MINUTE + TICK, {F.TOTP}, Step.LOGIN),
        (timedelta(), {F.WEBAUTHN}, None),
    ],
)
def test_a_sensitive_page_asks_for_all_freshly(age: timedelta, enrolled: set[Factor], missing: Step | None) -> None:
    """ASVS 7.5.1; NIST SP 800-63B-4 §2.2.3."""
    kept = tuple(Proof(each, NOW - age) for each in (F.PASSWORD, F.TOTP))
    situation = situated(kept=kept, enrolled=enrolled, is_remembered=True, fresh_within=5 * MINUTE)

    assert prompts.missing_proof(None, None, situation) is missing


def test_a_remembered_browser_opens_no_sensitive_page() -> None:
    situation = situated(kept=(PASSWORD,), enrolled={F.TOTP}, is_remembered=True, fresh_within=5 * MINUTE)

    assert prompts.missing_proof(None, None, situation) is Step.STEP_UP
    assert prompts.options(None, None, situation) == (F.TOTP,)


def test_proofs_of_somebody_else_count_for_nothing() -> None:
    bob = Situation(
        interaction(proofs=(PASSWORD,), user_id="bob"), session("alice", proofs=(PASSWORD, TOTP)), NOW,
        Facts(frozenset({F.TOTP})),
    )  # fmt: skip

    assert prompts.proofs_at_hand(request(), client(), bob) == (PASSWORD,)
    assert decide(bob) is Step.STEP_UP


@pytest.mark.parametrize(
    ("own", "enrolled", "changes", "step"),
    [
        ((), set(), {}, Step.LOGIN),
        ((PASSWORD,), {F.TOTP}, {}, Step.STEP_UP),
        ((PASSWORD,), set(), {"fresh_within": 5 * MINUTE}, Step.LOGIN),  # no session holds it yet
        ((PASSWORD,), set(), {"session_id": "s", "signed_in_at": NOW}, Step.DONE),
        ((PASSWORD, TOTP), {F.TOTP}, {"session_id": "s", "signed_in_at": NOW, "fresh_within": 5 * MINUTE}, Step.DONE),
    ],
)
def test_our_own_pages_ask_for_all_that_the_account_has(
    own: tuple[Proof, ...], enrolled: set[Factor], changes: dict[str, Any], step: Step
) -> None:
    visit = session("alice", id="s", proofs=own) if "session_id" in changes else None
    waiting = interaction(proofs=own, user_id="alice" if own else None, **changes)

    assert prompts.decide_for_ourselves(Situation(waiting, visit, NOW, Facts(frozenset(enrolled)))) is step


def test_a_demand_that_cannot_be_met_ends_the_request_after_the_sign_in() -> None:
    outcome = prompts.authenticate(None, (PASSWORD,), situated(own=(PASSWORD,)))

    assert isinstance(outcome, Fail)
    assert outcome.error == UNMET
    assert prompts.authenticate(None, (), situated()) is Step.LOGIN


@pytest.mark.parametrize(
    ("own", "is_done", "step"),
    [
        ((PASSWORD,), False, Step.NEW_PASSWORD),
        ((PASSWORD,), True, Step.LOGIN),
        ((VERIFIED_KEY,), False, Step.LOGIN),  # nobody typed a password
        ((), False, Step.LOGIN),
    ],
)
def test_a_policy_that_trusts_a_password_no_more_asks_for_another_once(
    own: tuple[Proof, ...], is_done: bool, step: Step
) -> None:
    policy = rule_file.read(
        'schema = 1\nbreak_glass = { group = "b" }\n[[rule]]\nid = "x"\nwhen = { history.logins.ge = 0 }\n'
        'effects = ["change_password"]\n'
    )
    kept = {NEW_PASSWORD: True} if is_done else {}
    situation = situated(own=own, enrolled={F.WEBAUTHN} if VERIFIED_KEY in own else set(), judgement=kept)
    situation = replace(situation, judgement=Judgement(policy, facts.checked({"history.logins": 3})))

    assert decide(situation) is step
    if step is Step.NEW_PASSWORD:
        assert decide(situation, request(prompts=NONE)) == "interaction_required"
        assert prompts.missing_proof(request(), client(), situation) is step
