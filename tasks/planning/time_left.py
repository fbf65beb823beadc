"""Pure: how long a queue will take with the tokens of several keys, by the budgets and hours of the tier.

Without such rules it is what `tasks.planning.forecast` says. With a budget the days are gone through one by one.
"""

from __future__ import annotations

from math import ceil, inf
from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.planning.forecast import left_s, supply_of_all, token_supply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger import Snapshot
    from tasks.planning.forecast import Pace, TokenSupply

DAY_S: Final = 86_400.0
_MOST_DAYS: Final = 3_660  # what takes longer than ten years of budgets is never
_EXACT_S: Final = 1e-3


class Allowance(NamedTuple):
    """What the tier may spend of one key: tokens today and on each later day, and the room of its bucket in tokens."""

    supply: TokenSupply
    today: float = inf
    per_day: float = inf
    day_ends_s: float = inf
    room: float = inf


def time_left_s(items: int, pace: Pace, snapshots: Sequence[Snapshot], tier_name: str) -> float | None:
    """Seconds until `items` are done with all these keys; None while nothing comes in, or no balance is known.

    It is None too where the tier has hours of a day, unless all is done before they close.
    """
    allowances = [one for its in snapshots if (one := allowance(its, tier_name)) is not None]
    supply = supply_of_all(snapshots, tier_name)
    if supply is None:
        return None
    if all(one.today == inf for one in allowances):
        found = left_s(items, pace, supply)
    else:
        found = days_left_s(items, pace, allowances)
    closes_s = min(_closes_s(its, tier_name) for its in snapshots)
    return found if found is not None and (found < closes_s or not items) else None


def allowance(snapshot: Snapshot, tier_name: str) -> Allowance | None:
    """What the tier may spend of this key; None before a reply has told the balance."""
    supply = token_supply(snapshot, tier_name)
    tier = next((one for one in snapshot.tiers if one.name == tier_name), None)
    if supply is None or tier is None:
        return None
    if tier.tokens_per_day is None or tier.day_ends_in_s is None:
        return Allowance(supply)
    return Allowance(
        supply,
        today=max(0.0, tier.tokens_per_day - tier.spent_today),
        per_day=tier.tokens_per_day,
        day_ends_s=tier.day_ends_in_s,
        room=max(0.0, snapshot.bucket.capacity - tier.floor),
    )


def days_left_s(items: int, pace: Pace, allowances: Sequence[Allowance]) -> float | None:
    """Seconds until `items` are done, where at least one key has a budget; None for more than ten years."""
    tokens = items * pace.per_item
    work_s = items * pace.work_s / max(1, pace.workers)
    work_per_token_s = work_s / tokens if tokens else 0.0
    incomes = _incomes(pace, [one.supply for one in allowances])
    spares = [one.supply.spare for one in allowances]
    starts_s, ends_s = 0.0, min(one.day_ends_s for one in allowances)
    for day in range(_MOST_DAYS):
        limits = [one.per_day if day else one.today for one in allowances]
        gained = [_gained(*one, starts_s, ends_s) for one in zip(allowances, incomes, strict=True)]
        parts = [min(each) for each in zip(limits, map(sum, zip(spares, gained, strict=True)), strict=True)]
        worked = (ends_s - starts_s) / work_per_token_s if work_per_token_s else inf
        spent = min(sum(parts), worked)
        if tokens <= spent:
            low, high = starts_s, ends_s
            while high - low > _EXACT_S:
                middle = (low + high) / 2
                by_then = sum(
                    min(limit, spare + _gained(one, income, starts_s, middle))
                    for limit, spare, one, income in zip(limits, spares, allowances, incomes, strict=True)
                )
                low, high = (low, middle) if by_then >= tokens else (middle, high)
            begun = starts_s if tokens <= sum(map(min, zip(limits, spares, strict=True))) else high
            return max(begun, starts_s + tokens * work_per_token_s, work_s)
        used = spent / sum(parts) if spent else 0.0
        spares = [
            min(one.room, spare + more - part * used)
            for one, spare, more, part in zip(allowances, spares, gained, parts, strict=True)
        ]
        tokens -= spent
        starts_s, ends_s = ends_s, ends_s + DAY_S
    return None


def _incomes(pace: Pace, supplies: Sequence[TokenSupply]) -> list[float]:
    """Tokens of each key per tick, without what others spend: of each key by its part of the refill."""
    rates = [one.refill / one.tick_s for one in supplies]
    others = pace.others_per_s / sum(rates) if sum(rates) > 0 else 0.0
    return [one.refill * max(1 - others, one.share) for one in supplies]


def _gained(one: Allowance, income: float, since_s: float, until_s: float) -> float:
    """Tokens that come in from `since_s` on and before `until_s`."""
    supply = one.supply
    since, until = (max(0, ceil((at_s - supply.next_tick_s) / supply.tick_s)) for at_s in (since_s, until_s))
    return (until - since) * income


def _closes_s(snapshot: Snapshot, tier_name: str) -> float:
    """Seconds until the hours of the tier close: 0 when they are, infinite without hours."""
    tier = next((one for one in snapshot.tiers if one.name == tier_name), None)
    if tier is None or tier.hours is None:
        return inf
    return 0.0 if tier.barred == "hours" else tier.hours_change_in_s or 0.0
