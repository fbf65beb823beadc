"""The `stats` object: figures over the history, no new data."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from tasks.keepa.simulator import pricetype as pt
from tasks.keepa.simulator.dealrow import DAY
from tasks.keepa.simulator.windows import Window

if TYPE_CHECKING:
    from tasks.keepa.simulator.history import Track
    from tasks.keepa.simulator.productquery import StatsSpan
    from tasks.keepa.simulator.timeline import State

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
            numbers["avg" + name][kind] = window.mean(held)
            if kind not in pt.NEVER_OUT:
                numbers["outOfStockPercentage" + (name or "InInterval")][kind] = window.out_of_stock(held)
        if kind != pt.EXTRA_INFO:
            self._extremes(kind, track)

    def _windows(self) -> list[tuple[str, int, int]]:
        out = [(str(days), self._anchor - days * DAY, self._anchor) for days in _SPANS]
        return [("", self._begin, self._end), *out]

    def _extremes(self, kind: int, track: Track) -> None:
        points = [(value, at) for at, value in zip(track.minutes, track.values, strict=True) if value > 0]
        if not points:
            return
        lowest, highest = min(points), max(points, key=lambda point: (point[0], -point[1]))
        self.extremes["min"][kind], self.extremes["max"][kind] = list(lowest[::-1]), list(highest[::-1])
        inside = _inside(track, self._begin, self._end)
        self.extremes["minInInterval"][kind] = list(min(inside)[::-1]) if inside else [-1, -1]
        best = max(inside, key=lambda point: (point[0], -point[1]), default=(-1, -1))
        self.extremes["maxInInterval"][kind] = list(best[::-1])
        current = track.values[-1]
        recent = _inside(track, self._anchor - 90 * DAY, self._anchor)
        self.flags["isLowest"][kind] = current == lowest[0]
        self.flags["isLowest90"][kind] = bool(recent) and current == min(recent)[0]


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


def _inside(track: Track, begin: int, end: int) -> list[tuple[int, int]]:
    """The prices that held within an interval, dated not before it began."""
    first = max(0, bisect_right(track.minutes, begin) - 1)
    return [
        (value, max(at, begin))
        for at, value in zip(track.minutes[first:], track.values[first:], strict=True)
        if value > 0 and at <= end
    ]


def _outages(track: Track | None, since: int) -> int:
    """How often Amazon went out of stock; a lasting absence counts as one."""
    if track is None:
        return -1
    gone = sum(1 for at, value in zip(track.minutes, track.values, strict=True) if value < 0 and at > since)
    return gone or int(track.values[-1] < 0)
