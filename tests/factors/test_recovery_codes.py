"""Recovery codes: ten that nobody guesses, typed as people type, each once, the old set void with the new one."""

from dataclasses import replace

import pytest

from idp.domain.assurance import Proof
from idp.domain.refusal import Refusal, Refused
from idp.domain.secret import READABLE
from idp.domain.user import User
from idp.factors.catalog import Catalog
from idp.factors.factor import Attempt
from idp.factors.recovery_codes import COUNT, plain_code
from idp.storage.recovery_codes import recovery_codes
from idp.storage.stores import Stores, Transactions
from tests.support.builders import NOW
from tests.support.factors import asked, attempt_of
from tests.support.storage import Crowd


@pytest.fixture
async def attempt(stores: Stores, person: User) -> Attempt:
    """A person in a sign-in."""
    return attempt_of(stores, person, NOW)


async def make(factors: Catalog, attempt: Attempt) -> list[str]:
    return list(asked(await factors.recovery_codes.begin(attempt)).codes)


async def test_there_are_ten_and_each_has_more_than_64_bits(factors: Catalog, attempt: Attempt) -> None:
    """ASVS 6.5.2, 6.5.4: three characters find a code, thirteen of five bits each prove it."""
    codes = await make(factors, attempt)
    plain = [code.replace("-", "") for code in codes]

    assert len(set(codes)) == len({code[:3] for code in plain}) == COUNT == 10
    assert all(len(code) == 16 and set(code) <= set(READABLE) for code in plain)
    assert len(READABLE) ** 13 >= 2**64


@pytest.mark.parametrize(
    "spell",
    [
        str,
        str.upper,
        lambda code: code.replace("-", ""),
        lambda code: f"  {code.replace('-', ' ')}\t",
        lambda code: code.replace("o", "0").replace("l", "1"),
        lambda code: "-".join(code.replace("-", "")),
    ],
)
async def test_a_code_counts_however_it_is_typed(factors: Catalog, attempt: Attempt, spell: object) -> None:
    code = (await make(factors, attempt))[3]

    assert isinstance(await factors.recovery_codes.verify(attempt, spell(code)), Proof)  # type: ignore[operator]
    assert isinstance(await factors.recovery_codes.verify(attempt, code), Refused)


@pytest.mark.parametrize(
    "typed", ["", "a" * 15, "a" * 17, "é" * 16, "ａ" * 16, "a" * 15 + "\0", "a" * 1_000_000, "!" * 16]
)
def test_what_cannot_be_a_code_is_none(typed: str) -> None:
    assert plain_code(typed) is None


async def test_each_of_the_ten_counts_once_and_the_rest_are_counted(factors: Catalog, attempt: Attempt) -> None:
    codes, store = await make(factors, attempt), attempt.stores.recovery_codes
    for used, code in enumerate(codes, 1):
        assert isinstance(await factors.recovery_codes.verify(attempt, code), Proof)
        assert await store.count(attempt.user.id) == COUNT - used

    for code in codes:
        assert await factors.recovery_codes.verify(attempt, code) == Refused(Refusal.CODE_WRONG)


async def test_a_new_set_voids_the_old_one(factors: Catalog, attempt: Attempt) -> None:
    old = await make(factors, attempt)
    await factors.recovery_codes.verify(attempt, old[0])

    new = await make(factors, attempt)

    assert await attempt.stores.recovery_codes.count(attempt.user.id) == COUNT
    for code in old:
        assert isinstance(await factors.recovery_codes.verify(attempt, code), Refused)
    assert isinstance(await factors.recovery_codes.verify(attempt, new[0]), Proof)


async def test_two_sets_made_at_once_leave_one(
    factors: Catalog, crowd: Crowd, transactions: Transactions, person: User
) -> None:
    """Whichever was made last counts; the other one is void whole."""
    sets = await crowd.race(6, lambda stores: make(factors, attempt_of(stores, person, NOW)))

    async with transactions.open(write=True) as stores:
        attempt = attempt_of(stores, person, NOW)
        assert await stores.recovery_codes.count(person.id) == COUNT
        counted = [
            sum([isinstance(await factors.recovery_codes.verify(attempt, code), Proof) for code in each])
            for each in sets
        ]
    assert sorted(counted) == [0, 0, 0, 0, 0, COUNT]


async def test_one_persons_set_is_not_anothers(factors: Catalog, attempt: Attempt, other: User) -> None:
    theirs = replace(attempt, user=other)
    codes, others = await make(factors, attempt), await make(factors, theirs)

    assert isinstance(await factors.recovery_codes.verify(theirs, codes[0]), Refused)
    assert isinstance(await factors.recovery_codes.verify(attempt, others[0]), Refused)
    assert isinstance(await factors.recovery_codes.verify(attempt, codes[0]), Proof)


async def test_what_is_stored_is_salted_and_tells_no_code(factors: Catalog, attempt: Attempt) -> None:
    codes = await make(factors, attempt)

    rows = (await attempt.stores.connection.execute(recovery_codes.select())).all()

    assert len({row.salt for row in rows}) == len({row.hash for row in rows}) == COUNT
    assert not [code for code in codes if code.replace("-", "")[3:] in repr(rows)]


async def test_there_is_nothing_to_confirm(factors: Catalog, attempt: Attempt) -> None:
    assert await factors.recovery_codes.confirm(attempt, "x") == Refused(Refusal.NOT_AVAILABLE)
