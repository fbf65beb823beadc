"""What fetching one product by hand costs, and when its gate opens, told from a snapshot of the ledger. Pure."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.keepa.request import product_shape

if TYPE_CHECKING:
    from ledger import Snapshot
    from ledger.snapshot_records import TierRecord
    from tasks.keepa.request import Detail

_TIER: Final = "interactive"


class RefreshQuote(NamedTuple):
    """What it costs and how long it waits.

    Attributes:
        tokens: that are reserved for it; what it costs less comes back.
        opens_in_s: seconds until the gate opens if nobody else acts, 0 when it is open; None while nobody can tell.
    """

    tokens: int
    opens_in_s: float | None


def refresh_quote(snapshot: Snapshot, detail: Detail) -> RefreshQuote:
    """What one product costs with so much detail, in the tier of requests by hand."""
    tokens = _tokens(snapshot, detail)
    tier = next((one for one in snapshot.tiers if one.name == _TIER), None)
    if tier is None or not snapshot.synced:
        return RefreshQuote(tokens, None)
    return RefreshQuote(tokens, tier.opens_in_s if tier.waiting else _opens_in_s(snapshot, tier, tokens))


def _tokens(snapshot: Snapshot, detail: Detail) -> int:
    shape = product_shape(detail, 1)
    learned = next((one.high for one in snapshot.costs if one.shape == shape.name and one.samples), None)
    return max(1, ceil((shape.prior if learned is None else learned) - 1e-9))


def _opens_in_s(snapshot: Snapshot, tier: TierRecord, tokens: int) -> float | None:
    """By the rule of the common pool: the floor remains, and what others have saved is theirs."""
    bucket = snapshot.bucket
    others = sum(one.earmark for one in snapshot.tiers if one is not tier)
    in_flight = sum(one.in_flight for one in snapshot.tiers)
    missing = tokens + tier.floor + others + in_flight - bucket.balance
    if missing <= 0:
        return 0.0
    if not bucket.refill_rate or bucket.next_tick_in_s is None:
        return None
    return bucket.next_tick_in_s + (ceil(missing / bucket.refill_rate - 1e-9) - 1) * bucket.tick_period_s
