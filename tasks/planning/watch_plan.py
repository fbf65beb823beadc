"""What it takes to keep a list of products fresh: tokens, and the time of one pass on a plan. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ledger.durations import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterable

DAY_S: Final = 86_400.0
_MINUTE_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchNeed:
    """One list: how many products, tokens for each, and after how many seconds each is fetched again."""

    products: int
    tokens_each: float
    refresh_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPlan:
    """What lists cost together on a plan.

    Attributes:
        tokens: what fetching everything once costs.
        tokens_per_day: what keeping everything as fresh as asked for costs.
        refill_per_day: what the plan brings.
        pass_s: seconds that fetching everything once takes at the least, when nothing else spends.
        pass_shared_s: the same at the share that is guaranteed while others want everything.
    """

    products: int
    tokens: float
    tokens_per_day: float
    refill_per_day: float
    pass_s: float
    pass_shared_s: float

    @property
    def is_kept(self) -> bool:
        """Whether the refill pays for it when nothing else spends."""
        return self.tokens_per_day <= self.refill_per_day


def watch_plan(needs: Iterable[WatchNeed], *, rate: float, tick_s: float, share: float) -> WatchPlan:
    """Return what the lists cost on a plan.

    Args:
        needs: the lists.
        rate: tokens that each refill adds.
        tick_s: seconds between two refills.
        share: the part of the refill that the tier of the lists is guaranteed.
    """
    lists = tuple(needs)
    tokens = sum(one.products * one.tokens_each for one in lists)
    per_day = sum(one.products * one.tokens_each * DAY_S / one.refresh_s for one in lists)
    ticks = tokens / rate if rate > 0 else math.inf
    shared = ticks / share if share > 0 else math.inf
    return WatchPlan(
        products=sum(one.products for one in lists),
        tokens=tokens,
        tokens_per_day=per_day,
        refill_per_day=rate * DAY_S / tick_s,
        pass_s=ticks * tick_s,
        pass_shared_s=shared * tick_s,
    )


def describe(plan: WatchPlan, *, rate: float, tick_s: float) -> str:
    """Return the plan in a sentence, before anything is spent; each refill adds `rate` after `tick_s` seconds."""
    every = "a minute" if round(tick_s) == _MINUTE_S else f"every {tick_s:.3g} s"  # the period is measured
    words = (
        f"{plan.products:,} products for {plan.tokens:,.0f} tokens: at {rate:g} tokens {every} one pass takes "
        f"{_time(plan.pass_s)} at the least, and {_time(plan.pass_shared_s)} while others want everything"
    )
    need = f"keeping them as fresh as asked takes {plan.tokens_per_day:,.0f} tokens a day"
    if plan.is_kept:
        return f"{words}; {need}, {plan.tokens_per_day / plan.refill_per_day:.0%} of the refill"
    return (
        f"{words}; {need}, more than the {plan.refill_per_day:,.0f} of the refill: "
        "raise `refresh`, shorten the list, or take a larger plan"
    )


def on_key(tokens: float, *, per_minute: float, share: float, whose: str = "this key") -> str:
    """Return how long so many tokens take to come in with the key in force, in words.

    Args:
        tokens: what is to be fetched.
        per_minute: tokens a minute that the key brings.
        share: the part of them that the tier of the lists is guaranteed.
        whose: what the key is called.
    """
    alone = tokens * _MINUTE_S / per_minute if per_minute > 0 else math.inf
    shared = alone / share if share > 0 else math.inf
    return (
        f"on {whose} ({per_minute:,.0f} tokens a minute): {_time(alone)} at the least, "
        f"and {_time(shared)} while others want everything"
    )


def _time(seconds: float) -> str:
    return "for ever" if math.isinf(seconds) else format_duration(seconds)
