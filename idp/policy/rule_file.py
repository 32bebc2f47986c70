"""A policy file becomes a Policy: TOML, a closed schema, an unknown key is an error.

All that is wrong is found in one reading. Not here: whether the rules make sense together → lint.py.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from ipaddress import ip_network
from itertools import pairwise
from typing import TypeVar

from idp.domain.assurance import LOA1
from idp.domain.risk import BAND_STARTS, Band
from idp.policy import entry_file
from idp.policy.findings import BadPolicy, Finding, Places
from idp.policy.rules import AdviserBounds, AdviserMode, Defaults, Mode, Policy, RuleTest, Unenrolled

E = TypeVar("E", bound=StrEnum)
KEYS = frozenset(
    {"schema", "mode", "bands", "adviser", "break_glass", "defaults", "networks", "rule", "test"}
)  # fmt: skip
SCHEMA = 1
MAX_BYTES = 1 << 20
BUDGET_MS = (200, 1500)
UP_MAX = 49  # from the top of the zone that is asked about, 40, to the highest score that an adviser can cause, 89


def read(text: str, file: str = "policy.toml") -> Policy:
    """Return the policy that a file holds.

    Raises BadPolicy with all that is wrong with it.
    """
    if len(text) > MAX_BYTES:
        raise BadPolicy(file, [Finding(1, "larger than 1 MB")])
    try:
        document: Mapping[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadPolicy(file, [Finding(_line_of(error, text), f"this is not TOML: {error}")]) from error
    except RecursionError as error:
        raise BadPolicy(file, [Finding(1, "nested too deeply")]) from error
    reader = _Reader(document, Places(text))
    policy = reader.policy(digest_of(text))
    if reader.findings:
        raise BadPolicy(file, reader.findings)
    return policy


def digest_of(text: str) -> str:
    """Return the name of a policy by its text: sha256:…"""
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def _line_of(error: tomllib.TOMLDecodeError, text: str) -> int:
    _, _, rest = str(error).partition("(at line ")
    number = rest.partition(",")[0]
    return int(number) if number.isdigit() else max(1, text.count("\n"))


@dataclass(slots=True)
class _Reader:
    document: Mapping[str, object]
    places: Places
    findings: list[Finding] = field(default_factory=list)

    def policy(self, digest: str) -> Policy:
        for key in self.document.keys() - KEYS:
            self.refuse(key, f"unknown key {key!r}")
        if self.document.get("schema") != SCHEMA:
            self.refuse("schema", f"schema = {SCHEMA} is required")
        group = self.table("break_glass", {"group"}).get("group")
        if not isinstance(group, str) or not group:
            self.refuse("break_glass", 'break_glass = { group = "…" } is required')
            group = ""
        bands = self.bands()
        rules = entry_file.read_rules(self.entries("rule"), self.places, self.findings)
        tests: tuple[RuleTest, ...] = entry_file.read_tests(self.entries("test"), bands, self.places, self.findings)
        networks = self.networks()
        self.check_named_networks(networks)
        return Policy(
            group, digest, self.choice(self.document, "mode", Mode.ENFORCE), bands, self.adviser(), self.defaults(),
            networks, rules, tests,
        )  # fmt: skip

    def refuse(self, key: str, reason: str) -> None:
        self.findings.append(Finding(self.places.of_key(key), reason))

    def table(self, name: str, keys: set[str]) -> Mapping[str, object]:
        value = self.document.get(name, {})
        if not isinstance(value, dict):
            self.refuse(name, f"{name} is a table")
            return {}
        for key in value.keys() - keys if keys else ():
            self.refuse(name, f"unknown key {key!r} in {name}")
        return value

    def entries(self, name: str) -> list[Mapping[str, object]]:
        value = self.document.get(name, [])
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            self.refuse(name, f"{name} is a list of tables")
            return []
        return value

    def choice(self, table: Mapping[str, object], key: str, default: E, at: str | None = None) -> E:
        value = table.get(key, default)
        try:
            return type(default)(str(value))
        except ValueError:
            self.refuse(at or key, f"{key} is one of {', '.join(type(default))}, not {value!r}")
            return default

    def whole(self, table: Mapping[str, object], key: str, default: int, bounds: tuple[int, int]) -> int:
        value = table.get(key, default)
        if isinstance(value, int) and not isinstance(value, bool) and bounds[0] <= value <= bounds[1]:
            return value
        self.refuse(key, f"{key} is a whole number of {bounds[0]} to {bounds[1]}, not {value!r}")
        return default

    def bands(self) -> Mapping[Band, int]:
        table = self.table("bands", set(Band))
        starts = {band: self.whole(table, band.value, BAND_STARTS[band], (0, 100)) for band in Band}
        values = list(starts.values())
        if values[0] != 0 or any(low >= high for low, high in pairwise(values)):
            self.refuse("bands", "bands start at 0 and rise: low < medium < high < critical")
            return BAND_STARTS
        return starts

    def adviser(self) -> AdviserBounds:
        table = self.table("adviser", {"mode", "up_max", "budget_ms", "friction_budget"})
        usual = AdviserBounds()
        friction = table.get("friction_budget", usual.friction_budget)
        if not isinstance(friction, int | float) or isinstance(friction, bool) or not 0 <= friction <= 1:
            self.refuse("friction_budget", f"friction_budget is a share of 0 to 1, not {friction!r}")
            friction = usual.friction_budget
        budget = self.whole(table, "budget_ms", usual.budget // timedelta(milliseconds=1), BUDGET_MS)
        return AdviserBounds(
            self.choice(table, "mode", AdviserMode.RAISE_ONLY, at="adviser"),
            self.whole(table, "up_max", usual.up_max, (0, UP_MAX)),
            timedelta(milliseconds=budget),
            float(friction),
        )

    def defaults(self) -> Defaults:
        table = self.table("defaults", {"floor", "unenrolled", "on_engine_error", "deny_message"})
        for key, only in (("on_engine_error", "floor_plus_one"), ("deny_message", "generic")):
            if table.get(key, only) != only:
                self.refuse(key, f"{key} can only be {only!r}")
        floor = entry_file.acr(table.get("floor", "loa:1"))
        if floor is None:
            self.refuse("floor", f"floor is no acr: {table.get('floor')!r}")
        return Defaults(floor or LOA1, self.choice(table, "unenrolled", Unenrolled.VERIFY_EMAIL))

    def networks(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for name, ranges in self.table("networks", set()).items():
            try:
                if not isinstance(ranges, list) or not ranges:
                    raise ValueError("it needs a list of ranges")
                found[name] = tuple(str(ip_network(str(each))) for each in ranges)
            except ValueError as error:
                self.refuse(name, f"network {name!r}: {error}")
        return found

    def check_named_networks(self, networks: Mapping[str, tuple[str, ...]]) -> None:
        given = self.table("networks", set())
        for index, rule in enumerate(self.entries("rule")):
            for name in sorted(entry_file.named_networks(rule.get("when"))):
                if name not in networks and name not in given:
                    line = self.places.of_entry("rule", index, name)
                    self.findings.append(Finding(line, f"network {name!r} is not among networks", str(rule.get("id"))))
