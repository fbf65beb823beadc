"""All products of a domain by one price type, kept up to date: only what has changed is looked at again."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, NamedTuple

from tasks.simulator.api.deal import Cell, Sheet, gaps, is_back
from tasks.simulator.market import catalog
from tasks.simulator.market import price_types as pt

if TYPE_CHECKING:
    from tasks.simulator.market.market import Market
    from tasks.simulator.market.price_timeline import State, Timeline


class Facts(NamedTuple):
    """What a selection asks of a product, for one price type. Tuples run over the four date ranges."""

    product: int
    root: int
    created: int
    current: int
    is_back: bool
    means: tuple[int, ...]
    deltas: tuple[int, ...]
    percents: tuple[int, ...]
    last: int
    rank: int


class Index:
    """The facts of every product that has the price type."""

    __slots__ = ("_domain", "_due", "_facts", "_kind", "_market", "_now_ms", "version")

    def __init__(self, market: Market, domain: int, kind: int) -> None:
        self._market = market
        self._domain = domain
        self._kind = kind
        self._facts: dict[int, Facts] = {}
        self._due: list[tuple[int, int]] = []
        self._now_ms = -1
        self.version = 0

    def at(self, now_ms: int) -> list[Facts]:
        """The facts at server time `now_ms`."""
        if now_ms < self._now_ms or self._now_ms < 0:  # a clock set back: begin anew
            self._facts.clear()
            self._due = [(now_ms, index) for index in range(len(self._market))]
        self._now_ms = now_ms
        while self._due and self._due[0][0] <= now_ms:
            index = self._due[0][1]
            changes_ms = self._look(index, now_ms)
            self.version += 1
            if changes_ms is None:
                heapq.heappop(self._due)
            else:
                heapq.heapreplace(self._due, (changes_ms, index))
        return list(self._facts.values())

    def _look(self, index: int, now_ms: int) -> int | None:
        """Renew the facts of a product; when that is due again, or None for never."""
        found = self._market.item(index)
        if not any(series.type == self._kind for series in found.series):
            return None
        timeline = self._market.timeline(found, self._domain)
        state = timeline.state(now_ms)
        if state is None:
            return now_ms + 3_600_000
        self._facts[index] = _facts(Sheet(timeline, state), self._kind)
        return state.changes_ms


class Shelves:
    """The indexes asked for so far, the least used forgotten."""

    def __init__(self, market: Market, most: int = 8) -> None:
        self._market = market
        self._most = most
        self._held: dict[tuple[int, int], Index] = {}

    def index(self, domain: int, kind: int) -> Index:
        """The index of a domain and price type."""
        held = self._held.pop((domain, kind), None) or Index(self._market, domain, kind)
        self._held[domain, kind] = held
        while len(self._held) > self._most:
            del self._held[next(iter(self._held))]
        return held


def value_now(timeline: Timeline, state: State, kind: int) -> int:
    """The value of a type at a state; -1 when there is none."""
    for series in timeline.item.series:
        if series.type == kind:
            return timeline.values(series, state.slot, state.slot)[-1]
    return next((fixed.values[-1] for fixed in timeline.item.fixed if fixed.type == kind), -1)


def _facts(sheet: Sheet, kind: int) -> Facts:
    found = sheet.timeline.item
    wanted = {kind, pt.AMAZON, pt.NEW} if kind in pt.REFERENCED else {kind}
    around: dict[int, Cell] = {series.type: sheet.moving(series) for series in found.series if series.type in wanted}
    around.update({fixed.type: sheet.fixed(fixed) for fixed in found.fixed if fixed.type in wanted})
    cell = around[kind]
    pairs, last = gaps(kind, around, sheet.state.anchor)
    return Facts(
        product=found.index,
        root=found.root.id if found.root is not None else catalog.UNKNOWN_ROOT_ID,
        created=cell.since,
        current=cell.current,
        is_back=is_back(kind, cell, sheet.state.anchor),
        means=tuple(cell.means),
        deltas=tuple([delta for delta, _ in pairs]),
        percents=tuple([percent for _, percent in pairs]),
        last=last,
        rank=value_now(sheet.timeline, sheet.state, pt.SALES),
    )
