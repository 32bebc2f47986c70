"""`idp audit list|export|verify|checkpoint`."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from idp.domain.event import Event, EventKind
from idp.flows.user_administration import NewUser
from idp.wiring import Site
from tests.support.policy_terminal import Done, Terminal, seated


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_url: str) -> Terminal:
    return seated(monkeypatch, tmp_path, sqlite_url)


def audit(terminal: Terminal, *arguments: str) -> Done:
    return terminal.run(*arguments, group="audit")


def document(terminal: Terminal, *arguments: str) -> object:
    return json.loads(terminal.said(*arguments, "--json", group="audit"))


def linked(count: int, **members: object) -> Callable[[Site], Awaitable[None]]:
    """Return work that writes events as of an hour ago, links and signs them."""

    async def work(site: Site) -> None:
        await site.keys.ensure()
        async with site.transactions.open(write=True) as stores:
            for number in range(count):
                event = Event(EventKind.SIGNED_IN, detail={"number": number}, **members)  # type: ignore[arg-type]
                await stores.events.add(event, site.clock.now() - timedelta(hours=1))
        await site.audit.chain.keep()

    return work


def test_before_anything_was_signed_there_is_no_checkpoint(terminal: Terminal) -> None:
    done = audit(terminal, "checkpoint")

    assert (done.returncode, done.stdout) == (1, "")
    assert "nothing was signed yet" in done.stderr
    assert document(terminal, "verify") == {
        "sound": True, "first": 1, "last": 0, "events": 0, "checkpoints": 0, "keys": {}, "removed_until": 0, "late": 0,
        "first_late": None, "waiting": 0, "compared": False, "note": None,
    }  # fmt: skip


def test_a_sound_trail_is_said_to_be_sound(terminal: Terminal) -> None:
    terminal.fill(linked(3))
    kept = terminal.write("kept", terminal.said("checkpoint", group="audit"))
    as_json = terminal.write("kept.json", terminal.said("checkpoint", "--json", group="audit"))

    told = terminal.said("verify", "--checkpoint", kept, group="audit")

    assert told.startswith("sound: 3 events, numbers 1 to 3, 1 checkpoints\n")
    assert "the checkpoint that was given stands in this trail" in told
    assert document(terminal, "verify", "--checkpoint", as_json)["compared"] is True  # type: ignore[index]


def test_a_trail_that_was_changed_ends_with_one_line_and_exit_code_1(terminal: Terminal) -> None:
    async def lie(site: Site) -> None:
        async with site.transactions.open(write=True) as stores:
            row = (await stores.events.list(kind="signed_in"))[1]
            await stores.connection.exec_driver_sql(f"UPDATE events SET user_id = 'eve' WHERE id = '{row.id}'")

    terminal.fill(linked(3))
    terminal.fill(lie)

    told, machine = audit(terminal, "verify"), audit(terminal, "verify", "--json")

    assert (told.returncode, told.stdout, machine.returncode) == (1, "", 1)
    assert told.stderr.startswith("idp: number 2: event ")
    assert json.loads(machine.stdout)["sound"] is False
    assert json.loads(machine.stdout)["seq"] == 2


def test_an_export_is_verified_without_a_database(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.fill(linked(3))
    kept = terminal.write("kept", terminal.said("checkpoint", group="audit"))
    exported = terminal.write("trail.jsonl", terminal.said("export", group="audit") + "\n")
    written = document(terminal, "export", "--to", "again.jsonl")
    monkeypatch.setenv("IDP_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")

    assert written == {"file": "again.jsonl", "lines": 6}
    assert document(terminal, "verify", "--file", exported, "--checkpoint", kept)["events"] == 3  # type: ignore[index]
    text = (terminal.folder / exported).read_text()
    terminal.write("cut.jsonl", text.replace('"number":1', '"number":7'))
    assert audit(terminal, "verify", "--file", "cut.jsonl").returncode == 1


def test_a_file_that_is_no_checkpoint_is_refused(terminal: Terminal) -> None:
    for name, text in (("a", "nonsense"), ("b", "{}"), ("c", "a.b.c")):
        done = audit(terminal, "verify", "--checkpoint", terminal.write(name, text))

        assert (done.returncode, "not a checkpoint" in done.stderr) == (1, True)


def test_events_are_listed_by_what_they_are_about(terminal: Terminal) -> None:
    async def add(site: Site) -> None:
        made = await site.users.create(NewUser("ada@example.org", "ada", None, {}))
        async with site.transactions.open(write=True) as stores:
            event = Event(EventKind.SIGNED_IN, user_id=made.id, client_id="rp", address="192.0.2.7")  # type: ignore[union-attr]
            await stores.events.add(event, site.clock.now())
            old = Event(EventKind.THROTTLED, address="192.0.2.8")
            await stores.events.add(old, site.clock.now() - timedelta(days=2))

    terminal.fill(add)

    def kinds(*arguments: str) -> list[str]:
        return [event["kind"] for event in document(terminal, "list", *arguments)]  # type: ignore[attr-defined]

    assert kinds() == ["signed_in", "user_changed", "throttled"]
    assert kinds("--limit", "1") == kinds("--kind", "signed_in") == kinds("--client", "rp") == ["signed_in"]
    assert kinds("--user", "ada", "--since", "24h") == ["signed_in", "user_changed"]
    assert kinds("--until", "24h") == ["throttled"]
    assert kinds("--since", "2999-01-01") == kinds("--user", "nobody") == []
    assert document(terminal, "list", "--client", "rp")[0]["address"] == "192.0.2.7"  # type: ignore[index]
    assert 'address="192.0.2.8"' in terminal.said("list", "--kind", "throttled", group="audit")
    assert audit(terminal, "list", "--since", "yesterday").returncode == 2
    assert audit(terminal, "list", "--kind", "nonsense").returncode == 2


def test_what_a_command_does_is_done_by_the_command_line(terminal: Terminal) -> None:
    terminal.said("create", "--name", "Books", "--redirect-uri", "https://rp.example/cb", "--json", group="client")

    (event,) = document(terminal, "list", "--kind", "client_changed")  # type: ignore[misc]

    assert event["actor_kind"] == "command line"
    assert event["actor_id"]


def test_only_a_broken_trail_is_restarted(terminal: Terminal) -> None:
    async def lie(site: Site) -> None:
        async with site.transactions.open(write=True) as stores:
            await stores.connection.exec_driver_sql("UPDATE event_chain SET seq = 1")

    terminal.fill(linked(3))
    refused = audit(terminal, "restart", "--reason", "a try")
    terminal.fill(lie)

    assert (refused.returncode, "is sound" in refused.stderr) == (1, True)
    assert document(terminal, "restart", "--reason", "somebody changed the end") == {"after": 4}
    assert "restarted at number 4" in terminal.said("verify", group="audit")
    (event,) = document(terminal, "list", "--kind", "trail_restarted")  # type: ignore[misc]
    assert (event["actor_kind"], event["detail"]["reason"]) == ("command line", "somebody changed the end")
