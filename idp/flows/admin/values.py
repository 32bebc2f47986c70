"""Values of inputs that several operations take: names, ids and texts as people may have typed them."""

import json
import unicodedata
from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated

from pydantic import AfterValidator, Field

from idp.domain.json import Json
from idp.domain.secret import base64url

_UNFIT = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"  # part of how some languages and emoji are written


def is_plain(text: str) -> bool:
    """Say whether a text has no controls, no marks that turn its direction, and nothing that no font draws."""
    return all(unicodedata.category(each) not in _UNFIT or each in _JOINERS for each in text)


def _plain(text: str) -> str:
    if not is_plain(text):
        raise ValueError("has characters that cannot be seen, or that turn the direction of text")
    return text.strip()


def _word(text: str) -> str:
    if not _plain(text):
        raise ValueError("is empty")
    return _plain(text)


Text = Annotated[str, Field(max_length=500), AfterValidator(_plain)]
Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_word)]
Id = Annotated[str, Field(min_length=1, max_length=128)]
Version = Annotated[str, Field(min_length=1, max_length=64)]
Document = Mapping[str, Json]


def version_of(document: Document) -> str:
    """Return what a representation is told from every other one of the same thing by: its entity tag."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), default=str)
    return base64url(sha256(text.encode()).digest()[:12])
