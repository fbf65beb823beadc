"""When a product is looked at, and the values its prices then take.

A product's time is cut into slots; in the first half of each it is looked at once, and only then can a price change.
So many slots as `curves.SLOTS` says are a stretch, whose bytes of chance come from one draw, so that any part of any
history is had without the part before it.
"""

from __future__ import annotations

import functools
from itertools import count
from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.simulator.market import clocks, curves, rng
from tasks.simulator.market import price_types as pt

if TYPE_CHECKING:
    from tasks.simulator.market.item import Item
    from tasks.simulator.market.stock import Series

_STRETCH_BYTES: Final = (curves.SLOTS + 1) * curves.COLUMNS // 2  # of a half: its columns, and a trend for each
_CACHED_STRETCHES: Final = 4_096  # halves, 1.5 kB each
_EARLY_MS: Final = 42_000  # `lastUpdate` up to 0.7 minutes in the future was recorded
_MS_PER_MINUTE: Final = 60_000
EPOCH_MINUTE: Final = 21_564_000  # Keepa minutes count from 2011-01-01 00:00 UTC
_LAG: Final = 4_400  # of 65,536: looks that `lastUpdate` missed (7 % of recorded rows)
_TREND_LOW: Final = 820
_TREND_SPREAD: Final = 360
_NONE: Final = -(1 << 60)  # no stretch has this number
_UNCLEAR: Final = 9  # the byte at which a look at the offers told nothing (-2): 21 of 4,099 recorded ones


class State(NamedTuple):
    """Where a product stands: all that its bodies depend on. Minutes are Keepa minutes."""

    slot: int  # of the last look
    anchor: int  # the moment of the last look; windows end here
    last_update: int
    changes_ms: int  # server time (Unix ms) at which this ends


def minute_of(now_ms: int) -> int:
    """The Keepa minute that server time `now_ms` lies in."""
    return now_ms // _MS_PER_MINUTE - EPOCH_MINUTE


class Timeline:
    """The history of one product in one domain."""

    __slots__ = ("_halves", "domain", "item", "seed")

    def __init__(self, seed: int, domain: int, item: Item) -> None:
        self.seed = seed
        self.domain = domain
        self.item = item
        self._halves: list[tuple[int, bytes]] = [(_NONE, b""), (_NONE, b"")]

    def state(self, now_ms: int) -> State | None:
        """Where the product stands at server time `now_ms` when nobody has fetched it; None before it was tracked."""
        item = self.item
        ahead_ms = _EARLY_MS if item.is_early else 0
        now = minute_of(now_ms + ahead_ms)
        if now < item.since:
            return None
        slot, minute = self._last_look(now)
        anchor = max(item.since, minute)
        lag = rng.mix(anchor, item.index)
        return State(
            slot,
            anchor,
            anchor - (1 + lag % 30 if lag < _LAG else 0),
            (self.slot_minute(slot + 1) + EPOCH_MINUTE) * _MS_PER_MINUTE - ahead_ms,
        )

    def refreshed(self, state: State, minute: int) -> State:
        """Where the product stands after a look at `minute`, which sees early what the next look would have found."""
        if minute <= state.anchor:
            return state
        return State(state.slot + 1, minute, minute, state.changes_ms)

    def slot_at(self, minute: int) -> int:
        """The slot of the last look by `minute`."""
        return self._last_look(minute)[0]

    def _last_look(self, minute: int) -> tuple[int, int]:
        slot = (minute - self.item.phase) // self.item.look_min
        at = self.slot_minute(slot)
        return (slot, at) if at <= minute else (slot - 1, self.slot_minute(slot - 1))

    def clock(self, series: Series) -> tuple[int, int]:
        """Every how many looks a type may change, and the first of them."""
        return clocks.clock(self.item.clocks, series.type, is_book=self.item.is_book)

    def slot_minute(self, slot: int) -> int:
        """When the look of `slot` falls."""
        item = self.item
        draw = self.stretch(slot // curves.SLOTS, curves.LOOK_BYTES)[slot % curves.SLOTS]
        return item.phase + slot * item.look_min + (draw * item.look_min >> 9)

    def first_slot(self) -> int:
        """The slot that was current when tracking began."""
        return self.slot_at(self.item.since)

    def stretch(self, number: int, column: int) -> bytes:
        """The chance of stretch `number` for a column and those that are drawn with it, column by column."""
        half = column >= curves.HALF
        held, drawn = self._halves[half]
        if held != number:
            drawn = _stretch(self.seed, self.domain, self.item.index, number * 2 + half)
            self._halves[half] = number, drawn
        return drawn

    def minutes(self, series: Series, first: int, last: State) -> list[int]:
        """The moments of `starts`, the first not before tracking began, the last not after the last look."""
        item = self.item
        phase, length = item.phase, item.look_min
        slots = self.starts(series, first, last.slot)
        hold = slots.step
        out: list[int] = []
        for number, lowest, highest in _parts(slots):
            begin = phase + (number * curves.SLOTS + lowest) * length
            draws = self.stretch(number, curves.LOOK_BYTES)[lowest:highest:hold]
            out += [at + (draw * length >> 9) for at, draw in zip(count(begin, hold * length), draws, strict=False)]
        out[0] = max(out[0], item.since)
        out[-1] = min(out[-1], last.anchor)
        return out

    def starts(self, series: Series, first: int, last: int) -> range:
        """The slots at which a type may change, from the one current at `first` to `last`."""
        hold, offset = self.clock(series)
        return range(first - (first - offset) % hold, last + 1, hold)

    def values(self, series: Series, first: int, last: int) -> list[int]:
        """The values of a type at the moments of `starts`, shipping included; -1 = out of stock."""
        if series.type in _OWN_WAYS:
            return [value or -1 for value in self.prices(series, first, last)]
        shipping = series.shipping
        return [price + shipping if price else -1 for price in self.prices(series, first, last)]

    def prices(self, series: Series, first: int, last: int) -> list[int]:
        """The same without shipping, and 0 = out of stock."""
        slots = self.starts(series, first, last)
        way = _OWN_WAYS.get(series.type)
        if way is not None:
            return way(self, series, slots)
        column, hold, base = curves.COLUMN[series.type], slots.step, series.base
        offset = column % curves.HALF * curves.SLOTS
        table, is_trendless = curves.LEVELS[series.type], series.type in curves.TRENDLESS
        out: list[int] = []
        for number, lowest, highest in _parts(slots):
            draws = self.stretch(number, column)
            here = base * (1000 if is_trendless else _trend(draws, column))
            out += [here * table[byte] // 1_000_000 for byte in draws[offset + lowest : offset + highest : hold]]
        return out

    def ranks(self, series: Series, slots: range) -> list[int]:
        """Sales ranks: they rise from look to look and fall when something is sold; 0 = none known."""
        steps, fractions = curves.sawtooth(clocks.sale_period(self.item.index))
        hold, offset = slots.step, curves.RANK_BYTES % curves.HALF * curves.SLOTS
        out: list[int] = []
        for number, lowest, highest in _parts(slots):
            draws = self.stretch(number, curves.RANK_BYTES)
            here = series.base * _trend(draws, curves.RANK_BYTES)
            part = draws[offset + lowest : offset + highest : hold]
            made = [
                here * (step + fractions[byte]) // curves.SAWTOOTH_UNIT + 1
                for step, byte in zip(steps[lowest:highest:hold], part, strict=True)
            ]
            if is_gappy(draws) and 0 in part:
                made = [byte and rank for byte, rank in zip(part, made, strict=True)]
            out += made
        return out

    def reviews(self, series: Series, slots: range) -> list[int]:
        """Numbers of reviews, which only grow."""
        origin, step = self.first_slot(), 1 + series.base // 64
        return [series.base + max(0, slot - origin) // slots.step * step for slot in slots]

    def looks(self, series: Series, slots: range) -> list[int]:
        """How many offers each look at them found; -2 where it told nothing."""
        column, table, base = curves.REFRESH_BYTES, curves.LEVELS[pt.EXTRA_INFO], series.base
        offset = column % curves.HALF * curves.SLOTS
        return [
            -2 if byte == _UNCLEAR else base * table[byte] // 1_000
            for number, lowest, highest in _parts(slots)
            for byte in self.stretch(number, column)[offset + lowest : offset + highest : slots.step]
        ]


_OWN_WAYS: Final = {pt.SALES: Timeline.ranks, pt.COUNT_REVIEWS: Timeline.reviews, pt.EXTRA_INFO: Timeline.looks}


def _parts(slots: range) -> list[tuple[int, int, int]]:
    """Slots cut at the borders of stretches: number of the stretch, first and end within it."""
    size = curves.SLOTS
    first, last = slots[0], slots[-1]
    low, high = first // size, last // size
    if low == high:
        return [(low, first % size, last % size + 1)]
    begin = first % slots.step
    inner = [(number, begin, size) for number in range(low + 1, high)]
    return [(low, first % size, size), *inner, (high, begin, last % size + 1)]


def _trend(draws: bytes, column: int) -> int:
    return _TREND_LOW + draws[curves.HALF * curves.SLOTS + column % curves.HALF] * _TREND_SPREAD // 255


def is_gappy(draws: bytes) -> bool:
    """Whether the rank is unknown here and there within a stretch: so it is at 1 look in 500 of recorded ones."""
    return draws[curves.HALF * curves.SLOTS] & 7 == 0


@functools.lru_cache(maxsize=_CACHED_STRETCHES)
def _stretch(seed: int, domain: int, index: int, number: int) -> bytes:
    return rng.history(seed, domain, index, number, _STRETCH_BYTES)
