"""`idp policy draft`: a sentence becomes a rule to look at; nothing is applied. Exit 0 clean, 1 findings, 2 none."""

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from idp.cli.policy_draft import draft
from idp.policy import rule_file, shipped
from idp.wiring import Site
from tests.support.adviser_server import AdviserServer, adviser_server, completion, says
from tests.support.policy_past import store_past
from tests.support.policy_terminal import Terminal, seated
from tests.support.recorded import history

FORM = {
    "id": "from-the-model", "require": {"acr": "phr", "max_age": None, "unenrolled": None}, "deny_for": None,
    "when": [[{"fact": "groups", "operator": "any", "values": ["ops"], "negated": False}]],
    "effects": [], "notify": [], "not_understood": [],
}  # fmt: skip


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Terminal:
    """A folder with settings and no database."""
    return seated(monkeypatch, tmp_path, f"sqlite+aiosqlite:///{tmp_path}/none.sqlite3")


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[AdviserServer]:
    """A model on a loop of its own, as a command has its own; the settings name it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    opened = adviser_server(says(completion(json.dumps(FORM))))
    server = asyncio.run_coroutine_threadsafe(opened.__aenter__(), loop).result(10)
    for name, value in {"ADVISER": "openai", "OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": server.url}.items():
        monkeypatch.setenv(f"IDP_{name}", value)
    yield server
    asyncio.run_coroutine_threadsafe(opened.__aexit__(None, None, None), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def test_a_sentence_that_says_nothing_ends_with_2_and_the_words_in_the_way(terminal: Terminal) -> None:
    done = terminal.run("draft", "cheese for everybody", "--from", "balanced")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "idp: not understood: cheese\n"


def test_what_is_left_out_is_said_and_nothing_is_written(terminal: Terminal) -> None:
    done = terminal.run("draft", "deny tor and cheese", "--from", "balanced", "--out", "new.toml")

    assert done.returncode == 1
    assert "# NOT UNDERSTOOD, and not in this rule: cheese" in done.stdout
    assert "new.toml was not written" in done.stdout
    assert not Path("new.toml").exists()


def test_a_rule_comes_with_lint_and_diff_and_the_file_is_the_policy_with_it(terminal: Terminal) -> None:
    done = terminal.run("draft", "deny tor", "--from", "balanced", "--out", "new.toml")

    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "# read without a model"
    assert "  + rule list-tor-deny (enforce)" in lines
    assert "simulate: no decisions are stored here" in lines
    assert terminal.said("lint", "new.toml") == "10 rules, 4 tests"


def test_a_rule_that_another_one_covers_is_a_finding(terminal: Terminal) -> None:
    done = terminal.run("draft", "ask admins for a passkey", "--from", "balanced", "--json")

    document = json.loads(done.stdout)
    assert done.returncode == 1
    assert document["findings"] == [{"rule": "admins-phr", "severity": "warning", "reason": "covered by admins"}]
    assert (document["model"], document["is_fit"], document["simulation"]) == (None, True, None)


def test_a_model_is_named_and_what_it_wrote_is_written_anew(terminal: Terminal, model: AdviserServer) -> None:
    done = terminal.run("draft", "ask ops for passkeys", "--from", "balanced")

    assert done.returncode == 0
    assert 'when = { groups.any = ["ops"] }' in done.stdout
    assert done.stdout.startswith(f"# by {model.body()['model']}: read it twice\n")
    assert model.body()["response_format"]["json_schema"]["strict"] is True


def test_a_model_is_not_asked_if_it_is_not_wanted(terminal: Terminal, model: AdviserServer) -> None:
    done = terminal.run("draft", "deny tor", "--from", "balanced", "--without-model")

    assert done.stdout.startswith("# read without a model\n")
    assert model.received == []


def test_a_model_that_breaks_the_form_is_passed_over(terminal: Terminal, model: AdviserServer) -> None:
    model.behaviour = says(completion(json.dumps(FORM | {"when": [], "deny_for": "15m"})))

    assert terminal.run("draft", "deny tor", "--from", "balanced").stdout.startswith("# read without a model\n")


def test_without_a_database_there_is_no_active_policy(terminal: Terminal) -> None:
    assert terminal.run("draft", "deny tor").returncode == 2


def test_the_active_policy_is_joined_its_past_replayed_and_nothing_stored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_url: str
) -> None:
    terminal = seated(monkeypatch, tmp_path, sqlite_url)
    rules = rule_file.read(shipped.text("balanced"))

    async def fill(site: Site) -> None:
        now = site.clock.now()
        past = [replace(each, at=now - timedelta(hours=number)) for number, each in enumerate(history(rules, 40))]
        await store_past(site.transactions, past)

    terminal.fill(fill)

    done = terminal.run("draft", "ask everybody for a second factor for the app somewhere", "--json")

    document = json.loads(done.stdout)
    assert document["simulation"]["sign_ins"] == 40
    assert document["changes"][0]["added"] is True
    assert terminal.said("list") == "no versions yet: the operator's file decides"


def test_the_command_says_how_it_ends() -> None:
    assert "Exit 0" in (draft.help or "")
