"""Finds the files that are not Python: templates and migrations, in a checkout and in an installed wheel.

A wheel carries them inside the package as `idp/_shipped/…`; a checkout has them beside the package.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """Return the folder of that name, the shipped one before the one beside the package.

    Raises FileNotFoundError if neither exists: the installation is broken, and nobody can serve a page from it.
    """
    places = (_PACKAGE / "_shipped" / name, _PACKAGE.parent / name)
    for place in places:
        if place.is_dir():
            return place
    raise FileNotFoundError(f"no folder {name!r} at {' or '.join(map(str, places))}")
