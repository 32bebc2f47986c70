"""What was done just now, said on the page to which a form leads, with a way back where there is one.

The words are tagged for one browser and one page: nobody can send somebody a link that claims what did not happen.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from idp.domain.secret import Digester, equal
from idp.flows.visit import Visit

_TAG = 22  # characters of a tag: 132 bits
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Undo:
    """The form that takes something back."""

    path: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Notice:
    """What was done."""

    word: str
    undo: Undo | None


def _membership(field: str) -> Callable[[str], Undo]:
    def undo(about: str) -> Undo:
        user_id, _, group_id = about.partition(" ")
        return Undo(f"/admin/users/{user_id}/groups", {field: group_id})

    return undo


#: What can be taken back, and by which form.
UNDO: Mapping[str, Callable[[str], Undo]] = {
    "disabled": lambda about: Undo(f"/admin/users/{about}/enable", {}),
    "enabled": lambda about: Undo(f"/admin/users/{about}/disable", {}),
    "group-joined": _membership("group-leave"),
    "group-left": _membership("group-join"),
}


def write(digester: Digester, visit: Visit, path: str, word: str, about: str) -> str:
    """Return the query that says something on a page."""
    tag = _tag(digester, visit, path, word, about)
    return "?" + urlencode({"done": word, **({"about": about} if about else {}), "tag": tag})


def read(digester: Digester, visit: Visit, path: str, query: Mapping[str, str]) -> Notice | None:
    """Return what a page shall say, None for nothing, or for what we did not write."""
    word, about, tag = (query.get(name, "")[:_LONGEST] for name in ("done", "about", "tag"))
    if not word or not equal(_tag(digester, visit, path, word, about).encode(), tag.encode()):
        return None
    undo = UNDO.get(word)
    return Notice(word, undo(about) if undo is not None else None)


def _tag(digester: Digester, visit: Visit, path: str, word: str, about: str) -> str:
    return digester.tag("notice", "|".join((visit.browser, path, word, about)))[:_TAG]
