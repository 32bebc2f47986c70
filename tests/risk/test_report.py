"""The figures of a scored file (report.py)."""

import pytest

from idp.risk.event_file import Scored
from idp.risk.report import report, to_json, to_text


def owner(llr: float, *, user: str = "u1", n: int = 5, score: int = 10, known: bool | None = True) -> Scored:
    return Scored(user, None, llr, score, n, known)


def attack(llr: float, *, user: str = "u1", n: int = 5, label: str = "X") -> Scored:
    return Scored(user, label, llr, 90, n, False)


def test_ties_count_half() -> None:
    lines = [owner(0), owner(1), owner(2), owner(3), attack(1), attack(9)]

    found = report(lines, warmup=0).attackers["X"]

    assert found.auc.value == pytest.approx(((1 + 0.5) / 4 + 1) / 2)


def test_attacks_are_caught_above_all_but_that_share_of_owners() -> None:
    lines = [owner(number) for number in range(100)] + [attack(93.5), attack(95), attack(96), attack(98.5)]

    tpr = report(lines, warmup=0).attackers["X"].tpr

    assert {share: figure.value for share, figure in tpr.items()} == {0.01: 0.25, 0.02: 0.25, 0.05: 0.75, 0.1: 1.0}


def test_lines_without_history_do_not_count() -> None:
    lines = [owner(9, n=0), owner(0), attack(1), attack(-5, n=0)]

    found = report(lines, warmup=0)

    assert found.attackers["X"].auc.value == 1
    assert found.owners == 1


def test_the_first_lines_count_neither_for_auc_nor_for_tpr() -> None:
    lines = [owner(100), attack(-100), *[owner(number) for number in range(16)], attack(50), attack(50)]

    found = report(lines, warmup=0.15)

    assert found.attackers["X"].auc.value == 1
    assert found.attackers["X"].attempts == 3
    assert found.logins["all"] == 17


def test_re_authentications_are_counted_at_the_threshold_that_catches_so_many() -> None:
    lines = [owner(number, user="a") for number in (9, 8, *[0] * 10, 9, 9)]
    lines += [owner(number, user="b") for number in (9, *[0] * 11)]
    lines += [owner(9, user="few")] * 11
    lines += [attack(7 + number, user="a") for number in range(10)]

    found = report(lines, warmup=0).attackers["X"].reauthentications

    assert found[0.995].value == (2 + 1) / 2
    assert found[0.8276].value == pytest.approx((2 + 1) / 2)
    assert found[0.7816].value == pytest.approx((1 + 1) / 2)


def test_owners_are_counted_by_band_and_stratum_with_floors() -> None:
    lines = [owner(0, n=1, score=40), owner(0, n=2, score=20), owner(0, n=3, score=70), owner(0, n=12, score=90),
             owner(0, n=40, score=39, known=False)]  # fmt: skip

    found = report(lines, warmup=0)

    shares = {stratum: {name: figure.value for name, figure in each.items()} for stratum, each in found.strata.items()}
    assert shares["all"] == {"medium": 0.6, "high": 0.4, "critical": 0.2, "grey": 0.4, "device_rule": 0.2}
    assert shares["2-3"] == {"medium": 0.5, "high": 0.5, "critical": 0, "grey": 0.5, "device_rule": 0}
    assert shares["4-11"]["medium"] is None
    assert found.logins == {"all": 5, "1": 1, "2-3": 2, "4-11": 0, "12-39": 1, "40+": 1}


def test_the_device_rule_has_no_figure_where_there_are_no_devices() -> None:
    assert report([owner(0, known=None)], warmup=0).strata["all"]["device_rule"].value is None


def test_intervals_hold_the_figure_and_are_the_same_each_time() -> None:
    lines = [owner(user + number / 9, user=f"u{user}") for user in range(30) for number in range(9)]
    lines += [attack(25 + user / 3, user=f"u{user}") for user in range(30)]

    found, again = report(lines, warmup=0), report(lines, warmup=0)

    auc = found.attackers["X"].auc
    assert auc.low is not None and auc.value is not None and auc.high is not None  # noqa: PT018
    assert auc.low < auc.value < auc.high
    assert to_json(found) == to_json(again)


def test_an_empty_file_has_no_figures() -> None:
    found = report([], warmup=0.15)

    assert found.attackers == {}
    assert "0 logins" in to_text(found)


def test_a_report_can_be_read_by_people() -> None:
    lines = [owner(number) for number in range(20)] + [attack(50)]

    words = to_text(report(lines, warmup=0))

    assert "X: 1 attempts, AUC 1" in words
    assert "5% of owners challenged: 100" in words
