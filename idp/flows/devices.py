"""A browser's own description in words that a person recognises."""

from functools import lru_cache

LONGEST = 300


@lru_cache(maxsize=1024)
def describe_agent(user_agent: str) -> str:
    """Return `Firefox, Windows` for a User-Agent header, a dash for one that says nothing."""
    from ua_parser import parse  # a megabyte of patterns, read when a person first looks

    if not user_agent:
        return "–"
    found = parse(user_agent[:LONGEST])
    names = [found.user_agent.family if found.user_agent else None, found.os.family if found.os else None]
    known = [name for name in names if name and name != "Other"]
    return ", ".join(known) or "–"
