"""What each signal says, and that it says nothing when it does not know (signals/)."""

import ast
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

import idp.risk.signals
from idp.domain.risk import Band, Reading
from idp.risk.engine import SIGNALS
from idp.risk.profile import EMPTY, Match, Place
from idp.risk.signal import Circumstances, Cookie, Failures, Hints, Listed, NetKind
from idp.risk.signals import (
    account_state,
    automation,
    bad_address,
    credential_state,
    failed_attempts,
    impossible_travel,
    new_device,
    new_place,
    request_context,
    session_motion,
)
from tests.support.worlds_events import CHROME, IPHONE, NOW, ORDINARY, facts

STRANGE = Match((3,), (4,), 1)
HISTORY = replace(EMPTY, logins=5)
UNKNOWN = Circumstances(at=NOW)


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.__module__.rpartition(".")[2])
def test_missing_data_means_no_reading(signal: object) -> None:
    assert callable(signal)
    assert signal(facts(UNKNOWN, found=Match((0, 1, 2, 3), (0, 1, 2, 3, 4)))) == ()


def test_signals_are_strangers_to_each_other() -> None:
    for path in Path(idp.risk.signals.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.ImportFrom) and "risk.signals" in (node.module or "")), path


def codes(readings: tuple[Reading, ...]) -> list[str]:
    return [reading.code for reading in readings]


def test_device_agent_and_place_are_named_by_their_depth() -> None:
    attempt = facts(ORDINARY, HISTORY, found=Match((1,), (2,), 1), devices=True)

    assert codes(new_device.read(attempt)) == ["DEV_NO_COOKIE", "AGENT_SYSTEM_KNOWN"]
    assert codes(new_place.read(attempt)) == ["NET_ASN_KNOWN"]


def test_a_cookie_used_twice_is_high_at_least() -> None:
    (reading,) = new_device.read(facts(replace(ORDINARY, cookie=Cookie.REPLAYED)))

    assert reading == Reading("DEV_COOKIE_REPLAY", floor=Band.HIGH)


@pytest.mark.parametrize("kind", list(NetKind))
@pytest.mark.parametrize("net", [(0,), (1,), (1, 2), (2,), (3,)])
def test_hiding_counts_only_where_neither_address_nor_provider_is_this_persons(
    kind: NetKind, net: tuple[int, ...]
) -> None:
    readings = bad_address.read(facts(replace(ORDINARY, net_kind=kind), HISTORY, found=Match(net)))

    nats = sum(reading.nats for reading in readings)
    hides = kind in (NetKind.HOSTING, NetKind.VPN, NetKind.TOR)
    assert nats == (1.2 if hides and net in ((2,), (3,)) else 0)


@pytest.mark.parametrize(
    ("listed", "code", "floor"),
    [
        (Listed.TOR, "LIST_TOR", Band.MEDIUM),
        (Listed.DENY, "LIST_DENY", Band.CRITICAL),
        (Listed.WATCH, "LIST_WATCH", None),
    ],
)
def test_lists_set_floors(listed: Listed, code: str, floor: Band | None) -> None:
    readings = bad_address.read(facts(replace(ORDINARY, listed=frozenset({listed}))))

    assert readings == (Reading(code, floor=floor),)


def test_tor_is_medium_at_least_even_if_this_person_uses_it() -> None:
    readings = bad_address.read(facts(replace(ORDINARY, net_kind=NetKind.TOR), HISTORY, found=Match((0,))))

    assert readings == (Reading("LIST_TOR", floor=Band.MEDIUM),)


OSLO, PARIS, DRAMMEN = (59.9, 10.7), (48.9, 2.4), (59.7, 10.2)


def travel(there: tuple[float, float], hours: float, *, common: bool | None = False, **more: object) -> list[object]:
    at = int(NOW.timestamp())
    last = Place(at - int(hours * 3600), *OSLO, 10.0)
    now = replace(ORDINARY, place_is_common=common)
    place = Place(at, *there, 10.0)
    return list(impossible_travel.read(facts(now, replace(HISTORY, last=last), **{"place": place, **more})))


def test_a_journey_nobody_can_make_is_medium_at_least() -> None:
    assert travel(PARIS, 1) == [Reading("TRAVEL_IMPOSSIBLE", floor=Band.MEDIUM)]


def test_it_is_high_only_on_a_strange_device_with_another_agent() -> None:
    known_device = travel(PARIS, 1, devices=True, found=Match((3,), (4,), 0))
    known_agent = travel(PARIS, 1, devices=True, found=Match((3,), (0,), 1))

    assert travel(PARIS, 1, devices=True, found=STRANGE) == [Reading("TRAVEL_IMPOSSIBLE", floor=Band.HIGH)]
    assert known_device == known_agent == [Reading("TRAVEL_IMPOSSIBLE", floor=Band.MEDIUM)]


@pytest.mark.parametrize(
    "found",
    [
        travel(PARIS, 3),
        travel(DRAMMEN, 0.001),
        travel(PARIS, 1, common=True),
        travel(PARIS, 1, common=None),
        travel(PARIS, 1, place=Place(int(NOW.timestamp()))),
        travel(PARIS, 1, place=Place(int(NOW.timestamp()), *PARIS, 2000.0)),
    ],
    ids=["a flight", "a suburb", "common", "unknown how common", "unknown", "coarse"],
)
def test_a_possible_common_or_uncertain_journey_says_nothing(found: list[object]) -> None:
    assert found == []


@pytest.mark.parametrize(("count", "nats"), [(2, 0), (3, 0.5), (5, 0.5), (6, 1.0), (20, 1.0), (21, 1.5), (10**6, 1.5)])
def test_failures_from_this_network_count_in_steps(count: int, nats: float) -> None:
    readings = failed_attempts.read(facts(replace(ORDINARY, failures=Failures(prefix_1h=count))))

    assert sum(reading.nats for reading in readings) == nats


@pytest.mark.parametrize(("count", "share", "nats"), [(2, 1, 0), (3, 1, 0.3), (5, 0.5, 0.15), (6, 1, 0.6), (900, 0, 0)])
def test_a_strangers_failures_never_raise_the_owner(count: int, share: float, nats: float) -> None:
    failures = Failures(account_1h=count, prefix_share=share)

    readings = failed_attempts.read(facts(replace(ORDINARY, failures=failures)))

    assert sum(reading.nats for reading in readings) == pytest.approx(nats)


@pytest.mark.parametrize("failures", [Failures(spraying=True), Failures(global_z=3.0)])
def test_spraying_lifts_every_login_without_a_known_device(failures: Failures) -> None:
    now = replace(ORDINARY, failures=failures)

    assert failed_attempts.read(facts(now, HISTORY, found=STRANGE, devices=True))[0].one_band_up
    assert failed_attempts.read(facts(now, HISTORY, found=Match(dev=0), devices=True)) == ()


def test_a_small_rise_of_failures_is_no_spraying() -> None:
    now = replace(ORDINARY, failures=Failures(global_z=2.9, spraying=False))

    assert failed_attempts.read(facts(now, HISTORY, found=STRANGE, devices=True)) == ()


@pytest.mark.parametrize(
    ("agent", "hints"),
    [
        ("curl/8.5.0", Hints()),
        ("python-requests/2.32", Hints()),
        (CHROME.format(120).replace("Chrome", "HeadlessChrome"), Hints()),
        ("Googlebot/2.1", Hints()),
        (CHROME.format(120), Hints(accept_language="")),
        (CHROME.format(120), Hints(accept_language="???")),
        (CHROME.format(120), Hints(platform="Android")),
        (CHROME.format(120), Hints(mobile=True)),
        (CHROME.format(120), Hints(odd_header_order=True)),
    ],
)
def test_programs_and_contradictions_are_automation(agent: str, hints: Hints) -> None:
    assert automation.read(facts(replace(ORDINARY, agent=agent, hints=hints))) == (Reading("AUTOMATION", 3.0),)


@pytest.mark.parametrize(
    ("agent", "hints"),
    [
        (CHROME.format(120), Hints()),
        (CHROME.format(120), Hints("en-GB,en;q=0.9", "Windows", mobile=False, odd_header_order=False)),
        (IPHONE, Hints("nb-NO", mobile=True)),
        (IPHONE, Hints("*")),
        ("", Hints()),
        (None, Hints("de")),
    ],
)
def test_a_browser_is_no_automation(agent: str | None, hints: Hints) -> None:
    assert automation.read(facts(replace(ORDINARY, agent=agent, hints=hints))) == ()


@pytest.mark.parametrize(("days", "found"), [(90, []), (91, ["ACCOUNT_DORMANT"])])
def test_a_sleeping_account_counts_only_on_a_strange_device(days: int, found: list[str]) -> None:
    last = Place(int((NOW - timedelta(days=days)).timestamp()))
    profile = replace(HISTORY, last=last)

    assert codes(account_state.read(facts(ORDINARY, profile, found=STRANGE, devices=True))) == found
    assert account_state.read(facts(ORDINARY, profile, found=Match(dev=0), devices=True)) == ()


@pytest.mark.parametrize(("days", "found"), [(6.9, ["CRED_CHANGED"]), (7, [])])
def test_a_fresh_change_of_credentials_counts_only_on_a_strange_device(days: float, found: list[str]) -> None:
    now = replace(ORDINARY, credential_age=timedelta(days=days))

    assert codes(account_state.read(facts(now, HISTORY, found=STRANGE, devices=True))) == found
    assert account_state.read(facts(now, HISTORY, found=Match(dev=0), devices=True)) == ()


def test_what_is_wrong_with_a_credential() -> None:
    now = replace(ORDINARY, breached=True, webauthn_counter=True, webauthn_revoked=True)

    assert credential_state.read(facts(now)) == (
        Reading("CRED_BREACHED"),
        Reading("WEBAUTHN_COUNTER", floor=Band.MEDIUM),
        Reading("WEBAUTHN_REVOKED", floor=Band.HIGH),
    )


def test_the_request_is_recorded_without_nats() -> None:
    now = replace(ORDINARY, new_client=True, admin_scope=True, ja4="t13d", ja4h="ge11", rtt_ms=31.0)

    readings = request_context.read(facts(now))

    assert codes(readings) == ["REQUEST_NEW_CLIENT", "REQUEST_ADMIN_SCOPE", "JA4", "JA4H", "RTT"]
    assert not any(reading.nats or reading.floor for reading in readings)


def test_a_spent_refresh_token_is_high_at_least() -> None:
    now = replace(ORDINARY, session_moved=True, token_replay=True, dpop_key_changed=True)

    assert session_motion.read(facts(now)) == (
        Reading("SESSION_MOVED"),
        Reading("TOKEN_REPLAY", floor=Band.HIGH),
        Reading("DPOP_KEY_CHANGED"),
    )
