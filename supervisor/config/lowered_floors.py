"""What the floors come to on the plan that the account has: a bucket may be too small for those that were set. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ledger import Tier


def floors_on_plan(tiers: Iterable[Tier], rate: int) -> tuple[dict[str, int], str | None]:
    """Tokens that each tier with a floor leaves at `rate` tokens a refill; a sentence when one was set too high."""
    with_floor = [tier for tier in tiers if tier.floor]
    floors = {tier.name: tier.floor_on(rate) for tier in with_floor}
    lowered = [tier for tier in with_floor if tier.floor > floors[tier.name]]
    if not lowered:
        return floors, None
    words = " and ".join(f"{tier.name}'s floor of {tier.floor} is lowered to {floors[tier.name]}" for tier in lowered)
    return floors, f"{words}: the plan allows no more"


def describe_lowered(tiers: Iterable[Tier], rate: int) -> list[str]:
    """A sentence for each floor that was set above what a plan of `rate` tokens a refill allows."""
    return [
        f"{tier.name.upper()}_FLOOR {tier.floor} is more than a plan of {rate} tokens a refill allows: "
        f"{tier.floor_on(rate)} is used"
        for tier in tiers
        if tier.floor > tier.floor_on(rate)
    ]


class PlanChanges:
    """Notices when the plan is another one, so that the log has it once."""

    def __init__(self, tiers: Sequence[Tier]) -> None:
        self._tiers = tiers
        self._refill = 0.0

    def fields_of(self, refill: float) -> dict[str, object] | None:
        """The fields of the log event for a plan of `refill` tokens a refill; None when it is that of the last call."""
        if refill == self._refill:
            return None
        self._refill = refill
        floors, message = floors_on_plan(self._tiers, round(refill))
        return {"refill": refill, "floors": floors, "message": message}
