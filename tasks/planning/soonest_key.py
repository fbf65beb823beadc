"""Pure: which of several keys can pay for a person's request soonest."""

from __future__ import annotations

from math import ceil, inf
from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.planning.forecast import token_supply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger import Snapshot
    from ledger.snapshot_records import TierRecord

_SOON_S: Final = 1e-3  # less than any wait for a refill that is worth choosing by
HOURS: Final = "hours"  # as `TierRecord.barred` says it
_ROUNDING: Final = 1e-9  # a whole number of refills must not become one more


class Payer(NamedTuple):
    """A key: its ledger, None where it cannot be read, and the tokens that the request costs by what it learned."""

    name: str
    snapshot: Snapshot | None
    tokens: float
    is_refused: bool = False


def wait_s(payer: Payer, tier_name: str) -> float | None:
    """Seconds until the key can pay; infinite when it never can, and None while its balance is not known."""
    supply = None if payer.snapshot is None else token_supply(payer.snapshot, tier_name)
    if payer.snapshot is None or supply is None:
        return None
    tier = next(one for one in payer.snapshot.tiers if one.name == tier_name)
    missing = payer.tokens - supply.spare
    if missing <= 0:
        return _barred_s(tier, payer.tokens)
    if supply.refill <= 0:
        return inf
    refilled_s = supply.next_tick_s + (ceil(missing / supply.refill - _ROUNDING) - 1) * supply.tick_s
    return max(refilled_s, _barred_s(tier, payer.tokens))


def _barred_s(tier: TierRecord, tokens: float) -> float:
    """Seconds until the budget and the hours of the tier let so many tokens through; infinite when they never do."""
    shut_s = 0.0
    if tier.tokens_per_day is not None and tier.spent_today + tier.in_flight + tokens > tier.tokens_per_day:
        fits = tokens <= tier.tokens_per_day
        shut_s = tier.day_ends_in_s if fits and tier.day_ends_in_s is not None else inf
    if tier.barred == HOURS and tier.hours_change_in_s is not None:
        shut_s = max(shut_s, tier.hours_change_in_s)
    return shut_s


def soonest(payers: Sequence[Payer], tier_name: str) -> str:
    """The name of the key that can pay soonest, of those that can at the same time the first.

    A key whose balance is not known, which may be a full bucket, comes after those that can pay now and before those
    that have to wait; a refused one comes last of all.
    """

    def rank(payer: Payer) -> tuple[bool, float]:
        left_s = wait_s(payer, tier_name)
        return payer.is_refused, _SOON_S if left_s is None else left_s

    return min(payers, key=rank).name
