"""Who reads the tables with SQL of their own goes on: with any search_path, and over an upgrade."""

from datetime import UTC, datetime

import pytest

from tasks.store import products

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SALES = [7_000_000, 120_000, 7_000_100, -1, 7_090_000, 99]
READ = (
    "SELECT minutes, prices, shipping FROM public.price_series ORDER BY price_type",
    "SELECT at, price, shipping FROM public.price_history ORDER BY price_type_id, at",
    "SELECT category, at, rank FROM public.sales_rank_history ORDER BY category, at",
    "SELECT public.sales_ranks(p) FROM public.products AS p",
)


@pytest.fixture
def filled(conn, make_product):
    """A connection to a database with a product in the present form, and rows of another in that of an older build."""
    with conn.transaction():
        ranks = {"17": SALES, "18": [5, 6, 7, 8]}
        csv = [None, [7_000_000, 100], None, SALES, None, None, None, [7_000_000, 90, 10]]
        products.write(conn, 1, [make_product(csv=csv, sales_ranks=ranks)], fetched_at=NOON, has_history=True)
    conn.execute(
        "INSERT INTO price_series_rows (domain, asin, price_type, first_minute, last_minute, points, fingerprint,"
        " minutes, prices) VALUES (1, 'B000000002', 1, 5, 9, 2, 7, '{5,9}', '{10,-1}')"
    )
    return conn


def test_the_views_read_the_same_with_any_search_path(filled):
    expected = [filled.execute(query).fetchall() for query in READ]
    assert all(expected)
    filled.execute("SET search_path = pg_catalog")
    assert [filled.execute(query).fetchall() for query in READ] == expected


def test_a_materialized_view_can_be_built_on_a_history_and_refreshed(filled):
    filled.execute("CREATE MATERIALIZED VIEW mine AS SELECT asin, at, value FROM price_history")
    before = filled.execute("SELECT * FROM mine ORDER BY 1, 2, 3").fetchall()
    filled.execute("REFRESH MATERIALIZED VIEW mine")
    assert filled.execute("SELECT * FROM mine ORDER BY 1, 2, 3").fetchall() == before
