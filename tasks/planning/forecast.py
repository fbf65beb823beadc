"""Pure: how long a queue will take, from what the refill brings and what others spend of it.

The pace so far is no guide to the time that is left: a full bucket pays for a burst at first, and a poll that has just
begun takes what comes in for a while. So the tokens in the bucket, those that come in, and the time that the work takes
apart from waiting are counted one by one.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Final

import msgspec

from tasks.planning.sliding_rate import SlidingRate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger import Snapshot

WINDOW_S: Final = 15 * 60  # over which rates are taken
GROUP_S: Final = 5.0  # seconds of work that make a group of batches full
MOST_GROUPS: Final = 60  # five minutes of work: a load of two minutes is less than half of them
_MINUTE_S: Final = 60.0
_MAX_TICKS: Final = 1e9  # of a minute each: 1,900 years; what is longer is never
_ROUNDING: Final = 1e-9  # a whole number of ticks must not become one more


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSupply:
    """The tokens that a tier has, and those that will come in.

    Attributes:
        spare: tokens that could be spent at once.
        refill: tokens per tick.
        tick_s: seconds per tick.
        next_tick_s: seconds until the next one.
        share: part of the refill that others cannot take, 0 to 1.
    """

    spare: float
    refill: float
    tick_s: float
    next_tick_s: float
    share: float


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """What the work was seen to take, as a worker reports it: `status` computes the time left at a later moment.

    Attributes:
        per_item: tokens an item costs on average.
        others_per_s: tokens a second that others spend.
        work_s: seconds one worker needs for an item, waiting for tokens not counted.
        workers: how many work at it.
    """

    per_item: float
    others_per_s: float = 0.0
    work_s: float = 0.0
    workers: int = 1


class WorkPace:
    """How long the work on one item takes, whatever a loaded minute or a stop did to some of the batches.

    Batches are put together in groups, each with some seconds of work in it, and the pace is that of the middle group.
    So a while that was slow counts for nothing until it is as long as all that is remembered before it, and one batch
    during which the process stood still is one group, however long that took.
    """

    def __init__(self) -> None:
        self._groups: deque[tuple[int, float]] = deque(maxlen=MOST_GROUPS)

    def read(self, items: int, seconds: float) -> None:
        """Take in that so many items took so long, waiting for tokens not counted."""
        if items <= 0:
            return
        if self._groups and self._groups[-1][1] < GROUP_S:
            before, worked_s = self._groups.pop()
            self._groups.append((before + items, worked_s + seconds))
        else:
            self._groups.append((items, seconds))

    def per_item_s(self) -> float:
        """Seconds for an item in the middle group, of two the faster one; 0 before the first batch."""
        paces = sorted(seconds / items for items, seconds in self._groups)
        return paces[(len(paces) - 1) // 2] if paces else 0.0


class Forecast:
    """Readings of what others spend and of how long work takes."""

    def __init__(self) -> None:
        self._others = SlidingRate(WINDOW_S)
        self._work = WorkPace()

    def read_others(self, now_ns: int, spent: float) -> None:
        """Take in that others had spent so many tokens by `now_ns`."""
        self._others.read(now_ns, round(spent))

    def read_work(self, items: int, seconds: float) -> None:
        """Take in that so many items took so long, waiting for tokens not counted."""
        self._work.read(items, seconds)

    def pace(self, per_item: float, workers: int) -> Pace:
        """What was seen so far, with what an item costs and how many work at it."""
        return Pace(
            per_item=per_item,
            others_per_s=(self._others.per_min() or 0.0) / _MINUTE_S,
            work_s=self._work.per_item_s(),
            workers=workers,
        )


def left_s(items: int, pace: Pace, supply: TokenSupply) -> float | None:
    """Seconds until `items` are done at this pace; None while nothing comes in.

    It is never less than what the refill needs to bring the tokens that are missing.
    """
    if not items:
        return 0.0
    if supply.refill <= 0:
        return None
    refill_per_s = supply.refill / supply.tick_s
    income = max(refill_per_s - pace.others_per_s, supply.share * refill_per_s) * supply.tick_s
    missing = max(0.0, items * pace.per_item - supply.spare)
    if missing > income * _MAX_TICKS:
        return None
    # What is missing comes in lumps, and the last item goes with the last of them.
    waiting_s = supply.next_tick_s + (ceil(missing / income - _ROUNDING) - 1) * supply.tick_s if missing else 0.0
    return max(waiting_s, items * pace.work_s / max(1, pace.workers))


def token_supply(snapshot: Snapshot, tier_name: str) -> TokenSupply | None:
    """The supply of a tier at the moment of the snapshot; None before a reply has told the balance."""
    tier = next((one for one in snapshot.tiers if one.name == tier_name), None)
    bucket = snapshot.bucket
    if tier is None or not snapshot.synced:
        return None
    leased = sum(one.in_flight for one in snapshot.tiers)
    saved = sum(one.earmark for one in snapshot.tiers if one is not tier and one.waiting)
    return TokenSupply(
        spare=max(0.0, bucket.balance - leased - saved - tier.floor),
        refill=bucket.refill_rate,
        tick_s=bucket.tick_period_s,
        next_tick_s=max(0.0, bucket.next_tick_in_s or 0.0),
        share=tier.share,
    )


def supply_of_all(snapshots: Sequence[Snapshot], tier_name: str) -> TokenSupply | None:
    """The supply of a tier from several keys together; None while no balance is known.

    A key whose balance is not known yet adds nothing. Refills come at the shortest of the periods.
    """
    found = [one for snapshot in snapshots if (one := token_supply(snapshot, tier_name)) is not None]
    if len(found) <= 1:
        return found[0] if found else None
    tick_s = min(one.tick_s for one in found)
    refills = [one.refill * tick_s / one.tick_s for one in found]
    refill = sum(refills)
    guaranteed = sum(its * one.share for its, one in zip(refills, found, strict=True))
    return TokenSupply(
        spare=sum(one.spare for one in found),
        refill=refill,
        tick_s=tick_s,
        next_tick_s=min(one.next_tick_s for one in found),
        share=guaranteed / refill if refill > 0 else 0.0,
    )
