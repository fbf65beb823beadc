"""How prices move: for every price type the 256 levels, in thousandths of the base, that a byte of chance picks from.

A level of 0 means out of stock. Types of one family read the same bytes, so that a price and its count of offers move
and vanish together.
"""

from __future__ import annotations

import functools
from typing import Final

from tasks.simulator.market import price_types as pt

Levels = tuple[int, ...]

# Columns of chance in a stretch of history, drawn in halves: an index of new prices needs the first half only.
LOOK_BYTES: Final = 0
NEW_BYTES: Final = 1
RANK_BYTES: Final = 2
USED_BYTES: Final = 3
REFRESH_BYTES: Final = 4
SLOW_BYTES: Final = 5
COLUMNS: Final = 6
HALF: Final = 3  # columns; behind them one byte for each: where the whole stretch lies


def _regimes(*, out: int, steady: int, drop: int, low: int, high: int) -> Levels:
    """Out of stock, near the base, marked down, and marked up, each for its part of the 256 bytes."""
    rise = 256 - out - steady - drop
    return (
        *([0] * out),
        *(970 + 10 * (6 * i // steady) for i in range(steady)),
        *(low + (930 - low) * i // drop for i in range(drop)),
        *(1060 + (high - 1060) * i // rise for i in range(rise)),
    )


def _derive(levels: Levels, permille: int, every: int = 0, at: int = 0) -> Levels:
    """`levels` scaled; out of stock also at each `every`-th byte, beginning with `at`."""
    return tuple(0 if every and byte % every == at else level * permille // 1000 for byte, level in enumerate(levels))


_COUNTS: Final = (1000, 1000, 1000, 1500, 1000, 2500, 1000, 2000)


def _count(levels: Levels) -> Levels:
    """How many offers there are while there is a price: mostly as many as before."""
    return tuple(level and _COUNTS[byte & 7] for byte, level in enumerate(levels))


_NEW: Final = _regimes(out=14, steady=72, drop=104, low=520, high=1450)
_USED: Final = _regimes(out=5, steady=53, drop=108, low=210, high=2200)
_SLOW: Final = _regimes(out=40, steady=110, drop=60, low=600, high=1300)

LEVELS: Final[dict[int, Levels]] = {
    pt.AMAZON: _derive(_NEW, 1040, every=16, at=4),
    pt.NEW: _NEW,
    pt.USED: _USED,
    pt.LIST: tuple((1000, 1000, 1000, 1100, 950)[byte % 5] for byte in range(256)),
    pt.COLLECTIBLE: _SLOW,
    pt.REFURBISHED: _SLOW,
    pt.NEW_FBM: _derive(_NEW, 1000, every=32, at=5),
    pt.WAREHOUSE: _derive(_SLOW, 1000, every=2),
    pt.NEW_FBA: _derive(_NEW, 1080, every=8, at=2),
    pt.COUNT_NEW: _count(_NEW),
    pt.COUNT_USED: _count(_USED),
    pt.COUNT_REFURBISHED: _count(_SLOW),
    pt.COUNT_COLLECTIBLE: _count(_SLOW),
    pt.EXTRA_INFO: tuple(1000 + (byte & 7) * 8 for byte in range(256)),
    pt.RATING: tuple(980 + byte // 64 * 10 for byte in range(256)),
    pt.BUY_BOX: _derive(_NEW, 1020, every=8, at=1),
    pt.USED_LIKE_NEW: _derive(_USED, 1350, every=4),
    pt.USED_VERY_GOOD: _derive(_USED, 1150, every=6, at=1),
    pt.USED_GOOD: _derive(_USED, 1000, every=16, at=3),
    pt.USED_ACCEPTABLE: _derive(_USED, 1030, every=4),
    pt.COLLECTIBLE_VERY_GOOD: _SLOW,
    pt.COLLECTIBLE_GOOD: _SLOW,
    pt.REFURBISHED_SHIPPING: _SLOW,
    pt.EBAY_NEW: _derive(_NEW, 1150),
    pt.EBAY_USED: _derive(_USED, 1100),
    pt.BUY_BOX_USED: _derive(_USED, 1000, every=8, at=2),
    pt.PRIME_EXCLUSIVE: _derive(_NEW, 880, every=2),
    pt.COUNT_NEW_FBA: _count(_derive(_NEW, 1000, every=4, at=2)),
    pt.COUNT_NEW_FBM: _count(_derive(_NEW, 1000, every=32, at=5)),
}
COLUMN: Final[dict[int, int]] = {
    **dict.fromkeys(LEVELS, NEW_BYTES),
    **dict.fromkeys(
        (
            pt.USED, pt.COUNT_USED, pt.USED_LIKE_NEW, pt.USED_VERY_GOOD, pt.USED_GOOD, pt.USED_ACCEPTABLE,
            pt.EBAY_USED, pt.BUY_BOX_USED,
        ),
        USED_BYTES,
    ),
    **dict.fromkeys(
        (
            pt.LIST, pt.COLLECTIBLE, pt.REFURBISHED, pt.WAREHOUSE, pt.COUNT_REFURBISHED, pt.COUNT_COLLECTIBLE,
            pt.RATING, pt.COLLECTIBLE_VERY_GOOD, pt.COLLECTIBLE_GOOD, pt.REFURBISHED_SHIPPING,
        ),
        SLOW_BYTES,
    ),
    pt.SALES: RANK_BYTES,
    pt.EXTRA_INFO: REFRESH_BYTES,
}  # fmt: skip
# Types whose base does not wander from stretch to stretch.
TRENDLESS: Final = frozenset({*pt.NEVER_OUT, pt.LIST}) - {pt.SALES}
SLOTS: Final = 512  # looks in a stretch
_RANK_LOW: Final = 120_000  # millionths of the base, just after a sale
_RANK_RISE: Final = 1_700_000  # and so much more just before the next
SAWTOOTH_UNIT: Final = 1_000_000_000  # millionths, of a base in thousandths


@functools.cache
def sawtooth(period: int) -> tuple[Levels, Levels]:
    """How far a rank has risen by its place in a stretch, and the further rise by its byte, in millionths."""
    steps = tuple(_RANK_LOW + _RANK_RISE * (at % period) // period for at in range(SLOTS))
    return steps, tuple(_RANK_RISE * byte // (256 * period) for byte in range(256))
