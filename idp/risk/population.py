"""What a tenant's learnt logins taught about owners in general, on top of the shipped table.

Counts are integers by bucket and depths, so that a store can add to its rows one by one, in any order.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from idp.domain.risk import Part
from idp.risk.profile import BUCKETS, Taught
from idp.risk.shipped import AGENTS, CELLS, DEVS, NETS, Tables, cell_of

#: Bucket, and depths of network, agent and device.
Row = tuple[int, int, int, int]
#: The depths still possible, by which an engine may keep what it computed of a bucket until a login is counted there.
Kept = tuple[tuple[int, ...], tuple[int, ...], int]
#: The code of a habit, a depth, and how many of how many logins of a person matched so deep; kept likewise.
KeptHabit = tuple[str, int, int, int]
_SMOOTHING: Final = 20.0


class Population:
    """The tables of one tenant; `add` and `remove` change them."""

    def __init__(
        self, tables: Tables, rows: Mapping[Row, int] | None = None, hours: Mapping[int, int] | None = None,
        *, with_device: int = 0,
    ) -> None:  # fmt: skip
        """Start from stored rows: logins by bucket and depths, logins by hour, and how many carried a device."""
        self.tables = tables
        self.with_device = with_device
        self.rows: dict[Row, int] = {}
        self.hours = [0] * 24
        self._shipped = [tuple(tables.weight * share for share in cells) for cells in tables.cells]
        self._cells = [[0] * CELLS for _ in range(BUCKETS)]
        self._margins = [_Margins(cells) for cells in self._shipped]
        self.kept: tuple[dict[Kept, Part], ...] = tuple({} for _ in range(BUCKETS))
        self.kept_habits: tuple[dict[KeptHabit, Part], ...] = tuple({} for _ in range(BUCKETS))
        self._shipped_hours = tuple(tables.weight * share for share in tables.hours)
        for (bucket, *cell), count in (rows or {}).items():
            net, agent, dev = cell
            self._count(bucket, (net, agent, dev), count)
        for hour, count in (hours or {}).items():
            self.hours[hour] += count
        self._hours_total = sum(self.hours)
        self._hour_shares: list[float | None] = [None] * 24

    @property
    def has_devices(self) -> bool:
        """Say whether any learnt login carried a device; until then a missing one means nothing."""
        return self.with_device > 0

    def add(self, taught: Taught) -> None:
        """Count a learnt login."""
        self._change(taught, 1)

    def remove(self, taught: Taught) -> None:
        """Take a login out again."""
        self._change(taught, -1)

    def _change(self, taught: Taught, count: int) -> None:
        if taught.cell is not None:
            self._count(taught.bucket, taught.cell, count)
        if taught.hour is not None:
            self.hours[taught.hour] = max(0, self.hours[taught.hour] + count)
            self._hours_total = sum(self.hours)
            self._hour_shares = [None] * 24
        self.with_device = max(0, self.with_device + count * taught.with_device)

    def _count(self, bucket: int, cell: tuple[int, int, int], count: int) -> None:
        if not 1 <= bucket <= BUCKETS:
            return
        net, agent, dev = cell
        row = (bucket, net, agent, dev)
        count = max(count, -self.rows.get(row, 0))
        self.rows[row] = self.rows.get(row, 0) + count
        self._cells[bucket - 1][cell_of(net, agent, dev)] += count
        self._margins[bucket - 1].count(cell, count)
        self.kept[bucket - 1].clear()
        self.kept_habits[bucket - 1].clear()

    def share_of(self, bucket: int, nets: Iterable[int], agents: Iterable[int], devs: Iterable[int]) -> float:
        """Return the share of owners' logins in this bucket that have one of these depths (P_pop)."""
        margins = self._margins[bucket - 1]
        cells, shipped = self._cells[bucket - 1], self._shipped[bucket - 1]
        logins = margins.logins + self.tables.weight
        total = 0.0
        for net in nets:
            for agent in agents:
                for dev in devs:
                    independent = margins.net(net, logins) * margins.agent(agent, logins) * margins.dev(dev, logins)
                    index = (net * AGENTS + agent) * DEVS + dev
                    total += (cells[index] + shipped[index] + _SMOOTHING * independent) / (logins + _SMOOTHING)
        return total

    def net_share(self, bucket: int, depth: int) -> float:
        """Return the share of owners' logins whose network matches so deep (m_net)."""
        margins = self._margins[bucket - 1]
        return margins.net(depth, margins.logins + self.tables.weight)

    def agent_share(self, bucket: int, depth: int) -> float:
        """Return the share of owners' logins whose agent matches so deep (m_agent)."""
        margins = self._margins[bucket - 1]
        return margins.agent(depth, margins.logins + self.tables.weight)

    def dev_share(self, bucket: int, depth: int) -> float:
        """Return the share of owners' logins with or without a known device (m_dev)."""
        margins = self._margins[bucket - 1]
        return margins.dev(depth, margins.logins + self.tables.weight)

    def hour_share(self, hour: int) -> float:
        """Return the share of logins around this hour, its neighbours counting half (g)."""
        share = self._hour_shares[hour]
        if share is None:
            share = self._hour_shares[hour] = self._hour_share(hour)
        return share

    def _hour_share(self, hour: int) -> float:
        total = self._hours_total + self.tables.weight
        if total == 0:
            return 1 / 24
        before, after = (hour - 1) % 24, (hour + 1) % 24
        near = self.hours[before] + 2 * self.hours[hour] + self.hours[after]
        shipped = self._shipped_hours
        return (near + shipped[before] + 2 * shipped[hour] + shipped[after]) / 4 / total


class _Margins:
    """The sums of one bucket over two of the three kinds; integers of the tenant beside the shipped ones."""

    __slots__ = ("_agent", "_counted", "_dev", "_net", "logins")

    def __init__(self, shipped: tuple[float, ...]) -> None:
        self.logins = 0
        self._counted = ([0] * NETS, [0] * AGENTS, [0] * DEVS)
        every = [(net, agent, dev) for net in range(NETS) for agent in range(AGENTS) for dev in range(DEVS)]
        self._net, self._agent, self._dev = (
            tuple(sum(shipped[cell_of(*cell)] for cell in every if cell[kind] == depth) for depth in range(size))
            for kind, size in enumerate((NETS, AGENTS, DEVS))
        )

    def count(self, cell: tuple[int, int, int], count: int) -> None:
        self.logins += count
        for counted, depth in zip(self._counted, cell, strict=True):
            counted[depth] += count

    def net(self, depth: int, logins: int) -> float:
        return (self._counted[0][depth] + self._net[depth] + 0.5) / (logins + 2)

    def agent(self, depth: int, logins: int) -> float:
        return (self._counted[1][depth] + self._agent[depth] + 0.5) / (logins + 2.5)

    def dev(self, depth: int, logins: int) -> float:
        return (self._counted[2][depth] + self._dev[depth] + 0.5) / (logins + 1)
