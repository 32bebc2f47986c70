"""Files of logins: what a line must hold, what is written, and in which order it is learnt."""

import json
from typing import Any

import pytest

from idp.risk.evaluation import Engine, evaluate
from idp.risk.event_file import BrokenLine, read_event, read_events, read_scored, scored_line
from idp.risk.shipped import default_tables
from tests.support.worlds_events import line


def scored(*lines: str, engine: Engine = Engine.NDL) -> list[dict[str, Any]]:
    events = evaluate(read_events(lines), engine=engine, tables=default_tables())
    return [json.loads(scored_line(event, found)) for event, found in events]


@pytest.mark.parametrize(
    "fields",
    [
        {"t": "yesterday"}, {"t": "2026-05-04T09:30:00"}, {"t": 1}, {"t": None}, {"user": None}, {"user": 3},
        {"ip": None}, {"ip": "here"}, {"ip": ""}, {"asn": "64500"}, {"asn": -1}, {"asn": True}, {"asn": 1.5},
        {"country": 47}, {"net_kind": "space"}, {"ua": None}, {"device": 7}, {"hour": 24}, {"hour": -1}, {"hour": "9"},
        {"learn": None}, {"learn": "yes"}, {"learn": 1}, {"label": 1}, {"id": 4},
    ],
    ids=str,
)  # fmt: skip
def test_a_field_of_the_wrong_kind_breaks_the_line(fields: dict[str, object]) -> None:
    with pytest.raises(BrokenLine) as broken:
        list(read_events([line(), line(1, **fields)]))

    assert broken.value.number == 2


@pytest.mark.parametrize("text", ["{", "[]", "3", "null", '"x"', "{}", "\x00", "[" * 5000])
def test_what_is_no_object_breaks_the_line(text: str) -> None:
    with pytest.raises(BrokenLine):
        read_event(1, text)


@pytest.mark.parametrize("name", ["t", "user", "ip", "ua", "learn"])
def test_a_missing_field_breaks_the_line(name: str) -> None:
    event = json.loads(line())
    del event[name]

    with pytest.raises(BrokenLine, match=f"line 7: {name} "):
        read_event(7, json.dumps(event))


def test_time_going_backwards_breaks_the_line() -> None:
    with pytest.raises(BrokenLine, match="line 3: time goes backwards"):
        list(read_events([line(1), line(1), line(0)]))


def test_times_compare_across_offsets() -> None:
    lines = [line(t="2026-05-04T09:30:00+02:00"), line(t="2026-05-04T08:00:00Z"), line(t="2026-05-04t08:00:00.5z")]

    assert len(list(read_events(lines))) == 3


def test_nulls_and_fields_nobody_asked_for_are_fine() -> None:
    text = line(asn=None, country=None, net_kind=None, device=None, hour=None, label=None, id=None, more=[1])

    event = read_event(1, text)

    assert (event.now.asn, event.now.country, event.now.net_kind, event.now.device, event.id) == (None,) * 5


def test_an_event_is_scored_before_it_is_learnt() -> None:
    first, second, third = scored(line(), line(1), line(2))

    assert [each["n"] for each in (first, second, third)] == [0, 1, 2]
    assert first["parts"][0]["code"] == "NO_HISTORY"
    assert second["parts"][0]["code"] == "DEV_KNOWN+NET_IP_KNOWN+AGENT_UA_KNOWN"


def test_what_is_not_to_be_learnt_teaches_nothing() -> None:
    attack = {"user": "u1", "ip": "198.51.100.1", "device": None, "learn": False, "label": "P-vpn"}

    without, with_attack = scored(line(), line(2)), scored(line(), line(1, **attack), line(2))

    assert with_attack[2] == without[1]
    assert with_attack[1]["label"] == "P-vpn"


def test_learning_depends_on_the_flag_alone() -> None:
    found = scored(line(), line(1, ip="198.51.100.1", label="P-vpn"), line(2, ip="198.51.100.1"))

    assert found[2]["n"] == 2
    assert "NET_IP_KNOWN" in found[2]["parts"][0]["code"]


def test_a_device_that_was_not_learnt_for_this_person_is_none() -> None:
    found = scored(line(), line(1, user="u2", device="d2"), line(2, device="d2"))

    assert found[2]["parts"][0]["code"].startswith("DEV_NO_COOKIE+")


def test_a_line_out_has_all_that_a_report_needs() -> None:
    (found,) = scored(line(label="legit", id="e17"))

    assert set(found) == {"id", "score", "band", "llr", "parts", "floors", "user", "label", "n"}
    assert (found["id"], found["user"], found["label"], found["band"]) == ("e17", "u1", None, "low")
    assert sum(part["nats"] for part in found["parts"]) == pytest.approx(found["llr"], abs=1e-9)


def test_floors_act_on_the_score_and_not_on_the_sum() -> None:
    tor = {"net_kind": "tor"}

    _, found = scored(line(**tor), line(1, **tor))

    assert found["llr"] < 0
    assert (found["score"], found["band"]) == (40, "medium")
    assert found["floors"] == [{"code": "LIST_TOR", "band": "medium"}]


def test_the_published_engine_writes_the_same_lines() -> None:
    first, second = scored(line(), line(1), engine=Engine.FREEMAN)

    assert (first["llr"], first["parts"]) == (0.0, [{"code": "NO_HISTORY", "nats": 0.0}])
    assert [part["code"] for part in second["parts"]] == ["FREEMAN_ADDRESS", "FREEMAN_AGENT", "FREEMAN_USER"]


def test_two_replays_are_byte_identical() -> None:
    lines = [line(number, ip=f"192.0.2.{number % 5}", hour=number % 24) for number in range(40)]

    assert json.dumps(scored(*lines)) == json.dumps(scored(*lines))


@pytest.mark.parametrize("text", ["{}", "[]", "{", '{"user":"u","label":null,"llr":"x","score":1,"n":1,"parts":[]}'])
def test_a_broken_scored_line_is_refused(text: str) -> None:
    with pytest.raises(BrokenLine):
        list(read_scored([text]))
