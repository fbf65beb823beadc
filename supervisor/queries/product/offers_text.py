"""Who sells a product, and for what: its offers as a table in the terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ledger.localtime import near
from supervisor.queries.printing import output
from supervisor.queries.printing.output import Column

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from tasks.store.products.live_offers import LiveOffer

MOST: Final = 20  # offers in the table; a product that many sell has hundreds
_UNKNOWN: Final = "-"


def show(offers: Sequence[LiveOffer], fetched_at: datetime, currency: str) -> None:
    """Print the offers that stood when they were fetched, the first of them where there are many."""
    now = datetime.now(UTC)
    if not offers:
        output.text(f"no offers found at {near(fetched_at, now)}: nobody sold it then")
        return
    output.text(f"offers at {near(fetched_at, now)}, in the shop's order:")
    columns = (
        Column("seller", is_elastic=True),
        Column("condition", is_elastic=True),
        Column(f"price {currency}".rstrip(), is_number=True),
        Column("shipping", is_number=True),
        Column("ships"),
        Column("since"),
        Column("seen"),
    )
    output.table(columns, [_row(one, now) for one in offers[:MOST]])
    if len(offers) > MOST:
        output.text(f"and {len(offers) - MOST:,} more, which --json has")


def _row(one: LiveOffer, now: datetime) -> tuple[str, ...]:
    return (
        "Amazon" if one.is_amazon else one.seller_id or _UNKNOWN,
        one.condition or _UNKNOWN,
        _money(one.price),
        _money(one.shipping),
        _ships(one),
        _time(one.price_since, now),
        _time(one.last_seen_at, now),
    )


def _ships(one: LiveOffer) -> str:
    """Who ships it: Amazon (FBA is for another seller) or the seller; and whether Prime does."""
    of_others = {True: "FBA", False: "seller", None: _UNKNOWN}
    who = "Amazon" if one.is_amazon else of_others[one.is_fba]
    return f"{who}, Prime" if one.is_prime else who


def _money(value: Decimal | None) -> str:
    return _UNKNOWN if value is None else f"{value:,}"


def _time(at: datetime | None, now: datetime) -> str:
    return _UNKNOWN if at is None else near(at, now)
