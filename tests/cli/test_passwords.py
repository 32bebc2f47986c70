"""`idp passwords`: lists become filters whole or not at all, in little memory, and say which line is wrong."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from idp.factors.breached import BreachedPasswords
from tests.support.server import clean_environment

MEGABYTE = 1 << 20


def run(folder: Path, *arguments: str, stdin: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command in this folder."""
    environment = clean_environment() | {"IDP_MODE": "test"} | settings
    command = [sys.executable, "-m", "idp", "passwords", *arguments]
    return subprocess.run(
        command, env=environment, cwd=folder, input=stdin, capture_output=True, text=True, timeout=60, check=False
    )


def sha1(password: str) -> str:
    return hashlib.sha1(password.encode()).hexdigest()


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """A list of two passwords."""
    path = tmp_path / "list.txt"
    path.write_text(f"{sha1('first lost phrase').upper()}:12\r\n{sha1('second lost phrase')}\r\n")
    return path


def test_a_list_becomes_a_filter(listed: Path) -> None:
    done = run(listed.parent, "import", "list.txt", "--out", "f.bloom", "--json")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "file": "f.bloom", "passwords": 2, "damaged": 0, "bytes": 72, "false_positives": pytest.approx(0, abs=0.001),
    }  # fmt: skip
    found = BreachedPasswords(listed.parent / "f.bloom")
    assert found.has("first lost phrase")
    assert found.has("second lost phrase")
    assert not found.has("a third phrase")


def test_the_setting_says_where_it_goes_and_is_used_at_once(listed: Path) -> None:
    setting = {"IDP_BREACHED_PASSWORDS_FILE": "f.bloom"}
    assert run(listed.parent, "import", "list.txt", **setting).returncode == 0

    done = run(listed.parent, "check", "--json", stdin="first lost phrase\n", **setting)

    assert done.returncode == 1
    assert json.loads(done.stdout) == {
        "acceptable": False, "reason": "password_breached", "word": None, "score": 2,
        "guesses_log10": pytest.approx(13, abs=4),
    }  # fmt: skip


def test_a_damaged_line_is_named_and_nothing_changes(listed: Path) -> None:
    (listed.parent / "f.bloom").write_text("what was there")
    listed.write_text(listed.read_text() + "not a digest\n")

    done = run(listed.parent, "import", "list.txt", "--out", "f.bloom")

    assert done.returncode == 1
    assert done.stderr == "idp: list.txt: line 3 is not SHA1[:count]; nothing was changed\n"
    assert (listed.parent / "f.bloom").read_text() == "what was there"
    assert sorted(os.listdir(listed.parent)) == ["f.bloom", "list.txt"]


def test_damaged_lines_can_be_left_out(listed: Path) -> None:
    listed.write_text("?\n" + listed.read_text() + "not a digest\n")

    done = run(listed.parent, "import", "list.txt", "--out", "f.bloom", "--skip-damaged", "--json")

    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["passwords"], document["damaged"]) == (2, 2)


def test_standard_input_needs_to_be_told_how_much_comes(tmp_path: Path) -> None:
    refused = run(tmp_path, "import", "-", "--out", "f.bloom", "--plain", stdin="a lost phrase\n")
    done = run(tmp_path, "import", "-", "--out", "f.bloom", "--plain", "--expected", "1", stdin="a lost phrase\n")

    assert refused.returncode == 2
    assert "--expected" in refused.stderr
    assert done.returncode == 0, done.stderr
    assert BreachedPasswords(tmp_path / "f.bloom").has("a lost phrase")


def test_more_than_expected_is_told(tmp_path: Path) -> None:
    many = "".join(f"phrase {number}\n" for number in range(500))

    done = run(tmp_path, "import", "-", "--out", "f.bloom", "--plain", "--expected", "10", stdin=many)

    assert done.returncode == 0
    assert "say --expected 500" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["import", "list.txt"], "--out FILE"),
        (["import", "nothing.txt", "--out", "f"], "nothing.txt"),
        (["import", "list.txt", "--out", "f", "--false-positives", "0"], "--false-positives"),
        (["import", "list.txt", "--out", "f", "--expected", "0"], "--expected"),
        (["import", "list.txt", "--out", "no/such/folder/f"], "No such file or directory"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(listed: Path, arguments: list[str], said: str) -> None:
    done = run(listed.parent, *arguments)

    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_large_list_is_read_in_little_memory(tmp_path: Path) -> None:
    """A list of 30 MB; what is read of it and the filter's pages come and go."""
    digits = sha1("x")[:30].encode()
    with (tmp_path / "list.txt").open("wb") as file:
        for start in range(0, 600_000, 50_000):
            file.write(b"".join(b"%s%010x:%d\n" % (digits, number, number) for number in range(start, start + 50_000)))
    script = (
        "import resource, sys; from idp.cli import main\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: main()\n"
        "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, file=sys.stderr)"
    )
    command = [sys.executable, "-c", script, "passwords", "import", "list.txt", "--out", "f.bloom", "--json"]

    done = subprocess.run(
        command, env=clean_environment(), cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["passwords"] == 600_000
    assert int(done.stderr.split()[-1]) * 1024 < 12 * MEGABYTE


@pytest.mark.parametrize(
    ("password", "arguments", "code", "said"),
    [
        ("brass otter moon lamp", [], 0, "acceptable"),
        ("k7Rq2vXw", [], 1, "password_too_short"),
        ("k7Rq2vXw", ["--beside-second-factor"], 0, "acceptable"),
        ("Lovelace 1815-1852", ["--own-word", "Ada Lovelace"], 1, "password_personal (Lovelace)"),
        ("password1234567", [], 1, "password_blocked"),
        ("x" * 10_000, [], 1, "password_too_long"),
        ("", [], 1, "password_too_short"),
    ],
)
def test_a_password_can_be_tried(tmp_path: Path, password: str, arguments: list[str], code: int, said: str) -> None:
    done = run(tmp_path, "check", *arguments, stdin=f"{password}\n")

    assert (done.returncode, done.stdout.strip()) == (code, said)
    assert not password or password not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("option", "fault"),
    [
        ({"IDP_BREACHED_PASSWORDS_FILE": "missing"}, "IDP_BREACHED_PASSWORDS_FILE: missing: No such file or directory"),
        ({"IDP_BREACHED_PASSWORDS_FILE": "list.txt"}, "list.txt: it is not a filter of breached passwords"),
        ({"IDP_OUTBOUND_CA_FILE": "missing"}, "IDP_OUTBOUND_CA_FILE: missing: No such file or directory"),
        ({"IDP_OUTBOUND_CA_FILE": "list.txt"}, "IDP_OUTBOUND_CA_FILE: list.txt: "),
        ({"IDP_OUTBOUND_ALLOW": "localhost"}, "IDP_OUTBOUND_ALLOW: must be a list of host:port"),
        ({"IDP_PASSWORD_RANGE_URL": "http://localhost/range/"}, "IDP_PASSWORD_RANGE_URL: must be an https URL"),
        ({"IDP_PASSWORD_RANGE_URL": "https://pwned.example/range"}, "IDP_PASSWORD_RANGE_URL: "),
    ],
)
def test_a_setting_that_cannot_be_used_is_said_in_one_line(listed: Path, option: dict[str, str], fault: str) -> None:
    done = run(listed.parent, "check", stdin="brass otter moon lamp\n", **option)

    assert done.returncode == 2
    assert fault in done.stderr
    assert len(done.stderr.splitlines()) == 1
