"""What the floors that were set come to on the plan the account has."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ledger import Tier


def on_plan(tiers: Iterable[Tier], rate: int) -> tuple[dict[str, int], str | None]:
    """Tokens each tier leaves at `rate` tokens a tick, if it has a floor; a sentence when one was set too high."""
    floors = {tier.name: tier.floor_on(rate) for tier in tiers if tier.floor}
    clipped = [f"{tier.name} {tier.floor}" for tier in tiers if tier.floor > tier.floor_on(rate)]
    if not clipped:
        return floors, None
    return floors, f"the plan is too small for the floors of {', '.join(clipped)}: those shown are used"
