"""Pure: what selections cost a day, how fresh deals are with that, and what is left for histories.

It follows the jobs: how often they look (`pacing`), where a look ends (`walk_end`), and what each tier is guaranteed.
What it is given, how many deals are new a day above all, was measured or is an estimate of one page.
"""

from __future__ import annotations

from dataclasses import replace
from math import erf, floor, sqrt
from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.keepa.request import DEAL_TOKENS
from tasks.keepa.selection.rules import LAST_PAGE, PAGE_ROWS
from tasks.planning.cost_values import DAY_S, CostPlan, Limits, OtherCost, StreamCost
from tasks.planning.pacing import crawl_interval_s, poll_interval_s, times_a_day
from tasks.planning.time_left import spent_in_s
from tasks.planning.walk_end import OVERLAP_MIN
from tasks.roles import BACKFILL, UPSERT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.planning.cost_values import Allowance, OtherKind, OtherLoad, Rules, StreamLoad
    from tasks.roles import Role

_PAYS: Final[dict[OtherKind, Role]] = {"list": UPSERT, "source": BACKFILL}

_MINUTE_S: Final = 60.0
_DAY_MIN: Final = DAY_S / _MINUTE_S
_ROUNDS: Final = 20  # the interval decides how many pages a walk has, and the other way round
_ROUNDING: Final = 1e-12
_SURE: Final = 4.0  # deviations beyond which nothing is counted


def cost_plan(
    loads: Sequence[StreamLoad], rules: Rules, allowance: Allowance, others: Sequence[OtherLoad] = ()
) -> CostPlan:
    """Reckon the next day of these selections, lists and sources, with these settings, on this plan."""
    interval_s = look_interval_s(loads, rules, allowance)
    steady = tuple(_wanted(load, rules, allowance, interval_s, len(loads)) for load in loads)
    waiting = tuple(load.pending * rules.history_tokens for load in loads)
    wanted = tuple(replace(cost, histories=cost.histories + extra) for cost, extra in zip(steady, waiting, strict=True))
    asked = tuple(_other(one, rules) for one in others)
    supply = allowance.per_day
    demand, flow = (
        _demand(wanted, asked),
        _demand(steady, tuple(_other(replace(one, waiting=0), rules) for one in others)),
    )
    upsert, backfill = _divided(demand, rules, supply)
    parts: dict[Role, tuple[float, float]] = {
        UPSERT: _shares(*demand[UPSERT], upsert),
        BACKFILL: _shares(*demand[BACKFILL], backfill),
    }
    spent = _within(wanted, parts)
    spent_by_others = tuple(_other_within(one, parts[_PAYS[one.kind]]) for one in asked)
    room = max(0.0, _backfill_room(flow, rules, supply) - demand[BACKFILL].pages)
    queued = sum(waiting) + sum(one.waiting for one in others if one.kind == "source")
    details = sum(one.details for one in wanted)
    total = sum(one.total for one in spent) + sum(one.total for one in spent_by_others)
    expires = max(0.0, supply - total - max(0.0, allowance.capacity - allowance.balance))
    free = supply - sum(one.pages + one.products for one in flow.values())  # once nothing waits: the bucket fills then
    return CostPlan(
        income=supply,
        wanted=wanted,
        spent=spent,
        others_wanted=asked,
        others=spent_by_others,
        withheld={
            UPSERT: max(0.0, demand[UPSERT].tokens - rules.upsert.most(supply)),
            BACKFILL: max(0.0, demand[BACKFILL].tokens - rules.backfill.most(supply)),
        },
        poll_interval_s=interval_s,
        details_part=1.0 if details <= 0 else sum(one.details for one in spent) / details,
        histories_per_day=room / rules.history_tokens if rules.history_tokens else 0.0,
        pending_days=_days(queued, flow, rules, supply),
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
            budget=rules.upsert.tokens,
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


def _wanted(load: StreamLoad, rules: Rules, allowance: Allowance, interval_s: float, selections: int) -> StreamCost:
    pages = walk_pages(load, interval_s)
    walks = times_a_day(interval_s + pages * rules.call_s, rules.upsert.day_part)
    crawl_pages = floor(load.deals / PAGE_ROWS) + 1
    crawl_s = crawl_interval_s(
        tokens=(load.deals / PAGE_ROWS + 1) * DEAL_TOKENS,
        rate=allowance.rate,
        tick_period_s=allowance.tick_s,
        budget=rules.backfill.tokens,
        selections=selections,
    )
    crawls = times_a_day(crawl_s + crawl_pages * rules.call_s, rules.backfill.day_part)
    renewed = load.deals / rules.history_max_age_d if rules.history_max_age_d else 0.0
    return StreamCost(
        name=load.name,
        listing=walks * pages * DEAL_TOKENS,
        crawling=crawls * crawl_pages * DEAL_TOKENS,
        details=load.news_per_day * rules.detail_tokens,
        histories=(load.products_per_day + renewed) * rules.history_tokens,
    )


class _Demand(NamedTuple):
    """What a job wants of a day: tokens for pages, which come first, and for products."""

    pages: float
    products: float

    @property
    def tokens(self) -> float:
        """Both."""
        return self.pages + self.products


def _other(load: OtherLoad, rules: Rules) -> OtherCost:
    """Return what a list or source wants; backfill asks in its hours alone, and no less for them what is rarely due."""
    asking = load.reading * times_a_day(load.refresh_s, rules.backfill.day_part) if load.refresh_s else 0.0
    return OtherCost(name=load.name, kind=load.kind, asking=asking, products=load.fetching + load.waiting)


def _demand(streams: Sequence[StreamCost], others: Sequence[OtherCost]) -> dict[Role, _Demand]:
    lists, sources = ([one for one in others if one.kind == kind] for kind in ("list", "source"))
    return {
        UPSERT: _Demand(
            sum(one.listing for one in streams),
            sum(one.details for one in streams) + sum(one.products for one in lists),
        ),
        BACKFILL: _Demand(
            sum(one.crawling for one in streams) + sum(one.asking for one in sources),
            sum(one.histories for one in streams) + sum(one.products for one in sources),
        ),
    }


def _divided(demand: dict[Role, _Demand], rules: Rules, supply: float) -> tuple[float, float]:
    """Return what upsert and backfill get of a day's tokens: what they want, or else what backfill is guaranteed."""
    upsert = min(demand[UPSERT].tokens, rules.upsert.most(supply))
    backfill = min(demand[BACKFILL].tokens, rules.backfill.most(supply))
    if upsert + backfill <= supply:
        return upsert, backfill
    granted = min(backfill, max(rules.backfill_share * supply, supply - upsert))
    return min(upsert, supply - granted), granted


def _backfill_room(steady: dict[Role, _Demand], rules: Rules, supply: float) -> float:
    """Return what backfill could have in a day if it wanted all it can get."""
    upsert = min(steady[UPSERT].tokens, rules.upsert.most(supply))
    return min(rules.backfill.most(supply), max(rules.backfill_share * supply, supply - upsert))


def _within(wanted: Sequence[StreamCost], parts: dict[Role, tuple[float, float]]) -> tuple[StreamCost, ...]:
    """Return what each selection gets: pages come before products, and what there is of these is divided as wanted."""
    (listing, details), (crawling, histories) = parts[UPSERT], parts[BACKFILL]
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


def _other_within(wanted: OtherCost, parts: tuple[float, float]) -> OtherCost:
    return replace(wanted, asking=wanted.asking * parts[0], products=wanted.products * parts[1])


def _shares(first: float, second: float, tokens: float) -> tuple[float, float]:
    """Return the parts of two demands that so many tokens pay for, the first one first."""
    of_first = min(1.0, tokens / first) if first else 1.0
    left = max(0.0, tokens - first)
    # Sums of the same parts differ in their last digits: what lacks no more than those is all there.
    return of_first, 1.0 if left >= second * (1 - _ROUNDING) else left / second


def _days(tokens: float, flow: dict[Role, _Demand], rules: Rules, supply: float) -> float | None:
    """Return when backfill has spent so many tokens beside what comes anyway; None for never."""
    first = flow[BACKFILL].tokens
    income = _backfill_room(flow, replace(rules, backfill=Limits()), supply)
    per_s = (income - first / rules.backfill.day_part) / DAY_S
    found = spent_in_s(tokens, per_s=per_s, others=first, limits=rules.backfill, clock_s=rules.clock_s)
    return None if found is None else found / DAY_S
