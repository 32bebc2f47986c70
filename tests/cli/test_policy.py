"""`idp policy`: files are looked at before they decide. Exit 0 clean, 1 findings, 2 cannot run."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from idp.cli.policy import policy
from idp.policy import record, rule_file, shipped
from tests.support.recorded import history

HEAD = 'schema = 1\nbreak_glass = { group = "break-glass" }\n'


def run(*arguments: str | Path) -> Result:
    """Run `idp policy`; usage errors become exit code 2."""
    return CliRunner().invoke(policy, [str(argument) for argument in arguments])


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """A file with two things wrong."""
    path = tmp_path / "bad.toml"
    path.write_text(f"{HEAD}[[rule]]\nid = 'a'\ncolour = 1\ndeny = {{}}\n")
    return path


@pytest.fixture
def past(tmp_path: Path) -> Path:
    """Decisions of the balanced policy within thirty days, one a line."""
    path = tmp_path / "past.jsonl"
    rules = rule_file.read(shipped.text("balanced"))
    path.write_bytes(b"".join(record.canonical(record.to_json(each)) + b"\n" for each in history(rules, 600)))
    return path


@pytest.mark.parametrize("name", shipped.NAMES)
def test_a_shipped_policy_is_clean_and_its_tests_pass(name: str) -> None:
    linted, tested = run("lint", name), run("test", name)

    assert (linted.exit_code, tested.exit_code) == (0, 0)
    rules = rule_file.read(shipped.text(name))
    assert linted.output == f"{len(rules.rules)} rules, {len(rules.tests)} tests\n"
    assert tested.output == f"{len(rules.tests)} passed, 0 failed\n"


def test_lint_names_file_line_and_reason_of_everything_that_is_wrong(bad: Path) -> None:
    done = run("lint", bad)

    assert done.exit_code == 1
    assert done.output.splitlines() == [
        f"{bad}:5: a: unknown key 'colour'",
        f'{bad}:6: a: deny without for: say how long, as in deny = {{ for = "15m" }}',
    ]


def test_lint_takes_many_files_and_speaks_json(bad: Path) -> None:
    done = run("lint", bad, "balanced", "--json")

    documents = json.loads(done.output)
    assert done.exit_code == 1
    assert [document["file"] for document in documents] == [str(bad), "balanced"]
    assert documents[0]["findings"][0] == {
        "line": 5, "rule": "a", "severity": "refused", "reason": "unknown key 'colour'",
    }  # fmt: skip


def test_a_warning_stands_beside_the_counts(tmp_path: Path) -> None:
    rule = "[[rule]]\nid = '%s'\nwhen = { risk.band.ge = 'high' }\nrequire = { acr = 'loa:2' }\n"
    path = tmp_path / "new.toml"
    path.write_text(HEAD + rule % "strict-high" + rule % "high")

    done = run("lint", path)

    assert done.exit_code == 1
    assert done.output == "2 rules, 0 tests · warning high: covered by strict-high\n"


def test_a_failing_test_is_named_with_what_came_instead(tmp_path: Path) -> None:
    path = tmp_path / "new.toml"
    path.write_text(f"{HEAD}[[test]]\nfacts = {{}}\nexpect = {{ decision = 'deny' }}\n")

    done = run("test", path)

    assert done.exit_code == 1
    assert done.output == f"{path}:3: decision is allow, not deny\n0 passed, 1 failed\n"


def test_diff_says_what_tightens_and_what_weakens() -> None:
    done = run("diff", "balanced", "quiet")

    assert done.exit_code == 1
    assert "! high: prefer removed (weakens)" in done.output.splitlines()
    assert run("diff", "quiet", "quiet").output == "no difference\n"
    assert run("diff", "quiet", "quiet").exit_code == 0
    changes = json.loads(run("diff", "quiet", "balanced", "--json").output)["changes"]
    assert {"rule": "first-login", "what": "enforce", "direction": "tightens", "added": True} in changes


def test_explain_tells_the_decision_and_every_rule(tmp_path: Path) -> None:
    path = tmp_path / "facts.toml"
    path.write_text('risk.band = "medium"\nunknown = ["net.country"]\n')

    told = json.loads(run("explain", "--facts", path, "--policy", "balanced").output)
    text = run("explain", "--facts", path, "--policy", "balanced", "--text").output

    assert (told["decision"], told["acr"], told["satisfied_by"]) == ("step_up", "urn:idp:loa:2", ["totp"])
    assert {"id": "high", "matched": False, "because": "risk.band medium < high"} in told["rules"]
    assert told["would_pass_with"] == {"risk.band": "low"}
    assert "net.country" not in told["facts"]
    assert text.splitlines()[0] == "decision step_up: loa:2"
    assert "- high: risk.band medium < high" in text.splitlines()
    assert text.splitlines()[-1] == "it would have passed with risk.band = low"


def test_a_refusal_is_explained_too(tmp_path: Path) -> None:
    path = tmp_path / "facts.toml"
    path.write_text('risk.band = "critical"\nsignals = ["LIST_DENY"]\n')

    text = run("explain", "--facts", path, "--policy", "balanced", "--text").output

    assert "refused: rule, this network and device for 15m" in text


def test_simulate_replays_the_past(past: Path) -> None:
    same = run("simulate", "balanced", "--against", "balanced", "--history", past, "--json")
    strict = run("simulate", "strict", "--against", "balanced", "--history", past)

    document = json.loads(same.output)
    assert document["sign_ins"] == 600
    assert document["not_reproduced"] == 0
    assert document["newly_challenged"] == {}
    assert strict.exit_code == 1
    assert strict.output.startswith("30 days, 600 sign-ins: challenged ")


def test_simulate_looks_back_from_the_last_decision(past: Path) -> None:
    done = run("simulate", "balanced", "--against", "balanced", "--history", past, "--since", "3d", "--json")

    assert 55 <= json.loads(done.output)["sign_ins"] <= 65


def test_a_broken_line_of_history_is_named(past: Path) -> None:
    past.write_bytes(past.read_bytes() + b'{"v": 1}\n')

    done = run("simulate", "balanced", "--against", "balanced", "--history", past)

    assert done.exit_code == 2
    assert "line 601" in done.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lint", "nothing.toml"], "nothing.toml: No such file"),
        (["lint", "seven"], "no policy 'seven'"),
        (["lint", "v7"], "IDP_MASTER_KEY is missing"),
        (["lint"], "Missing argument"),
        (["diff", "balanced", "bad.toml"], "bad.toml:5: a: unknown key 'colour'"),
        (["test", "bad.toml"], "bad.toml:5"),
        (["explain"], "either --decision ID or --facts FILE"),
        (["explain", "--decision", "01J", "--policy", "balanced"], "IDP_MASTER_KEY is missing"),
        (["explain", "--facts", "facts.toml", "--policy", "balanced"], "unknown fact 'risk.bond'"),
        (["explain", "--facts", "bad.bin", "--policy", "balanced"], "bad.bin"),
        (["simulate", "balanced", "--against", "balanced"], "IDP_MASTER_KEY is missing"),
        (["simulate", "balanced", "--against", "balanced", "--since", "soon"], "--since"),
        (["simulate", "bad.toml", "--against", "balanced"], "bad.toml:5"),
    ],
)
def test_what_cannot_run_exits_with_2_and_says_why(
    bad: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(bad.parent)
    Path("facts.toml").write_text('risk.bond = "low"\n')
    Path("bad.bin").write_bytes(b"\xff = 1")

    done = run(*arguments)

    assert done.exit_code == 2
    assert said in done.output
