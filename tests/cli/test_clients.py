"""`idp client`: what the commands print, and what they leave, whatever they are made of."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from idp.domain.event import EventKind
from idp.wiring import Site
from tests.support.hosted import PNG
from tests.support.policy_terminal import Done, Terminal, seated

CALLBACK = "https://books.example/callback"
HIDDEN = re.compile(r'"(client_id|client_secret|client_id_issued_at)": ("[^"]*"|\d+)')


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_url: str) -> Terminal:
    return seated(monkeypatch, tmp_path, sqlite_url)


def run(terminal: Terminal, *arguments: str) -> Done:
    return terminal.run(*arguments, group="client")


def document(terminal: Terminal, *arguments: str) -> Any:
    done = run(terminal, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def made(terminal: Terminal, *options: str) -> dict[str, Any]:
    client: dict[str, Any] = document(terminal, "create", "--name", "Books", "--redirect-uri", CALLBACK, *options)
    return client


def rows(terminal: Terminal) -> list[tuple[str, str | None, str | None]]:
    """Return the changes of clients in the trail, the oldest first, with who made them."""
    found: list[tuple[str, str | None, str | None]] = []

    async def work(site: Site) -> None:
        async with site.transactions.open(write=False) as stores:
            for row in await stores.events.list(kind=EventKind.CLIENT_CHANGED):
                found.insert(0, (str((row.detail or {})["change"]), row.actor_kind, row.client_id))

    terminal.fill(work)
    return found


def test_a_client_is_printed_with_its_secret_and_the_issuer_and_shown_without(terminal: Terminal) -> None:
    client = made(terminal, "--first-party", "--scope", "openid email", "--client-id", "books")
    shown = document(terminal, "show", "books")

    assert client["client_id"] == "books"
    assert client["client_secret_expires_at"] == 0
    assert client["issuer"]
    assert (client["scope"], client["first_party"], client["profile"]) == ("openid email", True, "oauth21")
    assert shown == {
        name: value for name, value in client.items()
        if name not in ("client_secret", "client_secret_expires_at", "issuer")
    }  # fmt: skip


def test_what_is_printed_for_people_is_what_is_printed_for_programs(terminal: Terminal) -> None:
    done = run(terminal, "create", "--name", "Books", "--redirect-uri", CALLBACK, "--client-id", "books")

    assert json.loads(done.stdout)["client_id"] == "books"
    assert run(terminal, "show", "books").stdout == json.dumps(document(terminal, "show", "books"), indent=2) + "\n"
    assert run(terminal, "list").stdout == "books  Books  oauth21\n"
    assert run(terminal, "disable", "books").stdout == "books is disabled\n"
    assert run(terminal, "enable", "books").stdout == "books is enabled\n"
    assert run(terminal, "delete", "books").stdout == "books is deleted\n"
    assert run(terminal, "list").stdout == "no clients yet\n"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--redirect-uri", "http://far.example/cb"), "invalid_redirect_uri: redirect URI 'http://far.example/cb' "),
        (("--redirect-uri", f"{CALLBACK}#x"), f"invalid_redirect_uri: redirect URI '{CALLBACK}#x' "),
        (("--grant", "magic"), "invalid_client_metadata: "),
        (("--auth-method", "magic"), "invalid_client_metadata: "),
        (("--auth-method", "private_key_jwt"), "invalid_client_metadata: private_key_jwt needs "),
        (("--metadata", "{file}"), "invalid_client_metadata: "),
    ],
)
def test_what_is_refused_is_said_in_one_line_and_stores_nothing(
    terminal: Terminal, options: tuple[str, ...], said: str
) -> None:
    file = terminal.write("metadata.json", '{"client_nmae": "x"}')

    done = run(
        terminal, "create", "--name", "Books", "--redirect-uri", CALLBACK, *(o.format(file=file) for o in options)
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: {said}")
    assert done.stderr.count("\n") == 1
    assert document(terminal, "list") == []
    assert rows(terminal) == []


def test_an_id_that_is_taken_is_refused(terminal: Terminal) -> None:
    made(terminal, "--client-id", "books")

    done = run(terminal, "create", "--name", "Other", "--redirect-uri", CALLBACK, "--client-id", "books")

    assert done.returncode == 1
    assert done.stderr == "Error: invalid_client_metadata: client_id books is taken\n"


@pytest.mark.parametrize("command", ["show", "update", "rotate-secret", "disable", "enable", "delete"])
def test_a_client_that_is_not_there_is_said_so(terminal: Terminal, command: str) -> None:
    done = run(terminal, command, "nobody")

    assert (done.returncode, done.stdout, done.stderr) == (1, "", "Error: there is no client nobody\n")


def test_a_change_keeps_the_rest_and_prints_a_secret_only_if_there_is_a_new_one(terminal: Terminal) -> None:
    client = made(terminal, "--scope", "openid email")

    renamed = document(terminal, "update", client["client_id"], "--name", "Library")
    public = document(terminal, "update", client["client_id"], "--auth-method", "none")
    secret = document(terminal, "update", client["client_id"], "--auth-method", "client_secret_post")

    assert (renamed["client_name"], renamed["scope"]) == ("Library", "openid email")
    assert "client_secret" not in renamed
    assert "client_secret" not in public
    assert secret["client_secret"] != client["client_secret"]
    refused = run(terminal, "update", client["client_id"], "--redirect-uri", "http://far.example/cb")
    assert refused.stderr.startswith("Error: invalid_redirect_uri: redirect URI 'http://far.example/cb' ")
    assert document(terminal, "show", client["client_id"])["redirect_uris"] == [CALLBACK]


def test_a_new_secret_is_printed_and_a_client_without_one_gets_none(terminal: Terminal) -> None:
    client, public = made(terminal), made(terminal, "--auth-method", "none")

    rotated = document(terminal, "rotate-secret", client["client_id"])
    refused = run(terminal, "rotate-secret", public["client_id"])

    assert rotated["client_secret"] != client["client_secret"]
    assert rotated["client_secret_expires_at"] == 0
    assert (refused.returncode, refused.stderr) == (1, "Error: invalid_client_metadata: none has no secret\n")


def test_a_logo_is_taken_from_a_file(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(PNG)
    (tmp_path / "logo.txt").write_text("no picture")
    client = made(terminal, "--logo", str(tmp_path / "logo.png"))

    again = document(terminal, "update", client["client_id"], "--logo", str(tmp_path / "logo.png"))
    wrong = run(terminal, "update", client["client_id"], "--logo", str(tmp_path / "logo.txt"))

    assert "client_secret" not in again
    assert "a logo is a PNG, JPEG or WebP" in wrong.stderr
    assert [change for change, _, _ in rows(terminal)] == ["created", "logo", "updated", "logo"]


def test_each_command_leaves_one_row_in_the_name_of_whoever_ran_it(terminal: Terminal) -> None:
    client_id = made(terminal)["client_id"]
    for command in (("update", "--name", "Library"), ("rotate-secret",), ("disable",), ("enable",), ("delete",)):
        document(terminal, command[0], client_id, *command[1:])

    assert rows(terminal) == [
        (change, "command line", client_id)
        for change in ("created", "updated", "secret rotated", "disabled", "enabled", "deleted")
    ]
