"""How full, how far, how long: the numbers that a bar shows. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ledger import Snapshot
    from ledger.snapshot_records import TierRecord

_ALMOST: Final = 0.99  # of a bar: only an open gate has a full one


def cells(part: float, width: int) -> int:
    """How many of `width` cells show `part` of 1: some as soon as there is anything, all only when it is whole."""
    if part <= 0 or part >= 1:
        return 0 if part <= 0 else width
    return max(1, min(width - 1, round(part * width)))


def level(snapshot: Snapshot) -> float:
    """The balance as a part of what the server keeps at the most."""
    bucket = snapshot.bucket
    return 0.0 if bucket.capacity <= 0 else max(0.0, min(1.0, bucket.balance / bucket.capacity))


def floor_marks(snapshot: Snapshot, width: int) -> set[int]:
    """The cells of a bar of `width` that stand for the tiers' floors."""
    capacity = snapshot.bucket.capacity
    floors = [tier.floor for tier in snapshot.tiers if capacity > 0 < tier.floor]
    return {min(width - 1, round(width * floor / capacity)) for floor in floors}


def openness(tier: TierRecord, snapshot: Snapshot) -> float:
    """1 when the gate is open; else the part of the wait that is over, or of the tokens needed if nobody waits."""
    if tier.open:
        return 1.0
    waited_s = max((waiter.waited_s for waiter in snapshot.waiters if waiter.tier == tier.name), default=None)
    if waited_s is not None and tier.opens_in_s is not None:
        return min(_ALMOST, waited_s / max(waited_s + tier.opens_in_s, 1e-9))
    there = snapshot.bucket.balance - sum(one.in_flight for one in snapshot.tiers)
    return max(0.0, min(_ALMOST, there / (tier.floor + 1)))


def spent_part(tier: TierRecord, snapshot: Snapshot) -> float:
    """The tier's part of all that was spent."""
    total = sum(one.spent for one in snapshot.tiers)
    return tier.spent / total if total else 0.0
