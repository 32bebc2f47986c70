"""What the stylesheet promises to eyes: contrast in both schemes, nothing from elsewhere, respect for settings."""

import re

import pytest

from idp.resources import folder

SHEET = (folder("idp") / "web" / "static" / "style.css").read_text()
LIGHT = dict(re.findall(r"(--[a-z-]+): (#[0-9a-f]{6});", SHEET.split("@media", 1)[0]))
DARK = LIGHT | dict(re.findall(r"(--[a-z-]+): (#[0-9a-f]{6});", SHEET.split("@media", 2)[1]))

TEXT = 4.5  # WCAG 2.2 SC 1.4.3
EDGE = 3.0  # SC 1.4.11

PAIRS = [
    ("--ink", "--surface", TEXT),
    ("--ink", "--page", TEXT),
    ("--ink", "--sunken", TEXT),
    ("--ink-soft", "--surface", TEXT),
    ("--ink-soft", "--page", TEXT),
    ("--ink-soft", "--sunken", TEXT),
    ("--on-accent", "--accent", TEXT),
    ("--danger", "--danger-surface", TEXT),
    ("--warning", "--warning-surface", TEXT),
    ("--edge", "--surface", EDGE),
    ("--accent", "--surface", EDGE),
    ("--danger", "--surface", EDGE),
]


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb`."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return ratio(light, dark)


def ratio(light: float, dark: float) -> float:
    """Return the contrast of two luminances, the lighter one first."""
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "back", "least"), PAIRS)
def test_colours_stand_out(scheme: dict[str, str], front: str, back: str, least: float) -> None:
    assert contrast(scheme[front], scheme[back]) >= least


def test_black_or_white_is_readable_on_every_accent() -> None:
    """The sheet turns text on the accent from white to black at luminance 0.18."""
    assert "(0.18 - y)" in SHEET

    assert ratio(1.0, 0.18) >= TEXT
    assert ratio(0.18, 0.0) >= TEXT


def test_nothing_is_loaded_from_elsewhere() -> None:
    assert not re.search(r"url\(|@import|@font-face|//[a-z]", SHEET)


@pytest.mark.parametrize("setting", ["prefers-color-scheme: dark", "prefers-reduced-motion", "forced-colors: active"])
def test_the_reader_s_settings_are_respected(setting: str) -> None:
    assert setting in SHEET


def test_movement_only_for_those_who_did_not_ask_for_less() -> None:
    quiet = re.sub(r"@media \(prefers-reduced-motion: no-preference\) \{.*?\n\}", "", SHEET, flags=re.DOTALL)

    assert not re.search(r"transition|animation|@keyframes", quiet)


def test_focus_is_never_hidden() -> None:
    assert ":focus-visible" in SHEET
    assert not re.search(r"outline:\s*(none|0)", SHEET)


def test_controls_are_large_enough_to_tap() -> None:
    """At least 44 CSS pixels (SC 2.5.5)."""
    tap = re.search(r"--tap: ([\d.]+)rem", SHEET)

    assert tap is not None
    assert float(tap[1]) * 16 >= 44
    assert SHEET.count("min-height: var(--tap)") == 2


def test_the_dark_scheme_changes_colours_and_nothing_else() -> None:
    """So what does not depend on colours is looked at in one scheme (tests/journeys/test_accessibility.py)."""
    blocks = [part.partition("{")[2] for part in SHEET.split("@media (prefers-color-scheme: dark)")[1:]]
    darks = [block.partition("}")[0] for block in blocks]

    assert len(darks) == SHEET.count("prefers-color-scheme")
    for dark, block in zip(darks, blocks, strict=True):
        selector, _, declarations = dark.partition("{")
        assert selector.strip() == ":root"
        names = [each.partition(":")[0].strip() for each in declarations.split(";") if each.strip()]
        assert names
        assert all(name.startswith("--") for name in names)
        assert block.partition("}")[2].lstrip().startswith("}")  # and the block holds nothing beside it
