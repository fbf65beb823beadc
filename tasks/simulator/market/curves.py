"""How prices move: for every price type the 256 levels, in thousandths of the base, that a byte of chance picks from.

A level of 0 means out of stock. Types of one family read the same bytes, so that a price, its shipping variants and its
count of offers move and vanish together.
"""

from __future__ import annotations

from math import exp
from typing import Final

from tasks.simulator.market import price_types as pt

Levels = tuple[int, ...]

# Columns of chance in a stretch of history.
NEW_BYTES: Final = 1
USED_BYTES: Final = 2
RANK_BYTES: Final = 3
REFRESH_BYTES: Final = 4
SLOW_BYTES: Final = 5
TREND: Final = 6  # one byte a column: where the whole stretch lies
COLUMNS: Final = 7


def _regimes(*, out: int, steady: int, drop: int, low: int, high: int) -> Levels:
    """Out of stock, near the base, marked down, and marked up, each for its part of the 256 bytes."""
    rise = 256 - out - steady - drop
    return (
        *([0] * out),
        *(965 + 70 * i // steady for i in range(steady)),
        *(low + (930 - low) * i // drop for i in range(drop)),
        *(1060 + (high - 1060) * i // rise for i in range(rise)),
    )


def _derive(levels: Levels, permille: int, every: int = 0, at: int = 0) -> Levels:
    """`levels` scaled; out of stock also at each `every`-th byte, beginning with `at`."""
    return tuple(0 if every and byte % every == at else level * permille // 1000 for byte, level in enumerate(levels))


def _count(levels: Levels) -> Levels:
    """How many offers there are while there is a price."""
    return tuple(level and 1000 + byte * 37 % 1500 for byte, level in enumerate(levels))


_NEW: Final = _regimes(out=8, steady=112, drop=80, low=520, high=1450)
_USED: Final = _regimes(out=4, steady=88, drop=92, low=430, high=1700)
_SLOW: Final = _regimes(out=60, steady=96, drop=60, low=600, high=1300)

LEVELS: Final[dict[int, Levels]] = {
    pt.AMAZON: _derive(_NEW, 1040, every=5, at=4),
    pt.NEW: _NEW,
    pt.USED: _USED,
    pt.SALES: tuple(round(1000 * exp((byte - 128) / 128 * 0.7)) for byte in range(256)),
    pt.LIST: tuple((1000, 1000, 1000, 1100, 950)[byte % 5] for byte in range(256)),
    pt.COLLECTIBLE: _SLOW,
    pt.REFURBISHED: _SLOW,
    pt.NEW_FBM: _derive(_NEW, 1000, every=8, at=5),
    pt.WAREHOUSE: _derive(_SLOW, 1000, every=2),
    pt.NEW_FBA: _derive(_NEW, 1080, every=4, at=2),
    pt.COUNT_NEW: _count(_NEW),
    pt.COUNT_USED: _count(_USED),
    pt.COUNT_REFURBISHED: _count(_SLOW),
    pt.COUNT_COLLECTIBLE: _count(_SLOW),
    pt.EXTRA_INFO: tuple(1000 + byte * 8 for byte in range(256)),
    pt.RATING: tuple(980 + byte // 5 for byte in range(256)),
    pt.BUY_BOX: _derive(_NEW, 1020, every=3, at=1),
    pt.USED_LIKE_NEW: _derive(_USED, 1350, every=3),
    pt.USED_VERY_GOOD: _derive(_USED, 1150, every=4, at=1),
    pt.USED_GOOD: _derive(_USED, 1000, every=16, at=3),
    pt.USED_ACCEPTABLE: _derive(_USED, 1030, every=2),
    pt.COLLECTIBLE_VERY_GOOD: _SLOW,
    pt.COLLECTIBLE_GOOD: _SLOW,
    pt.REFURBISHED_SHIPPING: _SLOW,
    pt.EBAY_NEW: _derive(_NEW, 1150),
    pt.EBAY_USED: _derive(_USED, 1100),
    pt.BUY_BOX_USED: _derive(_USED, 1000, every=5, at=2),
    pt.COUNT_NEW_FBA: _count(_derive(_NEW, 1000, every=4, at=2)),
    pt.COUNT_NEW_FBM: _count(_derive(_NEW, 1000, every=8, at=5)),
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
# Every how many changes of the product the type itself may change; a divisor of SLOTS.
HOLD: Final[dict[int, int]] = {
    **dict.fromkeys(LEVELS, 1),
    **dict.fromkeys((pt.COLLECTIBLE, pt.COLLECTIBLE_VERY_GOOD, pt.COLLECTIBLE_GOOD, pt.COUNT_COLLECTIBLE), 8),
    **dict.fromkeys((pt.REFURBISHED, pt.REFURBISHED_SHIPPING, pt.COUNT_REFURBISHED, pt.WAREHOUSE), 4),
    **dict.fromkeys((pt.EBAY_NEW, pt.EBAY_USED), 4),
    pt.COUNT_REVIEWS: 16,
    pt.RATING: 64,
    pt.LIST: 64,
}
# Types whose base does not wander from stretch to stretch.
TRENDLESS: Final = frozenset({*pt.NEVER_OUT, pt.LIST}) - {pt.SALES}
SLOTS: Final = 64  # changes in a stretch
