"""`idp user`: what the commands print, and what they leave, whatever they are made of."""

import json
from pathlib import Path
from typing import Any

import pytest

from idp.domain.event import EventKind
from idp.wiring import Site
from tests.support.policy_terminal import Done, Terminal, seated


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_url: str) -> Terminal:
    return seated(monkeypatch, tmp_path, sqlite_url)


def run(terminal: Terminal, *arguments: str) -> Done:
    return terminal.run(*arguments, group="user")


def document(terminal: Terminal, *arguments: str) -> Any:
    done = run(terminal, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def made(terminal: Terminal, *options: str) -> dict[str, Any]:
    person: dict[str, Any] = document(terminal, "create", "--email", "ada@example.org", "--username", "ada", *options)
    return person


def rows(terminal: Terminal) -> list[tuple[str, str | None, str | None]]:
    """Return the changes of people in the trail, the oldest first, with who made them."""
    found: list[tuple[str, str | None, str | None]] = []

    async def work(site: Site) -> None:
        async with site.transactions.open(write=False) as stores:
            for row in await stores.events.list(kind=EventKind.USER_CHANGED):
                found.insert(0, (str((row.detail or {})["change"]), row.actor_kind, row.user_id))

    terminal.fill(work)
    return found


def test_an_account_is_printed_as_it_is_shown(terminal: Terminal) -> None:
    claims = terminal.write("claims.json", '{"nickname": "Countess", "address": {"country": "GB"}}')
    person = made(terminal, "--name", "Ada King", "--claims", claims, "--group", "staff", "--verified")

    assert person == document(terminal, "show", "ada") == document(terminal, "show", person["sub"])
    assert [person] == document(terminal, "list")
    assert (person["status"], person["role"], person["email_verified"]) == ("active", "user", True)
    assert (person["name"], person["nickname"], person["groups"]) == ("Ada King", "Countess", ["staff"])


def test_what_is_printed_for_people(terminal: Terminal) -> None:
    assert run(terminal, "list").stdout == "no accounts yet\n"
    done = run(terminal, "create", "--email", "ada@example.org")
    sub = document(terminal, "show", "ada@example.org")["sub"]

    assert done.stdout == f"ada@example.org is {sub}\n"
    assert run(terminal, "list").stdout == f"{sub}  active    ada@example.org\n"
    assert run(terminal, "disable", sub).stdout == "ada@example.org is disabled\n"
    assert run(terminal, "enable", sub).stdout == "ada@example.org is active\n"
    assert run(terminal, "delete", sub).stdout == "ada@example.org is deleted\n"
    assert document(terminal, "list") == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "missing_fields"),
        (("--email", "no address"), "email_invalid"),
        (("--username", "two words"), "username_invalid"),
        (("--email", "ADA@example.org"), "email_taken"),
        (("--username", "ada"), "username_taken"),
    ],
)
def test_an_account_that_cannot_be_is_refused_by_one_word(
    terminal: Terminal, options: tuple[str, ...], said: str
) -> None:
    made(terminal)

    done = run(terminal, "create", *options)

    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"Error: {said}\n")
    assert len(document(terminal, "list")) == 1


@pytest.mark.parametrize("command", ["show", "update", "disable", "enable", "delete"])
def test_an_account_that_is_not_there_is_said_so(terminal: Terminal, command: str) -> None:
    done = run(terminal, command, "nobody")

    assert (done.returncode, done.stdout, done.stderr) == (1, "", "Error: there is no account nobody\n")


def test_a_change_keeps_the_rest(terminal: Terminal) -> None:
    made(terminal, "--name", "Ada", "--group", "staff", "--verified")

    named = document(terminal, "update", "ada", "--name", "Ada King")
    moved = document(terminal, "update", "ada", "--email", "countess@example.org")
    proved = document(terminal, "update", "ada", "--verified", "--group", "crew", "--group", "staff")

    assert (named["name"], named["groups"], named["email_verified"]) == ("Ada King", ["staff"], True)
    assert (moved["email"], moved["email_verified"], moved["name"]) == ("countess@example.org", False, "Ada King")
    assert (proved["email_verified"], proved["groups"]) == (True, ["crew", "staff"])
    assert {**proved, "updated_at": 0} == {**document(terminal, "show", "ada"), "updated_at": 0}


def test_a_change_that_cannot_be_is_refused_by_one_word(terminal: Terminal) -> None:
    made(terminal)
    document(terminal, "create", "--email", "bo@example.org", "--username", "bo")

    taken = run(terminal, "update", "bo", "--email", "ada@example.org")
    wrong = run(terminal, "update", "bo", "--email", "no address")

    assert [(each.returncode, each.stderr) for each in (taken, wrong)] == [
        (1, "Error: email_taken\n"), (1, "Error: email_invalid\n"),
    ]  # fmt: skip
    assert document(terminal, "show", "bo")["email"] == "bo@example.org"


def test_each_command_leaves_one_row_in_the_name_of_whoever_ran_it(terminal: Terminal) -> None:
    sub = made(terminal)["sub"]
    for command in (("update", "--name", "Ada"), ("disable",), ("enable",), ("delete",)):
        document(terminal, command[0], sub, *command[1:])

    assert rows(terminal) == [
        (change, "command line", sub) for change in ("created", "profile", "disabled", "active", "deleted")
    ]
