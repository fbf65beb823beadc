"""The `stats` object: figures over the history, no new data."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from tasks.simulator.api.deal import DAY
from tasks.simulator.market import price_types as pt
from tasks.simulator.market.windows import Window

if TYPE_CHECKING:
    from tasks.simulator.api.history import Track
    from tasks.simulator.api.product_query import StatsSpan
    from tasks.simulator.market.price_timeline import State

Json = dict[str, object]
Extreme = list[int] | None
_SPANS: Final = (30, 90, 180, 365)


class Figures:
    """The arrays by price type, filled track by track; every type without a track keeps its empty value."""

    def __init__(self, slots: int, begin: int, end: int, anchor: int) -> None:
        self._begin, self._end, self._anchor = begin, end, anchor
        self.numbers: dict[str, list[int]] = {name: [-1] * slots for name in _number_names()}
        self.extremes: dict[str, list[Extreme]] = {
            name: [None] * slots for name in ("max", "maxInInterval", "min", "minInInterval")
        }
        self.flags: dict[str, list[bool]] = {name: [False] * slots for name in ("isLowest", "isLowest90")}

    def add(self, kind: int, track: Track) -> None:
        """Fill in the figures of one type."""
        minutes, values, numbers = track.minutes, track.values, self.numbers
        numbers["current"][kind] = values[-1]
        numbers["atIntervalStart"][kind] = _value_at(track, self._begin)
        for name, begin, end in self._windows():
            known = bisect_right(minutes, end)
            if not known:
                continue
            window, held = Window(minutes[:known], begin, end), values[:known]
            if kind != pt.EXTRA_INFO:  # recorded bodies have no mean of what the looks at the offers found
                numbers["avg" + name][kind] = window.mean(held)
            if kind not in pt.NEVER_OUT:
                numbers["outOfStockPercentage" + (name or "InInterval")][kind] = window.out_of_stock(held)
        if kind != pt.EXTRA_INFO:
            self._extremes(kind, track)

    def _windows(self) -> list[tuple[str, int, int]]:
        out = [(str(days), self._anchor - days * DAY, self._anchor) for days in _SPANS]
        return [("", self._begin, self._end), *out]

    def _extremes(self, kind: int, track: Track) -> None:
        whole = _extent(track.minutes, track.values)
        if whole is None:
            return
        inside = _extent(*_inside(track, self._begin, self._end)) or ([-1, -1], [-1, -1])
        recent = _extent(*_inside(track, self._anchor - 90 * DAY, self._anchor))
        for (low, high), suffix in ((whole, ""), (inside, "InInterval")):
            self.extremes["min" + suffix][kind], self.extremes["max" + suffix][kind] = low, high
        current = track.values[-1]
        self.flags["isLowest"][kind] = current == whole[0][1]
        self.flags["isLowest90"][kind] = recent is not None and current == recent[0][1]


def build(tracks: dict[int, Track], state: State, span: StatsSpan, slots: int) -> Json:
    """All figures that come from the history alone."""
    begin = span.begin if not span.days else state.anchor - span.days * DAY
    end = state.anchor if span.days else max(begin + 1, min(span.end, state.anchor))
    figures = Figures(slots, begin, end, state.anchor)
    for kind, track in tracks.items():
        figures.add(kind, track)
    amazon = tracks.get(pt.AMAZON)
    return {
        **figures.numbers,
        **figures.extremes,
        **figures.flags,
        "outOfStockCountAmazon30": _outages(amazon, state.anchor - 30 * DAY),
        "outOfStockCountAmazon90": _outages(amazon, state.anchor - 90 * DAY),
    }


def _number_names() -> list[str]:
    spans = ("", *map(str, _SPANS))
    return [
        "current", "atIntervalStart",
        *("avg" + span for span in spans),
        *("outOfStockPercentage" + (span or "InInterval") for span in spans),
    ]  # fmt: skip


def _value_at(track: Track, minute: int) -> int:
    at = bisect_right(track.minutes, minute) - 1
    return max(-1, track.values[at]) if at >= 0 else -1


def _inside(track: Track, begin: int, end: int) -> tuple[list[int], list[int]]:
    """What held within an interval, dated not before it began."""
    first = max(0, bisect_right(track.minutes, begin) - 1)
    last = bisect_right(track.minutes, end)
    minutes = track.minutes[first:last]
    return [max(begin, minute) for minute in minutes[:1]] + minutes[1:], track.values[first:last]


def _extent(minutes: list[int], values: list[int]) -> tuple[list[int], list[int]] | None:
    """When and how much: the first of the lowest and the first of the highest prices; None without any."""
    prices = {value for value in set(values) if value > 0}
    if not prices:
        return None
    low, high = min(prices), max(prices)
    return [minutes[values.index(low)], low], [minutes[values.index(high)], high]


def _outages(track: Track | None, since: int) -> int:
    """How often Amazon went out of stock; a lasting absence counts as one."""
    if track is None:
        return -1
    gone = sum(1 for at, value in zip(track.minutes, track.values, strict=True) if value < 0 and at > since)
    return gone or int(track.values[-1] < 0)
