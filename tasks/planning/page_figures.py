"""Pure: what the first page of a selection, newest deal first, tells of the whole: how many match, how many are new."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Final

from tasks.keepa.selection.rules import MAX_ROWS, PAGE_ROWS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tasks.keepa.selection.selection import Selection

DAY_MIN: Final = 1_440


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFigures:
    """What one page tells.

    Attributes:
        matches: deals that the selection has now; None when the page does not tell.
        is_exact: whether all of them are on the page, so that `matches` is no estimate.
        news_per_day: deals a day that are new or changed; None for a page without any.
    """

    matches: int | None
    is_exact: bool
    news_per_day: float | None

    @property
    def pages(self) -> int:
        """Pages that reading the whole takes, at least one; what cannot be told counts as all that can be reached."""
        matches = MAX_ROWS if self.matches is None else self.matches
        return max(1, ceil((matches + 1) / PAGE_ROWS))


def page_figures(
    selection: Selection, minutes: Sequence[int], *, rows: int, server_minute: int, counts: Mapping[int, int]
) -> PageFigures:
    """Take the figures from page 0.

    Args:
        selection: what was asked for.
        minutes: `creation_date` of each readable row, in Keepa minutes, newest first.
        rows: rows sent, the unreadable ones included.
        server_minute: the server's time, in Keepa minutes.
        counts: deals by root category, as the page lists them; the server leaves the category filter out of account.
    """
    is_exact = rows < PAGE_ROWS
    matches = rows if is_exact else _matches(selection, rows, counts)
    return PageFigures(
        matches=matches, is_exact=is_exact, news_per_day=_news_per_day(minutes, server_minute, is_exact=is_exact)
    )


def _matches(selection: Selection, rows: int, counts: Mapping[int, int]) -> int | None:
    """Return the deals of the categories asked for; None when one is no root category: only these are counted."""
    categories = selection.split_categories(counts)
    if not counts or not set(categories) <= set(counts):
        return None
    return max(rows, sum(counts[one] for one in categories))


def _news_per_day(minutes: Sequence[int], server_minute: int, *, is_exact: bool) -> float | None:
    """Return the deals of the last day; of a page that reaches back less far, at the pace of the time it covers."""
    if not minutes:
        return 0.0 if is_exact else None
    covered = DAY_MIN if is_exact else min(DAY_MIN, max(1, server_minute - min(minutes)))
    return sum(minute > server_minute - covered for minute in minutes) * DAY_MIN / covered
