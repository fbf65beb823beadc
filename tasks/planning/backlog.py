"""Pure: products whose details are wanted, newest deal first, and a count of those there was no time or token for."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

LIMIT: Final = 5_000  # a day of details on the smallest plan is 7,200 tokens: more than this would never be reached
STALE_MIN: Final = 24 * 60  # a deal older than a day is history, and the backfill's matter


@dataclass(frozen=True, slots=True, order=True)
class BacklogItem:
    """A product, with the Keepa minute of its deal."""

    minute: int
    domain: int
    asin: str


class DetailBacklog:
    """The products whose details are to be fetched. One that was added twice counts once, with its newer deal."""

    def __init__(self) -> None:
        self._minutes: dict[tuple[int, str], int] = {}
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._minutes)

    def add(self, items: Iterable[BacklogItem]) -> None:
        """Add these; beyond the limit the oldest are dropped."""
        for item in items:
            key = (item.domain, item.asin)
            self._minutes[key] = max(item.minute, self._minutes.get(key, item.minute))
        excess = len(self._minutes) - LIMIT
        if excess > 0:
            for item in heapq.nsmallest(excess, self._items()):
                self._drop(item)

    def forget_stale(self, now_minute: int) -> None:
        """Drop what is older than a day."""
        for item in [item for item in self._items() if item.minute < now_minute - STALE_MIN]:
            self._drop(item)

    def take(self, limit: int) -> list[BacklogItem]:
        """The newest items, all of the domain of the very newest, no longer in the backlog."""
        if not self._minutes or limit < 1:
            return []
        domain = max(self._items()).domain
        newest = heapq.nlargest(limit, (item for item in self._items() if item.domain == domain))
        for item in newest:
            del self._minutes[item.domain, item.asin]
        return newest

    def _items(self) -> Iterable[BacklogItem]:
        return (BacklogItem(minute, domain, asin) for (domain, asin), minute in self._minutes.items())

    def _drop(self, item: BacklogItem) -> None:
        del self._minutes[item.domain, item.asin]
        self.dropped += 1
