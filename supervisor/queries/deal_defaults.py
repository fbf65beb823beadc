"""What lists of deals show when nothing else is asked for, and which orders need one currency. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, get_args

from tasks.keepa.prices import NAMES, NOT_MONEY
from tasks.store.best_deals.candidates import Over, Sort

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.keepa.selection.selection import Selection

OVERS: Final[tuple[Over, ...]] = get_args(Over)
SORTS: Final[tuple[Sort, ...]] = get_args(Sort)
BY_MONEY: Final = frozenset({"drop", "price"})
_WEEK: Final = 1
_NEW: Final = "NEW"


def usual(wanted: Sequence[Selection]) -> tuple[list[str], Over]:
    """The price types of these selections that are prices, and the range of the first that has one."""
    types = dict.fromkeys(NAMES[one.price_type] for one in wanted if one.price_type not in NOT_MONEY)
    ranges = [int(one.query.get("dateRange", _WEEK)) for one in wanted]
    return list(types) or [_NEW], next((OVERS[at] for at in ranges if at < len(OVERS)), OVERS[_WEEK])
