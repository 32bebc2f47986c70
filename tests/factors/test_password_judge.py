"""Who judges new passwords: strength, common and breached ones, a service that may be away, and a bounded queue."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest

from idp.domain.refusal import Refusal
from idp.factors.breached import BreachedPasswords, FilterWriter, Shape, digest_of
from idp.factors.password import HashPoolBusy
from idp.factors.password_judge import PREVIEWS_WAITING, PasswordJudge
from idp.factors.password_range import RangeService
from idp.factors.password_strength import StrengthEstimator, Weakness
from idp.providers.fetch.port import FetchDelayed, Fetched, FetchRejected

GOOD = "brass otter moon lamp"
WORST = "309%%|@[73%+$5@645[|" * 3 + "4{<!"  # full of signs that could be letters


@pytest.fixture
def judge() -> Iterator[PasswordJudge]:
    """A judge that knows the product and nothing else."""
    made = PasswordJudge(surroundings=("Northwind", "id.example"))
    yield made
    made.close()


@pytest.fixture
def estimator() -> Iterator[StrengthEstimator]:
    """An estimator of its own."""
    made = StrengthEstimator()
    yield made
    made.close()


JUDGED: dict[str, tuple[str, Refusal | None]] = {
    "14 characters": ("brass-otter-7k", Refusal.PASSWORD_TOO_SHORT),
    "257 characters": ("brass-otter-7kq " * 16 + "x", Refusal.PASSWORD_TOO_LONG),
    "NUL": ("brass-otter-7kq\0", Refusal.PASSWORD_INVALID),
    "common and long": ("1qaz2wsx3edc4rfv", Refusal.PASSWORD_BLOCKED),
    "common and padded": ("password1234567", Refusal.PASSWORD_BLOCKED),
    "product": ("northwind northwind", Refusal.PASSWORD_PERSONAL),
    "name": ("Ada Lovelace 1815!", Refusal.PASSWORD_PERSONAL),
    "row of keys": ("qwertyuiop[]asdf", Refusal.PASSWORD_GUESSABLE),
    "alphabet": ("abcdefghijklmnopqrstuv", Refusal.PASSWORD_GUESSABLE),
    "months": ("januaryfebruary2024", Refusal.PASSWORD_GUESSABLE),
    "own name in figures, twice": ("L0vel4ceL0vel4ce", Refusal.PASSWORD_GUESSABLE),
    "phrase": (GOOD, None),
    "phrase of the demo": ("tulips in the rain", None),
    "Cyrillic": ("пятнадцать слов", None),
    "Chinese": ("春眠不觉晓处处闻啼鸟夜来风雨声", None),
    "256 characters": ("brass-otter-7kq " * 16, None),
}


@pytest.mark.parametrize(("password", "refusal"), JUDGED.values(), ids=JUDGED)
async def test_a_new_password_is_judged(judge: PasswordJudge, password: str, refusal: Refusal | None) -> None:
    verdict = await judge.judge_new(password, own_words=["Ada Lovelace", "ada.lovelace@example.org", None])

    assert verdict.refusal is refusal


@pytest.mark.parametrize(
    ("password", "refusal"),
    [
        ("k7Rq2vX", Refusal.PASSWORD_TOO_SHORT),
        ("k7Rq2vXw", None),
        ("quiet rivers", None),
        ("password", Refusal.PASSWORD_BLOCKED),
        ("lovelace", Refusal.PASSWORD_PERSONAL),
        ("mossbell9", Refusal.PASSWORD_GUESSABLE),
    ],
)
async def test_beside_a_second_factor_less_is_enough(
    judge: PasswordJudge, password: str, refusal: Refusal | None
) -> None:
    verdict = await judge.judge_new(password, own_words=["Ada Lovelace"], beside_second_factor=True)

    assert verdict.refusal is refusal


@pytest.mark.parametrize(
    ("password", "weakness"),
    [
        ("lovelace", Weakness.OWN_WORD),
        ("dragon", Weakness.COMMON),
        ("zimmerman", Weakness.NAME),
        ("otherwise", Weakness.WORD),
        ("uytrfghj", Weakness.KEYBOARD),
        ("kqkqkqkq", Weakness.REPEAT),
        ("mnopqrs", Weakness.SEQUENCE),
        ("1987", Weakness.YEAR),
        ("17.11.1987", Weakness.DATE),
    ],
)
async def test_what_makes_it_weak_is_named(estimator: StrengthEstimator, password: str, weakness: Weakness) -> None:
    strength = await estimator.estimate(password, ("lovelace",), room=9)

    assert weakness in strength.weaknesses
    assert strength.score < 3


async def test_the_words_of_one_person_are_forgotten_before_the_next(estimator: StrengthEstimator) -> None:
    from zxcvbn import matching

    known = await estimator.estimate("wherlingtonbraxley", ("wherlingtonbraxley",), room=9)
    unknown = await estimator.estimate("wherlingtonbraxley", (), room=9)

    assert known.guesses_log10 < 2 < 10 < unknown.guesses_log10
    assert "user_inputs" not in matching.RANKED_DICTIONARIES


@pytest.mark.parametrize(
    "password", [WORST, WORST[:32] * 2, "1!|l" * 16, "4@" * 32, "a" * 256, "😀" * 256, "\u0301" * 90]
)
async def test_no_password_is_slow_to_estimate(estimator: StrengthEstimator, password: str) -> None:
    """zxcvbn alone takes 1.7 s for the first one, and refuses those of more than 72 characters."""
    await estimator.estimate("warm", (), room=9)
    began = time.process_time()

    await estimator.estimate(password, (), room=9)

    assert time.process_time() - began < 0.5


async def test_previews_beyond_the_queue_are_refused_at_once(judge: PasswordJudge) -> None:
    outcomes = await asyncio.gather(*(judge.preview(WORST) for _ in range(20)), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes].count(HashPoolBusy) == 20 - PREVIEWS_WAITING
    assert (await judge.preview(GOOD)).verdict.is_acceptable


async def test_what_is_refused_is_never_called_strong(judge: PasswordJudge) -> None:
    assert (await judge.preview(GOOD)).score == 4
    assert (await judge.preview("brass otter 7k")).score == 2
    assert (await judge.preview("")).score == 0
    assert (await judge.preview("x" * 5000)).score == 0


@pytest.fixture
async def leaky(tmp_path: Path) -> AsyncIterator[PasswordJudge]:
    """A judge whose filter knows one good phrase."""
    path = tmp_path / "f.bloom"
    with FilterWriter(path, Shape.fitting(1, 1e-6)) as writer:
        writer.add_all([digest_of(GOOD)])
        writer.finish()
    made = PasswordJudge(breached=BreachedPasswords(path))
    yield made
    made.close()


async def test_what_leaked_is_refused_when_it_is_chosen_and_known_when_it_is_used(leaky: PasswordJudge) -> None:
    assert (await leaky.judge_new(GOOD)).refusal is Refusal.PASSWORD_BREACHED
    assert (await leaky.preview(GOOD)).verdict.refusal is Refusal.PASSWORD_BREACHED
    assert leaky.is_breached(GOOD)
    assert not leaky.is_breached("another phrase entirely")


def test_without_a_filter_nothing_leaked(judge: PasswordJudge) -> None:
    assert not judge.is_breached("password")


DIGITS = digest_of(GOOD).hex().upper()


class Library:
    """A fetch that answers, or fails, as a test says; remembers what it was asked."""

    def __init__(self, answer: bytes | Exception, *, delay: float = 0) -> None:
        self.answer = answer
        self.delay = delay
        self.asked: list[tuple[str, Mapping[str, str]]] = []

    async def get(
        self, url: str, *, media_types: frozenset[str], headers: Mapping[str, str] | None = None, largest: int = 0
    ) -> Fetched:
        self.asked.append((url, headers or {}))
        assert media_types == {"text/plain"}
        await asyncio.sleep(self.delay)
        if isinstance(self.answer, Exception):
            raise self.answer
        return Fetched("text/plain", self.answer)


def asking(library: Library, *, seconds: float = 2) -> PasswordJudge:
    return PasswordJudge(service=RangeService(library, "https://pwned.example/range/", seconds=seconds))


REST = DIGITS[5:].encode()
RANGES: dict[str, tuple[bytes, Refusal | None]] = {
    "listed": (b"0" * 35 + b":2\r\n" + REST + b":7\r\n", Refusal.PASSWORD_BREACHED),
    "listed in lower case": (REST.lower() + b":7", Refusal.PASSWORD_BREACHED),
    "padding": (REST + b":0\r\n", None),
    "not listed": (b"0" * 35 + b":2\r\n", None),
    "nothing": (b"", None),
    "garbage": (b"\xff<html>" + REST, None),
    "a longer line": (b"A" + REST + b":7", None),
}


@pytest.mark.parametrize(("body", "refusal"), RANGES.values(), ids=RANGES)
async def test_the_range_service_is_asked_by_five_digits(body: bytes, refusal: Refusal | None) -> None:
    library = Library(body)
    judge = asking(library)

    assert (await judge.judge_new(GOOD)).refusal is refusal
    assert library.asked == [(f"https://pwned.example/range/{DIGITS[:5]}", {"add-padding": "true"})]
    judge.close()


@pytest.mark.parametrize("failure", [FetchDelayed("pwned.example took too long"), FetchRejected("403")])
async def test_nobody_is_refused_when_the_service_is_away(failure: Exception) -> None:
    judge = asking(Library(failure))

    assert (await judge.judge_new(GOOD)).is_acceptable
    judge.close()


async def test_nobody_waits_for_a_slow_service() -> None:
    judge = asking(Library(REST + b":7", delay=30), seconds=0.05)

    assert (await judge.judge_new(GOOD)).is_acceptable
    judge.close()


async def test_nobody_outside_hears_of_what_is_typed_or_refused_anyway() -> None:
    library = Library(b"")
    judge = asking(library)

    await judge.preview(GOOD)
    await judge.judge_new("password1234567")
    await judge.judge_new("short")
    judge.is_breached(GOOD)

    assert library.asked == []
    judge.close()


def test_a_worker_that_takes_no_new_password_loads_no_word_lists() -> None:
    """14 MB: the filter is enough to recognise a leaked password at sign-in."""
    script = (
        "import sys; from idp.factors.password_judge import PasswordJudge; PasswordJudge().is_breached('x');"
        "import idp.password_wiring; print([name for name in ('zxcvbn', 'httpx2') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


async def test_a_word_that_somebody_approved_makes_no_password_from_that_moment_on() -> None:
    """§9 (a): fed to the blocklist and to the estimate."""
    words: list[str] = []

    async def approved() -> tuple[str, ...]:
        return tuple(words)

    made = PasswordJudge(approved_words=approved)
    try:
        before = await made.appraise("vindafjord-vindafjord")
        words.append("vindafjord")
        after = await made.appraise("vindafjord-vindafjord")
    finally:
        made.close()

    assert after.verdict.refusal is Refusal.PASSWORD_PERSONAL
    assert after.verdict.word == "vindafjord"
    assert after.strength.guesses_log10 < before.strength.guesses_log10
