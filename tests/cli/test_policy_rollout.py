"""`idp policy` from a file to what decides, and back. Exit 0 done, 1 refused, 2 cannot run."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from idp.cli.policy_rollout import spell_run
from idp.domain.user import Role, User
from idp.flows.user_administration import NewUser
from idp.policy import shipped
from idp.wiring import Site
from tests.support.policy_past import PASSKEYS_ONLY, harmless
from tests.support.policy_terminal import Terminal, seated


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str) -> Terminal:
    return seated(monkeypatch, tmp_path, database_url)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_url: str) -> Terminal:
    return seated(monkeypatch, tmp_path, sqlite_url)


def test_a_version_watches_decides_for_a_share_for_all_and_is_taken_back(terminal: Terminal) -> None:
    first, second = (terminal.write(f"{n}.toml", harmless(n)) for n in (1, 2))

    assert terminal.said("shadow", first) == "v1 in shadow, 28 days at most"
    assert terminal.said("promote", "v1") == "v1 enforced"
    terminal.said("shadow", second)
    assert (
        terminal.said("promote", "v2", "--canary", "10", "--why", "a try") == "v2 enforced for 10 % of users (by hash)"
    )
    listed = json.loads(terminal.said("list", "--json"))
    assert [(each["version"], each["state"], each["share"]) for each in listed] == [
        ("v2", "canary", 10), ("v1", "enforced", None),
    ]  # fmt: skip
    assert listed[0]["changes"][0]["why"] == "a try"
    assert terminal.said("show", "active") == harmless(1).rstrip("\n")
    assert terminal.said("revert").startswith("v1 active again (v2 ran ")
    assert terminal.said("revert").startswith("the operator's file active again (v1 ran ")
    assert terminal.said("show", "active") == shipped.text("balanced").rstrip("\n")
    nothing = terminal.run("revert")
    assert (nothing.returncode, nothing.stdout) == (2, "")
    assert "nothing to take back" in nothing.stderr


def test_a_version_that_locks_out_an_administrator_needs_the_name_of_the_provider(quick: Terminal) -> None:
    async def owner(site: Site) -> None:
        new = NewUser("ada@example.org", "ada", "an engine of numbers", {}, email_verified=True, role=Role.OWNER)
        assert isinstance(await site.users.create(new), User)

    quick.fill(owner)
    quick.said("shadow", quick.write("new.toml", PASSKEYS_ONLY))

    refused = quick.run("promote", "v1")
    wrong = quick.run("promote", "v1", "--override", "yes")

    assert (refused.returncode, wrong.returncode) == (1, 1)
    assert "it would lock out 1 administrators" in refused.stderr
    assert "--override with the name of this provider" in refused.stderr
    assert "'yes' is not the name" in wrong.stderr
    assert quick.said("promote", "v1", "--override", "Example") == "v1 enforced"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["promote", "v7"], 2, "there is no version v7"),
        (["promote", "new.toml"], 2, "say v7"),
        (["shadow", "active"], 2, "decides already"),
        (["shadow", "unfit.toml"], 1, "test failed"),
        (["lint", "v7"], 2, "there is no version v7"),
        (["explain", "--decision", "01J"], 2, "no decision 01J"),
        (["simulate", "balanced"], 2, "no decisions are stored here"),
    ],
)
def test_what_is_refused_or_cannot_run_says_why(quick: Terminal, arguments: list[str], code: int, said: str) -> None:
    quick.write("new.toml", harmless(1))
    quick.write("unfit.toml", f"{harmless(2)}[[test]]\nfacts = {{}}\nexpect = {{ decision = 'deny' }}\n")

    done = quick.run(*arguments)

    assert done.returncode == code
    assert said in done.stderr


def test_a_file_needs_no_database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    terminal = seated(monkeypatch, tmp_path, "sqlite+aiosqlite:////nowhere/idp.sqlite3")
    name = terminal.write("new.toml", harmless(1))

    assert terminal.said("lint", name) == "0 rules, 0 tests"
    assert terminal.run("diff", "balanced", name).returncode == 1


def test_versions_are_compared_with_files(quick: Terminal) -> None:
    quick.said("shadow", quick.write("new.toml", harmless(1)))

    assert quick.said("diff", "v1", "new.toml") == "no difference"
    assert "rule admins" not in quick.run("diff", "active", "v1").stdout.splitlines()[0]
    assert "! admins: removed (weakens)" in quick.run("diff", "active", "v1").stdout.splitlines()


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(hours=2, minutes=10), "2 h 10 min"),
        (timedelta(days=3), "3 d"),
        (timedelta(minutes=5, seconds=7), "5 min 7 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(), "0 s"),
    ],
)
def test_how_long_it_ran_is_said_in_two_units(length: timedelta, said: str) -> None:
    assert spell_run(length) == said
