"""What a later reading of a product says of the price of its deal. Pure.

A deal stays as it was listed until a list brings it again. Its product may have been fetched since, and then a buyer
pays what that reading says.
"""

from __future__ import annotations

from typing import Final

from tasks.keepa.prices import NAMES

# What every reply about a product has. Of the other prices a reply without offers says what was known before it.
_ALWAYS: Final = tuple(map(NAMES.index, ("AMAZON", "NEW", "USED", "COLLECTIBLE", "REFURBISHED")))
_BUY_BOX: Final = tuple(map(NAMES.index, ("BUY_BOX_SHIPPING", "BUY_BOX_USED_SHIPPING")))
# For each row of a deal, called `first`, at most one row. LIMIT keeps it a look at one product for each of them, in
# their order: joined at once they might come in another. OFFSET keeps the figures from being read anew wherever they
# are named, which took twice as long.
LATER: Final = f"""
LEFT JOIN LATERAL (
    SELECT keepa_money(nullif(f.now, -1), p.domain) AS price_now, keepa_time(p.stats_update) AS price_now_at
    FROM products AS p
    CROSS JOIN LATERAL (
        SELECT types.id FROM price_types AS types WHERE types.name = first.price_type AND p.is_found LIMIT 1
    ) AS t
    CROSS JOIN LATERAL (SELECT (p.stats -> 'current' ->> t.id::int)::numeric AS number OFFSET 0) AS read
    CROSS JOIN LATERAL (
        SELECT CASE WHEN read.number BETWEEN -1 AND 2147483647 THEN read.number::int END AS now
    ) AS f
    WHERE p.domain = first.domain AND p.asin = first.asin AND p.is_found AND f.now IS NOT NULL
      AND keepa_time(p.stats_update) > first.updated_at
      AND keepa_money(nullif(f.now, -1), p.domain) IS DISTINCT FROM first.price
      AND (
        t.id IN {_ALWAYS} OR p.offers_update = p.stats_update
        OR t.id IN {_BUY_BOX} AND p.buy_box_update = p.stats_update
      )
    LIMIT 1
) AS later ON true
"""  # noqa: S608 - numbers of ours
