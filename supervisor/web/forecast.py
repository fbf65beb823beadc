"""How the balance will rise by refills alone, up to the moment at which the last waiting gate opens. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from ledger import Snapshot

_MOST_TICKS: Final = 240


class Opening(NamedTuple):
    """The moment at which the gate of a tier opens for its oldest request: in seconds from now, at which balance."""

    tier: str
    in_s: float
    balance: float
    cost: float


class Forecast(NamedTuple):
    """`steps` has the balance from each moment on, in seconds from now."""

    steps: tuple[tuple[float, float], ...]
    openings: tuple[Opening, ...]


def forecast(snapshot: Snapshot) -> Forecast:
    """The balance until the last gate opens that somebody waits at; two refills when nobody waits."""
    bucket = snapshot.bucket
    first_s = bucket.next_tick_in_s
    if not snapshot.synced or first_s is None or bucket.tick_period_s <= 0:
        return Forecast((), ())
    waits = [one for one in snapshot.tiers if one.waiting and one.opens_in_s is not None]
    last_s = max((one.opens_in_s or 0 for one in waits), default=0.0)
    ticks = 2 if not waits else min(_MOST_TICKS, 1 + max(0, int((last_s - first_s) // bucket.tick_period_s) + 1))
    steps = [(0.0, bucket.balance)]
    for tick in range(ticks):
        at_s = first_s + tick * bucket.tick_period_s
        steps.append((round(at_s, 2), min(bucket.capacity, bucket.balance + (tick + 1) * bucket.refill_rate)))
    costs = {one.tier: one.cost for one in reversed(snapshot.waiters)}
    openings = [
        Opening(one.name, at_s, _balance_at(steps, at_s), costs.get(one.name, 0.0))
        for one in waits
        for at_s in [one.opens_in_s or 0.0]
    ]
    return Forecast(tuple(steps), tuple(openings))


def _balance_at(steps: list[tuple[float, float]], at_s: float) -> float:
    return [balance for since_s, balance in steps if since_s <= at_s + 0.05][-1]
