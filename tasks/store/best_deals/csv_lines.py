"""The statement that has the server write deals as lines of CSV. Pure."""

from __future__ import annotations

from typing import Final

# Of a query for the columns of `BestDeal`. Times are in UTC, as JSON has them; a text that a spreadsheet would run as a
# formula gets an apostrophe before it.
COPY: Final = """
COPY (
    SELECT
        domain, shop, asin,
        CASE WHEN left(title, 1) IN ('=', '+', '-', '@', E'\\t', E'\\r') THEN '''' || title ELSE title END,
        root_cat,
        CASE WHEN left(category, 1) IN ('=', '+', '-', '@', E'\\t', E'\\r') THEN '''' || category ELSE category END,
        price_type, currency, price, average, discount_percent, compared_with, price_before,
        btrim(to_json(price_since AT TIME ZONE 'UTC')::text, '"') || 'Z',
        sales_rank,
        btrim(to_json(deal_since AT TIME ZONE 'UTC')::text, '"') || 'Z',
        btrim(to_json(updated_at AT TIME ZONE 'UTC')::text, '"') || 'Z',
        btrim(to_json(first_seen_at AT TIME ZONE 'UTC')::text, '"') || 'Z',
        btrim(to_json(last_seen_at AT TIME ZONE 'UTC')::text, '"') || 'Z',
        array_to_string(selections, ' '),
        price_now,
        btrim(to_json(price_now_at AT TIME ZONE 'UTC')::text, '"') || 'Z',
        'https://www.' || shop || '/dp/' || asin
    FROM ({query}) AS found
) TO STDOUT (FORMAT csv)
"""
