"""What the deals page writes for a range without an end, as what the API documents. Pure.

The page writes -1 where nothing was entered, at either end of any range. Only the rank range is documented with an
open end; for the others the largest number serves, as the page itself writes it.
"""

from __future__ import annotations

from typing import Final

from tasks.keepa.selection.rules import LEAST_PERCENT, LEAST_PERCENT_RANK, OPEN

LARGEST: Final = 2**31 - 1
_RANK: Final = "salesRankRange"
_CURRENT: Final = "currentRange"
_PERCENT: Final = "deltaPercentRange"


def closed(name: str, ends: list[int], *, is_rank: bool) -> list[int] | None:
    """The range `name` with what is open replaced; None when both ends are and it asks for nothing.

    A difference may be below 0, so that there an upper end of -1 is open only above a lower end that is not.
    """
    low, high = ends
    if low == high == OPEN:
        return None
    if low == OPEN:
        low = {_RANK: 0, _CURRENT: 0, _PERCENT: LEAST_PERCENT_RANK if is_rank else LEAST_PERCENT}.get(name, low)
    keeps_open = name == _RANK or (name == _CURRENT and is_rank)
    if high == OPEN and low > OPEN and not keeps_open:
        high = LARGEST
    return [low, high]


def of_locale(lists: list[list[object]], domain: object) -> list[object]:
    """The categories of one locale: the page's own address keeps a list for each, at the place of its number."""
    number = int(domain) if isinstance(domain, int | str) and str(domain).isdecimal() else -1
    return lists[number] if 0 <= number < len(lists) else []
