"""The price types by name, and which of them are triples."""

from __future__ import annotations

from typing import Final

AMAZON: Final = 0
NEW: Final = 1
USED: Final = 2
SALES: Final = 3
LIST: Final = 4
COLLECTIBLE: Final = 5
REFURBISHED: Final = 6
NEW_FBM: Final = 7
LIGHTNING: Final = 8
WAREHOUSE: Final = 9
NEW_FBA: Final = 10
COUNT_NEW: Final = 11
COUNT_USED: Final = 12
COUNT_REFURBISHED: Final = 13
COUNT_COLLECTIBLE: Final = 14
EXTRA_INFO: Final = 15
RATING: Final = 16
COUNT_REVIEWS: Final = 17
BUY_BOX: Final = 18
USED_LIKE_NEW: Final = 19
USED_VERY_GOOD: Final = 20
USED_GOOD: Final = 21
USED_ACCEPTABLE: Final = 22
COLLECTIBLE_VERY_GOOD: Final = 24
COLLECTIBLE_GOOD: Final = 25
REFURBISHED_SHIPPING: Final = 27
EBAY_NEW: Final = 28
EBAY_USED: Final = 29
TRADE_IN: Final = 30
RENT: Final = 31
BUY_BOX_USED: Final = 32
PRIME_EXCLUSIVE: Final = 33
COUNT_NEW_FBA: Final = 34
COUNT_NEW_FBM: Final = 35

TRIPLES: Final = frozenset({7, *range(18, 30), 32})
# What a deal can be about; lists, counts, ratings and refurbished prices are not.
DEAL_TYPES: Final = frozenset({0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 18, 19, 20, 21, 22, 32, 33})
# Their deltas are taken against the Amazon or the New price.
REFERENCED: Final = frozenset({LIGHTNING, WAREHOUSE, PRIME_EXCLUSIVE})
# A product carries these only when the request paid for them.
NEEDS_OFFERS: Final = frozenset({7, 9, 10, 15, *range(19, 28), 31, 32, 33})
NEEDS_RATING: Final = frozenset({RATING, COUNT_REVIEWS})
NEEDS_BUY_BOX: Final = frozenset({BUY_BOX})
# Every look at these is kept, also when it found what the one before had found: recorded ones repeat values.
REPEATING: Final = frozenset({EXTRA_INFO, BUY_BOX})
# Being out of stock means nothing for a rank, a count or a rating.
NEVER_OUT: Final = frozenset({3, *range(11, 18), 34, 35})
