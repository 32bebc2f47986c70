"""Texts that a model wrote: which are accepted, and how blanks are filled afterwards.

A model sees `{{city}}`, never a city. What it wrote is plain and short, leads nowhere, and names nothing that was not
there; anything else is dropped, and the template stands.
"""

import html
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from idp.domain.advice import Reason

LONGEST = 400
_LONGEST_VALUE = 64
_BLANK = re.compile(r"\{\{ ?([a-z]+) ?\}\}")
# `a.b` may be a link; so may be `a。b` between Latin letters, while Japanese ends a sentence like that.
_LINK = re.compile(r"https?|www|mailto|[^\W\d_]\.[^\W\d_]|[a-z0-9]。[a-z]|\d\.\d+\.\d")
_MARKUP = re.compile(r"[<>\[\]{}|\\/@#*`~^=$%&]")
# Codes look like this, whatever their list: joined by underscores, or shouted.
_CODE = re.compile(r"\w*_\w*|\b[A-Z][A-Z0-9]{3,}\b")
_NAMED = tuple(reason.value for reason in Reason if "_" in reason.value)


class Language(StrEnum):
    """A language that the pages speak."""

    EN = "en"
    AR = "ar"
    DE = "de"
    ES = "es"
    FR = "fr"
    JA = "ja"


class Blank(StrEnum):
    """What is filled in after a text was accepted."""

    CITY = "city"
    COUNTRY = "country"
    TIME = "time"
    BROWSER = "browser"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Wording:
    """A text with blanks; one that a model wrote is said to be so, and is for people only once somebody approved it."""

    text: str
    language: Language = Language.EN
    is_ai_written: bool = False
    approved_by: str | None = None

    @property
    def may_be_shown(self) -> bool:
        """Say whether people may read it."""
        return not self.is_ai_written or self.approved_by is not None

    def approve(self, by: str) -> "Wording":
        """Return the text as a person approved it; raises ValueError without a name."""
        if not by.strip():
            raise ValueError("a text is approved by somebody")
        return replace(self, approved_by=by)

    def filled(self, values: Mapping[Blank, str]) -> str:
        """Return the plain text with its blanks filled, an unknown one by a dash; a page must escape it."""
        known = {blank.value: value for blank, value in values.items()}
        return _BLANK.sub(lambda found: _clean(known.get(found[1], "")) or "–", self.text)

    def as_html(self, values: Mapping[Blank, str]) -> str:
        """Return the filled text, escaped as a whole."""
        return html.escape(self.filled(values))


def accepted(text: str, *, codes: Iterable[str] = (), blanks: Iterable[Blank] = ()) -> str | None:
    """Return the text, trimmed and in NFC, if it may stand in place of a template; else None.

    It names no code but `codes`, and has no blank but `blanks`.
    """
    if len(text) > 2 * LONGEST:
        return None
    plain = unicodedata.normalize("NFC", text.strip())
    if not plain or len(plain) > LONGEST or not all(map(_is_plain, plain)):
        return None
    if not {found[1] for found in _BLANK.finditer(plain)} <= {blank.value for blank in blanks}:
        return None
    # Look-alikes, full-width letters for one, are judged as what they look like.
    seen = unicodedata.normalize("NFKC", _BLANK.sub("–", plain))
    if _LINK.search(seen.casefold()) or _MARKUP.search(seen):
        return None
    return plain if _names_only(seen, frozenset(codes)) else None


def _names_only(seen: str, codes: frozenset[str]) -> bool:
    if not {found[0] for found in _CODE.finditer(seen)} <= codes:
        return False
    joined = f"_{re.sub(r'[^A-Z0-9]+', '_', seen.upper())}_"  # `net-new ip` is a name, too
    return not any(f"_{code}_" in joined for code in _NAMED if code not in codes)


def _is_plain(character: str) -> bool:
    """Say whether a character has a shape of its own: no control, direction or joining mark, no line break."""
    return unicodedata.category(character)[0] != "C" and unicodedata.category(character) not in ("Zl", "Zp")


def _clean(value: str) -> str:
    kept = "".join(each for each in value if _is_plain(each) and not _MARKUP.match(each))
    return "" if _LINK.search(unicodedata.normalize("NFKC", kept).casefold()) else kept.strip()[:_LONGEST_VALUE]
