"""Which looks at a product may change a price type: every how many, and from which on.

Each type of each product has a clock of its own, so that the types of a product change at moments of their own, as
recorded ones do: about one used price in five changes at a look, and the median of a list price is 107 days old.
"""

from __future__ import annotations

from typing import Final

from tasks.simulator.market import price_types as pt
from tasks.simulator.market import rng

LONGEST: Final = 256  # looks; a divisor of `curves.SLOTS`, as each smaller power of two is

_EACH: Final = (*(1,) * 9, 2, 2, 2, 4, 4, 16, 16)
_QUICK: Final = (2, 2, 2, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 64, 128)
_NEW: Final = (2, 2, 2, 4, 4, 8, 8, 16, 16, 32, 32, 64, 64, 128, 256, 256)
_LIVELY: Final = (2, 2, 2, 2, 2, 2, 4, 4, 4, 8, 8, 8, 16, 16, 64, 128)  # of new prices outside books
_USUAL: Final = (4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 64, 64, 64, 128, 128, 256)
_SLOW: Final = (8, 16, 16, 32, 32, 64, 64, 64, 128, 128, 128, 128, 256, 256, 256, 256)
_RARE: Final = (64, 64, 128, 128, *(256,) * 12)
# From the shares and ages in recorded deals: what part changed at the last look, and how long the rest has held.
_HOLDS: Final[dict[int, tuple[int, ...]]] = {
    pt.SALES: _EACH,
    pt.EXTRA_INFO: (1, 1, 1, 2, 2, 2, 4, 4, 4, 8, 8, 8, 32, 32, 128, 128),
    pt.NEW: _NEW,
    pt.USED: _QUICK,
    pt.USED_GOOD: (*_QUICK[2:], 128, 256),
    pt.BUY_BOX_USED: (*_QUICK[1:], 256),
    pt.USED_VERY_GOOD: _USUAL,
    pt.USED_LIKE_NEW: _SLOW,
    pt.USED_ACCEPTABLE: (*_USUAL[2:], 128, 256),
    pt.BUY_BOX: _SLOW,
    pt.NEW_FBA: _SLOW,
    pt.AMAZON: _SLOW,
    pt.EBAY_NEW: _SLOW,
    pt.EBAY_USED: _SLOW,
    pt.COUNT_REVIEWS: (4, 16, 16, 64, 64, 64, *(128,) * 4, *(256,) * 6),
}
# These change when another does, or at each so-manieth change of it: an offer that goes takes its count along.
_FOLLOWS: Final[dict[int, tuple[int, int]]] = {
    pt.COUNT_NEW: (pt.NEW, 1),
    pt.NEW_FBM: (pt.NEW, 2),
    pt.COUNT_NEW_FBA: (pt.NEW, 2),
    pt.COUNT_NEW_FBM: (pt.NEW, 2),
    pt.COUNT_USED: (pt.USED, 1),
}


BYTES: Final = 2 * 36  # of a product's draws: two for each price type
# By type: where its two bytes are, what the first picks from, and every how many changes of its leader it may change.
_OF_BOOKS: Final = tuple(
    (2 * leader, _HOLDS.get(leader, _RARE), times)
    for kind in range(36)
    for leader, times in (_FOLLOWS.get(kind, (kind, 1)),)
)
_OF_OTHERS: Final = tuple((at, _LIVELY if holds is _NEW else holds, times) for at, holds, times in _OF_BOOKS)


def clock(draws: bytes, kind: int, *, is_book: bool) -> tuple[int, int]:
    """Every how many looks type `kind` may change, and the first of them, for a product's bytes of chance."""
    at, holds, times = (_OF_BOOKS if is_book else _OF_OTHERS)[kind]
    own = holds[draws[at] & 15]
    return min(LONGEST, own * times), draws[at + 1] & (own - 1)


def sale_period(index: int) -> int:
    """Looks from one sale to the next, at which a rank falls: a power of two."""
    return 4 << (1, 1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 6, 6)[rng.mix(index, 5) & 15]
