"""Pure: whether one item is refused, or whatever is asked for.

The server refuses a whole request for one bad item, and smaller ones until that item stands alone: refusals in a row
with an item in common tell about that item. Refusals in a row of requests that have nothing in common tell about the
server, and giving up one item after the other would empty the queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_DIFFERENT: Final = 3  # three bad items in a row, and not one good one, are no accident
FIRST_S: Final = 30.0
LONGEST_S: Final = 300.0


class RefusalStreak:
    """Those of one endpoint since its last answer."""

    def __init__(self) -> None:
        self._suspects: frozenset[str] = frozenset()
        self.different = 0

    def refused(self, items: Iterable[str]) -> float:
        """Count a refusal of a request for `items`; seconds to wait before the next, 0 if the items are to blame."""
        asked = frozenset(items)
        common = self._suspects & asked
        if not common:
            self.different += 1
        self._suspects = common or asked
        beyond = self.different - MAX_DIFFERENT
        return 0.0 if beyond < 0 else min(LONGEST_S, FIRST_S * 2.0 ** min(beyond, 10))

    @property
    def is_general(self) -> bool:
        """Whether it is not the items."""
        return self.different >= MAX_DIFFERENT
