"""Which language somebody gets, and that each language says everything."""

import re
from pathlib import Path

import pytest
from babel.core import Locale
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from idp.resources import folder
from idp.templating import Templates
from tests.templating.examples import COMMON, LOGIN, MAIL, OWN, make_templates

SOURCE = folder("templates")
TEMPLATES = make_templates()
TRANSLATIONS = sorted((SOURCE / "locale").glob("*/LC_MESSAGES/messages.po"))
METHODS = [("**.html", "jinja2"), ("**.txt", "jinja2")]
MEGABYTE = 1_000_000


def words() -> Catalog:
    """Return every text of the templates."""
    catalog = Catalog()
    for _, _, message, comments, context in extract_from_dir(SOURCE, METHODS):
        catalog.add(message, context=context, auto_comments=comments)
    return catalog


def test_english_comes_first_and_then_its_translations() -> None:
    assert TEMPLATES.locales == ("en", "ar", "de", "es", "fr", "ja")


def test_the_list_of_words_is_current() -> None:
    """Else: run `make translations`."""
    with (SOURCE / "locale" / "messages.pot").open("rb") as file:
        listed = {(message.id, message.context) for message in read_po(file) if message.id}

    assert listed == {(message.id, message.context) for message in words() if message.id}


def fixed_parts(text: str | tuple[str, ...] | list[str]) -> list[str]:
    """Return the placeholders and tags of a text; of several forms those of the last, as one and two may be words."""
    last = text if isinstance(text, str) else text[-1]
    return sorted(re.findall(r"%\(\w+\)s|<[^>]+>", last))


@pytest.mark.parametrize("path", TRANSLATIONS, ids=lambda path: path.parts[-3])
def test_a_translation_keeps_to_what_a_translation_is(path: Path) -> None:
    """A header without people and dates, no fuzzy and no dead entries: `make translations` adds them, take them out."""
    text = path.read_text(encoding="utf-8")

    assert not re.search(r"#~|EMAIL@ADDRESS|POT-Creation-Date|^#, .*fuzzy", text, re.MULTILINE)


@pytest.mark.parametrize("path", TRANSLATIONS, ids=lambda path: path.parts[-3])
@pytest.mark.parametrize("number", [*range(13), 20, 21, 99, 100, 101, 111, 1000])
def test_a_number_of_things_is_said_with_the_number_or_in_words(path: Path, number: int) -> None:
    """Arabic has words of their own for none, one and two; from three on, the number itself is written."""
    codes = TEMPLATES.render(
        "account/recovery_codes.html", locale=path.parts[-3], **COMMON, **(OWN | {"codes": (), "left": number})
    )
    told = re.findall(r'id="codes-left">([^<]*)<', codes)[0]

    assert str(number) in told or (path.parts[-3] == "ar" and number < 3), told
    assert "%" not in told


@pytest.mark.parametrize("path", TRANSLATIONS, ids=lambda path: path.parts[-3])
def test_a_translation_says_everything_and_keeps_the_placeholders(path: Path) -> None:
    with path.open("rb") as file:
        translation = read_po(file)

    for wanted in words():
        if wanted.id:
            message = translation.get(wanted.id, wanted.context)
            assert message is not None, wanted.id
            assert all([message.string] if isinstance(message.string, str) else message.string), wanted.id
            assert not message.fuzzy, wanted.id
            assert not list(message.check()), wanted.id
            assert fixed_parts(message.string) == fixed_parts(wanted.id), wanted.id
    assert {(m.id, m.context) for m in translation if m.id} == {(m.id, m.context) for m in words() if m.id}


@pytest.mark.parametrize("path", TRANSLATIONS, ids=lambda path: path.parts[-3])
def test_a_translation_names_the_direction_of_its_script(path: Path) -> None:
    """It is written in the translation because Babel would load 5 MB of dates and currencies to say it."""
    with path.open("rb") as file:
        direction = read_po(file).get("ltr", "text direction")

    assert direction is not None
    assert direction.string == Locale.parse(path.parts[-3]).text_direction


@pytest.mark.parametrize(
    ("ui_locales", "accept_language", "expected"),
    [
        (None, None, "en"),
        ("", "", "en"),
        ("de", None, "de"),
        ("de", "en", "de"),
        ("it de en", "en", "de"),
        ("it", "de", "de"),
        ("fr de en", "en", "fr"),
        ("ar-EG", "de", "ar"),
        (None, "ja-JP,ja;q=0.9,en;q=0.8", "ja"),
        (None, "es-419,es;q=0.9", "es"),
        ("de-CH-1996", None, "de"),
        ("de-x-dialect", None, "de"),
        ("DE_at", None, "de"),
        (None, "de-AT,de;q=0.9,en;q=0.8", "de"),
        (None, "en;q=0.3, de;q=0.7", "de"),
        (None, "de;q=0.5,en;q=0.5", "de"),
        (None, "de;q=0, en;q=0.1", "en"),
        (None, "de;q=0", "en"),
        (None, "it,*;q=0.5", "en"),
        (None, "de;q=nan", "en"),
        (None, "de;q=1e9", "en"),
        (None, "de ; q=0.4", "de"),
        (None, "*", "en"),
        ("deu", "den", "en"),
        ("../../de", "<de>", "en"),
        ("\x00de \ud800", ",;,;q=,=;--", "en"),
        ("-", "-;q=1", "en"),
    ],
)
def test_the_best_language_is_picked(ui_locales: str | None, accept_language: str | None, expected: str) -> None:
    """RFC 4647 §3.4 lookup; OIDC Core §3.1.2.1 ui_locales in order of preference, and never an error."""
    assert TEMPLATES.pick_locale(ui_locales, accept_language) == expected


@pytest.mark.parametrize(
    "text", ["x" * MEGABYTE, "de-" * MEGABYTE, "fr " * MEGABYTE, "a-" * MEGABYTE, "de;q=" * MEGABYTE]
)
@pytest.mark.timeout(1)
def test_a_megabyte_of_wishes_costs_nothing(text: str) -> None:
    assert TEMPLATES.pick_locale(text, text) in TEMPLATES.locales


def test_an_unknown_language_is_answered_in_english() -> None:
    """An interaction may have been stored by a server that spoke more."""
    assert '<html lang="en"' in TEMPLATES.render("login/login.html", locale="xx", **COMMON, **LOGIN)


def test_two_pages_in_two_languages_do_not_mix() -> None:
    german = TEMPLATES.render("login/login.html", locale="de", **COMMON, **LOGIN)
    english = TEMPLATES.render("login/login.html", locale="en", **COMMON, **LOGIN)

    assert "<h1>Anmelden</h1>" in german
    assert "<h1>Sign in</h1>" in english


def test_a_right_to_left_language_turns_the_page(tmp_path: Path) -> None:
    locale = tmp_path / "locale" / "ar_EG" / "LC_MESSAGES"
    locale.mkdir(parents=True)
    header = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
    (locale / "messages.po").write_text(header + 'msgctxt "text direction"\nmsgid "ltr"\nmsgstr "rtl"\n')
    (tmp_path / "page.html").write_text("{{ locale }} {{ pgettext('text direction', 'ltr') }}")

    templates = Templates(tmp_path, asset_versions={})

    assert templates.locales == ("en", "ar-EG")
    assert templates.render("page.html", locale="ar-EG") == "ar-EG rtl"


def test_a_fuzzy_translation_is_not_shown(tmp_path: Path) -> None:
    locale = tmp_path / "locale" / "de" / "LC_MESSAGES"
    locale.mkdir(parents=True)
    (locale / "messages.po").write_text('#, fuzzy\nmsgid "Allow"\nmsgstr "Verbieten"\n')
    (tmp_path / "page.html").write_text("{{ _('Allow') }}")

    assert Templates(tmp_path, asset_versions={}).render("page.html", locale="de") == "Allow"


@pytest.mark.parametrize(
    ("seconds", "text"), [(1, "1 second "), (30, "30 seconds"), (91, "2 minutes"), (900, "15 minutes")]
)
def test_a_waiting_time_is_said_in_words(seconds: int, text: str) -> None:
    facts = LOGIN | {"error": "throttled", "wait_seconds": seconds}

    assert f"Please wait {text}" in TEMPLATES.render("login/login.html", locale="en", **COMMON, **facts)


@pytest.mark.parametrize(
    ("locale", "text"), [("en", "Mar 4, 2025, 3:06:07\u202fPM UTC"), ("de", "04.03.2025, 15:06:07 UTC")]
)
def test_a_moment_is_written_as_the_reader_writes_it(locale: str, text: str) -> None:
    assert text in TEMPLATES.render("dev/mailbox.html", locale=locale, **COMMON, messages=[MAIL])
