"""Where a network address is, as far as a file of the operator's knows; and who knows nothing."""

from typing import Protocol


class Places(Protocol):
    """Names the place of a network address."""

    def name(self, address: str, *, locale: str) -> str:
        """Return a coarse place in the reader's language, such as `Bremen, Germany`; empty when it is not known."""
        ...


class Nowhere:
    """Knows no place: the operator gave no file."""

    def name(self, address: str, *, locale: str) -> str:
        """Return nothing."""
        return ""
