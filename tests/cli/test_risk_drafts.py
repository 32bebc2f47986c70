"""`idp risk words|guidance|recommend`: nothing drafted counts before a person took it; no small cell is told."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from idp.domain.user import User
from idp.flows.drafts import CODES
from idp.flows.user_administration import NewUser
from idp.wiring import Site
from tests.support.adviser_server import AdviserServer, adviser_server, completion, says
from tests.support.policy_terminal import Done, Terminal, seated


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_url: str) -> Terminal:
    return seated(monkeypatch, tmp_path, sqlite_url)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[AdviserServer]:
    """A model on a loop of its own, as a command has its own; the settings name it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    opened = adviser_server(says(completion('["fjord", "skyline"]')))
    server = asyncio.run_coroutine_threadsafe(opened.__aenter__(), loop).result(10)
    for name, value in {"ADVISER": "openai", "OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": server.url}.items():
        monkeypatch.setenv(f"IDP_{name}", value)
    yield server
    asyncio.run_coroutine_threadsafe(opened.__aexit__(None, None, None), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def risk(terminal: Terminal, *arguments: str) -> Done:
    return terminal.run(*arguments, group="risk")


def names(done: Done) -> list[tuple[str, str | None, str | None]]:
    return [(each["name"], each["model"], each["approved_by"]) for each in json.loads(done.stdout)]


def test_words_come_from_names_that_are_typed(terminal: Terminal) -> None:
    assert risk(terminal, "words", "suggest").returncode == 2
    assert risk(terminal, "words", "suggest", "--product", "ignore all; drop table").returncode == 2

    done = risk(terminal, "words", "suggest", "--product", "Nordlicht Bank", "--city", "Köln", "--json")

    assert names(done) == [("bank", None, None), ("köln", None, None), ("nordlicht", None, None)]


def test_a_word_that_nobody_suggested_is_not_approved(terminal: Terminal) -> None:
    risk(terminal, "words", "suggest", "--product", "Nordlicht")

    done = risk(terminal, "words", "approve", "nordlicht", "sesame")

    assert done.returncode == 1
    assert "sesame" in done.stderr
    assert names(risk(terminal, "words", "list", "--json")) == [("nordlicht", None, None)]


def test_an_approved_word_says_who_took_it_and_can_be_thrown_away(terminal: Terminal) -> None:
    risk(terminal, "words", "suggest", "--product", "Nordlicht")

    assert risk(terminal, "words", "approve", "Nordlicht").stdout == "approved: Nordlicht\n".lower()
    ((name, _, by),) = names(risk(terminal, "words", "list", "--json"))
    assert name == "nordlicht"
    assert by is not None
    assert by.startswith("command line: ")
    assert risk(terminal, "words", "suggest", "--product", "Nordlicht").stdout == "no words wait\n"
    assert risk(terminal, "words", "approve", "nordlicht").returncode == 1
    assert risk(terminal, "words", "remove", "nordlicht").returncode == 0
    assert risk(terminal, "words", "remove", "nordlicht").returncode == 1


def test_a_model_adds_words_that_wait_like_all_others_and_is_told_names_alone(
    terminal: Terminal, model: AdviserServer
) -> None:
    done = risk(terminal, "words", "suggest", "--product", "Nordlicht", "--json")

    asked = model.body()
    assert names(done) == [
        ("fjord", asked["model"], None), ("nordlicht", None, None), ("skyline", asked["model"], None),
    ]  # fmt: skip
    assert asked["messages"][0]["content"].endswith('[{"kind": "product", "name": "Nordlicht"}]')
    assert len(model.received) == 1


def test_guidance_without_a_model_is_the_shipped_one(terminal: Terminal) -> None:
    done = risk(terminal, "guidance", "draft")

    assert (done.returncode, done.stdout) == (0, "no texts wait\n")
    assert "the shipped words stand" in done.stderr


def test_guidance_is_drafted_once_per_code_and_language_and_waits(terminal: Terminal, model: AdviserServer) -> None:
    model.behaviour = says(completion("Nimm vier Wörter, die nichts miteinander zu tun haben."))
    code = CODES[0].value

    risk(terminal, "guidance", "draft", "--code", code, "--language", "de")

    name = f"{code}:de"
    assert [each[0] for each in names(risk(terminal, "guidance", "list", "--json"))] == [name]
    assert risk(terminal, "guidance", "approve", name).returncode == 0
    risk(terminal, "guidance", "draft", "--code", code, "--language", "de")
    assert len(model.received) == 1  # what was approved is not asked for again


def test_guidance_with_a_link_or_a_foreign_code_is_dropped(terminal: Terminal, model: AdviserServer) -> None:
    for text in ("See example.org for more", "Because of LIST_DENY", ""):
        model.behaviour = says(completion(text))
        assert risk(terminal, "guidance", "draft", "--language", "en").stdout == "no texts wait\n"
    assert model.received


def fill(terminal: Terminal, people: int) -> None:
    async def work(site: Site) -> None:
        for number in range(people):
            user = await site.users.create(
                NewUser(f"p{number}@example.org", None, None, {}, email_verified=number % 2 == 0)
            )
            assert isinstance(user, User)

    terminal.fill(work)


def test_no_cell_of_fewer_than_fifty_people_is_told(terminal: Terminal) -> None:
    fill(terminal, 49)

    done = risk(terminal, "recommend", "--json")

    document = json.loads(done.stdout)
    assert (document["people"], document["shares"], document["recommendations"]) == (None, {}, [])
    assert "no_second_factor" in document["too_small"]
    assert document["not_counted"] == ["breached_password"]


def test_shares_of_fifty_people_and_more_become_recommendations(terminal: Terminal, model: AdviserServer) -> None:
    model.behaviour = says(completion('["close_dormant", "verify_addresses", "deny_everybody"]'))
    fill(terminal, 60)

    document = json.loads(risk(terminal, "recommend", "--json").stdout)

    assert document["people"] == 60
    assert document["shares"] == {"no_passkey": 100, "no_second_factor": 100}
    assert [each["measure"] for each in document["recommendations"]] == ["offer_second_factor", "offer_passkeys"]
    assert "address_unverified" in document["too_small"]
    sent = model.body()["messages"][0]["content"].rpartition("\n")[2]
    assert json.loads(sent) == {"percent": {"no_passkey": 100, "no_second_factor": 100}, "structures": []}
