"""The policies that come with the provider: balanced, quiet and strict."""

from pathlib import Path

NAMES = ("balanced", "quiet", "strict")


def text(name: str) -> str:
    """Return the text of a shipped policy.

    Raises KeyError if there is none of this name.
    """
    if name not in NAMES:
        raise KeyError(name)
    return (Path(__file__).parent / f"{name}.toml").read_text(encoding="utf-8")
