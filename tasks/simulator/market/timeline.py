"""When things happen to a product, and the values its prices then take.

A product's time is cut into slots; into each falls one moment at which its prices may change. Sixty-four slots are a
stretch, whose bytes of chance come from one draw, so that any part of any history is had without the part before it.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.simulator.market import curves, rng
from tasks.simulator.market import price_types as pt

if TYPE_CHECKING:
    from tasks.simulator.market.item import Item
    from tasks.simulator.market.stock import Series

_STRETCH_BYTES: Final = curves.SLOTS * curves.COLUMNS
_CACHED_STRETCHES: Final = 8_192  # 450 bytes each
_EARLY_MS: Final = 42_000  # `lastUpdate` up to 0.7 minutes in the future was recorded
_MS_PER_MINUTE: Final = 60_000
EPOCH_MINUTE: Final = 21_564_000  # Keepa minutes count from 2011-01-01 00:00 UTC
_LAG: Final = 4_400  # of 65,536: refreshes that `lastUpdate` missed (7 % of recorded rows)
_TREND_LOW: Final = 820
_TREND_SPREAD: Final = 360


class State(NamedTuple):
    """Where a product stands: all that its bodies depend on. Minutes are Keepa minutes."""

    slot: int
    anchor: int  # the newest thing known; windows end here
    last_update: int
    changes_ms: int  # server time (Unix ms) at which this ends


def minute_of(now_ms: int) -> int:
    """The Keepa minute that server time `now_ms` lies in."""
    return now_ms // _MS_PER_MINUTE - EPOCH_MINUTE


class Timeline:
    """The history of one product in one domain."""

    __slots__ = ("domain", "item", "seed")

    def __init__(self, seed: int, domain: int, item: Item) -> None:
        self.seed = seed
        self.domain = domain
        self.item = item

    def state(self, now_ms: int) -> State | None:
        """Where the product stands at server time `now_ms`; None before it was tracked."""
        item = self.item
        ahead_ms = _EARLY_MS if item.is_early else 0
        now = minute_of(now_ms + ahead_ms)
        if now < item.since:
            return None
        slot = self.slot_at(now)
        changed = max(item.since, self.slot_minute(slot))
        turn = (now - item.phase) // item.beat_min
        beat = self._beat_minute(turn)
        if beat > now:
            beat, next_beat = self._beat_minute(turn - 1), beat
        else:
            next_beat = self._beat_minute(turn + 1)
        anchor = max(changed, beat)
        lag = rng.mix(anchor, item.index)
        ends = min(next_beat, self.slot_minute(slot + 1))
        return State(
            slot,
            anchor,
            anchor - (1 + lag % 30 if lag < _LAG else 0),
            (ends + EPOCH_MINUTE) * _MS_PER_MINUTE - ahead_ms,
        )

    def slot_at(self, minute: int) -> int:
        """The slot whose change was the last by `minute`."""
        slot = (minute - self.item.phase) // self.item.slot_min
        return slot if self.slot_minute(slot) <= minute else slot - 1

    def slot_minute(self, slot: int) -> int:
        """When the change of `slot` falls."""
        item = self.item
        draw = self.stretch(slot // curves.SLOTS)[slot % curves.SLOTS]
        return item.phase + slot * item.slot_min + (draw * item.slot_min >> 8)

    def first_slot(self) -> int:
        """The slot that was current when tracking began."""
        return self.slot_at(self.item.since)

    def stretch(self, number: int) -> bytes:
        """The chance of stretch `number`, column by column."""
        return _stretch(self.seed, self.domain, self.item.index, number)

    def starts(self, first: int, last: int, hold: int) -> range:
        """The slots at which a type held for `hold` slots may change, from the one current at `first` to `last`."""
        return range(first - first % hold, last + 1, hold)

    def minutes(self, first: int, last: int, hold: int) -> list[int]:
        """The moments of `starts`, the first not before tracking began."""
        item = self.item
        phase, length = item.phase, item.slot_min
        out: list[int] = []
        for number, lowest, highest in _parts(self.starts(first, last, hold)):
            begin = phase + number * curves.SLOTS * length
            draws = self.stretch(number)
            out += [begin + at * length + (draws[at] * length >> 8) for at in range(lowest, highest, hold)]
        out[0] = max(out[0], item.since)
        return out

    def values(self, series: Series, first: int, last: int) -> list[int]:
        """The values of a type at the moments of `starts`, shipping included; -1 = out of stock."""
        hold = curves.HOLD[series.type]
        if series.type == pt.COUNT_REVIEWS:
            origin, step = self.first_slot() // hold, 1 + series.base // 64
            return [series.base + (slot // hold - origin) * step for slot in self.starts(first, last, hold)]
        shipping = series.shipping
        prices = levels(series, self.draws(curves.COLUMN[series.type], first, last, hold))
        return [price + shipping if price else -1 for price in prices]

    def draws(self, column: int, first: int, last: int, hold: int) -> list[tuple[bytes, int]]:
        """The bytes that decide the values of `starts`, cut where the trend (in thousandths) changes."""
        offset = column * curves.SLOTS
        return [
            (draws[offset + lowest : offset + highest : hold], _trend(draws, column))
            for number, lowest, highest in _parts(self.starts(first, last, hold))
            for draws in (self.stretch(number),)
        ]

    def _beat_minute(self, turn: int) -> int:
        item = self.item
        return item.phase + turn * item.beat_min + (rng.mix(turn, item.index) * item.beat_min >> 17)


def levels(series: Series, draws: list[tuple[bytes, int]]) -> list[int]:
    """The values of a type, shipping left out, for the bytes that `Timeline.draws` found; 0 = out of stock."""
    table, is_trendless = curves.LEVELS[series.type], series.type in curves.TRENDLESS
    out: list[int] = []
    for part, trend in draws:
        here = series.base * (1000 if is_trendless else trend)
        out += [here * table[byte] // 1_000_000 for byte in part]
    return out


def _parts(starts: range) -> list[tuple[int, int, int]]:
    """Slots cut at the borders of stretches: number of the stretch, first and end within it."""
    size = curves.SLOTS
    first, last = starts[0], starts[-1]
    low, high = first // size, last // size
    if low == high:
        return [(low, first % size, last % size + 1)]
    inner = [(number, 0, size) for number in range(low + 1, high)]
    return [(low, first % size, size), *inner, (high, 0, last % size + 1)]


def _trend(draws: bytes, column: int) -> int:
    return _TREND_LOW + draws[curves.TREND * curves.SLOTS + column] * _TREND_SPREAD // 255


@functools.lru_cache(maxsize=_CACHED_STRETCHES)
def _stretch(seed: int, domain: int, index: int, number: int) -> bytes:
    return rng.history(seed, domain, index, number, _STRETCH_BYTES)
