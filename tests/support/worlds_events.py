"""Single logins for tests of the risk engine, with an ordinary one as the default."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from idp.domain.risk import Assessment
from idp.risk.engine import assess, observe
from idp.risk.evaluation import plain_digest
from idp.risk.population import Population
from idp.risk.profile import EMPTY, Observation, Profile, learn
from idp.risk.shipped import NONE, default_tables
from idp.risk.signal import Circumstances, Facts, NetKind

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
)
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)
ORDINARY = Circumstances(
    at=NOW, address="192.0.2.7", asn=64500, country="NO", net_kind=NetKind.RESIDENTIAL, agent=CHROME.format(120),
    device="d1", hour=9,
)  # fmt: skip


def seen(now: Circumstances = ORDINARY) -> Observation:
    """Return an attempt as the engine sees it, with unkeyed digests."""
    return observe(now, plain_digest)


def known(*logins: Circumstances, population: Population | None = None) -> Profile:
    """Return the profile of somebody who signed in so, and count it in the tenant's tables."""
    profile = EMPTY
    for now in logins:
        profile, taught = learn(profile, seen(now))
        if population is not None:
            population.add(taught)
    return profile


def shipped() -> Population:
    """Return a tenant without logins, beside the shipped table."""
    return Population(default_tables())


def alone() -> Population:
    """Return a tenant without logins or table."""
    return Population(NONE)


def assessed(now: Circumstances, profile: Profile, population: Population | None = None) -> Assessment:
    """Return what the engine says of an attempt."""
    return assess(now, seen(now), profile, population or shipped())


def facts(now: Circumstances = ORDINARY, profile: Profile = EMPTY, **known_of: object) -> Facts:
    """Return what signals read."""
    return replace(Facts(now, profile=profile, place=seen(now).place), **known_of)  # type: ignore[arg-type]


def line(number: int = 0, **fields: object) -> str:
    """Return a line for `idp risk evaluate`: the ordinary login, so many hours later."""
    event = {
        "t": (NOW + timedelta(hours=number)).isoformat(), "user": "u1", "ip": "192.0.2.7", "asn": 64500,
        "country": "NO", "net_kind": "residential", "ua": CHROME.format(120), "device": "d1", "hour": 9, "learn": True,
        "label": None, "id": f"e{number}",
    }  # fmt: skip
    return json.dumps(event | fields)


def text(lines: Iterable[str]) -> str:
    """Return a file of these lines."""
    return "".join(f"{each}\n" for each in lines)
