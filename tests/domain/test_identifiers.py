"""An e-mail address and a username have one spelling, and what could be read in two ways has none (case LG68)."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from idp.domain.user import (
    BadIdentifier,
    normalise_email,
    normalise_identifier,
    normalise_username,
    plain_email,
)

SAME = {
    "case": ("Alice@Example.COM", "alice@example.com"),
    "full-width @": ("alice\uff20example.com", "alice@example.com"),
    "small @": ("alice\ufe6bexample.com", "alice@example.com"),
    "full-width letters": ("\uff41lice@example.com", "alice@example.com"),
    "Kelvin sign": ("\u212aate@example.com", "kate@example.com"),
    "long s": ("\u017fam@example.com", "sam@example.com"),
    "ligature": ("\ufb01n@example.com", "fin@example.com"),
    "NFD": ("rene\u0301@example.com", "ren\u00e9@example.com"),
    "sharp s": ("gro\u00df@example.com", "gross@example.com"),
    "IDN": ("a@b\u00fccher.example", "a@xn--bcher-kva.example"),
    "IDN in capitals": ("a@B\u00dcCHER.example", "a@xn--bcher-kva.example"),
    "IDN in NFD": ("a@bu\u0308cher.example", "a@xn--bcher-kva.example"),
    "punycode in capitals": ("a@XN--BCHER-KVA.example", "a@xn--bcher-kva.example"),
    "ideographic full stop": ("a@example\u3002com", "a@example.com"),
    "one-dot leader": ("a@example\u2024com", "a@example.com"),
    "spaces around": ("  alice@example.com ", "alice@example.com"),
}
DISTINCT = {
    "dotless i": ("adm\u0131n@example.com", "admin@example.com"),
    "capital I with dot": ("\u0130da@example.com", "ida@example.com"),
    "plus-tag": ("alice+tag@example.com", "alice@example.com"),
    "dots": ("a.lice@example.com", "alice@example.com"),
    "accent": ("ren\u00e9@example.com", "rene@example.com"),
    "Cyrillic a": ("\u0430lice@example.com", "alice@example.com"),
    "IDN look-alike": ("a@ex\u0430mple.com", "a@example.com"),
    "sub-domain": ("a@mail.example.com", "a@example.com"),
}
REFUSED = {
    "nothing": "",
    "no @": "alice",
    "no local part": "@example.com",
    "no domain": "alice@",
    "two @": "a@b@example.com",
    "two @, one full-width": "a\uff20b@example.com",
    "quoted local part": '"a b"@example.com',
    "two addresses": "a@example.com,b@example.com",
    "a name before": "Alice <a@example.com>",
    "a space": "a b@example.com",
    "a line break": "a@example.com\nBcc: b@example.com",
    "a line break at the end": "a@example.com\n",
    "a tab before": "\ta@example.com",
    "NUL": "a\0@example.com",
    "NUL in the domain": "a@example\0.com",
    "zero-width space": "a\u200b@example.com",
    "zero-width joiner": "a\u200d@example.com",
    "zero-width no-break space": "\ufeffa@example.com",
    "soft hyphen": "a\u00ad@example.com",
    "right-to-left override": "a\u202e@example.com",
    "variation selector": "a\ufe0f@example.com",
    "variation selector in the domain": "a@exam\ufe0fple.com",
    "combining grapheme joiner": "a\u034f@example.com",
    "Hangul filler": "a\u3164@example.com",
    "Braille blank": "a\u2800@example.com",
    "tag character": "a\U000e0041@example.com",
    "line separator": "a\u2028@example.com",
    "a lone surrogate": "a\ud800@example.com",
    "private use": "a\ue000@example.com",
    "trailing dot": "a@example.com.",
    "trailing ideographic dot": "a@example.com\u3002",
    "leading dot in the domain": "a@.example.com",
    "two dots in the domain": "a@example..com",
    "leading dot": ".a@example.com",
    "trailing dot in the local part": "a.@example.com",
    "two dots": "a..b@example.com",
    "one label": "a@example",
    "an IPv4 address": "a@127.0.0.1",
    "an IPv4 literal": "a@[127.0.0.1]",
    "an IPv6 literal": "a@[IPv6:::1]",
    "a port": "a@example.com:25",
    "a path": "a@example.com/x",
    "an underscore": "a@exa_mple.com",
    "a hyphen first": "a@-example.com",
    "a hyphen last": "a@example-.com",
    "bare xn--": "a@xn--.com",
    "a label of 64": f"a@{'b' * 64}.com",
    "a local part of 65": f"{'a' * 65}@example.com",
    "a local part of 65 once folded": f"{'ß' * 33}@example.com",
    "255 characters": f"{'a' * 64}@{'b' * 62}.{'c' * 62}.{'d' * 60}.com",
    "a megabyte": "a" * 1_000_000 + "@example.com",
}
USERNAMES_REFUSED = {
    "nothing": "",
    "spaces": "   ",
    "a space inside": "a b",
    "an @": "a@b",
    "a full-width @": "a\uff20b",
    "NUL": "a\0",
    "a line break": "a\n",
    "zero-width": "a\u200b",
    "right-to-left override": "a\u202eb",
    "variation selector": "a\ufe0f",
    "a lone surrogate": "\udfff",
    "65 characters": "a" * 65,
    "65 characters once folded": "ß" * 33,
    "a megabyte": "a" * 1_000_000,
}

# Letters that fold in more than one step, vanish, combine, or turn into an @, a dot or a space.
TRICKY = (
    "a\u00df\u0130\u0131\u0345\u03c2\u1e9e\u1f88\u212a\u2126\ufb01\ufdfa\u0301\u0308"
    "\uff20\ufe6b\uff0e\u2024\u3002\u00a0\ufe0f.@+"
)
TEXT = some.text(max_size=30) | some.text(alphabet=TRICKY, max_size=12)
TYPED = TEXT | some.builds("{}@{}".format, TEXT, TEXT) | some.builds("a{}@b{}.com".format, TEXT, TEXT)


@pytest.mark.parametrize(("typed", "canonical"), SAME.values(), ids=SAME.keys())
def test_spellings_of_one_address_are_one_address(typed: str, canonical: str) -> None:
    assert normalise_email(typed) == canonical == normalise_email(canonical)


@pytest.mark.parametrize(("left", "right"), DISTINCT.values(), ids=DISTINCT.keys())
def test_two_addresses_are_never_merged_silently(left: str, right: str) -> None:
    assert normalise_email(left) != normalise_email(right)


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_one_plain_address_is_refused(text: str) -> None:
    with pytest.raises(BadIdentifier):
        normalise_email(text)


def test_an_address_may_be_254_characters_long() -> None:
    longest = f"{'a' * 64}@{'b' * 62}.{'c' * 62}.{'d' * 59}.com"

    assert len(longest) == 254
    assert normalise_email(longest) == longest


def test_localhost_is_a_domain_for_development() -> None:
    assert normalise_email("demo@localhost") == "demo@localhost"


@pytest.mark.parametrize("text", USERNAMES_REFUSED.values(), ids=USERNAMES_REFUSED.keys())
def test_what_cannot_be_a_username_is_refused(text: str) -> None:
    with pytest.raises(BadIdentifier):
        normalise_username(text)


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("Alice", "alice"),
        ("\u212aATE", "kate"),
        ("Stra\u00dfe", "strasse"),
        ("\uff21lice", "alice"),
        ("a" * 64, "a" * 64),
    ],
)
def test_spellings_of_one_username_are_one_username(typed: str, canonical: str) -> None:
    assert normalise_username(typed) == canonical


@given(TYPED)
def test_a_canonical_spelling_stays_what_it_is(typed: str) -> None:
    """Else the digest of what is stored and the digest of what is typed could differ for ever."""
    for normalise in (normalise_email, normalise_username):
        try:
            canonical = normalise(typed)
        except BadIdentifier:
            continue
        assert normalise(canonical) == canonical


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Alice.Smith@Example.com", "Alice.Smith@Example.com"),
        (" Alice@example.com ", "Alice@example.com"),
        ("a+Tag@example.com", "a+Tag@example.com"),
        ("\u212aate@example.com", "kate@example.com"),
        ("alice\uff20example.com", "alice@example.com"),
        ("a@B\u00fccher.example", "a@xn--bcher-kva.example"),
        ("ren\u00e9@example.com", "ren\u00e9@example.com"),
    ],
)
def test_mail_goes_to_the_address_that_is_compared(typed: str, kept: str) -> None:
    """Case LG68: as typed if that is plain, else as folded, so that no look-alike is another mailbox."""
    assert plain_email(typed) == kept
    assert normalise_email(kept) == normalise_email(typed)


@given(TYPED)
def test_case_and_spaces_around_never_matter(typed: str) -> None:
    try:
        canonical = normalise_username(typed)
    except BadIdentifier:
        return
    assert normalise_username(f" {typed} ") == canonical
    assert normalise_username(canonical.casefold()) == canonical


@given(some.text())
def test_whatever_is_typed_folds_to_something(typed: str) -> None:
    """Unknown names are counted like known ones, so folding never raises."""
    assert len(normalise_identifier(typed)) <= 255


@pytest.mark.parametrize("typed", ["Alice@Example.com", "alice\uff20example.com", "  ALICE@example.com"])
def test_an_address_is_found_in_every_spelling(typed: str) -> None:
    assert normalise_identifier(typed) == "alice@example.com"


def test_a_username_is_found_in_every_spelling() -> None:
    assert normalise_identifier(" ALICE ") == "alice"


def test_a_long_text_is_not_the_address_it_begins_with() -> None:
    longest = f"{'a' * 64}@{'b' * 62}.{'c' * 62}.{'d' * 59}.com"

    assert normalise_identifier(longest + "x" * 1000) != normalise_identifier(longest)
