"""`idp risk`: files in, lines out, one line on what is wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.server import clean_environment
from tests.support.worlds_events import line, text


def run(folder: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command in this folder, without any setting."""
    return subprocess.run(
        [sys.executable, "-m", "idp", "risk", *arguments], env=clean_environment(), cwd=folder, input=stdin, text=True,
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """Twenty logins of an owner and two of an attacker."""
    lines = [line(number) for number in range(20)]
    lines += [line(20 + number, ip="198.51.100.1", device=None, learn=False, label="P-vpn") for number in range(2)]
    path = tmp_path / "events.jsonl"
    path.write_text(text(lines))
    return path


def test_each_event_gives_a_line_in_order(events: Path) -> None:
    done = run(events.parent, "evaluate", "events.jsonl")

    found = [json.loads(each) for each in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert [each["id"] for each in found] == [f"e{number}" for number in range(22)]
    assert [each["n"] for each in found] == [*range(20), 20, 20]
    assert done.stderr == ""


@pytest.mark.parametrize("arguments", [["--engine", "freeman"], ["--tables", "none"], ["--tables", "default"]])
def test_engine_and_tables_can_be_chosen(events: Path, arguments: list[str]) -> None:
    plain, chosen = (
        run(events.parent, "evaluate", "events.jsonl"),
        run(events.parent, "evaluate", "events.jsonl", *arguments),
    )

    assert chosen.returncode == 0, chosen.stderr
    assert (plain.stdout == chosen.stdout) == (arguments[1] == "default")


@pytest.mark.parametrize(
    ("lines", "number"),
    [([line(), "{"], 2), ([line(1), line(0)], 2), ([line(), line(1), line(2, hour=24)], 3), ([line(ua=None)], 1)],
)
def test_a_broken_line_ends_with_two_and_its_number(tmp_path: Path, lines: list[str], number: int) -> None:
    done = run(tmp_path, "evaluate", "-", stdin=text(lines))

    assert done.returncode == 2
    assert f"line {number}:" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert len(done.stdout.splitlines()) == number - 1


@pytest.mark.parametrize(
    "arguments",
    [["evaluate", "nowhere"], ["evaluate", "events.jsonl", "--tables", "nowhere"], ["report", "events.jsonl"],
     ["evaluate", "events.jsonl", "--tables", "events.jsonl"], ["evaluate", "events.jsonl", "--engine", "magic"],
     ["train", "nowhere", "--out", "t.json"], ["train", "events.jsonl", "--out", "no/where.json"], ["evaluate"]],
    ids=" ".join,
)  # fmt: skip
def test_what_cannot_run_ends_with_two_and_one_line(events: Path, arguments: list[str]) -> None:
    done = run(events.parent, *arguments)

    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


def test_a_report_stands_on_the_scored_lines_alone(events: Path) -> None:
    scored = run(events.parent, "evaluate", "events.jsonl").stdout

    done = run(events.parent, "report", "-", "--json", "--warmup", "0.1", stdin=scored)
    words = run(events.parent, "report", "-", stdin=scored)

    found = json.loads(done.stdout)
    assert done.returncode == words.returncode == 0
    assert found["labels"]["P-vpn"]["auc"][0] == 1
    assert found["challenged"]["all"]["logins"] == 19
    assert "P-vpn: 2 attempts" in words.stdout


def test_a_table_can_be_trained_and_used(events: Path) -> None:
    trained = run(events.parent, "train", "events.jsonl", "--out", "mine-1.json", "--seed", "7")
    used = run(events.parent, "evaluate", "events.jsonl", "--tables", "mine-1.json")

    table = json.loads((events.parent / "mine-1.json").read_text())
    assert trained.returncode == used.returncode == 0, trained.stderr + used.stderr
    assert (table["version"], table["seed"]) == ("mine-1", "7")
    assert table["D"]["1"][0] == 1


def test_unproven_advice_ends_with_one(events: Path) -> None:
    (events.parent / "advice.jsonl").write_text('{"id":"e20","score":70,"confidence":"high"}\n')

    done = run(events.parent, "compare", "events.jsonl", "--advice", "advice.jsonl", "--json")
    broken = run(events.parent, "compare", "events.jsonl", "--advice", "events.jsonl")

    assert done.returncode == 1
    assert json.loads(done.stdout)["passes"] is False
    assert broken.returncode == 2
    assert "line 1:" in broken.stderr
