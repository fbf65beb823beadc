"""Pure: how long a queue will take with the tokens of several keys, by the budgets and hours of the tier.

Without such rules it is what `tasks.planning.forecast` says. With a budget the days are gone through one by one, but
for those in a row of which it is known that each key spends its budget, or all that comes in.
"""

from __future__ import annotations

from math import ceil, floor, inf
from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.planning.forecast import left_s, supply_of_all, token_supply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger import Snapshot
    from tasks.planning.cost_values import Limits
    from tasks.planning.forecast import Pace, TokenSupply

DAY_S: Final = 86_400.0
_MOST_DAYS: Final = 3_660  # what takes longer than ten years of budgets is never
_MINUTE_S: Final = 60.0
_EXACT_S: Final = 1e-3
_ROUNDING: Final = 1e-9  # of all tokens: so much less is enough, for what was added up in parts is rounded


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
    # A key whose balance is not known does nothing yet, whatever its hours.
    closes_s = min(_closes_s(its, tier_name) for its in snapshots if allowance(its, tier_name) is not None)
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
    enough, day = tokens * _ROUNDING, 0
    while day < _MOST_DAYS:
        limits = [one.per_day if day else one.today for one in allowances]
        gained = [_gained(*one, starts_s, ends_s) for one in zip(allowances, incomes, strict=True)]
        parts = [min(each) for each in zip(limits, map(sum, zip(spares, gained, strict=True)), strict=True)]
        worked = (ends_s - starts_s) / work_per_token_s if work_per_token_s else inf
        spent = min(sum(parts), worked)
        if tokens <= spent + enough:
            keys = list(zip(limits, spares, allowances, incomes, strict=True))
            return max(_paid_s(tokens - enough, keys, starts_s, ends_s), starts_s + tokens * work_per_token_s, work_s)
        used = spent / sum(parts) if spent else 0.0
        before, spares = (
            spares,
            [
                min(one.room, spare + more - part * used)
                for one, spare, more, part in zip(allowances, spares, gained, parts, strict=True)
            ],
        )
        tokens -= spent
        if day and spares == before:
            ahead = _same(tokens, spent, allowances)
            tokens -= ahead * spent
        else:
            ahead = _alike(tokens, worked, allowances, incomes, spares) if day else 0
            tokens -= _passed(ahead, allowances, incomes, spares, ends_s)
        day, starts_s, ends_s = day + 1 + ahead, ends_s + ahead * DAY_S, ends_s + (ahead + 1) * DAY_S
    return None


def _paid_s(tokens: float, keys: Sequence[tuple[float, float, Allowance, float]], low: float, high: float) -> float:
    """When on this day, between `low` and `high`, so many tokens have come in; each key has its limit and its spare."""
    if tokens <= sum(min(limit, spare) for limit, spare, _, _ in keys):
        return low
    starts_s = low
    while high - low > _EXACT_S:
        middle = (low + high) / 2
        by_then = sum(min(limit, spare + _gained(one, income, starts_s, middle)) for limit, spare, one, income in keys)
        low, high = (low, middle) if by_then >= tokens else (middle, high)
    return high


def _same(tokens: float, spent: float, allowances: Sequence[Allowance]) -> int:
    """How many days, fewer than `tokens` last, are like one that left all as it was; 0 where ticks fall differently."""
    if not spent or any(DAY_S % one.supply.tick_s for one in allowances):
        return 0
    return max(0, int(min(tokens / spent, _MOST_DAYS)) - 1)


def _alike(
    tokens: float, worked: float, allowances: Sequence[Allowance], incomes: Sequence[float], spares: Sequence[float]
) -> int:
    """How many days from now on, fewer than `tokens` last, each key spends its budget, or all that comes in.

    `worked` are the tokens that the work of a day can spend. 0 where that is not known beforehand.
    """
    most, spent = inf, 0.0
    for one, income, spare in zip(allowances, incomes, spares, strict=True):
        ticks = DAY_S / one.supply.tick_s
        least, greatest = floor(ticks) * income, ceil(ticks) * income
        if least >= one.per_day:
            spent += one.per_day
        elif greatest > one.per_day:
            return 0  # the one on some days and the other on others
        elif spare:
            most = min(most, spare // (one.per_day - least))  # so long what is there makes up for what does not come in
            spent += one.per_day
        else:
            spent += greatest
    if not 0 < spent <= worked:
        return 0
    return max(0, int(min(most, tokens / spent, _MOST_DAYS)) - 1)


def _passed(
    days: int, allowances: Sequence[Allowance], incomes: Sequence[float], spares: list[float], starts_s: float
) -> float:
    """Tokens that are spent on so many days that are alike; `spares` are what is left then."""
    spent = 0.0
    for at, (one, income) in enumerate(zip(allowances, incomes, strict=True) if days else ()):
        has = spares[at] + _gained(one, income, starts_s, starts_s + days * DAY_S)
        part = min(days * one.per_day, has)
        spent, spares[at] = spent + part, min(one.room, has - part)
    return spent


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


def spent_in_s(tokens: float, *, per_s: float, others: float, limits: Limits, clock_s: float) -> float | None:
    """Seconds until so many tokens are spent; None for more than ten years.

    Args:
        tokens: what is to be spent.
        per_s: tokens a second that come in for it while the job may spend.
        others: tokens that the job spends a day on what comes first, of the same budget.
        limits: the budget and the hours of the job.
        clock_s: seconds since 00:00 UTC, when a budget begins anew.
    """
    if tokens <= 0:
        return 0.0
    if per_s <= 0:
        return None
    spans = _open_spans(limits)
    left, enough = tokens, tokens * _ROUNDING
    today = [(max(opens, clock_s), closes) for opens, closes in spans if closes > clock_s]
    budget, first = _of_a_day(limits, others), 0.0 if limits.tokens is None else limits.tokens - limits.spent
    of_today = None if budget is None else max(0.0, min(first, budget))
    spent = _most_of(today, per_s, of_today)
    if left <= spent + enough:
        return _come_in_at(left, today, per_s) - clock_s
    left -= spent
    each = _most_of(spans, per_s, budget)
    if each <= 0 or left > each * _MOST_DAYS:
        return None
    days = max(0, int(left / each - _ROUNDING))
    return (days + 1) * DAY_S - clock_s + _come_in_at(left - days * each, spans, per_s)


def _of_a_day(limits: Limits, others: float) -> float | None:
    return None if limits.tokens is None else max(0.0, limits.tokens - others)


def _open_spans(limits: Limits) -> list[tuple[float, float]]:
    """The parts of a day in which the job may spend, from 00:00 UTC on."""
    hours = limits.hours
    if hours is None:
        return [(0.0, DAY_S * limits.day_part)]
    opens, closes = hours.opens * _MINUTE_S, hours.closes * _MINUTE_S
    return [(opens, closes)] if opens < closes else [(0.0, closes), (opens, DAY_S)]


def _most_of(spans: Sequence[tuple[float, float]], per_s: float, budget: float | None) -> float:
    income = per_s * sum(closes - opens for opens, closes in spans)
    return income if budget is None else min(income, budget)


def _come_in_at(tokens: float, spans: Sequence[tuple[float, float]], per_s: float) -> float:
    """The second of the day at which so many have come in."""
    need_s = tokens / per_s
    at = 0.0
    for opens, closes in spans:
        at = opens + min(need_s, closes - opens)
        need_s -= closes - opens
        if need_s <= 0:
            break
    return at
