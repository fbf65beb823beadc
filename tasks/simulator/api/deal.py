"""One deal object: what `/deal` says of a product at a moment.

Laws that hold in every row, as in recorded ones: `delta` = mean - current where both are above 0, `deltaPercent` is
that in percent of the mean, `creationDate` = `currentSince` of the price type asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.simulator.api import unknown
from tasks.simulator.market import attributes, catalog, clocks, curves, prose, rng, windows
from tasks.simulator.market import price_types as pt

if TYPE_CHECKING:
    from tasks.simulator.market.item import Item
    from tasks.simulator.market.market import Market
    from tasks.simulator.market.price_timeline import State, Timeline
    from tasks.simulator.market.stock import Fixed, Series

DAY: Final = windows.MINUTES_PER_DAY
# Means are over two days for the range of one, then over the range itself.
RANGES: Final = (2 * DAY, 7 * DAY, 31 * DAY, 90 * DAY)
# What each dateRange lets in; 4 is said to work and means everything.
SPANS: Final = (DAY, 7 * DAY, 31 * DAY, 90 * DAY, 10_000 * DAY)
_NO_DATA: Final = -2
_NOT_OFFERED: Final = -1
_RATED: Final = 23  # salt: a deal in 32 has the field, which the official client lists and no recorded row has
_BACK_EACH: Final = 12
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
    """The cells of one product at one state."""

    __slots__ = ("_first", "state", "timeline")

    def __init__(self, timeline: Timeline, state: State) -> None:
        self.timeline = timeline
        self.state = state
        begin = max(timeline.item.since, state.anchor - RANGES[-1])
        self._first = timeline.slot_at(begin)

    def moving(self, series: Series) -> Cell:
        """The cell of a type that moves."""
        shipping = series.shipping
        is_looks = series.type == pt.EXTRA_INFO
        first = max(self._first, self.state.slot - self.timeline.clock(series)[0]) if is_looks else self._first
        minutes = self.timeline.minutes(series, first, self.state)
        prices = self.timeline.prices(series, first, self.state.slot)
        # Types whose every look is kept are as old as the last look at them.
        at = len(prices) - 1 if series.type in pt.REPEATING else _last_change(prices)
        since = minutes[at] if at else self._long_since(series)
        current = _total(prices[-1], shipping)
        # Recorded bodies have no mean of what the looks at the offers found.
        means = [_NOT_OFFERED] * len(RANGES) if is_looks else windows.means(minutes, prices, self.state.anchor, RANGES)
        if shipping:
            means = [_total(mean, shipping) for mean in means]
        return Cell(current, since, means, _total(prices[at - 1], shipping) if at else current)

    def is_lowest(self, series: Series) -> bool:
        """Whether a type was never cheaper within the widest window."""
        prices = self.timeline.prices(series, self._first, self.state.slot)
        return prices[-1] > 0 and prices[-1] == min(price for price in prices if price > 0)

    def fixed(self, fixed: Fixed) -> Cell:
        """The cell of a type that stands still."""
        minutes, values = list(fixed.minutes), fixed.values
        means = windows.means(minutes, [max(0, value) for value in values], self.state.anchor, RANGES)
        if fixed.type == pt.LIGHTNING:  # recorded rows date it from its begin
            return Cell(values[-1], minutes[0], means, values[0])
        return Cell(values[-1], minutes[-1], means, values[-1])

    def _long_since(self, series: Series) -> int:
        """When a value older than every window began: a stretch back at a time."""
        timeline, at = self.timeline, self._first
        origin = timeline.first_slot()
        while at > origin:
            before = max(origin, at - curves.SLOTS)
            change = _last_change(timeline.prices(series, before, at))
            if change:
                return timeline.slot_minute(timeline.starts(series, before, at)[change])
            at = before
        return timeline.item.since


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


def gaps(kind: int, around: dict[int, Cell], anchor: int) -> tuple[list[tuple[int, int]], int]:
    """For each range delta and percentage, and what the last look changed (0 as a rule), of one price type."""
    cell = around[kind]
    if kind not in pt.REFERENCED:
        is_changed = cell.since == anchor and cell.previous > 0 and cell.current > 0
        return _gaps(cell.means, cell.current), cell.previous - cell.current if is_changed else 0
    if kind == pt.LIGHTNING:
        return [(0, 0)] * len(RANGES), cell.previous - cell.current
    amazon, new = around.get(pt.AMAZON), around[pt.NEW]
    reference = amazon if amazon is not None and amazon.current > 0 else new
    if cell.current <= 0:
        return [(_NOT_OFFERED, _NOT_OFFERED)] * len(RANGES), _NOT_OFFERED
    out = _gaps(reference.means, cell.current)
    return out, out[2][0]


def is_back(kind: int, cell: Cell, anchor: int) -> bool:
    """Whether a type counts as back in stock: it came back within a day before the last look, and is one of a few.

    Recorded rows say so of 42 of some 400 types that had just come back; by which rule is not known.
    """
    if not cell.previous < 0 < cell.current or cell.since <= anchor - DAY:
        return False
    return rng.mix(cell.since, kind) % _BACK_EACH == 0


def row(market: Market, sheet: Sheet, kind: int) -> dict[str, object]:
    """The deal object for a selection of price type `kind`, keys in the server's order."""
    found, slots = sheet.timeline.item, market.scope.slots
    table = cells(sheet)
    current, since = [_NOT_OFFERED] * slots, [-1] * slots
    avg = [[_NO_DATA] * slots for _ in RANGES]
    delta = [[0] * slots for _ in RANGES]
    percent = [[0] * slots for _ in RANGES]
    last, back = [0] * slots, [False] * slots
    anchor = sheet.state.anchor
    for at, cell in table.items():
        current[at], since[at] = cell.current, cell.since
        deltas, last[at] = gaps(at, table, anchor)
        for span, (mean, (difference, share)) in enumerate(zip(cell.means, deltas, strict=True)):
            avg[span][at], delta[span][at], percent[span][at] = mean, difference, share
        back[at] = is_back(at, cell, anchor)
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
    if market.scope.has_unknown:
        out |= unknown.of_deal(found.index)
    out |= {"title": prose.title(found), "warehouseCondition": condition}
    if condition and found.draws[31] & 1:
        out["warehouseConditionComment"] = _COMMENTS[found.draws[31] % len(_COMMENTS)]
    if rng.mix(found.index, _RATED) & 31 == 0:
        out["minRating"] = 30 + found.draws[33] % 20
    return dict(sorted(out.items()))


def rank_drops(sheet: Sheet, days: tuple[str, ...]) -> dict[str, int]:
    """`salesRankDrops…` for each number of days, in the order asked: how often something was sold since."""
    timeline, state = sheet.timeline, sheet.state
    found = timeline.item
    period = clocks.sale_period(found.index)
    sales = state.slot // period
    firsts = [timeline.slot_at(max(found.since, state.anchor - int(n) * DAY)) for n in days]
    return {f"salesRankDrops{n}": sales - at // period for n, at in zip(days, firsts, strict=True)}


def categories(found: Item) -> list[int]:
    """The categories that hold the product directly: leaves, and here and there a sub-category."""
    if found.root is None:
        return []
    d, root = found.draws, found.root
    held = {root.leaf_id(d[9 + at] % len(root.subs), d[13 + at] % catalog.LEAVES) for at in range(1 + d[38] % 4)}
    if d[40] & 3 == 0:
        held.add(root.sub_id(d[9] % len(root.subs)))
    return sorted(held)
