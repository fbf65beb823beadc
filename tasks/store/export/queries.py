"""What an export reads: one query for each kind. Pure.

All of them are given `domain` (None for every shop) and `since` (None for everything). A row goes out as it is read, so
nothing is sorted, and nothing is held but the sums of calls by day.
"""

from __future__ import annotations

from typing import Final, Literal, LiteralString

Kind = Literal["deals", "history", "calls", "products"]

POINTS: Final[LiteralString] = """
series_points(
    s.points, s.first_minute, s.minute_pages, s.minute_bytes, s.price_bytes, s.shipping_bytes,
    s.minutes, s.prices, s.shipping
)
"""
"""The points of the history `s`, for a query with a place for `points`."""
_DEALS: Final[LiteralString] = """
SELECT * FROM current_deals
WHERE (%(domain)s::smallint IS NULL OR domain = %(domain)s)
  AND (%(since)s::timestamptz IS NULL
       OR last_seen_on >= (%(since)s::timestamptz AT TIME ZONE 'UTC')::date AND last_seen_at >= %(since)s)
"""
_HISTORY: Final[LiteralString] = """
SELECT domain, shop, asin, price_type, at, value, shipping_value, currency, price, shipping FROM price_history
WHERE %(domain)s::smallint IS NULL OR domain = %(domain)s
"""
# With the change that held when the time began.
_HISTORY_SINCE: Final[LiteralString] = """
SELECT s.domain, m.host AS shop, s.asin, t.name AS price_type, keepa_time(p.minute) AS at,
       CASE WHEN p.price >= 0 THEN p.price END AS value,
       CASE WHEN p.shipping >= 0 THEN p.shipping END AS shipping_value,
       CASE WHEN t.is_money THEN m.currency END AS currency,
       CASE WHEN t.is_money THEN keepa_money(p.price, s.domain) END AS price,
       CASE WHEN t.is_money THEN keepa_money(p.shipping, s.domain) END AS shipping
FROM price_series_rows AS s
CROSS JOIN LATERAL (
    SELECT minute, price, shipping, lead(minute) OVER (ORDER BY minute) AS until FROM {points}
) AS p
LEFT JOIN price_types AS t ON t.id = s.price_type
LEFT JOIN domains AS m ON m.id = s.domain
WHERE (%(domain)s::smallint IS NULL OR s.domain = %(domain)s)
  AND (p.until IS NULL OR keepa_time(p.until) > %(since)s::timestamptz)
"""
# Days are those of UTC: Keepa's minute 0 begins one (`KEEPA_EPOCH_MIN`). The last value holds until the history was
# fetched: what the price has been since then nobody knows.
_DAILY: Final[LiteralString] = """
SELECT s.domain, m.host AS shop, s.asin, t.name AS price_type, date '2011-01-01' + d.day AS day,
       CASE WHEN t.is_money THEN m.currency END AS currency, d.lowest, d.highest, d.last
FROM price_series_rows AS s
LEFT JOIN products AS f ON f.domain = s.domain AND f.asin = s.asin
LEFT JOIN price_types AS t ON t.id = s.price_type
LEFT JOIN domains AS m ON m.id = s.domain
CROSS JOIN LATERAL (
    SELECT day,
           min(amount) AS lowest,
           max(amount) AS highest,
           (array_agg(amount ORDER BY minute DESC))[1] AS last
    FROM (
        SELECT minute,
               CASE WHEN price < 0 THEN NULL WHEN t.is_money
                   THEN keepa_money(price + greatest(coalesce(shipping, 0), 0), s.domain) ELSE price END AS amount,
               lead(minute) OVER (ORDER BY minute) AS until
        FROM {points}
    ) AS held
    CROSS JOIN LATERAL generate_series(
        greatest(minute / 1440, (%(since)s::timestamptz AT TIME ZONE 'UTC')::date - date '2011-01-01'),
        coalesce(
            (until - 1) / 1440,
            greatest(minute / 1440, (f.history_fetched_at AT TIME ZONE 'UTC')::date - date '2011-01-01')
        )
    ) AS day
    GROUP BY day
    HAVING max(amount) IS NOT NULL
) AS d
WHERE %(domain)s::smallint IS NULL OR s.domain = %(domain)s
"""
_CALLS: Final[LiteralString] = """
SELECT at, worker, tier, endpoint, shape, items, rows, estimate, cost, balance, status, duration_s, waited_s,
       account, host
FROM calls WHERE %(since)s::timestamptz IS NULL OR at >= %(since)s
"""
_CALLS_DAILY: Final[LiteralString] = """
SELECT (hour AT TIME ZONE 'UTC')::date AS day, worker, tier, endpoint, shape, sum(calls)::bigint AS calls,
       sum(items)::bigint AS items, sum(rows)::bigint AS rows, sum(tokens)::bigint AS tokens,
       sum(refused)::bigint AS refused, sum(failed)::bigint AS failed, sum(waited_s) AS waited_s,
       sum(duration_s) AS duration_s, account, host
FROM calls_hourly
WHERE %(since)s::timestamptz IS NULL OR hour >= date_trunc('day', %(since)s::timestamptz, 'UTC')
GROUP BY 1, account, host, worker, tier, endpoint, shape
"""
# Of the table as it is: a field that a later build knows is exported as well.
_PRODUCTS: Final[LiteralString] = """
SELECT m.host AS shop, {columns}, {ranks} AS sales_ranks
FROM products AS p LEFT JOIN domains AS m ON m.id = p.domain {sales}
WHERE (%(domain)s::smallint IS NULL OR p.domain = %(domain)s)
  AND (%(since)s::timestamptz IS NULL OR p.fetched_at >= %(since)s)
"""

QUERIES: Final[dict[tuple[Kind, bool], LiteralString]] = {
    ("deals", False): _DEALS,
    ("history", False): _HISTORY,
    ("history", True): _DAILY,
    ("calls", False): _CALLS,
    ("calls", True): _CALLS_DAILY,
    ("products", False): _PRODUCTS,
}
"""By kind, and by whether there is one row a day instead of one for each change or call."""

OF_STORED_BYTES: Final = frozenset(
    {"sales_ranks_json", "sales_rank_categories", "sales_rank_points", "sales_rank_minutes", "sales_rank_values"}
)
"""Columns of `products` that are exported as `sales_ranks`, which is made of them."""


def query_of(kind: Kind, *, is_daily: bool, has_since: bool) -> LiteralString:
    """The query, with places for `points`, and for the `columns`, `ranks` and history of `sales` of products."""
    if (kind, is_daily, has_since) == ("history", False, True):
        return _HISTORY_SINCE
    return QUERIES[kind, is_daily]
