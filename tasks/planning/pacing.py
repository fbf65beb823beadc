"""Pure: how often to look for new deals, and how many products to ask for at once."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

LISTING_PART: Final = 0.2  # of the refill: the rest is for details and history
MIN_TICKS: Final = 1.0  # polling faster than tokens arrive only spends what is kept for others
CRAWL_PART: Final = 0.05
MIN_CRAWL_TICKS: Final = 60.0
MAX_CRAWL_TICKS: Final = 1_440.0
BUDGET_LISTING_PART: Final = 0.5
BUDGET_CRAWL_PART: Final = 0.5  # of a day's budget, in all: the other half is for products
MAX_BUDGET_CRAWL_DAYS: Final = 7.0  # beyond that nobody would call the deals known
MAX_STRETCH: Final = 4.0  # a burst of deals must not put the next look off for hours
DAY_S: Final = 86_400.0
_ROUNDING: Final = 1e-9
_COUNTED_DAYS: Final = 420  # whole numbers of weeks and of most other rounds of days
SHRINK_BITS: Final = 3  # each refusal divides the batch by eight: 100, 12, 1


def poll_interval_s(
    *, floor_tokens: float, usual_tokens: float, rate: float, tick_period_s: float, budget: float | None = None
) -> float:
    """Seconds between two polls so that listing costs at most a fifth of the refill, and at least one tick.

    Of a budget it takes at most half, so that looks are spread over the day and something is left for details.

    Args:
        floor_tokens: what a poll costs at the least: one page of every selection.
        usual_tokens: what polls have cost lately; counted up to four times the least.
        rate: tokens per tick; 0 or less before the first reading.
        tick_period_s: seconds per tick.
        budget: tokens that may be spent on a day; None without a limit.
    """
    tokens = min(max(usual_tokens, floor_tokens), MAX_STRETCH * floor_tokens)
    interval_s = tick_period_s
    if rate > 0:
        interval_s = max(MIN_TICKS, tokens / (LISTING_PART * rate)) * tick_period_s
    return interval_s if not budget else max(interval_s, min(DAY_S, DAY_S * tokens / (BUDGET_LISTING_PART * budget)))


def crawl_interval_s(
    *, tokens: float, rate: float, tick_period_s: float, budget: float | None = None, selections: int = 1
) -> float:
    """Seconds between the ends of two crawls of the whole, so that crawling costs at most a twentieth of the refill.

    A crawl is what finds a deal that comes back with an old date, in the middle of the list, and what refreshes those
    that stand; never more often than every 60 ticks, and at least every 1,440. A `budget` of tokens a day, which all
    `selections` share, makes it rarer, down to once a week: half of it is for what the crawls find.
    """
    interval_s = MAX_CRAWL_TICKS * tick_period_s
    if rate > 0:
        interval_s = min(max(tokens / (CRAWL_PART * rate), MIN_CRAWL_TICKS), MAX_CRAWL_TICKS) * tick_period_s
    if budget is None:
        return interval_s
    days = tokens * selections / (BUDGET_CRAWL_PART * budget) if budget > 0 else MAX_BUDGET_CRAWL_DAYS
    return max(interval_s, min(days, MAX_BUDGET_CRAWL_DAYS) * DAY_S)


def times_a_day(every_s: float, day_part: float = 1.0) -> float:
    """How often a day what is due so long after it was last done is done, where it waits for hours of that length.

    What is due within the hours is done then, and what is due outside of them as soon as they begin. So hours make
    rare what happens several times a day, and change next to nothing of what happens once a week.
    """
    if day_part >= 1:
        return DAY_S / every_s
    opened_s = day_part * DAY_S
    done, at_s = 0.0, 0.0  # the hours begin with each day
    while at_s < _COUNTED_DAYS * DAY_S:
        left_s = opened_s - at_s % DAY_S
        # All that is due before the hours end, and the moment at which the one after the last of them is.
        times = max(1, ceil(left_s / every_s - _ROUNDING))
        done, due_s = done + times, at_s + times * every_s
        at_s = due_s if due_s % DAY_S < opened_s else (due_s // DAY_S + 1) * DAY_S
    return done * DAY_S / at_s


def fit(estimate: Callable[[int], int], *, tokens: int, max_items: int) -> int:
    """The largest number of items, up to `max_items`, that `tokens` pay for; 0 when not even one fits."""
    low, high = 0, max_items
    while low < high:
        middle = (low + high + 1) // 2
        if estimate(middle) <= tokens:
            low = middle
        else:
            high = middle - 1
    return low


def batch_size(estimate: Callable[[int], int], *, now: int, ever: int, tick_tokens: int, max_items: int) -> int:
    """How many items to reserve for: what can be had at once, or else what about one tick brings; at least 1.

    Waiting for a larger batch would save connections but not tokens, and would make everybody wait longer; a
    batch above `ever` would wait for a balance that cannot come.
    """
    size = fit(estimate, tokens=now, max_items=max_items)
    if size == 0:
        size = fit(estimate, tokens=min(max(tick_tokens, 1), max(ever, 1)), max_items=max_items)
    return max(size, 1)


def attempt_limit(attempts: int, deaths: int, max_items: int) -> int:
    """How many items of such a past go into one request: at last one alone.

    The server refuses a whole request for one bad item and does not say which, so each refusal divides by eight. A
    death is most often not an item's doing; from the second on each divides by two.
    """
    return max(1, max_items >> (SHRINK_BITS * attempts) >> max(0, deaths - 1))


def together(items: Sequence[T], past: Callable[[T], tuple[int, int]], max_items: int) -> tuple[list[T], list[T]]:
    """The items to ask for in one request, and those to put back.

    `past` tells an item's refusals and deaths. Only items with the same past go together, those with the worst first;
    one death makes no difference yet.
    """
    if not items:
        return [], []

    def weight(item: T) -> tuple[int, int]:
        attempts, deaths = past(item)
        return attempts, max(1, deaths)

    worst = max(map(weight, items))
    limit = attempt_limit(*worst, max_items)
    chosen: list[T] = []
    rest: list[T] = []
    for item in items:
        fits = weight(item) == worst and len(chosen) < limit
        (chosen if fits else rest).append(item)
    return chosen, rest
