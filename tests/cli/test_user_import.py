"""`idp user import` as an operator runs it: a kill in the middle loses nobody and doubles nobody."""

import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from idp.flows.user_import_report import ImportReport
from tests.factors.foreign_hashes.hashes import FIREBASE_HASH, TEXTS
from tests.support.policy_terminal import MASTER
from tests.support.session import clean_environment

PROJECT = """hash_config {
  algorithm: SCRYPT,
  base64_signer_key: jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==,
  base64_salt_separator: Bw==,
  rounds: 8,
  mem_cost: 14,
}
"""


class Terminal:
    """An operator's terminal in a folder of its own; every command is a process."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.hooks = folder / "hooks"
        self.hooks.mkdir()
        self._environment = clean_environment() | {
            "IDP_MODE": "test", "IDP_DATABASE_URL": url, "IDP_MASTER_KEY": MASTER, "IDP_TEST_HOOKS": str(self.hooks),
        }  # fmt: skip
        self._database = url.removeprefix("sqlite+aiosqlite:///")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "idp", "user", "import", *arguments], env=self._environment, cwd=self.folder,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, *arguments: str) -> tuple[int, str, str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def said(self, *arguments: str) -> dict[str, Any]:
        code, out, err = self.run(*arguments, "--json")
        assert (code, err) == (0, "")
        said: dict[str, Any] = json.loads(out)
        return said

    def count(self, table: str) -> int:
        with closing(sqlite3.connect(self._database, timeout=10)) as connection:
            (found,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        return int(found)

    def write(self, name: str, lines: list[Any]) -> str:
        text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        (self.folder / name).write_text(text)
        return name


@pytest.fixture
def terminal(tmp_path: Path, sqlite_url: str) -> Terminal:
    return Terminal(tmp_path, sqlite_url)


def people(count: int) -> list[Any]:
    return [{"email": f"p{number}@example.org", "password_hash": TEXTS[15][0]} for number in range(count)]


@pytest.mark.parametrize("point", ["before db.commit 5", "after db.commit 5", "before db.insert.users 1200"])
def test_after_a_kill_the_same_command_goes_on_and_imports_everybody_once(terminal: Terminal, point: str) -> None:
    """Three commits open the process and begin the import; the batches of 500 follow."""
    lines = people(1700)
    lines[1] = "{"
    lines[700] = {"email": "p0@example.org"}
    lines[1600] = "["
    file = terminal.write("people.jsonl", lines)
    (terminal.hooks / "kill").write_text(point)

    killed, _, _ = terminal.run(file)
    between = terminal.count("users")
    code, out, err = terminal.run(file, "--json")

    assert killed == -signal.SIGKILL
    assert (terminal.hooks / "kill.done").exists()
    assert 0 < between < 1697
    assert (code, err) == (1, "")
    said = json.loads(out)
    assert (said["imported"], said["refused"], said["report"]) == (1697, 3, "people.jsonl.refused.jsonl")
    assert said["began_at"] in (501, 1001)
    assert terminal.count("users") == terminal.count("credentials") == 1697
    assert terminal.count("events") == 1698
    entries = (terminal.folder / said["report"]).read_text().splitlines()
    assert [json.loads(entry)["line"] for entry in entries] == [2, 701, 1601]


def test_two_processes_with_one_file_import_everybody_once(terminal: Terminal) -> None:
    file = terminal.write("people.jsonl", people(1200))

    processes = [terminal.start(file, "--report", f"{number}.jsonl") for number in range(2)]
    ended = [(process.communicate(timeout=60), process.returncode) for process in processes]

    assert 0 in {code for _, code in ended}
    for (_, err), code in ended:
        assert code == 0 or "another process is importing this file" in err
    assert terminal.count("users") == terminal.count("credentials") == 1200
    assert terminal.said(file)["was_finished"] is True


def test_a_report_that_another_import_writes_is_left_to_it(terminal: Terminal) -> None:
    file = terminal.write("people.jsonl", people(1))

    with ImportReport(terminal.folder / "people.jsonl.refused.jsonl"):
        code, _, err = terminal.run(file)

    assert (code, err) == (1, "idp: people.jsonl.refused.jsonl is being written by another import\n")
    assert terminal.count("users") == 0


def test_csv_of_a_firebase_project_is_imported_with_its_parameters_from_a_file(terminal: Terminal) -> None:
    written = json.dumps(FIREBASE_HASH).replace('"', '""')
    terminal.write("people.csv", ["email,password_hash", f'ada@example.org,"{written}"'])
    terminal.write("project.txt", [PROJECT])
    code, out, _ = terminal.run("people.csv", "--dry-run")
    assert (code, out) == (1, "0 people would be imported, 1 lines refused: people.csv.dry-run.jsonl\n")

    said = terminal.said("people.csv", "--firebase-parameters", "project.txt")

    assert (said["imported"], said["refused"], said["report"]) == (1, 0, None)
    assert not (terminal.folder / "people.csv.refused.jsonl").exists()
    assert "jxspr8Ki0RYycVU8" not in " ".join(str(path.read_bytes()) for path in terminal.folder.glob("*.sqlite3*"))


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["people.txt"], 2, "say --format"),
        (["nowhere.csv"], 2, "nowhere.csv"),
        (["people.txt", "--format", "xml"], 2, "xml"),
        (["people.txt", "--format", "csv", "--firebase-parameters", "people.txt"], 2, "Firebase project"),
        (["people.txt", "--format", "csv"], 1, "these are unknown: number 1"),
        (["people.csv", "--report", "people.txt"], 1, "is no report of an import"),
        (["people.csv", "--report", "people.csv"], 1, "is no report of an import"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(terminal: Terminal, arguments: list[str], code: int, message: str) -> None:
    terminal.write("people.txt", ["5f4dcc3b5aa765d61d8327deb882cf99"])
    terminal.write("people.csv", ["email", "ada@example.org"])

    found, out, err = terminal.run(*arguments)

    assert (found, out, err.count("\n")) == (code, "", 1)
    assert message in err
    assert "5f4dcc" not in err
    assert terminal.count("users") == 0
    assert (terminal.folder / "people.txt").read_text() == "5f4dcc3b5aa765d61d8327deb882cf99\n"


def test_no_secret_reaches_report_or_terminal(terminal: Terminal) -> None:
    secret = "wKIMhR9lyDFvRz9YTZ"
    lines = [
        {"email": "a@example.org", "password_hash": f"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ${secret}$"},
        {"email": "b@example.org", "password_hash": {"salt": secret, "value": secret, "hashIterations": 1}},
        {"email": "c@example.org", secret: "x"}, {"email": "d@example.org", "name": f"{secret}\0"},
        f'{{"email":"e@example.org","password_hash":"{secret}', {"email": secret, "password": secret},
    ]  # fmt: skip
    file = terminal.write("people.jsonl", lines)

    code, out, err = terminal.run(file)

    assert code == 1
    report = (terminal.folder / "people.jsonl.refused.jsonl").read_text()
    assert len(report.splitlines()) == 6
    assert secret not in out + err + report
