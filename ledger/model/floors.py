"""The floor of a tier: the lowest balance that it may leave when it spends. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.model.book import PPM
from ledger.model.bucket import CAPACITY_TICKS

if TYPE_CHECKING:
    from ledger.model.entries import TierState


def floor_mt(tier: TierState, rate_mt: int) -> int:
    """The floor in milli-tokens on a plan that refills `rate_mt` a tick.

    It is the tier's tokens or the refill of its ticks, whichever is more, and at most its part of the capacity.
    """
    unclipped_mt = max(tier.floor_mt, rate_mt * tier.floor_ticks_ppm // PPM)
    return min(unclipped_mt, rate_mt * CAPACITY_TICKS * tier.floor_ppm // PPM)
