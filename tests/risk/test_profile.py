"""What may teach, what is kept of it, and how it is taken back (profile.py)."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idp.domain.risk import Depths
from idp.risk.hierarchy import AgentLevels, NetLevels
from idp.risk.profile import (
    ADDRESS_DAYS,
    EMPTY,
    VALUE_DAYS,
    Level,
    Observation,
    Place,
    Profile,
    bucket_of,
    day_of,
    depths,
    device_age_days,
    forget,
    from_json,
    learn,
    match,
    to_json,
    unlearn,
)
from idp.risk.value_set import MOST_VALUES, WIDTH
from tests.support.worlds_events import CHROME, FIREFOX, IPHONE, ORDINARY, known, seen

digests = st.integers(0, 40).map(lambda number: (number * 0x9E3779B97F4A7C15 % 2**64).to_bytes(8, "big"))
maybe = st.none() | digests
observations = st.builds(
    Observation,
    day=st.integers(20_000, 20_900),
    net=st.builds(NetLevels, maybe, maybe, maybe),
    agent=st.none() | st.builds(AgentLevels, digests, digests, digests, digests),
    device=maybe,
    hour=st.none() | st.integers(0, 23),
    place=st.none() | st.builds(Place, st.integers(1, 2**31), st.none(), st.none(), st.none()),
)


def taught(logins: list[Observation]) -> Profile:
    profile = EMPTY
    for login in sorted(logins, key=lambda each: each.day):
        profile, _ = learn(profile, login)
    return profile


@pytest.mark.parametrize(
    ("logins", "bucket"),
    [(0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (7, 3), (8, 4), (15, 4), (16, 5), (31, 5), (32, 6), (1000, 6)],
)
def test_buckets_double_up_to_32(logins: int, bucket: int) -> None:
    assert bucket_of(logins) == bucket


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Depths(0, 0, 0)),
        ({"address": "192.0.2.8"}, Depths(1, 0, 0)),
        ({"address": "192.0.2.8", "asn": 64501}, Depths(2, 0, 0)),
        ({"address": "192.0.2.8", "asn": 64501, "country": "SE"}, Depths(3, 0, 0)),
        ({"agent": CHROME.format(120) + " extra"}, Depths(0, 1, 0)),
        ({"agent": FIREFOX.format(99)}, Depths(0, 2, 0)),
        ({"agent": "Mozilla/5.0 (X11; Linux x86_64) other/1"}, Depths(0, 3, 0)),
        ({"agent": IPHONE}, Depths(0, 4, 0)),
        ({"device": None}, Depths(0, 0, 1)),
        ({"device": "d2"}, Depths(0, 0, 1)),
    ],
)
def test_the_finest_level_that_is_known_is_the_depth(changes: dict[str, object], expected: Depths) -> None:
    attempt = replace(ORDINARY, **changes)  # type: ignore[arg-type]

    assert depths(known(ORDINARY), seen(attempt)) == expected


@pytest.mark.parametrize(
    ("changes", "possible"),
    [
        ({"asn": None}, (0,)),
        ({"address": "192.0.2.8", "asn": None}, (1, 2)),
        ({"address": "192.0.2.8", "asn": None, "country": "SE"}, (1, 3)),
        ({"address": "192.0.2.8", "asn": None, "country": None}, (1, 2, 3)),
        ({"address": "192.0.2.8", "asn": 64501, "country": None}, (2, 3)),
        ({"address": "192.0.2.8", "country": None}, (1,)),
        ({"address": None}, (0, 1)),
    ],
)
def test_an_unknown_level_leaves_the_depths_still_possible(
    changes: dict[str, object], possible: tuple[int, ...]
) -> None:
    attempt = replace(ORDINARY, **changes)  # type: ignore[arg-type]

    assert match(known(ORDINARY), seen(attempt)).net == possible


def test_an_unknown_level_teaches_nothing() -> None:
    partly = replace(ORDINARY, asn=None, country=None)

    profile, lesson = learn(known(ORDINARY), seen(partly))

    assert lesson.cell is None
    assert sum(profile.depths[:4]) == 0
    assert len(profile.values[Level.ASN]) == WIDTH


def test_depths_count_from_the_second_login_on() -> None:
    assert sum(known(ORDINARY).depths) == 0
    assert known(ORDINARY, ORDINARY).depths == (1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0)


def test_at_most_24_values_a_level_the_least_recently_seen_goes_first() -> None:
    first = replace(ORDINARY, address="10.0.0.1")
    others = [replace(ORDINARY, address=f"10.0.1.{number}") for number in range(MOST_VALUES - 1)]

    kept = known(first, *others)
    full = known(first, *others, first, replace(ORDINARY, address="10.0.2.1"))

    assert match(kept, seen(first)).net == (0,)
    assert len(full.values[Level.ADDRESS]) == MOST_VALUES * WIDTH
    assert match(full, seen(first)).net == (0,)
    assert match(full, seen(others[0])).net == (1,)


@pytest.mark.parametrize(("days", "depth"), [(ADDRESS_DAYS, 0), (ADDRESS_DAYS + 1, 1), (VALUE_DAYS, 1)])
def test_an_address_is_forgotten_after_180_days(days: int, depth: int) -> None:
    later = replace(ORDINARY, at=ORDINARY.at + timedelta(days=days))

    assert match(known(ORDINARY), seen(later)).net == (depth,)


def test_any_other_value_is_forgotten_after_365_days() -> None:
    later = seen(replace(ORDINARY, at=ORDINARY.at + timedelta(days=VALUE_DAYS + 1)))
    profile = known(ORDINARY)

    assert match(profile, later).depths() == Depths(3, 4, 1)
    assert forget(profile, later.day).values == EMPTY.values


def test_a_device_is_as_old_as_its_first_login() -> None:
    later = replace(ORDINARY, at=ORDINARY.at + timedelta(days=31))
    device, today = seen().device, day_of(later.at)
    assert device is not None

    assert device_age_days(known(ORDINARY, later), device, today) == 31
    assert device_age_days(known(replace(ORDINARY, device="other")), device, today) is None


@settings(max_examples=150)
@given(st.lists(observations, max_size=45), observations)
def test_what_one_login_taught_can_be_taken_back(before: list[Observation], login: Observation) -> None:
    profile = forget(taught(before), login.day)

    after, lesson = learn(profile, login)

    assert unlearn(after, lesson) == profile


def test_taking_back_leaves_what_others_taught() -> None:
    attack = replace(ORDINARY, address="198.51.100.1", asn=64999, device=None)
    after, lesson = learn(known(ORDINARY), seen(attack))
    after, _ = learn(after, seen(ORDINARY))

    left = unlearn(after, lesson)

    assert left.logins == 2
    assert match(left, seen(attack)).net == (2,)
    assert match(left, seen(ORDINARY)).depths() == Depths(0, 0, 0)


def test_a_value_that_the_owner_also_used_stays() -> None:
    first, lesson = learn(EMPTY, seen(ORDINARY))
    both, _ = learn(first, seen(ORDINARY))

    assert match(unlearn(both, lesson), seen(ORDINARY)).depths() == Depths(0, 0, 0)


@settings(max_examples=100)
@given(st.lists(observations, max_size=40))
def test_a_row_holds_the_whole_profile(logins: list[Observation]) -> None:
    profile = taught(logins)

    assert from_json(json.loads(json.dumps(to_json(profile)))) == profile


@pytest.mark.parametrize(
    "row", [{}, {"v": 2}, {"v": 1, "n": 1, "s": "00", "l": None}, {"v": 1, "n": 1, "s": "", "l": 3}]
)
def test_a_damaged_row_is_refused(row: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        from_json(row)  # type: ignore[arg-type]
