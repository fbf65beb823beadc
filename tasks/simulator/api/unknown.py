"""Fields that no client can know: Keepa adds fields without notice, and a client must keep what it does not know.

The names are made up. A body of May 2026 had 17 fields that the official client of the time did not list.
"""

from __future__ import annotations

from typing import Final

Json = dict[str, object]
_VALUE: Final = "fieldOfTomorrow"
_LIST: Final = "listOfTomorrow"
_OBJECT: Final = "objectOfTomorrow"
NAMES: Final = frozenset({_VALUE, _LIST, _OBJECT})


def of_deal(index: int) -> Json:
    """What a deal has."""
    return {_VALUE: index % 7, _LIST: [index % 100, -1]}


def of_product(index: int) -> Json:
    """What a product has."""
    return {_VALUE: f"n° {index % 13}", _LIST: [[7_000_000, index], [7_100_000, -1]], _OBJECT: {"a": None, "b": [1.5]}}


def of_stats(index: int) -> Json:
    """What the figures of a product have."""
    return {_VALUE: index % 5, _OBJECT: {"7": [index, -2]}}


def of_offer(number: int) -> Json:
    """What an offer has."""
    return {_VALUE: bool(number & 1), _LIST: [7_000_000, number]}
