"""Draws several keys in the live view: a row for each, those that are not served first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from supervisor.console.plain_table import plain_table
from supervisor.status import formatting, keys
from tasks.roles import ROLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from rich.console import RenderableType

    from supervisor.status.keys import KeyView

MOST: Final = 8  # rows; more keys share a line


def lines(count: int) -> int:
    """How many lines `count` keys take."""
    return min(count, MOST) + 1 + (count > MOST)


def draw(found: Sequence[KeyView], now: datetime) -> Iterator[RenderableType]:
    """The keys at `now`; where there are many, those of which something is wrong and the first of the others."""
    by_urgency = sorted(found, key=lambda one: keys.fault(one, now) is None)
    chosen = {one.name for one in by_urgency[:MOST]}
    table = plain_table("key", "tokens", "refill", "spent", *ROLES)
    for one in found:
        if one.name in chosen:
            table.add_row(*_cells(one, now))
    table.columns[-1].no_wrap = False
    yield table
    left = len(found) - len(chosen)
    if left:
        words = f"and {left} more keys, all served: `sluicegate status` has them"
        if any(keys.fault(one, now) is not None for one in found if one.name not in chosen):
            words = f"and {left} more keys: `sluicegate status` has them"
        yield Text(words, no_wrap=True, overflow="ellipsis", style="dim")


def _cells(one: KeyView, now: datetime) -> list[str | Text]:
    words, snapshot = keys.fault(one, now), one.snapshot
    if words is not None or snapshot is None:
        colour = "red" if one.refusal is not None else "yellow"
        return [one.name, "-", "-", "-", "-", Text(words or "", colour, no_wrap=True, overflow="ellipsis")]
    bucket, tiers = snapshot.bucket, {tier.name: tier for tier in snapshot.tiers}
    return [
        one.name,
        Text(f"{bucket.balance:.0f} of {bucket.capacity:.0f}", "cyan" if bucket.balance > 0 else "red"),
        f"+{bucket.refill_rate:g}",
        f"{sum(tier.spent for tier in snapshot.tiers):.0f}",
        *(Text(formatting.gate(tiers[role]), "green" if tiers[role].open else "yellow") for role in ROLES),
    ]
