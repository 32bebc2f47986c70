"""What every factor promises: a right answer counts once, in time, for the person and the sign-in that were asked."""

from dataclasses import replace

import pytest

from idp.domain.assurance import Proof
from idp.domain.refusal import Refused
from idp.domain.user import User
from idp.factors.catalog import Catalog
from idp.factors.factor import Attempt
from idp.storage.stores import Stores, Transactions
from tests.factors.kits import KITS, LATER, Kit
from tests.support.builders import DAY, MINUTE, NOW, TICK
from tests.support.factors import attempt_of
from tests.support.storage import Crowd

MANY = 50


#: Factors whose answer belongs to the sign-in that asked; a code of an app or on paper belongs to the person alone.
BOUND = [kit for kit in KITS if kit.is_bound]


@pytest.fixture(params=KITS, ids=lambda kit: kit.__name__)
def kit(request: pytest.FixtureRequest, factors: Catalog) -> Kit:
    """Each factor in turn."""
    made: Kit = request.param(factors)
    return made


async def set_up(kit: Kit, stores: Stores, user: User) -> Attempt:
    """Return an attempt of a person who has the factor, after all that the set-up used is over."""
    await kit.set_up(attempt_of(stores, user, NOW, purpose="set-up"))
    return attempt_of(stores, user, LATER)


@pytest.fixture
async def attempt(kit: Kit, stores: Stores, person: User) -> Attempt:
    """A person who has the factor, in a sign-in."""
    return await set_up(kit, stores, person)


async def test_a_wrong_answer_is_refused_and_the_right_one_counts_once(kit: Kit, attempt: Attempt) -> None:
    right = await kit.ask(attempt)
    if kit.check is not kit.factors.webauthn:  # whose challenge is spent by the first answer
        assert isinstance(await kit.check.verify(attempt, kit.wrong(right)), Refused)

    proof = await kit.check.verify(attempt, right)

    assert isinstance(proof, Proof)
    assert (proof.factor, proof.verified_at) == (kit.check.factor, LATER)
    assert isinstance(await kit.check.verify(attempt, right), Refused)
    assert isinstance(await kit.check.verify(replace(attempt, now=LATER + TICK), right), Refused)


async def test_each_is_found_by_its_name(kit: Kit) -> None:
    assert kit.factors[kit.check.factor] is kit.check


async def test_a_wrong_answer_alone_is_refused(kit: Kit, attempt: Attempt) -> None:
    assert isinstance(await kit.check.verify(attempt, kit.wrong(await kit.ask(attempt))), Refused)


@pytest.mark.parametrize("kit", BOUND, indirect=True, ids=lambda kit: kit.__name__)
async def test_nothing_counts_before_it_was_asked_for(kit: Kit, stores: Stores, person: User, attempt: Attempt) -> None:
    right = await kit.ask(attempt)

    assert isinstance(await kit.check.verify(attempt_of(stores, person, LATER), right), Refused)


@pytest.mark.parametrize("is_late", [True, False])
async def test_an_answer_dies_at_its_moment(kit: Kit, attempt: Attempt, is_late: bool) -> None:
    right, end = await kit.ask(attempt), kit.dies_at(LATER)
    if end is None:
        end = LATER + 400 * DAY  # what is on paper does not age
        is_late = False

    outcome = await kit.check.verify(replace(attempt, now=end if is_late else end - TICK), right)

    assert isinstance(outcome, Refused if is_late else Proof)


async def test_what_was_used_in_one_session_is_refused_in_another(
    kit: Kit, stores: Stores, person: User, attempt: Attempt
) -> None:
    right, elsewhere = await kit.ask(attempt), attempt_of(stores, person, LATER)
    assert isinstance(await kit.check.verify(attempt, right), Proof)
    await kit.ask(elsewhere)

    assert isinstance(await kit.check.verify(elsewhere, right), Refused)


@pytest.mark.parametrize("kit", BOUND, indirect=True, ids=lambda kit: kit.__name__)
async def test_another_sessions_answer_is_refused(kit: Kit, stores: Stores, person: User, attempt: Attempt) -> None:
    """Case LG21: also when both sessions wait for one."""
    elsewhere = attempt_of(stores, person, LATER)
    foreign = await kit.ask(elsewhere)
    own = await kit.ask(attempt)
    if foreign == own:
        foreign = kit.wrong(own)

    assert isinstance(await kit.check.verify(attempt, foreign), Refused)


@pytest.mark.parametrize("kit", BOUND, indirect=True, ids=lambda kit: kit.__name__)
async def test_an_answer_for_another_purpose_is_refused(kit: Kit, attempt: Attempt) -> None:
    """Case LG21: a code for a sign-in changes no address, and the other way round."""
    right = await kit.ask(replace(attempt, purpose="change"))

    assert isinstance(await kit.check.verify(attempt, right), Refused)


@pytest.mark.parametrize("shares_the_session", [True, False])
async def test_another_persons_answer_is_refused(
    kit: Kit, stores: Stores, other: User, attempt: Attempt, shares_the_session: bool
) -> None:
    theirs = await set_up(kit, stores, other)
    if shares_the_session:
        theirs = replace(theirs, binding=attempt.binding)
    else:
        await kit.ask(theirs)
    right = await kit.ask(attempt)

    assert isinstance(await kit.check.verify(theirs, right), Refused)


NOT_ANSWERS = {
    "empty": "", "blank": "   ", "null": "null", "brackets": "[]", "braces": "{}", "zero": "0", "true": "true",
    "NUL": "\0\0\0\0\0\0", "huge": "1" * 1_000_000, "huge nest": "[" * 100_000, "surrogate": "\ud800",
    "minus": "-12345", "exponent": "1e5", "decimal": "1234.5", "five": "12345", "seven": "1234567",
    "arabic": "١٢٣٤٥٦", "full-width": "１２３４５６", "superscript": "¹²³⁴⁵⁶", "quote": "' OR 1=1 --",
    "a right-to-left mark": "\u202e123456",
}  # fmt: skip


@pytest.mark.parametrize("answer", NOT_ANSWERS.values(), ids=NOT_ANSWERS)
async def test_what_is_no_answer_is_refused(kit: Kit, attempt: Attempt, answer: str) -> None:
    await kit.ask(attempt)

    assert isinstance(await kit.check.verify(attempt, answer), Refused)


async def test_full_width_digits_and_added_signs_are_not_the_right_answer(kit: Kit, attempt: Attempt) -> None:
    right = await kit.ask(attempt)

    for spoiled in (
        right.translate({ord("0") + n: ord("０") + n for n in range(10)} | {97: "ａ"}) + "\0",
        f"{right}\0",
    ):
        assert isinstance(await kit.check.verify(attempt, spoiled), Refused)


async def test_who_has_not_set_it_up_proves_nothing(kit: Kit, stores: Stores, other: User, attempt: Attempt) -> None:
    right, theirs = await kit.ask(attempt), attempt_of(stores, other, LATER)

    assert isinstance(await kit.check.verify(theirs, right), Refused)


async def test_of_fifty_answers_at_once_one_counts(
    kit: Kit, crowd: Crowd, transactions: Transactions, world: object, person: User
) -> None:
    """Case LG18: over three processes, all transactions open before the first one answers."""
    async with transactions.open(write=True) as stores:
        binding = (attempt := await set_up(kit, stores, person)).binding
        right = await kit.ask(attempt)

    async def answer(stores: Stores) -> Proof | Refused:
        return await kit.check.verify(Attempt(stores, person, binding, LATER), right)

    outcomes = await crowd.race(MANY, answer)

    assert sum(isinstance(outcome, Proof) for outcome in outcomes) == 1


async def test_in_fifty_sessions_at_once_a_code_counts_once(
    kit: Kit, crowd: Crowd, transactions: Transactions, person: User
) -> None:
    """Case LG18, for codes that are not bound to a session."""
    async with transactions.open(write=True) as stores:
        right = await kit.ask(await set_up(kit, stores, person))

    async def answer(stores: Stores) -> Proof | Refused:
        return await kit.check.verify(attempt_of(stores, person, LATER), right)

    outcomes = await crowd.race(MANY, answer)

    assert sum(isinstance(outcome, Proof) for outcome in outcomes) == (0 if kit.is_bound else 1)


async def test_time_that_passed_does_not_revive_an_answer(kit: Kit, attempt: Attempt) -> None:
    right = await kit.ask(attempt)
    assert isinstance(await kit.check.verify(attempt, right), Proof)

    for later in (MINUTE, 5 * MINUTE, DAY):
        assert isinstance(await kit.check.verify(replace(attempt, now=LATER + later), right), Refused)
