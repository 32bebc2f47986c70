"""What a sign-in taught survives its row: taking it out of the profile leaves the profile of before."""

from datetime import UTC, datetime, timedelta

import pytest

from idp.risk import taught as lessons
from idp.risk.engine import observe
from idp.risk.profile import EMPTY, Profile, learn, unlearn
from idp.risk.signal import Circumstances, Coordinates

START = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def digest(kind: str, value: str) -> int:
    return hash((kind, value)) & 0xFFFF_FFFF_FFFF_FFFF


def attempt(number: int) -> Circumstances:
    return Circumstances(
        at=START + timedelta(days=number),
        address=f"192.0.2.{number % 3}",
        asn=64496 + number % 2,
        country="CH",
        coordinates=Coordinates(47.0 + number, 8.0, 10.0),
        mobile_gateway=False,
        agent=f"Browser/{number % 4}",
        device=f"device-{number % 2}",
        hour=number % 24,
    )


def taught(times: int) -> Profile:
    profile = EMPTY
    for number in range(times):
        profile, _lesson = learn(profile, observe(attempt(number), digest))
    return profile


@pytest.mark.parametrize("times", [0, 1, 2, 30])
def test_what_was_taught_is_taken_back_from_its_row(times: int) -> None:
    before = taught(times)
    after, lesson = learn(before, observe(attempt(times), digest))
    row = lessons.to_json(lesson)

    assert lessons.from_json(row) == lesson
    assert after != before
    assert unlearn(after, lessons.from_json(row)) == before


@pytest.mark.parametrize("row", [{}, {"b": "x"}, {"b": 1, "c": [1], "k": [], "h": 1, "d": True, "p": [], "s": []}])
def test_a_row_that_says_nothing_of_the_kind_is_refused(row: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        lessons.from_json(row)  # type: ignore[arg-type]
