"""Rows of an older build get the form of this one in the background, and read the same before, meanwhile and after."""

from datetime import UTC, datetime

import pytest
from psycopg.errors import LockNotAvailable

from tasks.store.connection import connect
from tasks.store.duties import state
from tasks.store.histories import recoding
from tasks.store.products import products

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SALES = [7_000_000, 120_000, 7_000_100, -1, 7_300_000, 99]
OLD = """
INSERT INTO price_series_rows (domain, asin, price_type, first_minute, last_minute, points, fingerprint,
                               minutes, prices, shipping)
SELECT domain, asin, t.id, 7000000, 7300000, 3, 5, '{7000000,7000100,7300000}', t.prices, t.shipping
FROM products CROSS JOIN (VALUES
    (1, '{100,-1,70000}'::int[], NULL::int[]), (3, '{120000,-1,99}', NULL), (7, '{-2,5,6}', '{0,-1,300}')
) AS t (id, prices, shipping)
"""
READ = [
    "SELECT * FROM price_series ORDER BY domain, asin, price_type",
    "SELECT * FROM price_history ORDER BY domain, asin, price_type_id, at",
    "SELECT domain, asin, p.sales_ranks::jsonb FROM products AS p ORDER BY domain, asin",
    "SELECT * FROM sales_rank_history ORDER BY domain, asin, category, at",
]
LEFT = """
SELECT (SELECT count(*) FROM price_series_rows WHERE minutes IS NOT NULL),
       (SELECT count(*) FROM products WHERE sales_ranks_json IS NOT NULL)
"""
ODD = 3  # products whose sales ranks have no other form than JSON


@pytest.fixture
def old(conn):
    """Two and a half steps of products in two locales, as an older build left them."""
    conn.execute(
        "INSERT INTO products (domain, asin, is_found, first_fetched_at, fetched_at, sales_ranks_json)"
        " SELECT d, 'B' || lpad(n::text, 9, '0'), true, now(), now(), CASE WHEN n = 1 AND d = 1 THEN '{\"17\": [3]}'"
        " WHEN n = 2 THEN '{\"x\": [1, 2]}' ELSE %s END::json"
        " FROM generate_series(1, 2) AS d, generate_series(1, %s) AS n",
        (f'{{"17": {SALES}, "18": [5, 6, 7, 8]}}', recoding.PRODUCTS * 5 // 4),
    )
    conn.execute(OLD)
    return conn


def a_step(conn):
    with conn.transaction():
        return recoding.step(conn).has_more


def read(conn):
    return [conn.execute(query).fetchall() for query in READ]


def test_rows_read_the_same_before_meanwhile_and_after(old):
    before = read(old)
    while a_step(old):
        assert read(old) == before
    assert old.execute(LEFT).fetchone() == (0, ODD)
    assert old.execute("SELECT DISTINCT sales_rank_points FROM products ORDER BY 1").fetchall() == [([0, 2],), (None,)]
    assert not a_step(old)


def test_a_walk_that_is_broken_off_goes_on_where_it_stood(old):
    a_step(old)
    left = old.execute(LEFT).fetchone()
    with old.transaction(force_rollback=True):
        recoding.step(old)
    assert old.execute(LEFT).fetchone() == left
    while a_step(old):
        pass
    assert old.execute(LEFT).fetchone() == (0, ODD)


def test_a_newer_history_is_put_behind_one_in_the_old_form_and_takes_its_form_with_it(old, make_product):
    late = make_product(csv=[None, [7_400_000, 9]], last_update=5)
    with old.transaction():
        products.write(old, 1, [late], fetched_at=NOON, has_history=True)
    whole = ([7_000_000, 7_000_100, 7_300_000, 7_400_000], [100, -1, 70_000, 9])
    query = "SELECT minutes, prices FROM price_series WHERE domain = 1 AND asin = 'B000000001' AND price_type = 1"
    assert old.execute(query).fetchone() == whole
    while a_step(old):
        pass
    assert old.execute(query).fetchone() == whole


def test_what_a_writer_has_in_hand_is_waited_for(old, database_url):
    """Of the first product nothing but its histories gets another form."""
    with (
        connect(database_url, application_name="other", autocommit=True, lock_timeout_ms=1) as other,
        old.transaction(),
    ):
        old.execute("SELECT FROM products WHERE domain = 1 AND asin = 'B000000001' FOR NO KEY UPDATE")
        with pytest.raises(LockNotAvailable):
            a_step(other)


def test_a_table_of_ones_own_that_refers_to_the_rows_keeps_them(old):
    old.execute("CREATE TABLE mine (domain smallint, asin text, price_type smallint,"
                " FOREIGN KEY (domain, asin, price_type) REFERENCES price_series_rows ON DELETE CASCADE)")  # fmt: skip
    old.execute("INSERT INTO mine SELECT domain, asin, price_type FROM price_series_rows")
    count = old.execute("SELECT count(*) FROM mine").fetchone()
    while a_step(old):
        pass
    assert old.execute("SELECT count(*) FROM mine").fetchone() == count


def test_when_all_is_done_nothing_is_looked_at_any_more(old):
    while a_step(old):
        pass
    assert state.load(old, recoding.NAME) == {"done": True}
    old.execute(OLD.replace("t.id,", "t.id + 20,"))
    assert not a_step(old)
    assert old.execute(LEFT).fetchone()[0] > 0
