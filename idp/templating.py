"""Turns a template and its facts into HTML in the reader's language; the only room that knows Jinja and Babel.

Templates hold every word, in English; `locale/XX/LC_MESSAGES/messages.po` holds the same words in language XX and is
compiled when the server starts. Facts are escaped always, a missing fact is an error, and a link is shown only with a
scheme that a browser may safely follow.
Not here: which facts a page needs → its web module; which brand it wears → web/pages.py.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.core import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

SOURCE_LOCALE = "en"  # the language the templates themselves are written in
LONGEST_WISH = 1000  # characters of a language header that are looked at
MOST_WISHES = 20

_RELATIVE_LINK = re.compile(r"/(?![/\\])[^\x00-\x20\\]*", re.ASCII)
_SAFE_LINK = re.compile(r"(?:https?://|[a-z][a-z0-9+-]*\.[a-z0-9+.-]*:)[^\x00-\x20]+", re.ASCII | re.IGNORECASE)
_PATHS = r"(?:<path(?: [a-z-]+=\"[\w#., -]*\")*/>)*"
_DRAWING = re.compile(
    rf"<svg(?: [a-zA-Z]+=\"[\w#:/.,% -]*\")*>(?:<g transform=\"scale\(\d+\)\">{_PATHS}</g>|{_PATHS})</svg>", re.ASCII
)
_WISH = re.compile(r"([A-Za-z]{1,8}(?:[-_][A-Za-z0-9]{1,8})*)\s*(?:;\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?")

_spoken: ContextVar[tuple[str, NullTranslations]] = ContextVar("spoken")


class Templates:
    """All pages in all languages: `render` one, or `pick_locale` for somebody."""

    def __init__(self, folder: Path, *, asset_versions: Mapping[str, str], base: str = "") -> None:
        """Read every translation and prepare the environment.

        `asset_versions` maps a static file's name to a digest of its content; `base` is the issuer's path, if it
        has one, without a slash at its end.
        """
        self._translations: dict[str, NullTranslations] = {SOURCE_LOCALE: NullTranslations()}
        self._translations |= dict(_read_translations(folder / "locale"))
        self._assets = dict(asset_versions)
        self._base = base
        self._environment = self._prepare(folder)
        self.locales: tuple[str, ...] = tuple(self._translations)

    def render(self, page: str, /, *, locale: str, **facts: object) -> str:
        """Return the page in that language, or in English where we do not speak it."""
        spoken = locale if locale in self._translations else SOURCE_LOCALE
        with _speaking(spoken, self._translations[spoken]):
            return self._environment.get_template(page).render(facts | {"locale": spoken})

    def call(self, template: str, macro: str, /, *arguments: object, locale: str) -> str:
        """Return what one macro of a template says in that language."""
        spoken = locale if locale in self._translations else SOURCE_LOCALE
        with _speaking(spoken, self._translations[spoken]):
            module = self._environment.get_template(template).make_module({"locale": spoken})
            return str(getattr(module, macro)(*arguments)).strip()

    def pick_locale(self, ui_locales: str | None, accept_language: str | None) -> str:
        """Return the language we speak that fits best: what the client asked for, else what the browser prefers.

        BCP 47 lookup (RFC 4647 §3.4): `de-CH` finds `de`, but `de` never finds `de-CH`. Never raises.
        """
        asked = ((ui_locales or "")[:LONGEST_WISH]).split()[:MOST_WISHES]
        preferred = _by_preference((accept_language or "")[:LONGEST_WISH])
        ours = {locale.lower(): locale for locale in self.locales}
        for wish in (*asked, *preferred):
            for tag in _truncations(wish):
                if tag in ours:
                    return ours[tag]
        return SOURCE_LOCALE

    def _prepare(self, folder: Path) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=lambda name: not (name or "").endswith(".txt"),  # noqa: S701 - plain text is not HTML
            undefined=StrictUndefined,
            auto_reload=False,
            cache_size=-1,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        environment.install_gettext_callables(  # type: ignore[attr-defined]  # added by the extension
            lambda text: _spoken.get()[1].gettext(text),
            lambda one, many, count: _spoken.get()[1].ngettext(one, many, count),
            newstyle=True,
            pgettext=lambda context, text: _spoken.get()[1].pgettext(context, text),
        )
        environment.filters |= {"moment": _moment, "link": _link, "language": _language, "drawing": _drawing}
        environment.globals |= {"asset": self._asset, "base": self._base}
        return environment

    def _asset(self, name: str) -> str:
        return f"{self._base}/static/{name}?v={self._assets[name]}"


@contextmanager
def _speaking(locale: str, translations: NullTranslations) -> Iterator[None]:
    token = _spoken.set((locale, translations))
    try:
        yield
    finally:
        _spoken.reset(token)


def _read_translations(folder: Path) -> Iterator[tuple[str, GNUTranslations]]:
    """Yield each language with its words; a fuzzy translation counts as none."""
    for path in sorted(folder.glob("*/LC_MESSAGES/messages.po")):
        compiled = BytesIO()
        with path.open("rb") as file:
            write_mo(compiled, read_po(file))
        compiled.seek(0)
        locale = Locale.parse(path.parent.parent.name, sep="_")
        yield str(locale).replace("_", "-"), GNUTranslations(compiled)


def _by_preference(accept_language: str) -> list[str]:
    """Return the tags of an Accept-Language header, most wanted first; what is malformed or q=0 is left out."""
    wishes = [_WISH.fullmatch(part.strip()) for part in accept_language.split(",")[:MOST_WISHES]]
    weighed = [(float(wish[2] or 1), wish[1]) for wish in wishes if wish]
    return [tag for weight, tag in sorted(weighed, key=lambda pair: -pair[0]) if weight > 0]


def _truncations(tag: str) -> Iterator[str]:
    """Yield `de-ch-1996`, `de-ch`, `de` for `de-CH-1996`; a single letter goes with what follows it."""
    parts = tag.lower().replace("_", "-").split("-")
    while parts:
        yield "-".join(parts)
        parts.pop()
        while parts and len(parts[-1]) == 1:
            parts.pop()


def _moment(moment: datetime) -> str:
    """Return date and time as the reader writes them, in UTC."""
    from babel.dates import format_datetime  # its locale data costs 5 MB that a worker without this filter can save

    return format_datetime(moment.astimezone(UTC), "medium", locale=_spoken.get()[0].replace("-", "_"))


def _drawing(svg: str) -> Markup:
    """Return a drawing as part of the page; raise ValueError unless it is nothing but paths."""
    if not _DRAWING.fullmatch(svg):
        raise ValueError("not a drawing of paths")
    return Markup(svg)  # noqa: S704 - checked above


def _language(tag: str) -> str:
    """Return what speakers of a language call it."""
    return (Locale.parse(tag, sep="-").get_display_name() or tag).capitalize()


def _link(url: str | None) -> str:
    """Return the address if a page may link to it, else nothing.

    Web addresses, paths of ours, and private-use schemes, which carry a dot (RFC 8252 §7.1). Never `javascript:`.
    """
    if url and (_SAFE_LINK.fullmatch(url) or _RELATIVE_LINK.fullmatch(url)):
        return url
    return ""
