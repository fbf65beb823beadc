"""The statement that reads the best deals, put together of what is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, LiteralString

from tasks.store.best_deals.candidates import dated
from tasks.store.best_deals.later_price import LATER
from tasks.store.best_deals.position import behind

if TYPE_CHECKING:
    from tasks.store.best_deals.candidates import Candidates, Sort
    from tasks.store.best_deals.deal_filter import DealFilter
    from tasks.store.connection import Connection

_ORDERS: Final[dict[Sort, LiteralString]] = {
    "discount": "discount_percent DESC, sales_rank NULLS LAST",
    "drop": "average - price DESC, discount_percent DESC",
    "price": "price, discount_percent DESC",
    "rank": "sales_rank NULLS LAST, discount_percent DESC",
    "newest": "deal_since DESC, discount_percent DESC",
}
# What is asked of all deals is asked before the rest (OFFSET 0): so their lists need not be kept until they are sorted.
# PostgreSQL, which cannot tell how many deals have a discount, would keep those in place of the narrow rows.
_ALL: Final = """
    (
        SELECT * FROM current_deals AS d WHERE {listed}
          AND d.last_seen_on >= (%(since)s::timestamptz AT TIME ZONE 'UTC')::date
        OFFSET 0
    ) AS d
"""
_LISTED: Final = """
    d.price_type = ANY(%(price_types)s) AND d.domain = ANY(%(domains)s) AND d.last_seen_at >= %(since)s::timestamptz
"""
_CHOSEN: Final = """
    unnest(%(chosen_domains)s::smallint[], %(chosen_asins)s::text[]) AS chosen (domain, asin)
    JOIN current_deals AS d ON d.domain = chosen.domain AND d.asin = chosen.asin
"""
_COLUMNS: Final = """
    domain, shop, asin, title, root_cat, category, price_type, currency, price, average, discount_percent,
    CASE WHEN price_type = ANY(%(compared_with_others)s) THEN %(others)s ELSE price_type END AS compared_with,
    price_before, price_since, sales_rank, deal_since, updated_at, first_seen_at, last_seen_at,
    price_now, price_now_at
"""
# The names of the selections, and the products, are looked up for those that are shown.
_FIND: Final = """
SELECT {columns}, ARRAY(
    SELECT n.name FROM unnest(%(numbers)s::smallint[], %(names)s::text[]) AS n (number, name)
    WHERE n.number = ANY(first.numbers) ORDER BY n.name
) AS selections
FROM (
    SELECT * FROM (
        SELECT {each_once}
            d.domain, d.shop, d.asin, d.title, d.root_cat, d.category, d.price_type, d.currency, d.price,
            d.avg_{over} AS average, d.discount_percent_{over} AS discount_percent, d.price_before, d.price_since,
            d.sales_rank, d.deal_since, d.updated_at, d.first_seen_at, d.last_seen_at, d.selections AS numbers
            {more_columns}
        FROM {source} {joins}
        WHERE {listed} AND d.discount_percent_{over} >= %(min_discount)s
          AND (%(selections)s::smallint[] IS NULL OR d.selections && %(selections)s::smallint[])
          AND (%(title_patterns)s::text[] IS NULL OR d.title ILIKE ALL(%(title_patterns)s::text[]))
          AND {conditions}
        {best_of_each}
    ) AS best
    WHERE {behind}
    ORDER BY {order}, domain, asin LIMIT %(top)s
) AS first
{later}
"""
# Of several price types of one product; those that are equal in both are told apart, or each page might have another.
_EACH_ONCE: Final = "DISTINCT ON (d.domain, d.asin)"
_BEST_OF_EACH: Final = "ORDER BY d.domain, d.asin, d.discount_percent_{over} DESC, d.price, d.avg_{over}, d.price_type"


def statement_of(conn: Connection, which: DealFilter, candidates: Candidates | None) -> tuple[str, dict[str, object]]:
    """The statement for these candidates, or for all deals, and its values."""
    is_mixed = len(set(which.price_types)) > 1
    query = _FIND.format(
        columns=_COLUMNS,
        later=LATER,
        each_once=_EACH_ONCE if is_mixed else "",
        best_of_each=_BEST_OF_EACH.format(over=which.over) if is_mixed else "",
        over=which.over,
        behind="true" if which.after is None else behind(which.conditions.sort or which.sort),
        order=which.conditions.order or _ORDERS[which.sort],
        more_columns=which.conditions.columns,
        joins=which.conditions.joins.format(over=which.over),
        conditions=which.conditions.where,
        listed=_LISTED,
        source=_ALL.format(listed=_LISTED) if candidates is None else _CHOSEN,
    )
    chosen = {} if candidates is None else {"chosen_domains": candidates.domains, "chosen_asins": candidates.asins}
    return query, {**dated(conn, which.values()), **chosen}
