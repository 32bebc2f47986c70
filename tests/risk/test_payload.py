"""What an adviser is given: coarse words, canonical bytes, and nowhere for text from outside to stand."""

import dataclasses
import json
import random
import typing
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from enum import Enum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.advice import MAX_BYTES, SEVERAL, SINGLE, Payload, Reason, read_payload, true_reasons
from idp.domain.risk import Assessment, Band, Depths, Floor, Part
from idp.domain.vocabulary import Failures, ListHit, NetDepth, NetKind, RecentAction, TravelSpeed
from idp.risk.payload import Observed, describe, top_reasons
from tests.support.attempts import DAY, INJECTIONS, ORDINARY, USUAL, any_payload

numbers = st.floats(allow_nan=True, allow_infinity=True)
ages = st.none() | st.timedeltas()


def kinds_in(hint: object) -> Iterator[object]:
    """Yield every type that a value of this type can hold, however deep."""
    inner = typing.get_args(hint)
    if inner:
        for each in inner:
            yield from kinds_in(each)
    elif isinstance(hint, type) and dataclasses.is_dataclass(hint):
        for each in typing.get_type_hints(hint).values():
            yield from kinds_in(each)
    else:
        yield hint


@pytest.mark.parametrize("entry", [Payload, Observed], ids=["payload", "observed"])
def test_no_text_has_a_place_in_what_becomes_a_payload(entry: type) -> None:
    """I10: the types do not allow a password, code, token or cookie, nor bytes."""
    closed = {kind for kind in kinds_in(entry) if isinstance(kind, type) and issubclass(kind, Enum)}

    assert set(kinds_in(entry)) - closed <= {int, bool, float, timedelta, type(None), Ellipsis}
    assert closed


@pytest.mark.parametrize("text", INJECTIONS)
def test_text_is_refused_in_every_field(text: str) -> None:
    """I6, I10: also where the type checker was not asked."""
    for name in SINGLE:
        with pytest.raises(TypeError):
            replace(ORDINARY, **{name: text})
    for name in SEVERAL:
        with pytest.raises(TypeError):
            replace(ORDINARY, **{name: (text,)})


def test_a_word_that_only_looks_like_one_of_ours_is_refused() -> None:
    with pytest.raises(TypeError):
        replace(ORDINARY, net_depth="new")
    with pytest.raises(TypeError):
        replace(ORDINARY, local_score=True)


def test_scores_out_of_range_and_doubled_words_are_refused() -> None:
    with pytest.raises(ValueError):
        replace(ORDINARY, local_score=101)
    with pytest.raises(ValueError):
        replace(ORDINARY, list_hits=(ListHit.TOR, ListHit.TOR))
    with pytest.raises(ValueError):
        replace(ORDINARY, top=(Reason.NONE,))


@given(st.lists(st.sampled_from(INJECTIONS) | st.text(), max_size=4))
def test_what_an_attacker_writes_into_codes_changes_no_byte(texts: list[str]) -> None:
    """I6: reasons come from a table; a code that is not in it is passed over."""
    honest = (Part("DEV_NO_COOKIE+NET_ASN_KNOWN", 2.0), Part("NET_HABIT", -0.5))
    parts = (*honest, *(Part(text, 9.0) for text in texts))
    clean, dirty = (
        Assessment(0.0, each, (), 33, 9, "ndl-1", "default-1", codes=tuple(texts)) for each in (honest, parts)
    )

    assert describe(USUAL, 33, top_reasons(dirty)).to_bytes() == describe(USUAL, 33, top_reasons(clean)).to_bytes()


@given(
    st.builds(
        Observed,
        logins=st.integers(),
        account_age=st.timedeltas(),
        since_last=ages,
        depths=st.builds(
            Depths,
            st.none() | st.integers(0, 3),
            st.none() | st.integers(0, 4),
            st.none() | st.integers(0, 1),
        ),
        is_same_country=st.none() | st.booleans(),
        travel_kmh=st.none() | numbers,
        hour_nats=st.none() | numbers,
        account_failures=st.integers(),
        network_failures=st.integers(),
        global_z=st.none() | numbers,
        since_credential_change=ages,
        is_breached=st.booleans(),
        is_new_client=st.booleans(),
    ),
    st.integers(0, 100),
    st.lists(st.sampled_from(Reason)),
)
def test_any_numbers_become_words_and_come_back_from_their_bytes(seen: Observed, score: int, top: list[Reason]) -> None:
    payload = describe(seen, score, top)

    assert read_payload(payload.to_bytes()) == payload
    assert set(payload.top) <= set(true_reasons(payload))


def test_bytes_are_canonical_small_and_of_the_closed_words_alone() -> None:
    dice = random.Random(7)
    for _ in range(500):
        payload = any_payload(dice)
        data = payload.to_bytes()
        document = json.loads(data)
        assert data == json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
        assert document["v"] == 1
        assert read_payload(data) == payload


def test_the_longest_payload_is_at_most_two_kilobytes() -> None:
    longest = {
        name: max(kind, key=lambda word: len(word.value)) for name, kind in SINGLE.items() if issubclass(kind, Enum)
    }
    named = sorted((reason for reason in Reason if reason is not Reason.NONE), key=lambda reason: -len(reason.value))
    payload = replace(
        ORDINARY,
        **longest,
        list_hits=tuple(ListHit),
        recent_actions=tuple(RecentAction),
        local_score=100,
        top=tuple(named[:3]),
    )

    assert len(payload.to_bytes()) <= MAX_BYTES


@pytest.mark.parametrize(
    "text",
    [
        b"{}",
        b"[]",
        b'{"local":{"score":1}}',
        ORDINARY.to_bytes().replace(b"{", b"{ ", 1),
        ORDINARY.to_bytes().replace(b"asn_known", b"a"),
        ORDINARY.to_bytes().replace(b'"v":1', b'"v":1,"w":1'),
        ORDINARY.to_bytes().replace(b'"list_hits":[]', b'"list_hits":"tor"'),
        "é".encode(),
    ],
)
def test_what_is_no_payload_is_not_read_as_one(text: bytes) -> None:
    with pytest.raises(ValueError):
        read_payload(text)


@pytest.mark.parametrize(
    ("seen", "field", "word"),
    [
        ({"logins": 0}, "history_bucket", "0"),
        ({"logins": 3}, "history_bucket", "2-3"),
        ({"logins": 32}, "history_bucket", "32+"),
        ({"account_age": 7 * DAY}, "account_age_bucket", "0-7d"),
        ({"account_age": 8 * DAY}, "account_age_bucket", "8-90d"),
        ({"account_age": 365 * DAY}, "account_age_bucket", "91-365d"),
        ({"account_age": 1096 * DAY}, "account_age_bucket", "3y+"),
        ({"account_age": -DAY}, "account_age_bucket", "0-7d"),
        ({"since_last": None}, "days_since_last", "never"),
        ({"since_last": 91 * DAY}, "days_since_last", "91+"),
        ({"depths": Depths(None, None, None)}, "net_depth", "unknown"),
        ({"depths": Depths(None, None, None)}, "agent_depth", "ua_known"),
        ({"depths": Depths(None, None, None)}, "device_cookie", "off"),
        ({"depths": Depths(3, 4, 1)}, "net_depth", "new"),
        ({"depths": Depths(3, 4, 1)}, "agent_depth", "new"),
        ({"is_cookie_replayed": True}, "device_cookie", "replayed"),
        ({"travel_kmh": 900.0}, "travel_kmh_bucket", "0-900"),
        ({"travel_kmh": 900.5}, "travel_kmh_bucket", "901-2000"),
        ({"travel_kmh": 2000.5}, "travel_kmh_bucket", "2001+"),
        ({"travel_kmh": float("nan")}, "travel_kmh_bucket", "unknown"),
        ({"account_failures": 3}, "fail_account_1h", "3-5"),
        ({"network_failures": 21}, "fail_subnet_1h", "21+"),
        ({"global_z": 2.0}, "fail_global_z", "2-3"),
        ({"global_z": float("nan")}, "fail_global_z", "<1"),
        ({"since_credential_change": 7 * DAY}, "cred_change_days", "2-7"),
        ({"since_credential_change": 8 * DAY}, "cred_change_days", "8+"),
        ({"hour_nats": 1.2}, "hour_rarity", "rare"),
        ({"hour_nats": None}, "hour_rarity", "unknown"),
    ],
)
def test_each_number_has_its_word(seen: dict[str, typing.Any], field: str, word: str) -> None:
    assert getattr(describe(replace(USUAL, **seen), 33), field) == word


def test_what_is_unknown_makes_no_reason_true() -> None:
    unknown = replace(USUAL, depths=Depths(None, None, None), is_same_country=None, travel_kmh=None, hour_nats=None)

    assert true_reasons(describe(unknown, 33)) == ()


@pytest.mark.parametrize(
    ("change", "reason", "is_true"),
    [
        ({"net_depth": NetDepth.IP_KNOWN}, Reason.NET_NEW_IP, False),
        ({"net_depth": NetDepth.ASN_KNOWN}, Reason.NET_NEW_IP, True),
        ({"net_depth": NetDepth.ASN_KNOWN}, Reason.NET_NEW_ASN, False),
        ({"net_depth": NetDepth.UNKNOWN}, Reason.NET_NEW_ASN, False),
        ({"net_depth": NetDepth.COUNTRY_KNOWN}, Reason.NET_NEW_COUNTRY, False),
        ({"net_depth": NetDepth.NEW}, Reason.NET_NEW_COUNTRY, True),
        ({"net_kind": NetKind.UNKNOWN}, Reason.NET_HOSTING, False),
        ({"net_kind": NetKind.VPN}, Reason.NET_HOSTING, True),
        ({"travel_kmh_bucket": TravelSpeed.UNKNOWN}, Reason.TRAVEL_FAST, False),
        ({"fail_account_1h": Failures.FEW}, Reason.VELOCITY_ACCOUNT, False),
        ({"fail_account_1h": Failures.SOME}, Reason.VELOCITY_ACCOUNT, True),
        ({"fail_subnet_1h": Failures.SOME}, Reason.VELOCITY_NET, False),
        ({"fail_subnet_1h": Failures.MANY}, Reason.VELOCITY_NET, True),
        ({"recent_actions": (RecentAction.PWD_RESET,)}, Reason.SEQ_RECOVERY, True),
        ({"recent_actions": (RecentAction.PHONE_CHANGE,)}, Reason.SEQ_CONTACT_CHANGE, True),
        ({"list_hits": (ListHit.WATCH,)}, Reason.LIST_DENY, False),
    ],
)
def test_a_reason_is_true_where_its_words_stand(change: dict[str, typing.Any], reason: Reason, is_true: bool) -> None:
    assert (reason in true_reasons(replace(ORDINARY, **change))) is is_true


def test_the_weightiest_true_reasons_come_first_and_three_at_most() -> None:
    assessment = Assessment(
        2.0,
        (Part("TIME_HOUR", 0.2), Part("DEV_NO_COOKIE+NET_ASN_KNOWN+AGENT_BROWSER_KNOWN", 2.0), Part("NET_KIND", 1.2)),
        (Floor("LIST_TOR", Band.MEDIUM),),
        40,
        9,
        "ndl-1",
        "default-1",
    )

    top = describe(replace(USUAL, lists={ListHit.TOR}), 40, top_reasons(assessment)).top

    assert top == (Reason.LIST_TOR, Reason.DEV_NO_COOKIE, Reason.NET_NEW_IP)


def test_the_documentation_shows_a_payload_byte_for_byte() -> None:
    page = (Path(__file__).parents[2] / "docs" / "adviser.md").read_text()

    assert ORDINARY.to_bytes().decode() in page.splitlines()
