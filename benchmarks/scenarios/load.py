"""What the jobs are asked to do: deals that arrive in bursts, and products of uneven cost. Seeded, and pure."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from benchmarks.scenarios.engine import NS_PER_S
from tasks.keepa.request import DEAL_TOKENS, PRODUCT_TOKENS
from tasks.planning.pacing import poll_interval_s
from tasks.planning.walk_end import PAGE_ROWS
from tasks.simulator.bucket import TICK_PERIOD_NS

if TYPE_CHECKING:
    from collections.abc import Iterator

BURST_PART = 0.08  # of the minutes bring a burst,
BURST = 6.5  # this many times the mean; the others bring the rest
CALM = (1 - BURST_PART * BURST) / (1 - BURST_PART)
WITH_OFFERS = 0.06  # of the products are charged by pages of offers,
PAGE_TOKENS = 6  # a page,
MOST_PAGES = 10  # up to so many
TAIL = 1.1  # Pareto exponent of the number of pages: the mean over all products is about 2 tokens


@dataclass(frozen=True, kw_only=True)
class Load:
    """Upsert demand of `part` times the refill of a plan of `rate` tokens a tick, for `duration_s` of virtual time.

    `with_offers` is the part of the backfill's products that are charged by pages of offers; 0 makes all cost the same.
    """

    rate: int
    part: float
    duration_s: float
    seed: int
    with_offers: float = WITH_OFFERS

    @cached_property
    def poll_ns(self) -> int:
        """Nanoseconds between the end of one walk and the next poll, by the rule of the real job."""
        interval_s = TICK_PERIOD_NS / NS_PER_S
        for _ in range(4):  # the interval decides how many pages a walk has, and the other way round
            tokens = DEAL_TOKENS * pages(round(self._deals_in(interval_s)))
            interval_s = poll_interval_s(
                floor_tokens=DEAL_TOKENS, usual_tokens=tokens, rate=self.rate, tick_period_s=TICK_PERIOD_NS / NS_PER_S
            )
        return round(interval_s * NS_PER_S)

    @cached_property
    def deals_per_tick(self) -> float:
        """Mean number of new deals a tick, so that their pages and details come to the wanted part of the refill."""
        return self._deals_in(self.poll_ns / NS_PER_S) * TICK_PERIOD_NS / self.poll_ns

    @cached_property
    def arrivals(self) -> list[int]:
        """New deals of each tick."""
        chance = random.Random(f"deals {self.seed}")
        ticks = math.ceil(self.duration_s * NS_PER_S / TICK_PERIOD_NS) + 1
        return [self._draw(chance) for _ in range(ticks)]

    def product_costs(self) -> Iterator[int]:
        """Tokens of each product of the backfill, without end."""
        chance = random.Random(f"products {self.seed}")
        while True:
            if chance.random() >= self.with_offers:
                yield PRODUCT_TOKENS
            else:
                yield PAGE_TOKENS * min(MOST_PAGES, int(chance.paretovariate(TAIL)))

    def _deals_in(self, interval_s: float) -> float:
        tokens = self.part * self.rate * interval_s * NS_PER_S / TICK_PERIOD_NS
        per_deal = PRODUCT_TOKENS + DEAL_TOKENS / PAGE_ROWS
        return max(tokens - DEAL_TOKENS, 0.0) if tokens <= PAGE_ROWS + DEAL_TOKENS else tokens / per_deal

    def _draw(self, chance: random.Random) -> int:
        level = BURST if chance.random() < BURST_PART else CALM
        exact = self.deals_per_tick * level * chance.expovariate(1.0)
        return int(exact) + (chance.random() < exact % 1)


def pages(deals: int) -> int:
    """Pages to read for so many new deals: at least one, to see that there are none."""
    return max(1, math.ceil(deals / PAGE_ROWS))
