"""Worlds of logins to measure the risk engine on: people with their networks, devices and habits, and those who attack.

A world is made of a `Shape` and a seed, and is the same on every machine. Every person is attacked equally often by
every kind of attacker, at times inside the person's own history; attackers teach nothing.
The shapes, the seeds and what they are for: `worlds_shapes.py`. On the command line:

    python -m tests.support.worlds SHAPE SEED [--people N] [--address-and-agent] > events.jsonl
"""

import argparse
import json
import random
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from tests.support.worlds_shapes import ABROAD, AGENTS, ATTACKERS, HOME, MODELS, ORIGINS, SHAPES, TRAINING, Shape

START = datetime(2026, 1, 5, tzinfo=UTC)


@dataclass
class Device:
    """A browser on a machine: its agent moves on with its versions, its cookie stays until it is lost."""

    template: str
    kind: str
    lag: int  # days behind the newest version
    cookie: str | None = None

    def agent(self, day: int) -> str:
        """Return the User-Agent on this day."""
        age = max(0, day - self.lag)
        return self.template.format(major=118 + age // 30, minor=age // 55, safari=16 + age // 120)


@dataclass(frozen=True)
class Network:
    """A provider's network in a country."""

    asn: int
    country: str
    kind: str


@dataclass
class Person:
    """Who signs in, from where, on what, and when."""

    name: str
    home: Network
    mobile: Network
    devices: list[Device]
    address: str
    hours: list[float]
    chatty: float
    forgets: bool
    work: tuple[Network, str] | None = None
    vpn: Network | None = None
    history: list[dict[str, object]] = field(default_factory=list)


class World:
    """One world; `events` gives its logins in time order, as lines for `idp risk evaluate`."""

    def __init__(self, shape: Shape, seed: int) -> None:
        """Settle people and networks."""
        self.shape = shape
        self.dice = random.Random(f"{shape.name}/{seed}")
        self.providers: dict[str, list[Network]] = {}
        self.mobiles: dict[str, list[Network]] = {}
        self.count = 0
        self.kiosks = [(self.new_device(), self.provider(HOME)) for _ in range(shape.kiosks)]
        self.kiosk_addresses = [self.new_address(network) for _, network in self.kiosks]
        self.people = [self.person(number) for number in range(shape.people)]

    def provider(self, country: str) -> Network:
        """Pick a provider of the country; the first are much larger than the last."""
        if country not in self.providers:
            base = 10_000 + 100 * len(self.providers)
            self.providers[country] = [Network(base + i, country, "residential") for i in range(self.shape.providers)]
            self.mobiles[country] = [Network(base + 50 + i, country, "mobile") for i in range(3)]
        known = self.providers[country]
        return known[self.pick([1 / (rank + 1) ** self.shape.crowding for rank in range(len(known))])]

    def pick(self, weights: list[float]) -> int:
        """Return an index, drawn by weight."""
        sums = list(accumulate(weights))
        return min(bisect(sums, self.dice.random() * sums[-1]), len(sums) - 1)

    def chance(self, probability: float) -> bool:
        """Say whether this happens now."""
        return self.dice.random() < probability

    def new_address(self, network: Network) -> str:
        """Return an address of the network: one of few for a gateway of phones, any otherwise."""
        if network.kind == "mobile":
            return f"100.{network.asn % 250}.{self.dice.randrange(8)}.{self.dice.randrange(250)}"
        if network.kind == "residential" and self.chance(self.shape.ipv6):
            number = self.dice.randrange(1 << 24)
            return f"2a02:{network.asn:x}:{number >> 8:x}:{number & 255:x}::{self.dice.randrange(1, 1 << 16):x}"
        number = self.dice.randrange(1 << 16)
        return f"{20 + network.asn // 250 % 60}.{network.asn % 250}.{number >> 8}.{number & 255}"

    def new_device(self, kind: str | None = None) -> Device:
        """Return a device of a popular sort."""
        sorts = [each for each in AGENTS if kind is None or each[1] == kind]
        _, found, template = sorts[self.pick([each[0] for each in sorts])]
        if "{model}" in template:
            template = template.format(android=self.dice.choice((12, 13, 14)), model=self.dice.choice(MODELS))
        return Device(template, found, int(self.dice.expovariate(1 / self.shape.lag)))

    def new_cookie(self) -> str:
        """Return the identifier of a device that was never seen."""
        self.count += 1
        return f"d{self.count}"

    def person(self, number: int) -> Person:
        """Return somebody with habits."""
        country = self.dice.choice(ABROAD) if self.chance(self.shape.abroad) else HOME
        home = self.provider(country)
        devices = [self.new_device()]
        for _ in range(self.pick(list(self.shape.devices))):
            devices.append(self.new_device("mobile" if devices[0].kind == "desktop" else None))
        peak = self.dice.gauss(15, 4)
        hours = [0.15 + max(0.0, 6 - min(abs(hour - peak), 24 - abs(hour - peak))) for hour in range(24)]
        work = None
        if self.chance(0.3):
            network = Network(30_000 + self.dice.randrange(60), country, "business")
            work = (network, self.new_address(network))
        vpn = Network(60_000 + self.dice.randrange(9), country, "vpn") if self.chance(self.shape.vpn_people) else None
        return Person(
            f"u{number}", home, self.dice.choice(self.mobiles[country]), devices, self.new_address(home), hours,
            chatty=self.shape.logins * self.dice.lognormvariate(0, self.shape.spread),
            forgets=self.chance(self.shape.no_cookies), work=work, vpn=vpn,
        )  # fmt: skip

    def events(self) -> list[dict[str, object]]:
        """Return all logins in time order."""
        events: list[dict[str, object]] = []
        for person in self.people:
            events += self.owned(person)
            events += self.attacks(person)
        events.sort(key=lambda event: (str(event["t"]), str(event["id"])))
        return events

    def owned(self, person: Person) -> Iterator[dict[str, object]]:
        """Yield what the person does."""
        count = max(3, int(person.chatty))
        first = self.dice.random() * self.shape.late * self.shape.days
        days = sorted(self.dice.uniform(first, self.shape.days) for _ in range(count))
        for day in days:
            hour = self.pick(person.hours)
            network, address = self.place(person)
            device, cookie = self.machine(person, network)
            if self.shape.kiosks and self.chance(0.25):
                number = self.dice.randrange(len(self.kiosks))
                device, network = self.kiosks[number]
                address, cookie = self.kiosk_addresses[number], None
            event = self.event(person, int(day), hour, network, address)
            event |= {"ua": device.agent(int(day)), "device": cookie}
            person.history.append(event | {"_template": device.template, "_lag": device.lag})
            yield event

    def place(self, person: Person) -> tuple[Network, str]:
        """Return where the person is now."""
        shape = self.shape
        if self.chance(shape.travel):
            network = self.provider(self.dice.choice(ABROAD))
            return network, self.new_address(network)
        if person.vpn is not None and self.chance(0.5):
            return person.vpn, self.new_address(person.vpn)
        if self.chance(shape.mobile):
            return person.mobile, self.new_address(person.mobile)
        if self.chance(shape.guest):
            network = self.provider(person.home.country)
            return network, self.new_address(network)
        if person.work is not None and self.chance(0.4):
            return person.work
        if self.chance(shape.new_address):
            person.address = self.new_address(person.home)
        return person.home, person.address

    def machine(self, person: Person, network: Network) -> tuple[Device, str | None]:
        """Return what the person uses now, and the cookie it ends up with: a known one only if it was kept."""
        if self.chance(self.shape.borrowed):
            return self.new_device(), self.new_cookie()
        index = self.pick([0.7**rank for rank in range(len(person.devices))])
        if network.kind == "mobile":
            index = next((i for i, each in enumerate(person.devices) if each.kind == "mobile"), index)
        if self.chance(self.shape.replaced):
            person.devices[index] = self.new_device(person.devices[index].kind)
        device = person.devices[index]
        if device.cookie is None or person.forgets or self.chance(self.shape.lost_cookie):
            device.cookie = self.new_cookie()
        return device, device.cookie

    def event(self, person: Person, day: int, hour: int, network: Network, address: str) -> dict[str, object]:
        """Return what is common to logins of owners and attackers."""
        at = START + timedelta(days=day, hours=hour, seconds=self.dice.randrange(3600))
        self.count += 1
        return {
            "t": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "user": person.name, "ip": address, "asn": network.asn,
            "country": network.country, "net_kind": network.kind, "ua": "", "device": None, "hour": hour, "learn": True,
            "label": None, "id": f"e{self.count}",
        }  # fmt: skip

    def attacks(self, person: Person) -> Iterator[dict[str, object]]:
        """Yield one attempt of each attacker, after the person's second login and before the last."""
        times = sorted(str(event["t"]) for event in person.history)
        low, high = (self.day_of(times[1]), self.day_of(times[-1]))
        for label in ATTACKERS:
            day = self.dice.uniform(low, high)
            at = START + timedelta(days=day)
            known = [event for event in person.history if str(event["t"]) < at.strftime("%Y-%m-%dT%H:%M:%SZ")]
            event = self.attack(person, label, int(day), at.hour, known or person.history[:1])
            stamp = START + timedelta(days=day)
            yield event | {"t": stamp.strftime("%Y-%m-%dT%H:%M:%SZ"), "label": label, "learn": False}

    @staticmethod
    def day_of(stamp: str) -> float:
        """Return the days since the start."""
        return (datetime.fromisoformat(stamp) - START) / timedelta(days=1)

    def attack(
        self, person: Person, label: str, day: int, hour: int, known: list[dict[str, object]]
    ) -> dict[str, object]:
        """Return the attempt of one attacker, who may know some login of the person's."""
        victim = self.dice.choice(known)
        network = self.origin(person, label)
        if label.startswith("E-"):
            hour = self.pick(person.hours)
        event = self.event(person, day, hour, network, self.new_address(network))
        if label in ("P-naive", "P-vpn"):
            return event | {"ua": self.new_device().agent(day)}
        device = Device(str(victim["_template"]), "", int(str(victim["_lag"])))
        if label == "P-targeted":
            return event | {"ua": (device if self.chance(self.shape.agent_guess) else self.new_device()).agent(day)}
        if label == "E-targeted":
            return event | {"ua": replace(device, lag=int(self.dice.expovariate(1 / self.shape.lag))).agent(day)}
        newest = known[-1]
        cookie = newest["device"] if label == "E-cookie" else None
        return event | {"ua": newest["ua"], "device": cookie}

    def origin(self, person: Person, label: str) -> Network:
        """Return the network an attacker comes from."""
        if label in ("E-very", "E-cookie") or (label == "E-targeted" and self.chance(self.shape.close_guess)):
            return person.home
        if label == "P-naive":
            country = self.dice.choice(ORIGINS)
            kind = "hosting" if self.chance(0.4) else "residential"
            return self.provider(country) if kind == "residential" else self.hosting(country)
        if label == "P-vpn":
            return (
                self.hosting(person.home.country, "vpn")
                if self.chance(self.shape.hidden)
                else self.provider(person.home.country)
            )
        if label == "P-targeted" and self.chance(self.shape.provider_guess):
            return person.home
        return self.provider(person.home.country)

    def hosting(self, country: str, kind: str = "hosting") -> Network:
        """Return a data centre in the country."""
        return Network((50_000 if kind == "hosting" else 60_000) + self.dice.randrange(40), country, kind)


def training() -> list[str]:
    """Return the worlds that the shipped table is made of, one after the other, people named apart."""
    events: list[dict[str, object]] = []
    for shape, seed in TRAINING:
        events += [event | {"user": f"{shape.name}/{event['user']}"} for event in World(shape, seed).events()]
    events.sort(key=lambda event: (str(event["t"]), str(event["user"]), str(event["id"])))
    return [json.dumps(event) for event in events if event["learn"]]


def world(shape: Shape, seed: int, *, all_signals: bool = True) -> list[str]:
    """Return a world as lines of JSON; without all signals only address and agent are left."""
    less: dict[str, object] = {} if all_signals else {"device": None, "hour": None, "net_kind": None}
    return [json.dumps(event | less) for event in World(shape, seed).events()]


def main() -> None:
    """Print a world."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shape", choices=[shape.name for shape in SHAPES])
    parser.add_argument("seed", type=int)
    parser.add_argument("--people", type=int, help="instead of the shape's own number")
    parser.add_argument("--address-and-agent", action="store_true", help="leave the other signals out")
    options = parser.parse_args()
    shape = next(shape for shape in SHAPES if shape.name == options.shape)
    if options.people:
        shape = replace(shape, people=options.people)
    print("\n".join(world(shape, options.seed, all_signals=not options.address_and_agent)))


if __name__ == "__main__":
    main()
