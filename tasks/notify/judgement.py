"""Whether a change of a deal is told: what has happened to it, and whether people know it already. Pure.

One change may be several kinds at once: a product that is seen for the first time and has just come back into stock is
new and back, one that meets the conditions because its price fell is new and has dropped. It is told once, when a rule
asks for any of them, as the kind that says most of those that it asks for.

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
    news = (one for one in kinds(before, seen) if one in wanted and not _is_known(before, seen, one, again_s, now))
    event = next(news, None)
    known = Known(price_type=seen.price_type, price=seen.price, matches=seen.matches)
    if before is not None:
        known = replace(before, price_type=seen.price_type, price=seen.price, matches=seen.matches)
    if event is None:
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


def kinds(before: Known | None, seen: Seen) -> tuple[str, ...]:
    """All that has happened, what says most first."""
    found = []
    if seen.matches and (before is None or not before.matches):
        found = [BACK, NEW] if seen.is_back else [NEW]
    if before is None or before.price_type != seen.price_type or before.price in {seen.price, NO_OFFER}:
        return tuple(found)
    if seen.price > before.price:
        found.append(RISE)
    elif seen.matches:
        found.append(DROP)
    return tuple(found)


def _is_known(before: Known | None, seen: Seen, event: str, again_s: float, now: datetime) -> bool:
    """Whether people know the price, or one that says as much."""
    if before is None or before.told_at is None:
        return False
    is_recent = _is_recent(before, again_s, now)
    if event == BACK and not is_recent:
        return False
    if seen.price == before.told_price:
        return True
    if not is_recent or before.told_low is None or before.told_high is None:
        return False
    return seen.price <= before.told_high if event == RISE else seen.price >= before.told_low


def _is_recent(before: Known, again_s: float, now: datetime) -> bool:
    return before.told_at is not None and (now - before.told_at).total_seconds() < again_s
