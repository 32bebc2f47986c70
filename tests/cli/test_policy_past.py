"""`idp policy simulate|replay|explain` over stored decisions."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from idp.policy import rule_file, shipped, simulation
from idp.policy import simulation_report as reports
from idp.wiring import Site
from tests.support.policy_past import OWN, as_stored, harmless, store_past
from tests.support.policy_terminal import Terminal, seated
from tests.support.recorded import history


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str) -> Terminal:
    return seated(monkeypatch, tmp_path, database_url)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_url: str) -> Terminal:
    return seated(monkeypatch, tmp_path, sqlite_url)


def test_the_stored_past_is_simulated_replayed_and_explained(terminal: Terminal) -> None:
    past = list(history(OWN, 300))
    stored: list[str] = []

    async def keep(site: Site) -> None:
        stored.extend(each.id for each in await store_past(site.transactions, past))

    terminal.fill(keep)
    strict = rule_file.read(shipped.text("strict"))

    simulated = terminal.run("simulate", "strict", "--json")
    replayed = terminal.said("replay")
    told = json.loads(terminal.said("explain", "--decision", stored[5]))

    expected = json.loads(json.dumps(reports.as_json(simulation.simulate(OWN, strict, past))))
    assert json.loads(simulated.stdout) == expected | {"damaged": {"count": 0, "ids": []}}
    assert replayed == "300 decisions: 300 reproduced · 0 not reproduced · 0 by policies whose text is not known"
    assert (told["decision"], told["policy"]) == (past[5].decision.value, OWN.digest)
    assert (told["id"], told["score"]) == (stored[5], past[5].assessed["score"])
    assert terminal.said("explain", "--decision", stored[5], "--text").startswith(f"decision {told['decision']}: ")


def test_a_damaged_record_is_named_and_a_policy_that_is_gone_is_counted(quick: Terminal) -> None:
    now = datetime.now(UTC)
    past = [*history(OWN, 20), *history(rule_file.read(harmless(9)), 5)]
    ids: list[str] = []

    async def keep(site: Site) -> None:
        gone = (await store_past(site.transactions, past))[-1]
        broken = as_stored(past[0], record="{", decided_at=now)
        ids.extend([gone.id, broken.id])
        async with site.transactions.open(write=True) as stores:
            await stores.decisions.add(broken)

    quick.fill(keep)

    simulated, replayed = quick.run("simulate", "balanced"), quick.run("replay")

    warning = f"warning: 1 records are damaged and were left out: {ids[1]}"
    assert (simulated.returncode, replayed.returncode) == (1, 1)
    assert simulated.stdout.splitlines()[-1] == replayed.stdout.splitlines()[-1] == warning
    assert "20 reproduced · 0 not reproduced · 5 by policies whose text is not known" in replayed.stdout
    assert json.loads(quick.run("replay", "--since", "1d", "--json").stdout)["decisions"] == 1
    assert "the text of its policy is not known here" in quick.said("explain", "--decision", ids[0], "--text")
    assert quick.run("explain", "--decision", ids[1]).returncode == 1


def test_another_engine_scores_only_what_was_kept_and_names_the_rest(quick: Terminal) -> None:
    past = list(history(OWN, 40))

    async def keep(site: Site) -> None:
        await store_past(site.transactions, past)

    quick.fill(keep)

    by_table = json.loads(quick.run("simulate", "strict", "--engine", "ndl-1", "--tables", "none", "--json").stdout)
    by_rank = quick.said("simulate", "strict", "--engine", "freeman").splitlines()

    told = by_table["rescored"]
    assert (told["records"], told["tables"]) == (40, "none")
    assert told["rescored"] + sum(told["left_out"].values()) == 40
    assert by_table["sign_ins"] == told["rescored"]
    assert by_rank[0].startswith("engine freeman-1: 0 sign-ins scored")
    assert "left out 40: the record is damaged, or holds no sum" in by_rank[1]


def test_a_file_of_records_cannot_be_scored_again_and_the_baseline_has_no_table(quick: Terminal) -> None:
    quick.write("past.jsonl", "")

    assert quick.run("simulate", "strict", "--engine", "ndl-1", "--history", "past.jsonl").returncode == 2
    assert quick.run("simulate", "strict", "--engine", "freeman", "--tables", "none").returncode == 2
    assert quick.run("simulate", "strict", "--tables", "no-such-file.json").returncode == 2
    assert quick.run("simulate", "strict", "--engine", "ndl-9").returncode == 2
