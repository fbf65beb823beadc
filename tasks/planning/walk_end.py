"""Pure: when a walk through the pages of a selection goes on, when it is complete, and what it proves.

Pages come newest deal first (`sortType` 1), by `creationDate`; there is no order by `lastUpdate` to rely on.
A walk reads from page 0 down to what an earlier walk has seen. The watermark is the minute up to which
everything has been seen; it is inclusive, is reread by an overlap, and moves only when the walk is complete.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from tasks.keepa.selection.rules import LAST_PAGE, MAX_ROWS, PAGE_ROWS

if TYPE_CHECKING:
    from collections.abc import Sequence

# The server answers a repeated query from a cache of about two minutes, and its clock has been seen 0.7
# minutes ahead in `lastUpdate`; ten minutes cover both several times over and reread a few rows of a page
# that is read anyway.
OVERLAP_MIN: Final = 10

# The first walk has no watermark to stop at. A day of deals is what a person wants to see at once, and twenty
# pages are a third of the smallest plan's bucket; everything older is found by the backfill, which reads the
# whole selection.
FIRST_WALK_MIN: Final = 24 * 60
FIRST_WALK_PAGES: Final = 20


# How far a page's timestamp may be from the server's clock as other replies show it: a reply may have lain in the spool
# of a machine that was off, whose own clock was set meanwhile.
CLOCK_OFF_MIN: Final = 24 * 60


class PageVerdict(Enum):
    """What follows from a page just read."""

    NEXT_PAGE = auto()
    SEEN_BEFORE = auto()  # everything on later pages lies at or below the watermark
    END_OF_LIST = auto()  # there are no later pages
    LIMIT = auto()  # there may be later pages, but this walk does not read them

    @property
    def is_complete(self) -> bool:
        """Whether the walk ends here."""
        return self is not PageVerdict.NEXT_PAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFacts:
    """What a walk needs to know of a page: its number, its rows' minutes and prices as sent, the server's minute."""

    number: int
    minutes: Sequence[int]  # `creationDate` of each readable row, in Keepa minutes
    rows: int  # rows sent, the unreadable ones included
    server_minute: int
    prices: Sequence[int] = ()  # `current` of each readable row, of the selection's price type
    fingerprint: int | None = None  # what it is known again by

    @property
    def is_last(self) -> bool:
        """Whether the list ends on this page."""
        return self.rows < PAGE_ROWS and not self.is_at_limit

    @property
    def is_at_limit(self) -> bool:
        """Whether the API shows nothing after this page though there may be more: its last row is the 10,000th."""
        return self.number * PAGE_ROWS + self.rows >= MAX_ROWS


def vouched_minute(minute: int | None, expected: int) -> int:
    """The server's minute as a page has it, or the expected one where the page has none or one that cannot be true."""
    return minute if minute is not None and abs(minute - expected) <= CLOCK_OFF_MIN else expected


def known_mark(mark: int | None, server_minute: int) -> int | None:
    """The watermark, None when it lies in the future: then a first walk has to find out what has been seen."""
    return None if mark is None or mark > server_minute + OVERLAP_MIN else mark


def upsert_verdict(page: PageFacts, *, mark: int | None) -> PageVerdict:
    """How a walk for new deals goes on after `page`, given the watermark (None before the first walk)."""
    if page.is_last:
        return PageVerdict.END_OF_LIST
    if is_past(page.minutes, stop_minute(mark, page.server_minute)):
        return PageVerdict.SEEN_BEFORE
    last = LAST_PAGE if mark is not None else FIRST_WALK_PAGES - 1
    return PageVerdict.LIMIT if page.number >= last else PageVerdict.NEXT_PAGE


def stop_minute(mark: int | None, server_minute: int) -> int:
    """The minute at or below which a walk for new deals has nothing to learn."""
    if mark is None:
        return server_minute - FIRST_WALK_MIN
    return min(mark, server_minute) - OVERLAP_MIN


def is_past(minutes: Sequence[int], below: int) -> bool:
    """Whether no later page can hold a row above `below`; False for a page without a readable row.

    True when its lowest row, lifted by the page's own disorder, is at or below: the list is trusted to be sorted
    exactly as far as this page shows it to be. So a page that lies wholly at or below is always past.
    """
    if not minutes:
        return False
    return min(minutes) + disorder(minutes) <= below


def disorder(minutes: Sequence[int]) -> int:
    """The most by which a row exceeds the lowest row before it, in minutes; 0 when sorted newest first."""
    lowest, worst = minutes[0], 0
    for minute in minutes:
        worst = max(worst, minute - lowest)
        lowest = min(lowest, minute)
    return worst


def high_minute(page: PageFacts, high: int | None) -> int | None:
    """The minute a complete walk will have proven: known from page 0, never above the server's clock.

    Later pages do not raise it: what appeared above page 0 while the walk went on has not been seen.
    """
    if page.number > 0 or not page.minutes:
        return high
    newest = min(max(page.minutes), page.server_minute)
    return newest if high is None else max(high, newest)


def moved_mark(mark: int | None, high: int | None, server_minute: int) -> int | None:
    """The watermark after a complete walk: forward only, and never into the server's future."""
    known = [minute for minute in (mark, high) if minute is not None]
    return min(max(known), server_minute) if known else None
