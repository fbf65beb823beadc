"""Histories as numbers: the same as the view of them row by row, of rows in the old form too."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter

from tasks.store.histories import price_lines
from tasks.store.products import products

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

OLD_FORM = """
UPDATE price_series_rows AS r SET minutes = v.minutes, prices = v.prices, shipping = v.shipping,
    minute_pages = NULL, minute_bytes = NULL, price_bytes = NULL, shipping_bytes = NULL
FROM price_series AS v WHERE (v.domain, v.asin, v.price_type) = (r.domain, r.asin, r.price_type)
"""


def by_rows(conn, domain, asin):
    """Minute and value with shipping of each point, by price type, as the view has them."""
    rows = conn.execute(
        "SELECT price_type_id, (extract(epoch FROM at) / 60)::int - 21564000,"
        " coalesce(value + coalesce(shipping_value, 0), -1)"
        " FROM price_history WHERE domain = %s AND asin = %s ORDER BY 1, 2",
        (domain, asin),
    ).fetchall()
    return {number: [row[1:] for row in group] for number, group in groupby(rows, itemgetter(0))}


def as_numbers(conn, domain, asin, **which):
    found = price_lines.lines(conn, domain, asin, **which)
    return {line.price_type: list(zip(line.minutes, line.values, strict=True)) for line in found}


def test_the_lines_of_every_product_are_those_of_the_view(market, make_product):
    shipped = [None] * 7 + [[7_000_000, 90, 10, 7_000_500, -1, -1, 7_200_000, 300, 0]]
    with market.transaction():
        products.write(market, 1, [make_product("A000000001", csv=shipped)], fetched_at=NOON, has_history=True)
    known = market.execute("SELECT DISTINCT domain, asin FROM price_series_rows ORDER BY 1, 2 LIMIT 12").fetchall()
    before = {product: as_numbers(market, *product) for product in known}
    assert len(before) == 12
    for product, found in before.items():
        assert found == by_rows(market, *product), product
    assert before[1, "A000000001"] == {7: [(7_000_000, 100), (7_000_500, -1), (7_200_000, 300)]}
    market.execute(OLD_FORM)
    assert {product: as_numbers(market, *product) for product in known} == before


def test_lines_of_some_types_alone(gathered):
    domain, asin = gathered.execute("SELECT domain, asin FROM price_series_rows WHERE price_type = 3").fetchone()
    (line,) = price_lines.lines(gathered, domain, asin, price_types=[3, 99])
    assert (line.name, line.is_money) == ("SALES", False)
    assert price_lines.lines(gathered, domain, "B0NOTHERE0") == []
