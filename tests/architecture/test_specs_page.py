"""docs/specs.md tells the truth: what it names exists, and every specification that is tested is named."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "specs.md").read_text()
PATHS = set(re.findall(r"`((?:idp|tests|docs)/[^`]+)`", PAGE))


def test_every_path_on_the_page_exists() -> None:
    missing = sorted(path for path in PATHS if not (ROOT / path).is_file())

    assert not missing


def test_every_file_of_tests_is_on_the_page() -> None:
    present = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests" / "specs").glob("test_*.py")}

    assert not present - PATHS


def test_every_protocol_module_is_on_the_page() -> None:
    """A grant, an extension, a way to authenticate or a part of OpenID Connect stands in some line of the table."""
    folders = ("client_auth", "extensions", "grants", "openid", "tokens")
    modules = {
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in (ROOT / "idp" / "oauth" / folder).glob("*.py")
        if path.stem not in ("__init__", "token_grant", "unknown")  # what the grants share, and the grant that is none
    }

    assert not modules - PATHS


def test_every_line_of_a_table_has_its_four_cells() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("|")]

    assert all(row.count("|") == 5 for row in rows)


def test_every_spec_test_cites_what_it_guards() -> None:
    """Each file names its specification in the first line, each test its rule."""
    for path in (ROOT / "tests" / "specs").glob("test_*.py"):
        text = path.read_text()
        assert text.startswith('"""'), path
        for test in re.findall(r"(?:async )?def (test_\w+)\([^)]*\)(?: -> None)?:\n( +\S+)", text):
            assert test[1].strip().startswith('"""'), f"{path}: {test[0]} has no docstring"
