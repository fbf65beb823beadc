"""One deal object: what `/deal` says of a product at a moment.

Laws that hold in every row, as in recorded ones: `delta` = mean - current where both are above 0, `deltaPercent` is
that in percent of the mean, `creationDate` = `currentSince` of the price type asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.simulator.market import attributes, catalog, curves, item, windows
from tasks.simulator.market import price_types as pt
from tasks.simulator.market.timeline import levels

if TYPE_CHECKING:
    from tasks.simulator.market.item import Item
    from tasks.simulator.market.market import Market
    from tasks.simulator.market.stock import Fixed, Series
    from tasks.simulator.market.timeline import State, Timeline

DAY: Final = windows.MINUTES_PER_DAY
# Means are over two days for the range of one, then over the range itself.
RANGES: Final = (2 * DAY, 7 * DAY, 31 * DAY, 90 * DAY)
# What each dateRange lets in; 4 is said to work and means everything.
SPANS: Final = (DAY, 7 * DAY, 31 * DAY, 90 * DAY, 10_000 * DAY)
_NO_DATA: Final = -2
_NOT_OFFERED: Final = -1
_PERCENT_FLOOR: Final = -1000  # the lowest recorded
_COMMENTS: Final = (
    "Small marks on the cover. All parts included.",
    "Outer box opened and taped.",
    "Light wear along the edges.",
)


class Cell(NamedTuple):
    """What a deal says of one price type."""

    current: int
    since: int
    means: list[int]
    previous: int


class Sheet:
    """The cells of one product at one state; windows of equal rhythm are shared."""

    __slots__ = ("_clocks", "_draws", "_first", "state", "timeline")

    def __init__(self, timeline: Timeline, state: State) -> None:
        self.timeline = timeline
        self.state = state
        begin = max(timeline.item.since, state.anchor - RANGES[-1])
        self._first = timeline.slot_at(begin)
        self._clocks: dict[int, tuple[list[int], list[windows.Window]]] = {}
        self._draws: dict[tuple[int, int], list[tuple[bytes, int]]] = {}

    def moving(self, series: Series) -> Cell:
        """The cell of a type that moves."""
        hold, shipping = curves.HOLD[series.type], series.shipping
        minutes, clock = self._clock(hold)
        prices = self._prices(series, hold)
        at = _last_change(prices)
        since = minutes[at] if at else self._long_since(series, hold)
        current = _total(prices[-1], shipping)
        # A count with a minus, "more than this", has no mean.
        means = windows.means(clock, prices) if prices[-1] >= 0 else [_NOT_OFFERED] * len(RANGES)
        if shipping:
            means = [_total(mean, shipping) for mean in means]
        return Cell(current, since, means, _total(prices[at - 1], shipping) if at else current)

    def is_lowest(self, series: Series) -> bool:
        """Whether a type was never cheaper within the widest window."""
        prices = self._prices(series, curves.HOLD[series.type])
        return prices[-1] > 0 and prices[-1] == min(price for price in prices if price > 0)

    def _clock(self, hold: int) -> tuple[list[int], list[windows.Window]]:
        clock = self._clocks.get(hold)
        if clock is None:
            minutes = self.timeline.minutes(self._first, self.state.slot, hold)
            clock = self._clocks[hold] = minutes, _spans(minutes, self.state.anchor)
        return clock

    def _prices(self, series: Series, hold: int) -> list[int]:
        """The values since the widest window began, without shipping, 0 = out of stock; families share the look-up."""
        if series.type == pt.COUNT_REVIEWS:
            return self.timeline.values(series, self._first, self.state.slot)
        key = curves.COLUMN[series.type], hold
        draws = self._draws.get(key)
        if draws is None:
            draws = self._draws[key] = self.timeline.draws(key[0], self._first, self.state.slot, hold)
        return levels(series, draws)

    def fixed(self, fixed: Fixed) -> Cell:
        """The cell of a type that stands still."""
        minutes, values = list(fixed.minutes), fixed.values
        means = windows.means(_spans(minutes, self.state.anchor), [max(0, value) for value in values])
        if fixed.type == pt.LIGHTNING:  # recorded rows date it from its begin
            return Cell(values[-1], minutes[0], means, values[0])
        return Cell(values[-1], minutes[-1], means, values[-1])

    def _long_since(self, series: Series, hold: int) -> int:
        """When a value older than every window began: a stretch back at a time."""
        timeline, at = self.timeline, self._first
        origin = timeline.first_slot()
        while at > origin:
            before = max(origin, at - curves.SLOTS)
            change = _last_change(timeline.values(series, before, at))
            if change:
                return timeline.slot_minute(timeline.starts(before, at, hold)[change])
            at = before
        return timeline.item.since


def _spans(minutes: list[int], anchor: int) -> list[windows.Window]:
    return [windows.Window(minutes, anchor - span, anchor) for span in RANGES]


def _total(price: int, shipping: int) -> int:
    """With shipping; 0 becomes -1, and what is negative stays."""
    return price + shipping if price > 0 else price or _NOT_OFFERED


def _last_change(values: list[int]) -> int:
    """Index at which the last value began to hold; 0 when it always did."""
    at, current = len(values) - 1, values[-1]
    while at and values[at - 1] == current:
        at -= 1
    return at


def _gaps(means: list[int], current: int) -> list[tuple[int, int]]:
    """Delta and its percentage for each mean; 0 where one of the two is no price."""
    if current <= 0:
        return [(0, 0)] * len(means)
    return [
        (mean - current, max(_PERCENT_FLOOR, windows.percent(mean - current, mean))) if mean > 0 else (0, 0)
        for mean in means
    ]


def cells(sheet: Sheet) -> dict[int, Cell]:
    """All cells of a product, by price type."""
    found = sheet.timeline.item
    out = {series.type: sheet.moving(series) for series in found.series}
    out.update({fixed.type: sheet.fixed(fixed) for fixed in found.fixed})
    return out


def gaps(kind: int, cell: Cell, around: dict[int, Cell]) -> tuple[list[tuple[int, int]], int]:
    """For each range delta and percentage, and the last delta, of one price type."""
    if kind not in pt.REFERENCED:
        last = cell.previous - cell.current if cell.previous > 0 and cell.current > 0 else 0
        return _gaps(cell.means, cell.current), last
    if kind == pt.LIGHTNING:
        return [(0, 0)] * len(RANGES), cell.previous - cell.current
    amazon, new = around.get(pt.AMAZON), around[pt.NEW]
    reference = amazon if amazon is not None and amazon.current > 0 else new
    if cell.current <= 0:
        return [(_NOT_OFFERED, _NOT_OFFERED)] * len(RANGES), _NOT_OFFERED
    out = _gaps(reference.means, cell.current)
    return out, out[2][0]


def row(market: Market, sheet: Sheet, kind: int) -> dict[str, object]:
    """The deal object for a selection of price type `kind`, keys in the server's order."""
    found, slots = sheet.timeline.item, market.scope.slots
    table = cells(sheet)
    current, since = [_NOT_OFFERED] * slots, [-1] * slots
    avg = [[_NO_DATA] * slots for _ in RANGES]
    delta = [[0] * slots for _ in RANGES]
    percent = [[0] * slots for _ in RANGES]
    last, back = [0] * slots, [False] * slots
    day_ago = sheet.state.anchor - DAY
    for at, cell in table.items():
        current[at], since[at] = cell.current, cell.since
        deltas, last[at] = gaps(at, cell, table)
        for span, (mean, (difference, share)) in enumerate(zip(cell.means, deltas, strict=True)):
            avg[span][at], delta[span][at], percent[span][at] = mean, difference, share
        back[at] = cell.previous < 0 < cell.current and cell.since > day_ago
    condition = 2 + found.draws[30] % 4 if current[pt.WAREHOUSE] > 0 else 0
    out: dict[str, object] = {
        "asin": found.asin,
        "avg": avg,
        "backInStock": back,
        "categories": categories(found),
        "creationDate": since[kind],
        "current": current,
        "currentSince": since,
        "dateIntervalIndex": 0,
        "delta": delta,
        "deltaLast": last,
        "deltaPercent": percent,
        "image": list(attributes.image(found).encode()),
        "lastUpdate": sheet.state.last_update,
        "lightningEnd": found.fixed_end(pt.LIGHTNING),
        "lightningStart": found.lightning,
    }
    parent = market.parent_asin(found)
    if parent is not None:
        out["parentAsin"] = parent
    out["rootCat"] = found.root.id if found.root is not None else catalog.UNKNOWN_ROOT_ID
    out |= rank_drops(sheet, ("180", "30", "365", "90"))
    out |= {"title": item.title(found), "warehouseCondition": condition}
    if condition and found.draws[31] & 1:
        out["warehouseConditionComment"] = _COMMENTS[found.draws[31] % len(_COMMENTS)]
    return out


def rank_drops(sheet: Sheet, days: tuple[str, ...]) -> dict[str, int]:
    """`salesRankDrops…` for each number of days, in the order asked."""
    timeline, state = sheet.timeline, sheet.state
    found = timeline.item
    firsts = [timeline.slot_at(max(found.since, state.anchor - int(n) * DAY)) for n in days]
    oldest = min(firsts)
    rank = next(series for series in found.series if series.type == pt.SALES)
    values = timeline.values(rank, oldest, state.slot)
    return {f"salesRankDrops{n}": windows.drops(values[at - oldest :]) for n, at in zip(days, firsts, strict=True)}


def categories(found: Item) -> list[int]:
    """The categories that hold the product directly: leaves, and here and there a sub-category."""
    if found.root is None:
        return []
    d, root = found.draws, found.root
    held = {root.leaf_id(d[9 + at] % len(root.subs), d[13 + at] % catalog.LEAVES) for at in range(1 + d[38] % 4)}
    if d[40] & 3 == 0:
        held.add(root.sub_id(d[9] % len(root.subs)))
    return sorted(held)
