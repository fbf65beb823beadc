"""Pure: what selections cost a day, how fresh deals are with that, and what is left for histories.

It follows the jobs: how often they look (`pacing`), where a look ends (`walk_end`), and what each tier is guaranteed.
What it is given, how many deals are new a day above all, was measured or is an estimate of one page.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import erf, floor, sqrt
from typing import TYPE_CHECKING, Final

from tasks.keepa.request import DEAL_TOKENS
from tasks.keepa.selection.rules import LAST_PAGE, PAGE_ROWS
from tasks.planning.pacing import crawl_interval_s, poll_interval_s
from tasks.planning.walk_end import OVERLAP_MIN

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY_S: Final = 86_400.0
_MINUTE_S: Final = 60.0
_DAY_MIN: Final = DAY_S / _MINUTE_S
_BUCKET_S: Final = 3_600.0  # the bucket holds what comes in so long
_ROUNDS: Final = 20  # the interval decides how many pages a walk has, and the other way round
_SURE: Final = 4.0  # deviations beyond which nothing is counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What the plan brings.

    Attributes:
        rate: tokens a tick.
        tick_s: seconds from tick to tick.
        balance: tokens in the bucket now.
        capacity: the most it holds.
    """

    rate: float
    tick_s: float
    balance: float = 0.0
    capacity: float = 0.0

    @property
    def per_day(self) -> float:
        """Tokens a day."""
        return self.rate * DAY_S / self.tick_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What limits a job on each day: its budget in tokens (None: none), and the part of the day that are its hours."""

    tokens: float | None = None
    day_part: float = 1.0

    def most(self, supply: float) -> float:
        """The most that it may spend of a day's `supply`: what comes in its hours, and a full bucket before them."""
        within = min(supply, supply * self.day_part + supply * _BUCKET_S / DAY_S) if self.day_part < 1 else supply
        return within if self.tokens is None else min(within, self.tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The settings that decide what is spent.

    Attributes:
        detail_tokens: tokens that upsert's details of one deal cost on average; 0 when it fetches none.
        history_tokens: tokens that backfill's fetch of one product costs on average.
        poll_interval_s: seconds between two looks for new deals; None for the automatic interval.
        history_max_age_d: days after which a product is fetched again; 0 for never.
        backfill_share: part of the refill that backfill is guaranteed; upsert, whose floor is lower, takes the rest.
        call_s: seconds that a call for a page takes.
        upsert: what limits upsert on each day.
        backfill: what limits backfill.
    """

    detail_tokens: float
    history_tokens: float
    backfill_share: float
    poll_interval_s: float | None = None
    history_max_age_d: float = 0.0
    call_s: float = 0.0
    upsert: Limits = Limits()
    backfill: Limits = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLoad:
    """What a selection asks for in one locale.

    Attributes:
        name: the selection and its shop.
        deals: deals that it has.
        news_per_day: deals a day that are new or changed.
        products_per_day: products a day that backfill finds for the first time and nobody has fetched.
        pending: products that wait for their history now.
    """

    name: str
    deals: float
    news_per_day: float
    products_per_day: float = 0.0
    pending: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamCost:
    """Tokens a day of one selection.

    Attributes:
        listing: pages of upsert, which looks for new deals.
        crawling: pages of backfill, which reads the whole.
        details: what upsert fetches of new and changed deals.
        histories: what backfill fetches of products.
    """

    name: str
    listing: float
    crawling: float
    details: float
    histories: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.listing + self.crawling + self.details + self.histories


@dataclass(frozen=True, slots=True, kw_only=True)
class CostPlan:
    """A day.

    Attributes:
        income: tokens that the plan brings.
        wanted: what each selection would cost if tokens were no object; products that wait are all fetched.
        spent: what each will cost with the tokens there are.
        poll_interval_s: seconds between two looks for new deals.
        details_part: part of the wanted details that there are tokens for, 0 to 1.
        histories_per_day: products a day that backfill could fetch, if so many waited.
        pending_days: days until the products that wait now are fetched; None for never.
        expires: tokens of this day that nobody wants, once the bucket is full.
        expires_in_s: seconds until the first of them do; None when none does within the day.
    """

    income: float
    wanted: tuple[StreamCost, ...]
    spent: tuple[StreamCost, ...]
    poll_interval_s: float
    details_part: float
    histories_per_day: float
    pending_days: float | None
    expires: float
    expires_in_s: float | None

    @property
    def total(self) -> float:
        """Tokens that the day costs."""
        return sum(one.total for one in self.spent)


def cost_plan(loads: Sequence[StreamLoad], rules: Rules, allowance: Allowance) -> CostPlan:
    """Reckon the next day of these selections, with these settings, on this plan."""
    interval_s = look_interval_s(loads, rules, allowance)
    steady = tuple(_wanted(load, rules, allowance, interval_s) for load in loads)
    waiting = tuple(load.pending * rules.history_tokens for load in loads)
    wanted = tuple(replace(cost, histories=cost.histories + extra) for cost, extra in zip(steady, waiting, strict=True))
    supply = allowance.per_day
    upsert, backfill = _divided(wanted, rules, supply)
    spent = _within(wanted, upsert, backfill)
    left = _backfill_room(steady, rules, supply)
    crawling = sum(one.crawling for one in wanted)
    room = max(0.0, left - min(left, crawling))
    flow = sum(one.histories for one in steady)
    details = sum(one.details for one in wanted)
    expires = max(0.0, supply - sum(one.total for one in spent) - max(0.0, allowance.capacity - allowance.balance))
    free = supply - sum(one.total for one in steady)  # once nothing waits any more, which is when the bucket fills
    return CostPlan(
        income=supply,
        wanted=wanted,
        spent=spent,
        poll_interval_s=interval_s,
        details_part=1.0 if details <= 0 else sum(one.details for one in spent) / details,
        histories_per_day=room / rules.history_tokens if rules.history_tokens else 0.0,
        pending_days=_days(sum(waiting), room - flow),
        expires=expires,
        expires_in_s=DAY_S * (1 - min(1.0, expires / free)) if expires > 0 else None,
    )


def look_interval_s(loads: Sequence[StreamLoad], rules: Rules, allowance: Allowance) -> float:
    """Return the seconds between two looks for new deals, as upsert chooses them."""
    if rules.poll_interval_s is not None:
        return rules.poll_interval_s
    count = max(1, len(loads))
    interval_s = allowance.tick_s
    for _ in range(_ROUNDS):
        pages = sum(walk_pages(load, interval_s) for load in loads) or float(count)
        interval_s = poll_interval_s(
            floor_tokens=DEAL_TOKENS * count,
            usual_tokens=DEAL_TOKENS * pages,
            rate=allowance.rate,
            tick_period_s=allowance.tick_s,
        )
    return interval_s


def walk_pages(load: StreamLoad, interval_s: float) -> float:
    """Return the pages of one walk on average: it ends on the page that reaches back to what is known.

    Deals come by chance, so a walk may have a page more than their mean number fills; with a normal approximation.
    """
    mean = load.news_per_day * (interval_s / _MINUTE_S + OVERLAP_MIN) / _DAY_MIN
    most = min(LAST_PAGE, floor(load.deals / PAGE_ROWS))
    spread = sqrt(mean)
    pages = 1.0
    for full in range(1, most + 1):
        distance = full * PAGE_ROWS - mean
        if distance > _SURE * spread:
            break
        pages += 0.5 * (1 - erf(distance / (spread * sqrt(2)))) if spread else 0.0
    return pages


def _wanted(load: StreamLoad, rules: Rules, allowance: Allowance, interval_s: float) -> StreamCost:
    pages = walk_pages(load, interval_s)
    walks = DAY_S / (interval_s + pages * rules.call_s)
    crawl_pages = floor(load.deals / PAGE_ROWS) + 1
    crawl_s = crawl_interval_s(
        tokens=(load.deals / PAGE_ROWS + 1) * DEAL_TOKENS, rate=allowance.rate, tick_period_s=allowance.tick_s
    )
    renewed = load.deals / rules.history_max_age_d if rules.history_max_age_d else 0.0
    return StreamCost(
        name=load.name,
        listing=walks * pages * DEAL_TOKENS * rules.upsert.day_part,
        crawling=crawl_pages * DEAL_TOKENS * DAY_S / (crawl_s + crawl_pages * rules.call_s) * rules.backfill.day_part,
        details=load.news_per_day * rules.detail_tokens,
        histories=(load.products_per_day + renewed) * rules.history_tokens,
    )


def _divided(wanted: Sequence[StreamCost], rules: Rules, supply: float) -> tuple[float, float]:
    """Return what upsert and backfill get of a day's tokens: what they want, or else what backfill is guaranteed."""
    upsert = min(sum(one.listing + one.details for one in wanted), rules.upsert.most(supply))
    backfill = min(sum(one.crawling + one.histories for one in wanted), rules.backfill.most(supply))
    if upsert + backfill <= supply:
        return upsert, backfill
    granted = min(backfill, max(rules.backfill_share * supply, supply - upsert))
    return min(upsert, supply - granted), granted


def _backfill_room(steady: Sequence[StreamCost], rules: Rules, supply: float) -> float:
    """Return what backfill could have in a day if it wanted all it can get."""
    upsert = min(sum(one.listing + one.details for one in steady), rules.upsert.most(supply))
    return min(rules.backfill.most(supply), max(rules.backfill_share * supply, supply - upsert))


def _within(wanted: Sequence[StreamCost], upsert: float, backfill: float) -> tuple[StreamCost, ...]:
    """Return what each gets: pages come before products, and what there is of these is divided as they are wanted."""
    listing, details = _shares(sum(one.listing for one in wanted), sum(one.details for one in wanted), upsert)
    crawling, histories = _shares(sum(one.crawling for one in wanted), sum(one.histories for one in wanted), backfill)
    return tuple(
        StreamCost(
            name=one.name,
            listing=one.listing * listing,
            crawling=one.crawling * crawling,
            details=one.details * details,
            histories=one.histories * histories,
        )
        for one in wanted
    )


def _shares(first: float, second: float, tokens: float) -> tuple[float, float]:
    """Return the parts of two demands that so many tokens pay for, the first one first."""
    of_first = min(1.0, tokens / first) if first else 1.0
    left = max(0.0, tokens - first)
    return of_first, min(1.0, left / second) if second else 1.0


def _days(tokens: float, per_day: float) -> float | None:
    if not tokens:
        return 0.0
    return tokens / per_day if per_day > 0 else None
