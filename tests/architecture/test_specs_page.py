"""docs/specs.md names what exists, and every specification's tests."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "specs.md").read_text()


def test_every_path_on_the_page_exists() -> None:
    paths = re.findall(r"`((?:idp|tests)/[^`]+)`", PAGE)

    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_file_of_specification_tests_is_on_the_page() -> None:
    files = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests" / "specs").glob("test_*.py")}

    assert sorted(path for path in files if path not in PAGE) == []
