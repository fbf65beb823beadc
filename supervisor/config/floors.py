"""What the floors that were set come to on the plan the account has."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ledger import Tier


def on_plan(tiers: Iterable[Tier], rate: int) -> tuple[dict[str, int], str | None]:
    """Tokens each tier leaves at `rate` tokens a tick, if it has a floor; a sentence when one was set too high."""
    floors = {tier.name: tier.floor_on(rate) for tier in tiers if tier.floor}
    clipped = [f"{tier.name} {tier.floor}" for tier in tiers if tier.floor > tier.floor_on(rate)]
    if not clipped:
        return floors, None
    return floors, f"the plan is too small for the floors of {', '.join(clipped)}: those shown are used"


def too_high(tiers: Iterable[Tier], rate: int) -> list[str]:
    """A sentence for each floor that was set above what a plan of `rate` tokens a tick allows."""
    return [
        f"{tier.name.upper()}_FLOOR {tier.floor} is more than a plan of {rate} tokens a refill allows: "
        f"{tier.floor_on(rate)} is used"
        for tier in tiers
        if tier.floor > tier.floor_on(rate)
    ]


class PlanNews:
    """What there is to tell of the plan: once, and again when it changes."""

    def __init__(self, tiers: Sequence[Tier]) -> None:
        self._tiers = tiers
        self._refill = 0.0

    def of(self, refill: float) -> dict[str, object] | None:
        """The fields to tell of a plan of `refill` tokens a tick; None when they were the last that were told."""
        if refill == self._refill:
            return None
        self._refill = refill
        floors, clipped = on_plan(self._tiers, round(refill))
        return {"refill": refill, "floors": floors, "message": clipped}
