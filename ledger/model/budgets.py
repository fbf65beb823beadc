"""What a tier may spend in a day, and in which hours: its budget and its window. Pure functions of a View and a time.

Days begin at 00:00 UTC and hours are those of UTC, by the clock of the server that charges: the book knows it from the
replies, so all processes and hosts mean the same day, and no machine's clock can begin one early.

A request of cost `c` is let through iff the window is open and `spent today + open leases of the tier + c <= budget`.
While the oldest request of a tier is not, the tier is barred: it counts as one that waits for nothing, so it holds up
no other tier. Its requests keep their places, and its earmark begins at zero when the bar is lifted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger.model.book import MT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.model.book import Book
    from ledger.model.entries import TierState
    from ledger.model.view import View

DAY_MS: Final = 86_400_000
MINUTE_MS: Final = 60_000
SETBACK_MS: Final = 3_600_000  # the server's clock goes back by less around midnight without another day beginning
DAY_NS: Final = DAY_MS * MT * MT
REPLAYED_NS: Final = 2 * DAY_NS  # what lies further back than this has no trace in an earmark
OPEN: Final = ""
HOURS: Final = "hours"
BUDGET: Final = "budget"


def has_rules(tier: TierState) -> bool:
    """Whether the tier has a budget or a window."""
    return tier.budget_mt > 0 or tier.opens_min != tier.closes_min


def server_ms(book: Book, at_ns: int) -> int:
    """The server's clock at that time, in Unix milliseconds; the book has had a reading."""
    return int(book.server_ms + (at_ns - book.synced_ns) // (MT * MT))


def roll(view: View, index: int, now_ns: int) -> None:
    """Begin the day of tier `index` anew if the server's has."""
    if not view.book.synced:
        return
    tier, now_ms = view.tiers[index], server_ms(view.book, now_ns)
    today = now_ms // DAY_MS
    if tier.day and today > tier.day:
        tier.day_spent_mt = 0
    if today > tier.day or tier.day * DAY_MS - now_ms > SETBACK_MS:
        tier.day = today  # of a clock that was set back it is known what was spent since, and nothing of before


def left_mt(view: View, index: int) -> int | None:
    """What tier `index` may still reserve today, in milli-tokens; None without a budget. Its day is that of now."""
    tier = view.tiers[index]
    return int(tier.budget_mt - tier.day_spent_mt - open_mt(view, index)) if tier.budget_mt else None


def open_mt(view: View, index: int) -> int:
    """What the open leases of tier `index` hold."""
    return sum(lease.cost_mt for lease in view.leases[: view.book.lease_count] if lease.tier == index)


def is_within_hours(view: View, index: int, at_ns: int) -> bool:
    """Whether the window of tier `index` is open then; before the first reading nobody knows the hour, and it is."""
    tier = view.tiers[index]
    if tier.opens_min == tier.closes_min or not view.book.synced:
        return True
    minute = server_ms(view.book, at_ns) % DAY_MS // MINUTE_MS
    if tier.opens_min < tier.closes_min:
        return bool(tier.opens_min <= minute < tier.closes_min)
    return bool(minute >= tier.opens_min or minute < tier.closes_min)


def bar(view: View, index: int, cost_mt: int, at_ns: int) -> str:
    """What keeps tier `index` from spending `cost_mt` then: `HOURS`, `BUDGET` or `OPEN`. Its day is that of then."""
    if not has_rules(view.tiers[index]):
        return OPEN
    if not is_within_hours(view, index, at_ns):
        return HOURS
    left = left_mt(view, index)
    return OPEN if left is None or cost_mt <= left else BUDGET


def charge(view: View, index: int, tokens_mt: int, now_ns: int, *, sent_ns: int = 0, charged_ms: int = 0) -> None:
    """Book what a call of tier `index` cost, sent at `sent_ns` and charged at `charged_ms` by the server's clock.

    It counts for today, unless both were before today. Without a reply nobody knows the day, and it counts for today.
    """
    roll(view, index, now_ns)
    tier, book = view.tiers[index], view.book
    tier.spent_mt += tokens_mt
    begin_ms = tier.day * DAY_MS
    is_of_before = book.synced and 0 < charged_ms < begin_ms and sent_ns > 0 and server_ms(book, sent_ns) < begin_ms
    if not is_of_before:
        tier.day_spent_mt += tokens_mt


def next_change_ns(view: View, after_ns: int) -> int | None:
    """When a day with a budget begins, or a window opens or closes, next after that; None without such rules."""
    book = view.book
    if not book.has_rules or not book.synced:
        return None
    return min(_changes(view, after_ns), default=None)


def closes_ns(view: View, index: int, after_ns: int) -> int | None:
    """When the window of tier `index` closes next after that; None if it has none."""
    tier = view.tiers[index]
    if tier.opens_min == tier.closes_min:
        return None
    return _next_ns(view.book, tier.closes_min, after_ns)


def day_ends_ns(book: Book, at_ns: int) -> int | None:
    """When the day of that time ends; None before the first reading."""
    return _next_ns(book, 0, at_ns) if book.synced else None


def hours_change_ns(view: View, index: int, after_ns: int) -> int | None:
    """When the window of tier `index` opens or closes next after that; None if it has none, or before a reading."""
    tier, book = view.tiers[index], view.book
    if tier.opens_min == tier.closes_min or not book.synced:
        return None
    return min(_next_ns(book, minute, after_ns) for minute in (tier.opens_min, tier.closes_min))


def day_begins_ns(book: Book, at_ns: int) -> int:
    """When the day of that time began."""
    return at_ns - server_ms(book, at_ns) % DAY_MS * MT * MT


def changes(view: View, since_ns: int, until_ns: int) -> Iterator[int]:
    """The times after `since_ns` and up to `until_ns` at which a rule changes, in order."""
    at_ns = next_change_ns(view, max(since_ns, until_ns - REPLAYED_NS))
    while at_ns is not None and at_ns <= until_ns:
        yield at_ns
        at_ns = next_change_ns(view, at_ns)


def open_minutes(tier: TierState) -> int | None:
    """How long the window is; None if it has none."""
    return (tier.closes_min - tier.opens_min) % (24 * 60) or None


def _changes(view: View, after_ns: int) -> Iterator[int]:
    for tier in view.tiers[: view.book.tier_count]:
        if tier.budget_mt:
            yield _next_ns(view.book, 0, after_ns)
        if tier.opens_min != tier.closes_min:
            yield _next_ns(view.book, tier.opens_min, after_ns)
            yield _next_ns(view.book, tier.closes_min, after_ns)


def _next_ns(book: Book, minute: int, after_ns: int) -> int:
    """When the server's clock shows that minute of a day, next after that time."""
    after_ms = server_ms(book, after_ns)
    wait_ms = (minute * MINUTE_MS - after_ms) % DAY_MS or DAY_MS
    return int(book.synced_ns + (after_ms + wait_ms - book.server_ms) * MT * MT)
