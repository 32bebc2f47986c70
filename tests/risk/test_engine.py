"""The sum of all signals (engine.py)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idp.domain.risk import Band, Floor
from idp.risk.engine import assess, observe
from idp.risk.evaluation import plain_digest
from idp.risk.population import Population
from idp.risk.profile import EMPTY, learn
from idp.risk.signal import Circumstances, Cookie, Coordinates, Failures, Hints, Listed, NetKind
from tests.support.worlds_events import CHROME, IPHONE, NOW, ORDINARY, assessed, known, seen, shipped

maybe = st.none() | st.booleans()
circumstances = st.builds(
    Circumstances,
    at=st.integers(0, 700).map(lambda days: NOW + timedelta(days=days)),
    address=st.none() | st.sampled_from(["192.0.2.7", "192.0.2.8", "2001:db8::1", "nonsense"]),
    asn=st.none() | st.integers(64500, 64503),
    country=st.none() | st.sampled_from(["NO", "SE"]),
    coordinates=st.none() | st.builds(Coordinates, st.floats(-90, 90), st.floats(-180, 180), st.floats(0, 100)),
    net_kind=st.none() | st.sampled_from(NetKind),
    listed=st.none() | st.frozensets(st.sampled_from(Listed)),
    mobile_gateway=maybe,
    place_is_common=maybe,
    agent=st.none() | st.sampled_from([CHROME.format(120), CHROME.format(121), IPHONE, "curl/8", ""]),
    hints=st.builds(Hints, st.none() | st.text(max_size=5), st.none() | st.text(max_size=5), maybe, maybe),
    device=st.none() | st.sampled_from(["d1", "d2"]),
    cookie=st.none() | st.sampled_from(Cookie),
    hour=st.none() | st.integers(0, 23),
    failures=st.builds(Failures, st.none() | st.integers(0, 50), st.none() | st.integers(0, 50),
                       st.none() | st.floats(0, 1), st.none() | st.floats(-3, 9), maybe),
    breached=maybe,
    credential_age=st.none() | st.integers(0, 20).map(lambda days: timedelta(days=days)),
    webauthn_counter=maybe,
    webauthn_revoked=maybe,
    token_replay=maybe,
)  # fmt: skip
histories = st.lists(circumstances, max_size=8).map(lambda logins: sorted(logins, key=lambda each: each.at))


@settings(max_examples=300, deadline=None)
@given(histories, circumstances)
def test_the_parts_add_up_and_a_replay_is_identical(logins: list[Circumstances], now: Circumstances) -> None:
    population = shipped()
    profile = known(*logins, population=population)

    found, again = assessed(now, profile, population), assessed(now, profile, population)

    assert abs(sum(part.nats for part in found.parts) - found.llr) < 1e-9
    assert repr(found) == repr(again)
    assert 0 <= found.score <= 100
    assert all(found.band.at_least(floor.band) for floor in found.floors)


def test_what_the_bounds_of_context_take_off_is_a_part() -> None:
    attack = replace(ORDINARY, agent="curl/8", net_kind=NetKind.HOSTING, asn=1, address="198.51.100.1",
                     failures=Failures(prefix_1h=99))  # fmt: skip
    profile = known(ORDINARY)

    found = assessed(attack, profile)

    nats = {part.code: part.nats for part in found.parts}
    context = [nats[code] for code in ("TIME_HOUR", "NET_KIND", "VELOCITY_NET", "AUTOMATION")]
    assert sum(context) > 4
    assert sum(context) + nats["CONTEXT_CAP"] == pytest.approx(4.0)


def test_parts_come_in_a_fixed_order() -> None:
    population = shipped()
    profile = known(ORDINARY, ORDINARY, population=population)
    attack = replace(ORDINARY, agent="curl/8", net_kind=NetKind.VPN, asn=1, address="198.51.100.1", device=None)

    codes = [part.code for part in assessed(attack, profile, population).parts]

    assert codes[1:] == ["NET_HABIT", "AGENT_HABIT", "DEV_HABIT", "TIME_HOUR", "NET_KIND", "AUTOMATION"]


def test_a_login_as_always_is_low_and_a_stranger_is_not() -> None:
    population = shipped()
    profile = known(*[ORDINARY] * 6, population=population)
    stranger = replace(ORDINARY, address="198.51.100.1", asn=1, country="SE", agent=IPHONE, device=None, hour=3)

    assert assessed(ORDINARY, profile, population).band is Band.LOW
    assert assessed(stranger, profile, population).band is Band.CRITICAL


def test_floors_lift_the_score_and_leave_the_sum_alone() -> None:
    population = shipped()
    profile = known(*[ORDINARY] * 6, population=population)
    plain = assessed(ORDINARY, profile, population)

    listed = assessed(replace(ORDINARY, listed=frozenset({Listed.DENY})), profile, population)

    assert listed.llr == plain.llr
    assert listed.score == 90
    assert listed.floors == (Floor("LIST_DENY", Band.CRITICAL),)
    assert "LIST_DENY" in listed.codes


def test_every_signal_that_fired_has_its_code_also_without_nats() -> None:
    population = shipped()
    profile = known(ORDINARY, population=population)

    found = assessed(replace(ORDINARY, breached=True), profile, population)

    assert set(found.codes) == {"DEV_KNOWN", "AGENT_UA_KNOWN", "NET_IP_KNOWN", "TIME_HOUR", "CRED_BREACHED"}
    assert assessed(replace(ORDINARY, hour=None), EMPTY).codes == ("NO_HISTORY",)


def test_a_replayed_device_cookie_is_no_known_device() -> None:
    population = shipped()
    profile = known(ORDINARY, ORDINARY, population=population)

    found = assessed(replace(ORDINARY, cookie=Cookie.REPLAYED), profile, population)

    assert found.parts[0].code.startswith("DEV_NO_COOKIE+")
    assert found.score >= Band.HIGH.start


def test_a_gateway_is_no_place() -> None:
    where = Coordinates(59.9, 10.7, 5)
    behind = [
        replace(ORDINARY, coordinates=where, net_kind=NetKind.VPN),
        replace(ORDINARY, coordinates=where, net_kind=NetKind.MOBILE),
        replace(ORDINARY, coordinates=where, mobile_gateway=True),
        replace(ORDINARY, coordinates=where, net_kind=None),
    ]
    here = replace(ORDINARY, coordinates=where)

    places = [observe(now, plain_digest).place for now in (*behind, here)]

    assert [place is not None and place.latitude for place in places] == [None, None, None, None, 59.9]


def test_the_keyed_digest_changes_what_is_stored_and_not_the_score() -> None:
    def keyed(kind: str, value: str) -> int:
        return plain_digest(kind, f"key/{value}")

    one = known(ORDINARY)
    other, _ = learn(EMPTY, observe(ORDINARY, keyed))

    assert one.values != other.values
    scored = assess(ORDINARY, observe(ORDINARY, keyed), other, shipped())
    assert scored.llr == assess(ORDINARY, seen(), one, shipped()).llr


@settings(deadline=None, max_examples=60)
@given(st.lists(circumstances, max_size=4))
def test_what_a_population_keeps_of_its_sums_is_forgotten_with_each_login_it_learns(
    attempts: list[Circumstances],
) -> None:
    profile, population = EMPTY, shipped()
    observed = [(now, observe(now, plain_digest)) for now in (*attempts, ORDINARY)]
    for _, login in observed * 2:
        profile, _ = learn(profile, login)
    for _, login in reversed(observed):
        hours = dict(enumerate(population.hours))
        fresh = Population(population.tables, population.rows, hours, with_device=population.with_device)
        for now, one in observed:
            assert assess(now, one, profile, population) == assess(now, one, profile, fresh)
        population.add(learn(profile, login)[1])
