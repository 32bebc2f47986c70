"""Addresses and agents become levels (hierarchy.py)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.risk.evaluation import plain_digest
from idp.risk.hierarchy import AGENT_BYTES, agent_levels, net_levels, network_of, read_agent
from tests.support.worlds_events import CHROME, FIREFOX, IPHONE


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("192.0.2.700", None),
        ("", None),
        (None, None),
    ],
)
def test_an_ipv6_address_counts_by_its_64(address: str | None, network: str | None) -> None:
    assert network_of(address) == network


def test_a_country_is_the_same_in_upper_and_lower_case() -> None:
    assert net_levels(None, None, "no", plain_digest) == net_levels(None, None, "NO", plain_digest)


def test_a_missing_level_has_no_digest() -> None:
    levels = net_levels("192.0.2.7", None, None, plain_digest)

    assert levels.address is not None
    assert levels.asn is None
    assert levels.country is None
    assert not levels.is_whole


@pytest.mark.parametrize(
    ("agent", "browser", "system", "device"),
    [
        (CHROME.format(120), "Chrome 120", "Windows 10.0", "desktop"),
        (CHROME.format(120) + " Edg/120.0.2.5", "Edge 120", "Windows 10.0", "desktop"),
        (FIREFOX.format(128), "Firefox 128", "Windows 10.0", "desktop"),
        (IPHONE, "Safari 17", "iOS 17.5", "mobile"),
        (IPHONE.replace("iPhone;", "iPad;").replace("iPhone OS", "OS").replace(" Mobile/15E148", ""),
         "Safari 17", "iOS 17.5", "tablet"),
        ("Mozilla/5.0 (Linux; Android 14; Pixel 7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Mobile "
         "Safari/537.36", "Chrome 125", "Android 14", "mobile"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 "
         "Safari/605.1.15", "Safari 17", "macOS 10.15", "desktop"),
        ("curl/8.5.0", "curl 8", "other", "bot"),
        ("", "other", "other", "other"),
    ],
)  # fmt: skip
def test_an_agent_has_browser_system_and_type(agent: str, browser: str, system: str, device: str) -> None:
    found = read_agent(agent)

    assert (found.browser, found.system, found.device) == (browser, system, device)


@given(st.one_of(st.binary(max_size=2000), st.text(max_size=600), st.text(alphabet="()/;. AChromeiO0_9", max_size=600)))
def test_any_bytes_give_four_levels(agent: str | bytes) -> None:
    found = read_agent(agent)

    levels = agent_levels(found, plain_digest)
    assert {len(levels.text), len(levels.browser), len(levels.system), len(levels.device)} == {8}


@given(st.binary(max_size=40), st.binary(min_size=1, max_size=40))
def test_only_the_first_512_bytes_count(start: bytes, rest: bytes) -> None:
    agent = start.ljust(AGENT_BYTES, b"x")

    assert read_agent(agent) == read_agent(agent + rest)


def test_lone_surrogates_are_read_too() -> None:
    assert agent_levels(read_agent("\ud800"), plain_digest).device == agent_levels(read_agent(""), plain_digest).device
