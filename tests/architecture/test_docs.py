"""Documents that are made from the code match it."""

from pathlib import Path

from docs.settings_page import page

ROOT = Path(__file__).parents[2]


def test_the_settings_page_is_current() -> None:
    """Run `make docs` after changing a setting."""
    assert (ROOT / "docs" / "settings.md").read_text() == page()


def test_every_decision_has_a_number_and_a_title() -> None:
    for path in (ROOT / "docs" / "adr").glob("*.md"):
        number, _, title = path.stem.partition("-")
        assert number.isdigit(), path
        assert len(number) == 4, path
        assert title, path
        assert path.read_text().startswith(f"# {int(number)}. "), path
