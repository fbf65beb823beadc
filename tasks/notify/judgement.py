"""Whether a change of a deal is told: what has happened to it, and whether people know it already. Pure.

A price that goes up and down again is no news. For a while after a message (`again_s`) the same product is told again
only at a price below every one that people were told in that time, or above every one when it rises. And however long
ago that was, nobody is told the price that they were told last, unless the product is back in stock.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from tasks.notify.rule import BACK, DROP, NEW, RISE
from tasks.store.notify.known import NO_OFFER, Known

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from decimal import Decimal


class Seen(NamedTuple):
    """A deal as a rule sees it now.

    Attributes:
        matches: whether it meets the conditions.
        is_back: whether it came back into stock.
    """

    price_type: str
    price: Decimal
    matches: bool
    is_back: bool = False


class Verdict(NamedTuple):
    """What follows: what is told, None for nothing; and what is known from now on."""

    event: str | None
    known: Known


def judge(before: Known | None, seen: Seen, wanted: Collection[str], again_s: float, now: datetime) -> Verdict:
    """What follows from seeing a product, for a rule that tells of the events `wanted`."""
    event = _event(before, seen)
    known = Known(price_type=seen.price_type, price=seen.price, matches=seen.matches)
    if before is not None:
        known = replace(before, price_type=seen.price_type, price=seen.price, matches=seen.matches)
    if event not in wanted or _is_known(before, seen, event, again_s, now):
        return Verdict(None, known)
    is_recent = before is not None and _is_recent(before, again_s, now)
    low, high = (known.told_low, known.told_high) if is_recent else (None, None)
    return Verdict(
        event,
        replace(
            known,
            told_at=now,
            told_price=seen.price,
            told_low=seen.price if low is None else min(low, seen.price),
            told_high=seen.price if high is None else max(high, seen.price),
        ),
    )


def _event(before: Known | None, seen: Seen) -> str | None:
    """What has happened, of the two that may have the one that says more."""
    is_new = seen.matches and (before is None or not before.matches)
    if is_new:
        return BACK if seen.is_back else NEW
    if before is None or before.price_type != seen.price_type or before.price in {seen.price, NO_OFFER}:
        return None
    if seen.price > before.price:
        return RISE
    return DROP if seen.matches else None


def _is_known(before: Known | None, seen: Seen, event: str | None, again_s: float, now: datetime) -> bool:
    """Whether people know the price, or one that says as much."""
    if before is None or before.told_at is None:
        return False
    is_recent = _is_recent(before, again_s, now)
    if event == BACK:
        return is_recent
    if seen.price == before.told_price:
        return True
    if not is_recent or before.told_low is None or before.told_high is None:
        return False
    return seen.price <= before.told_high if event == RISE else seen.price >= before.told_low


def _is_recent(before: Known, again_s: float, now: datetime) -> bool:
    return before.told_at is not None and (now - before.told_at).total_seconds() < again_s
