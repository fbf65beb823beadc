"""What else a deal must be like: what is left of it when it is sold again, who sells it too, how often it sells.

The formula is that of the database (`resale` and `break_even` in `tasks/store/sql/0042_resale.sql`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

SellAt = Literal["buy-box", "mean", "price"]
ResaleSort = Literal["roi", "profit"]

_LIKE: Final = re.compile(r"[\\%_]")
_ESCAPED: Final = r"\\\g<0>"
ROWS: Final = """
JOIN deal_rows AS r ON r.domain = d.domain AND r.asin = d.asin
LEFT JOIN products AS p ON p.domain = d.domain AND p.asin = d.asin
"""
# The buy box as in the view deal_resale. Without a weight the cost is not known, where weight costs something.
RESALE: Final = """
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN r.current[19] > 0 THEN r.current[19]::bigint
        WHEN (p.stats -> 'current' ->> 18)::numeric BETWEEN 1 AND 2147483647 THEN (p.stats -> 'current' ->> 18)::bigint
    END AS buy_box
) AS b
CROSS JOIN LATERAL (
    SELECT
        keepa_units(d.price + %(per_item)s::numeric, d.domain) + CASE
            WHEN %(per_kg)s::numeric = 0 THEN 0
            WHEN p.package_weight > 0 THEN keepa_units(%(per_kg)s::numeric * p.package_weight / 1000, d.domain)
        END AS cost,
        CASE %(sell_at)s::text
            WHEN 'buy-box' THEN b.buy_box
            WHEN 'mean' THEN keepa_units({mean}, d.domain)
            ELSE keepa_units(%(sell_price)s::numeric, d.domain)
        END AS sell
) AS c
CROSS JOIN LATERAL resale(
    c.cost, c.sell, p.referral_fee_percentage, p.fba_pick_and_pack_fee, p.variable_closing_fee, d.domain
) AS m
"""
_ORDERS: Final[dict[ResaleSort, str]] = {
    "roi": "roi_percent DESC NULLS LAST, profit DESC NULLS LAST",
    "profit": "profit DESC NULLS LAST, roi_percent DESC NULLS LAST",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResaleTerms:
    """How a product is sold again, in money of the shop.

    Attributes:
        sell_at: at the price of the buy box, at the mean that the deal is compared with, or at `price`.
        per_item: what an item costs besides its price, such as packing.
        per_kg: what a kilogram of it costs on the way to Amazon.
    """

    sell_at: SellAt = "buy-box"
    price: Decimal | None = None
    per_item: Decimal = Decimal(0)
    per_kg: Decimal = Decimal(0)

    def values(self) -> dict[str, object]:
        """What the statements ask for, by name."""
        return {
            "sell_at": self.sell_at,
            "sell_price": self.price,
            "per_item": self.per_item,
            "per_kg": self.per_kg,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Further conditions; each that is None holds for every deal. What is not known meets none.

    Attributes:
        terms: how it is sold, for the two after it and for `sort`.
        sort: what comes first instead of the order of the list.
        has_amazon: whether Amazon itself must have an offer, or must have none.
        max_fba_sellers: at most so many sellers of new ones for whom Amazon ships.
        min_rank_drops: how often the sales rank fell in 30 days at the least.
        brand: the brand, in any case.
        category: the root category: its number, or a part of its name in any case.
    """

    terms: ResaleTerms = field(default_factory=ResaleTerms)
    min_roi: Decimal | None = None
    min_profit: Decimal | None = None
    sort: ResaleSort | None = None
    has_amazon: bool | None = None
    max_fba_sellers: int | None = None
    min_rank_drops: int | None = None
    brand: str | None = None
    category: str | None = None

    @property
    def joins(self) -> str:
        """What is joined to the deals `d`, with `{over}` in it; nothing when nothing is asked of it."""
        if self._has_resale:
            return ROWS + RESALE.format(mean="d.avg_{over}")
        return ROWS if len(self._parts()) > (self.category is not None) else ""

    @property
    def where(self) -> str:
        """The conditions, as SQL."""
        return " AND ".join(self._parts().values()) or "true"

    @property
    def columns(self) -> str:
        """Columns that `order` needs."""
        return ", m.roi_percent, m.profit" if self.sort is not None else ""

    @property
    def order(self) -> str | None:
        """The order, when it is one of these."""
        return None if self.sort is None else _ORDERS[self.sort]

    def values(self) -> dict[str, object]:
        """What the statements ask for, by name."""
        category = self.category or ""
        return {
            **self.terms.values(),
            "min_roi": self.min_roi,
            "min_profit": self.min_profit,
            "max_fba_sellers": self.max_fba_sellers,
            "min_rank_drops": self.min_rank_drops,
            "brand": self.brand,
            "category_id": int(category) if category.isascii() and category.isdigit() else None,
            "category_like": f"%{_LIKE.sub(_ESCAPED, category)}%",
        }

    @property
    def _has_resale(self) -> bool:
        return not (self.min_roi is None and self.min_profit is None and self.sort is None)

    def _parts(self) -> dict[str, str]:
        return {
            name: condition
            for name, condition, is_asked in (
                ("roi", "m.roi_percent >= %(min_roi)s", self.min_roi is not None),
                ("profit", "m.profit >= keepa_units(%(min_profit)s::numeric, d.domain)", self.min_profit is not None),
                ("amazon", "r.current[1] >= 0", self.has_amazon is True),
                ("amazon", "(r.current[1] >= 0) IS NOT TRUE", self.has_amazon is False),
                ("sellers", "r.current[35] BETWEEN 0 AND %(max_fba_sellers)s", self.max_fba_sellers is not None),
                ("drops", "r.sales_rank_drops30 >= %(min_rank_drops)s", self.min_rank_drops is not None),
                ("brand", "lower(p.brand) = lower(%(brand)s)", self.brand is not None),
                (
                    "category",
                    "(d.root_cat = %(category_id)s OR d.category ILIKE %(category_like)s)",
                    self.category is not None,
                ),
            )
            if is_asked
        }


ANY: Final = Conditions()
