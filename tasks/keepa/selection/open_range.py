"""Turns what the deals page writes for a range without an end into what the API documents. Pure.

The page writes -1 where nothing was entered, at either end of any range. Only the rank range is documented with an
open end; for the others the largest number serves, as the page itself writes it.
"""

from __future__ import annotations

from typing import Final

from tasks.keepa.selection.rules import MIN_PERCENT, MIN_PERCENT_RANK, OPEN

LARGEST: Final = 2**31 - 1
_RANK: Final = "salesRankRange"
_CURRENT: Final = "currentRange"
_PERCENT: Final = "deltaPercentRange"


def closed(name: str, ends: list[int], *, is_rank: bool) -> list[int] | None:
    """Return the range `name` with its open ends replaced; None when both are open, which asks for nothing.

    A difference may be below 0: there an upper end of -1 counts as open only when the lower end is 0 or more.
    """
    low, high = ends
    if low == high == OPEN:
        return None
    if low == OPEN:
        low = {_RANK: 0, _CURRENT: 0, _PERCENT: MIN_PERCENT_RANK if is_rank else MIN_PERCENT}.get(name, low)
    keeps_open = name == _RANK or (name == _CURRENT and is_rank)
    if high == OPEN and low > OPEN and not keeps_open:
        high = LARGEST
    return [low, high]


def of_locale(lists: list[list[object]], domain: object) -> list[object]:
    """Return the categories of one locale: the page's own address has a list of lists, indexed by its number."""
    number = int(domain) if isinstance(domain, int | str) and str(domain).isdecimal() else -1
    return lists[number] if 0 <= number < len(lists) else []
