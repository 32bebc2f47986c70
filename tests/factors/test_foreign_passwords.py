"""Passwords whose hash another system made: verified as they are, kept under the pepper, never cheaper than ours."""

import asyncio
import time
from collections.abc import Iterator

import bcrypt
import pytest

from idp.factors.foreign_hashes.formats import read
from idp.factors.password import HashPoolBusy, PasswordHasher, _missing_rounds
from tests.factors.foreign_hashes.hashes import FIREBASE, FIREBASE_HASH, TEXTS

PEPPER = bytes(range(32))
DJANGO, PASSWORD = "pbkdf2_sha256$10000$seasalt$CWWFdHOWwPnki7HvkcqN9iA2T3KLW1cf2uZ5kvArtVY=", "lètmein"


def hasher_of(pepper: bytes = PEPPER, *, pepper_id: str = "p1", rounds: int = 4) -> PasswordHasher:
    return PasswordHasher(pepper, pepper_id=pepper_id, rounds=rounds, threads=1, queue=1)


@pytest.fixture
def hasher() -> Iterator[PasswordHasher]:
    made = hasher_of()
    yield made
    made.close()


@pytest.mark.parametrize(("written", "password"), TEXTS[::3], ids=[text[:24] for text, _ in TEXTS[::3]])
async def test_an_adopted_hash_opens_with_its_password_alone(
    hasher: PasswordHasher, written: str, password: str
) -> None:
    stored = hasher.adopt(read(written))

    assert not await hasher.verify(stored, "x" + password)
    assert not await hasher.verify(stored, "")
    assert await hasher.verify(stored, password)


async def test_firebases_hash_opens_without_the_projects_parameters(hasher: PasswordHasher) -> None:
    stored = hasher.adopt(read(FIREBASE_HASH, project=FIREBASE))

    assert not await hasher.verify(stored, "user2password")
    assert await hasher.verify(stored, "user1password")


@pytest.mark.parametrize(("written", "password"), TEXTS, ids=[text[:24] for text, _ in TEXTS])
def test_every_adopted_hash_wants_an_upgrade_whatever_its_salt(
    hasher: PasswordHasher, written: str, password: str
) -> None:
    assert hasher.needs_upgrade(hasher.adopt(read(written)))


async def test_what_is_stored_holds_no_digest_that_could_be_tried(hasher: PasswordHasher) -> None:
    """LG80: a database alone lets nobody try passwords, not even against hashes that came from elsewhere."""
    foreign = read(DJANGO)
    stored, other = hasher.adopt(foreign), hasher_of(bytes(32))

    assert "CWWFdHOWwPnki7HvkcqN9iA2T3KLW1cf2uZ5kvArtVY" not in stored
    assert not await other.verify(stored, PASSWORD)
    assert not await hasher_of(pepper_id="p2").verify(stored, PASSWORD)
    assert other.adopt(foreign) != stored
    other.close()


@pytest.mark.parametrize(
    "broken",
    [
        "f1$p1", "f1$p1$pbkdf2-sha256$10000,32$c2Vhc2FsdA$", "f1$p1$md5$1$c2Vhc2FsdA$AAAA",
        "f1$p1$pbkdf2-sha256$x$c2Vhc2FsdA$AAAA", "f1$p1$pbkdf2-sha256$99999999999,32$c2Vhc2FsdA$AAAA",
        "f1$p1$bcrypt$31$c2Vhc2FsdA$AAAA", "f1$p1$pbkdf2-sha256$10000,32$=$AAAA",
    ],
)  # fmt: skip
async def test_a_row_that_somebody_changed_opens_with_nothing(hasher: PasswordHasher, broken: str) -> None:
    assert not await hasher.verify(broken, PASSWORD)


async def test_foreign_hashes_share_the_bounded_pool() -> None:
    """FT22: one runs, one waits, the third is told to come back."""
    hasher = hasher_of()
    stored = hasher.adopt(read("$6$rounds=77777$short$WuQyW2YR.hBNpjjRhpYD/ifIw05xdfeEyQoMxIXbkvr0gge1a1x3yRULJ5CCaUeO"
                               "xFmtlcGZelFl5CxtgfiAc0"))  # fmt: skip

    outcomes = await asyncio.gather(*(hasher.verify(stored, "x") for _ in range(3)), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [bool, bool, HashPoolBusy]
    hasher.close()


def work_of(costs: list[int]) -> int:
    return sum(2**cost for cost in costs)


@pytest.mark.parametrize("cost", range(4, 15))
def test_a_wrong_password_at_a_foreign_bcrypt_costs_what_one_of_ours_does_or_its_own_if_more(cost: int) -> None:
    recipe = read(f"$2b${cost:02}$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW").recipe

    assert 2**cost + work_of(_missing_rounds(recipe, 12, share=0.7)) == 2 ** max(cost, 12)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.33, 0.5, 0.9, 0.999, 1.0, 1.5, 30.0])
def test_a_wrong_password_at_any_other_foreign_hash_is_filled_up_to_one_of_ours(share: float) -> None:
    """As far as was measured: to a 256th of a hash, which is a millisecond at cost 12."""
    total = share * 2**12 + work_of(_missing_rounds(read(DJANGO).recipe, 12, share=share))

    assert abs(total - 2**12 * max(share, 1)) <= 2**4


async def test_the_missing_work_is_really_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything was measured it is a whole hash; then what is missing."""
    tried: list[bytes] = []
    real = bcrypt.checkpw
    monkeypatch.setattr(bcrypt, "checkpw", lambda password, hashed: tried.append(hashed[:7]) or real(password, hashed))
    hasher = hasher_of(rounds=6)
    django = hasher.adopt(read(DJANGO))
    weak = hasher.adopt(read("$2b$04$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"))

    assert await hasher.verify(django, PASSWORD)
    assert tried == []
    assert not await hasher.verify(django, "wrong")
    assert tried == [b"$2b$06$"]
    assert not await hasher.verify(weak, "wrong")
    assert tried[1:] == [b"$2b$04$", b"$2b$05$"]
    hasher._own_seconds[time.thread_time] = 1000.0
    assert not await hasher.verify(django, "wrong")
    assert work_of([int(each[4:6]) for each in tried[3:]]) in (2**5 + 2**4, 2**6)
    hasher._own_seconds[time.thread_time] = 0.000001
    count = len(tried)
    assert not await hasher.verify(django, "wrong")
    assert len(tried) == count
    hasher.close()


async def test_what_a_hash_of_ours_takes_is_learnt_from_those_of_full_cost_alone() -> None:
    weak, hasher = hasher_of(rounds=4), hasher_of(rounds=5)
    stored = await weak.hash("a phrase of some length")

    assert await hasher.verify(stored, "a phrase of some length")
    assert hasher._own_seconds == {}
    assert not await hasher.verify(None, "anything")
    assert set(hasher._own_seconds) == {time.thread_time, time.perf_counter}
    weak.close()
    hasher.close()
