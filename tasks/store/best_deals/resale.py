"""What is left of deals that are sold again, by the formula of the database."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from psycopg.rows import class_row

from tasks.store.best_deals.conditions import RESALE, ROWS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tasks.store.best_deals.best_deals import BestDeal
    from tasks.store.best_deals.conditions import ResaleTerms
    from tasks.store.connection import Connection

_FIGURES: Final = f"""
SELECT
    keepa_amount(c.sell, d.domain) AS sell_at,
    keepa_amount(m.referral_fee, d.domain) AS referral_fee,
    keepa_money(p.fba_pick_and_pack_fee, d.domain) AS fba_fee,
    keepa_amount(m.fees, d.domain) AS fees,
    keepa_amount(c.cost, d.domain) AS cost,
    keepa_amount(break_even(
        c.cost, p.referral_fee_percentage, p.fba_pick_and_pack_fee, p.variable_closing_fee, d.domain
    ), d.domain) AS break_even,
    keepa_amount(m.profit, d.domain) AS profit,
    m.roi_percent
FROM unnest(
    %(of_domains)s::smallint[], %(of_asins)s::text[], %(of_prices)s::numeric[], %(of_means)s::numeric[]
) WITH ORDINALITY AS d (domain, asin, price, average, nth)
{ROWS}{RESALE.format(mean="d.average")}
ORDER BY d.nth
"""  # noqa: S608 - fragments of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Resale:
    """What is left of a deal, in money of the shop; None where something is not known.

    Attributes:
        sell_at: the price it is sold at, with shipping.
        referral_fee: Amazon's part of it.
        fba_fee: Amazon's fee for picking and packing.
        fees: both, and the closing fee of media.
        cost: what it costs until it is sold.
        break_even: the least price without a loss.
        roi_percent: the profit in percent of the cost.
    """

    sell_at: Decimal | None
    referral_fee: Decimal | None
    fba_fee: Decimal | None
    fees: Decimal | None
    cost: Decimal | None
    break_even: Decimal | None
    profit: Decimal | None
    roi_percent: Decimal | None


def resale_of(conn: Connection, deals: Sequence[BestDeal], terms: ResaleTerms) -> list[Resale]:
    """What is left of each of these deals, in their order."""
    values: Mapping[str, object] = {
        "of_domains": [one.domain for one in deals],
        "of_asins": [one.asin for one in deals],
        "of_prices": [one.price for one in deals],
        "of_means": [one.average for one in deals],
        **terms.values(),
    }
    with conn.cursor(row_factory=class_row(Resale)) as cursor:
        return cursor.execute(_FIGURES.encode(), values, prepare=False).fetchall()
