"""The shipped table: how deep logins of owners match on average, at which hours they come, and what attackers do.

A table has a version; each decision names the one it used. A new version ships beside the old ones.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from idp.domain.json import Json
from idp.risk.profile import BUCKETS

NETS, AGENTS, DEVS = 4, 5, 2
CELLS: Final = NETS * AGENTS * DEVS
DEFAULT: Final = "default-1"

#: Shares of attackers by depth, from a mixture: naive .5, same country .25, targeted .2, very targeted .05.
ATTACK_NET: Final = (0.004, 0.12, 0.38, 0.496)
ATTACK_AGENT: Final = (0.10, 0.10, 0.20, 0.35, 0.25)
ATTACK_DEV: Final = (0.02, 0.98)


class BadTable(ValueError):
    """The text is not a table; the message says why."""


@dataclass(frozen=True, slots=True)
class Attack:
    """How often attackers match so deep, by network, agent and device."""

    net: tuple[float, ...] = ATTACK_NET
    agent: tuple[float, ...] = ATTACK_AGENT
    dev: tuple[float, ...] = ATTACK_DEV

    def blended(self, net: Sequence[int], agent: Sequence[int], dev: Sequence[int]) -> "Attack":
        """Return the shares after labelled attacks with these counts; the present ones weigh as much as 200."""
        return Attack(_blend(self.net, net), _blend(self.agent, agent), _blend(self.dev, dev))


def _blend(shares: tuple[float, ...], counts: Sequence[int]) -> tuple[float, ...]:
    return tuple((200 * share + count) / (200 + sum(counts)) for share, count in zip(shares, counts, strict=True))


@dataclass(frozen=True, slots=True)
class Tables:
    """A table: 40 shares for each bucket from 1 to 6, 24 shares of hours; `weight` logins vote with it."""

    version: str
    cells: tuple[tuple[float, ...], ...]
    hours: tuple[float, ...]
    attack: Attack = Attack()
    weight: int = 2000


#: No table at all: only what the tenant's own logins taught.
NONE: Final = Tables("none", ((0.0,) * CELLS,) * BUCKETS, (0.0,) * 24, weight=0)


def cell_of(net: int, agent: int, dev: int) -> int:
    """Return the index of these depths in a bucket's 40 cells."""
    return (net * AGENTS + agent) * DEVS + dev


@cache
def default_tables() -> Tables:
    """Return the table that ships with this version."""
    return read_tables(files("idp.risk").joinpath("tables").joinpath(f"{DEFAULT}.json").read_text("utf-8"))


def read_tables(text: str) -> Tables:
    """Return the table that this JSON document holds; raises BadTable."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise BadTable("not JSON") from error
    match document:
        case {"version": str(version), "D": {**cells}, "hours": hours, "A": {"net": net, "agent": agent, "dev": dev}}:
            attack = Attack(_shares(net, NETS), _shares(agent, AGENTS), _shares(dev, DEVS))
            if min(*attack.net, *attack.agent, *attack.dev) <= 0:
                raise BadTable("a share of attackers is zero: it would rule something out for good")
            buckets = tuple(_shares(cells.get(str(bucket)), CELLS) for bucket in range(1, BUCKETS + 1))
            return Tables(version, buckets, _shares(hours, 24), attack)
    raise BadTable("version, D, hours or A is missing")


def _shares(numbers: object, length: int) -> tuple[float, ...]:
    if not isinstance(numbers, list) or len(numbers) != length:
        raise BadTable(f"{length} shares were expected")
    if not all(isinstance(each, int | float) and not isinstance(each, bool) and 0 <= each <= 1 for each in numbers):
        raise BadTable("a share is not a number from 0 to 1")
    if abs(sum(numbers) - 1) > 1e-4:
        raise BadTable(f"{length} shares do not add up to 1")
    return tuple(float(each) for each in numbers)


def write_tables(
    version: str, generator: str | None, seed: str | None, *, cells: Mapping[int, Sequence[int]], hours: Sequence[int]
) -> str:
    """Return the document of a table made of these counts; a bucket that saw no login is like its nearest neighbour.

    Raises BadTable if no login was counted.
    """
    filled = [bucket for bucket in range(1, BUCKETS + 1) if any(cells.get(bucket, ()))]
    if not filled:
        raise BadTable("nobody has a second learnt login: there is nothing to count")
    nearest = {
        bucket: min(filled, key=lambda other: (abs(other - bucket), other)) for bucket in range(1, BUCKETS + 1)
    }  # fmt: skip
    document: dict[str, Json] = {
        "version": version, "generator": generator, "seed": seed,
        "D": {str(bucket): rounded(cells[nearest[bucket]]) for bucket in nearest},
        "hours": rounded(hours if any(hours) else [1] * 24),
        "A": {"net": list(ATTACK_NET), "agent": list(ATTACK_AGENT), "dev": list(ATTACK_DEV)},
    }  # fmt: skip
    return json.dumps(document, indent=1) + "\n"


def rounded(counts: Iterable[int]) -> list[float]:
    """Return shares of six decimals that add up to one: what rounding loses goes to the largest remainders."""
    numbers = list(counts)
    total = sum(numbers)
    millionths = [number * 1_000_000 // total for number in numbers]
    remainders = sorted(range(len(numbers)), key=lambda index: (-(numbers[index] * 1_000_000 % total), index))
    for index in remainders[: 1_000_000 - sum(millionths)]:
        millionths[index] += 1
    return [each / 1_000_000 for each in millionths]
