"""A snapshot of facts: typed, without what is unknown, the same after a trip through a record."""

import json
from datetime import time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.risk import Band
from idp.policy import durations, facts
from idp.policy.facts import FACTS, Kind, Value

VALUES: dict[Kind, st.SearchStrategy[Value]] = {
    Kind.SET: st.frozensets(st.text(max_size=5), max_size=3),
    Kind.WORD: st.text(min_size=1, max_size=5),
    Kind.INTEGER: st.integers(0, 1 << 40),
    Kind.BAND: st.sampled_from(Band),
    Kind.FLAG: st.booleans(),
    Kind.DURATION: st.integers(0, 1 << 30).map(lambda seconds: timedelta(seconds=seconds)),
    Kind.TIME: st.times().map(lambda value: value.replace(microsecond=0)),
}
SNAPSHOTS = st.fixed_dictionaries({}, optional={name: VALUES[fact.kind] for name, fact in FACTS.items()})


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({"net.continent": "EU"}, "no fact 'net.continent'"),
        ({"groups": "admins"}, "groups is no set"),
        ({"history.logins": True}, "history.logins is no integer"),
        ({"device.known": 1}, "device.known is no true or false"),
        ({"risk.band": "severe"}, "risk.band is no band"),
        ({"session.age": 60}, "session.age is no duration"),
    ],
)
def test_what_is_no_fact_or_of_another_type_is_refused(known: dict[str, Value], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        facts.checked(known)


@pytest.mark.parametrize(
    "document",
    [{"net.continent": "EU"}, {"groups": "a"}, {"client.id": 3}, {"net.asn": True}, {"device.known": "yes"},
     {"risk.band": "severe"}, {"risk.band": 3}, {"device.age": "1h"}, {"time.local": "25:00"}, {"time.local": []}],
)  # fmt: skip
def test_a_record_with_anything_else_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(document))):
        facts.from_json(document)


@given(SNAPSHOTS)
def test_a_record_brings_a_snapshot_back_as_it_was(known: dict[str, Value]) -> None:
    snapshot = facts.checked(known)

    text = json.dumps(snapshot.as_json(), sort_keys=True)

    assert facts.from_json(json.loads(text)) == snapshot
    assert json.dumps(facts.from_json(json.loads(text)).as_json(), sort_keys=True) == text


def test_an_ordinary_sign_in_is_low_from_a_known_device_with_twelve_logins_and_no_signals() -> None:
    usual = facts.ordinary()

    assert usual["risk.band"] is Band.LOW
    assert usual["device.known"] is True
    assert usual["history.logins"] == 12
    assert usual["signals"] == frozenset()
    assert set(FACTS) - set(usual) == {"session.age", "session.acr", "session.verified_age"}


def test_hidden_facts_are_gone_and_the_others_stay() -> None:
    changed = facts.ordinary().but(
        {"net.country": "DE", "time.local": time(3, 0)}, frozenset({"net.country", "net.asn"})
    )

    assert "net.country" not in changed
    assert "net.asn" not in changed
    assert changed["time.local"] == time(3, 0)
    assert len(changed) == len(facts.ordinary()) - 2


@pytest.mark.parametrize("text", ["", "10", "m", "-5m", "1.5h", "10 m", "1w", "9999d", "999999999d", "1h "])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"10m|ten years"):
        durations.read(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("0s", 0), ("30s", 30), ("10m", 600), ("12h", 43_200), ("28d", 2_419_200), ("1h30m", 5400)]
)
def test_durations_are_whole_numbers_with_their_units(text: str, seconds: int) -> None:
    assert durations.read(text) == timedelta(seconds=seconds)


@given(st.integers(0, 3600 * 24 * 3650).map(lambda seconds: timedelta(seconds=seconds)))
def test_a_duration_is_read_as_it_is_spelled(duration: timedelta) -> None:
    assert durations.read(durations.spell(duration)) == duration
