"""Programs that sign in: agents that say so, and browsers whose headers contradict each other."""

import re
from functools import lru_cache
from typing import Final

from idp.domain.risk import Reading
from idp.risk.signal import NO_HINTS, NOTHING, Facts, Hints

_AUTOMATION: Final = (Reading("AUTOMATION", 3.0),)
_USUAL: Final = (Reading("AUTOMATION"),)
_LONGEST: Final = 512
_PROGRAMS: Final = re.compile(
    r"headless|phantomjs|selenium|webdriver|puppeteer|playwright|electron-bot|bot\b|crawler|spider|scrapy"
    r"|^curl\b|^wget\b|python-|aiohttp|^httpx|urllib|libwww|^okhttp|^go-http|^java[/ ]|apache-httpclient|^axios"
    r"|node-fetch|^node\b|^undici|guzzle|^ruby|^php|^perl|^postman|^insomnia|powershell",
    re.IGNORECASE,
)
_LANGUAGES: Final = re.compile(r"\s*(\*|[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*)\s*(;\s*q\s*=\s*[01](\.\d{0,3})?\s*)?(,|$)")
#: What a platform's agent must say, too.
_PLATFORMS: Final = {
    "windows": "windows", "macos": "mac", "android": "android", "ios": "iphone", "chrome os": "cros", "linux": "linux",
}  # fmt: skip


def read(facts: Facts) -> tuple[Reading, ...]:
    """Say whether a program is at work: by its agent, or by headers that no browser sends so."""
    found = _read(facts)
    return _USUAL if found and facts.now.programs_are_usual else found


def _read(facts: Facts) -> tuple[Reading, ...]:
    agent, hints = facts.now.agent, facts.now.hints
    if agent is not None and is_program(agent):
        return _AUTOMATION
    if hints is NO_HINTS:
        return NOTHING
    language = hints.accept_language
    if hints.odd_header_order or (language is not None and not _LANGUAGES.match(language)):
        return _AUTOMATION
    return _AUTOMATION if agent is not None and _contradicts(agent, hints) else NOTHING


@lru_cache(maxsize=4096)
def is_program(agent: str) -> bool:
    """Say whether an agent names a library, a bot or a browser without a screen; the empty one says nothing."""
    return _PROGRAMS.search(agent[:_LONGEST]) is not None


def _contradicts(agent: str, hints: Hints) -> bool:
    text = agent[:_LONGEST].lower()
    word = _PLATFORMS.get(hints.platform.lower()) if hints.platform is not None else None
    if word is not None and word not in text:
        return True
    return hints.mobile is True and "windows nt" in text
