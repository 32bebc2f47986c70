"""The novelty-depth log-likelihood ratio, term by term (novelty.py, population.py, unusual_hour.py)."""

from dataclasses import replace
from itertools import product
from math import log

import pytest

from idp.risk.novelty import history_parts
from idp.risk.population import Population
from idp.risk.profile import EMPTY, Match, Profile, bucket_of, learn, match
from idp.risk.shipped import ATTACK_AGENT, ATTACK_DEV, ATTACK_NET, Attack, Tables, cell_of, default_tables
from idp.risk.signals import unusual_hour
from tests.support.worlds_events import ORDINARY, alone, assessed, facts, known, seen, shipped

SHARES = tuple((index + 1) / 820 for index in range(40))
HOURS = tuple((index + 1) / 300 for index in range(24))
TABLES = Tables("test", (SHARES,) * 6, HOURS)
STRANGE = replace(ORDINARY, address="198.51.100.9", agent="other/1", device=None)


def nats(profile: Profile, population: Population, found: Match) -> dict[str, float]:
    return {part.code: part.nats for part in history_parts(profile, population, found)}


def share_by_hand(rows: dict[tuple[int, int, int, int], int], bucket: int, depths: tuple[int, int, int]) -> float:
    """P_pop as it is written."""
    cells = list(product(range(4), range(5), range(2)))
    counts = {cell: rows.get((bucket, *cell), 0) + 2000 * SHARES[cell_of(*cell)] for cell in cells}
    logins = sum(count for row, count in rows.items() if row[0] == bucket) + 2000
    net, agent, dev = depths
    m_net = (sum(count for cell, count in counts.items() if cell[0] == net) + 0.5) / (logins + 2)
    m_agent = (sum(count for cell, count in counts.items() if cell[1] == agent) + 0.5) / (logins + 2.5)
    m_dev = (sum(count for cell, count in counts.items() if cell[2] == dev) + 0.5) / (logins + 1)
    return (counts[depths] + 20 * m_net * m_agent * m_dev) / (logins + 20)


@pytest.mark.parametrize("depths", [(0, 0, 0), (1, 2, 1), (3, 4, 1), (2, 0, 0)])
def test_novelty_compares_attackers_with_owners_of_the_same_bucket(depths: tuple[int, int, int]) -> None:
    rows = {(2, 0, 0, 0): 300, (2, 1, 2, 1): 40, (3, 1, 2, 1): 999, (2, 3, 4, 1): 2}
    population = Population(TABLES, rows, with_device=1)
    profile = replace(EMPTY, logins=3)
    net, agent, dev = depths

    found = history_parts(profile, population, Match((net,), (agent,), dev))[0]

    attacker = ATTACK_NET[net] * ATTACK_AGENT[agent] * ATTACK_DEV[dev]
    assert found.nats == pytest.approx(log(attacker) - log(share_by_hand(rows, 2, depths)))


def test_shares_of_all_depths_add_up_to_one() -> None:
    population = Population(TABLES, {(1, 1, 1, 1): 17}, with_device=1)

    assert population.share_of(1, range(4), range(5), range(2)) == pytest.approx(1)


def test_without_history_the_sum_is_that_of_a_stranger() -> None:
    found = assessed(replace(ORDINARY, hour=None), EMPTY)

    assert [part.code for part in found.parts] == ["NO_HISTORY"]
    assert found.llr == pytest.approx(log(0.496 * 0.25 * 0.98))
    assert found.score == 29


def test_the_code_of_a_combination_names_device_network_and_agent() -> None:
    population = shipped()
    profile = known(ORDINARY, population=population)

    found = assessed(replace(STRANGE, agent=ORDINARY.agent, asn=64500), profile, population)

    assert found.parts[0].code == "DEV_NO_COOKIE+NET_ASN_KNOWN+AGENT_UA_KNOWN"


def test_habits_come_with_the_second_learnt_login() -> None:
    population = shipped()
    one, two = known(ORDINARY, population=population), known(ORDINARY, ORDINARY, population=population)

    codes = [[part.code for part in assessed(ORDINARY, profile, population).parts[1:]] for profile in (one, two)]

    assert codes == [["TIME_HOUR"], ["NET_HABIT", "AGENT_HABIT", "DEV_HABIT", "TIME_HOUR"]]


def test_a_habit_compares_this_person_with_owners_in_general() -> None:
    population = Population(TABLES, with_device=1)
    profile = replace(EMPTY, logins=9, depths=(2, 6, 0, 0, 8, 0, 0, 0, 0, 8, 0))

    found = nats(profile, population, Match((1,), (0,), 0))

    m_net = (2000 * sum(SHARES[cell_of(1, agent, dev)] for agent in range(5) for dev in range(2)) + 0.5) / 2002
    assert found["NET_HABIT"] == pytest.approx(log(m_net / ((6 + 4 * m_net) / (8 + 4))))


def test_a_habit_is_bounded_by_one_point_six() -> None:
    population = Population(TABLES, with_device=1)
    profile = replace(EMPTY, logins=600, depths=(599, 0, 0, 0, 599, 0, 0, 0, 0, 599, 0))

    usual = nats(profile, population, Match((0,), (0,), 0))
    strange = nats(profile, population, Match((3,), (4,), 1))

    assert usual["NET_HABIT"] == usual["AGENT_HABIT"] == -1.6
    assert strange["NET_HABIT"] == strange["AGENT_HABIT"] == strange["DEV_HABIT"] == 1.6


def test_an_unknown_level_sums_what_is_possible_and_skips_the_habit() -> None:
    population = Population(TABLES, with_device=1)
    profile = known(ORDINARY, ORDINARY)
    attempt = replace(ORDINARY, address="198.51.100.9", asn=None)

    found = nats(profile, population, match(profile, seen(attempt)))

    attacker = (ATTACK_NET[1] + ATTACK_NET[2]) * ATTACK_AGENT[0] * ATTACK_DEV[0]
    owner = share_by_hand({}, 2, (1, 0, 0)) + share_by_hand({}, 2, (2, 0, 0))
    assert found["DEV_KNOWN+NET_UNKNOWN+AGENT_UA_KNOWN"] == pytest.approx(log(attacker) - log(owner))
    assert "NET_HABIT" not in found
    assert "AGENT_HABIT" in found


def test_devices_are_off_until_a_learnt_login_carried_one() -> None:
    population = Population(TABLES)
    profile = known(replace(ORDINARY, device=None), replace(ORDINARY, device=None), population=population)

    found = nats(profile, population, Match((0,), (0,), 1))

    both = share_by_hand(population.rows, 2, (0, 0, 0)) + share_by_hand(population.rows, 2, (0, 0, 1))
    assert found["NET_IP_KNOWN+AGENT_UA_KNOWN"] == pytest.approx(log(ATTACK_NET[0] * ATTACK_AGENT[0]) - log(both))
    assert "DEV_HABIT" not in found


def test_a_device_that_was_taken_back_switches_devices_off_again() -> None:
    population = Population(TABLES)
    _, lesson = learn(EMPTY, seen())

    population.add(lesson)
    used = population.has_devices
    population.remove(lesson)

    assert used
    assert not population.has_devices


def test_adding_and_removing_a_login_changes_nothing() -> None:
    population = Population(TABLES, {(1, 0, 0, 0): 5}, {9: 4}, with_device=3)
    before = (population.share_of(1, (0,), (0,), (0,)), population.hour_share(9), dict(population.rows))
    _, lesson = learn(known(ORDINARY), seen())

    population.add(lesson)
    changed = population.share_of(1, (0,), (0,), (0,))
    population.remove(lesson)

    assert changed != before[0]
    assert (population.share_of(1, (0,), (0,), (0,)), population.hour_share(9), dict(population.rows)) == before


def test_the_tenant_weighs_its_logins_against_two_thousand() -> None:
    profile, found = replace(EMPTY, logins=1), Match((0,), (0,), 0)
    few = Population(TABLES, {(1, 0, 0, 0): 1}, with_device=1)
    many = Population(TABLES, {(1, 0, 0, 0): 2_000_000}, with_device=1)

    assert history_parts(profile, few, found)[0].nats > history_parts(profile, many, found)[0].nats
    assert many.share_of(1, (0,), (0,), (0,)) == pytest.approx(1, abs=0.01)


def test_an_hour_compares_with_this_persons_hours_and_those_of_all() -> None:
    population = Population(TABLES, hours={9: 500})
    profile = replace(EMPTY, logins=10, hours=(0,) * 8 + (2, 6, 2) + (0,) * 13)

    (reading,) = unusual_hour.read(facts(ORDINARY, profile, hour_share=population.hour_share(9)))

    common = (2000 * (HOURS[8] + 2 * HOURS[9] + HOURS[10]) + 2 * 500) / 4 / 2500
    usual = ((2 + 2 * 6 + 2) / 4 + 4 * common) / (10 + 4)
    assert reading.nats == pytest.approx(max(-1.0, log(1 / 24 / usual)))


def test_hours_are_a_circle() -> None:
    population = Population(TABLES)
    profile = replace(EMPTY, logins=4, hours=(4,) + (0,) * 23)

    late, noon = (
        unusual_hour.read(facts(replace(ORDINARY, hour=hour), profile, hour_share=population.hour_share(12)))[0].nats
        for hour in (23, 12)
    )

    assert late < noon


@pytest.mark.parametrize(("hour", "bound"), [(9, -1.0), (21, 1.2)])
def test_an_hour_is_bounded(hour: int, bound: float) -> None:
    profile = replace(EMPTY, logins=900, hours=(0,) * 9 + (900,) + (0,) * 14)

    (reading,) = unusual_hour.read(facts(replace(ORDINARY, hour=hour), profile, hour_share=1e-9))

    assert reading.nats == bound


def test_a_missing_hour_says_nothing() -> None:
    assert unusual_hour.read(facts(replace(ORDINARY, hour=None), hour_share=None)) == ()


def test_labelled_attacks_change_the_shares_by_their_count() -> None:
    blended = Attack().blended([0, 200, 0, 0], [0] * 5, [0, 200])

    assert blended.net == pytest.approx([0.002, 0.56, 0.19, 0.248])
    assert blended.agent == pytest.approx(ATTACK_AGENT)
    assert blended.dev == pytest.approx([0.01, 0.99])


def test_without_a_table_only_the_tenant_speaks() -> None:
    population = alone()
    profile = known(*[ORDINARY] * 3, population=population)

    assert assessed(ORDINARY, profile, population).score < 40
    assert population.hour_share(9) == pytest.approx(0.5)


def test_the_bucket_of_a_login_is_that_before_it() -> None:
    population = alone()

    known(*[ORDINARY] * 4, population=population)

    assert {row[0]: count for row, count in population.rows.items()} == {bucket_of(1): 1, bucket_of(2): 2}
    assert default_tables().version == "default-1"
