"""Who reads the tables with SQL of their own goes on: with any search_path, and over an upgrade."""

from datetime import UTC, datetime

import pytest

from tasks.errors import ConfigError
from tasks.store import migrate
from tasks.store.connection import connect
from tasks.store.histories import recoding
from tasks.store.products import products

BEFORE = 20  # the number of the file that brought the byte planes
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


@pytest.fixture
def old(empty_database_url):
    """A connection to a database of the build before histories and sales ranks became bytes, with a product."""
    with connect(empty_database_url, application_name="test", autocommit=True) as connection:
        files = migrate.bundled_migrations()
        migrate.apply_migrations(connection, [one for one in files if one.number < BEFORE])
        connection.execute(
            "INSERT INTO products (domain, asin, is_found, title, first_fetched_at, fetched_at, sales_ranks) VALUES"
            " (1, 'B000000001', true, 'A title', now(), now(), '{\"18\": [5, 6, 7, 8]}')"
        )
        yield connection


VIEWS = (
    "SELECT asin, sales_ranks FROM products WHERE sales_ranks IS NOT NULL",
    "SELECT p.sales_ranks FROM products AS p",
    'SELECT "A p".sales_ranks -> \'18\' AS of_18 FROM products AS "A p"',
    "SELECT * FROM products",
    "SELECT p.sales_ranks AS r, d.host FROM products AS p JOIN domains AS d ON d.id = p.domain",
    "SELECT x.sales_ranks FROM (SELECT sales_ranks FROM products) AS x UNION ALL SELECT sales_ranks FROM products",
    "SELECT host, (SELECT min(sales_ranks::text) FROM products AS q WHERE q.domain = id) AS ranks FROM domains",
)


def shown(conn):
    """What the views show, without the blanks in JSON."""
    every = [conn.execute(f"SELECT m::text FROM mine_{number} AS m").fetchall() for number in range(len(VIEWS))]
    return [[text.replace(" ", "") for (text,) in rows] for rows in every]


def test_views_of_sales_ranks_show_what_the_column_held(old):
    for number, query in enumerate(VIEWS):
        old.execute(f"CREATE VIEW mine_{number} WITH (security_barrier) AS {query}")
    before = shown(old)
    migrate.apply_migrations(old)
    has_more = True
    while has_more:
        with old.transaction():
            has_more = recoding.step(old).has_more
    assert old.execute("SELECT count(*) FROM products WHERE sales_ranks_json IS NOT NULL").fetchone() == (0,)
    assert shown(old) == before
    options = old.execute("SELECT reloptions FROM pg_class WHERE relname ~ '^mine_'").fetchall()
    assert options == [(["security_barrier=true"],)] * len(VIEWS)


def test_what_would_stay_empty_has_to_be_dropped_first(old):
    old.execute("CREATE MATERIALIZED VIEW of_ranks AS SELECT sales_ranks FROM products")
    old.execute("CREATE MATERIALIZED VIEW of_prices AS SELECT prices FROM price_series")
    for name in ("of_prices", "of_ranks"):  # in the order of the files, of which each is applied whole or not at all
        with pytest.raises(ConfigError, match=rf"{name} of \w+ reads a column .*: drop it, and make it again"):
            migrate.apply_migrations(old)
        old.execute(f"DROP MATERIALIZED VIEW {name}")
    assert migrate.apply_migrations(old)


def test_who_may_read_or_write_may_do_so_with_the_tables_made_since(old):
    reads = "deals", "calls", "fetch_queue", "products", "turns"
    old.execute("CREATE ROLE only_reads; CREATE ROLE works")
    try:
        old.execute(f"GRANT SELECT ON {', '.join(reads)} TO only_reads")
        old.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO works")
        migrate.apply_migrations(old)
        made = "calls_hourly", "fetch_queue_counts", "fetch_queue_check", "selections", "background_duties"
        made += "ledgers", "ledger_events", "hosts"
        may = "SELECT bool_and(has_table_privilege(%s, t, r)) FROM unnest(%s::text[]) AS t, unnest(%s::text[]) AS r"
        changes = ["INSERT", "UPDATE", "DELETE"]
        assert old.execute(may, ("only_reads", [*made, "sales_rank_history"], ["SELECT"])).fetchone() == (True,)
        assert old.execute(may, ("works", [*made], ["SELECT", *changes])).fetchone() == (True,)
        assert old.execute("SELECT has_table_privilege('only_reads', 'selections', 'INSERT')").fetchone() == (False,)
    finally:
        old.execute("DROP OWNED BY only_reads, works; DROP ROLE only_reads, works")


def test_who_may_read_single_columns_may_go_on(old):
    old.execute("CREATE ROLE reads_some; CREATE ROLE lends")
    old.execute(
        "INSERT INTO price_series (domain, asin, price_type, first_minute, last_minute, points, fingerprint, minutes,"
        " prices) VALUES (1, 'B000000001', 1, 5, 9, 2, 7, '{5,9}', '{10,-1}')"
    )
    granted = (
        "GRANT SELECT (domain, asin, prices), UPDATE (points) ON price_series TO reads_some",
        "GRANT SELECT (at, cost), INSERT (worker) ON calls TO reads_some",
        "GRANT SELECT (cost) ON calls TO lends WITH GRANT OPTION",
        "GRANT SELECT (at) ON calls TO PUBLIC",
    )
    may = "SELECT has_column_privilege(%s, %s, %s, %s)"
    asked = {
        ("reads_some", "price_series", "prices", "SELECT"): True,
        ("reads_some", "price_series", "minutes", "SELECT"): False,
        ("reads_some", "calls", "cost", "SELECT"): True,
        ("reads_some", "calls", "cost", "UPDATE"): False,
        ("reads_some", "calls", "worker", "INSERT"): True,
        ("reads_some", "calls", "balance", "SELECT"): False,
        ("lends", "calls", "cost", "SELECT WITH GRANT OPTION"): True,
        ("lends", "calls", "at", "SELECT"): True,
    }
    try:
        for statement in granted:
            old.execute(statement)
        migrate.apply_migrations(old)
        assert {one: old.execute(may, one).fetchone()[0] for one in asked} == asked
        with old.transaction(force_rollback=True):
            old.execute("SET LOCAL ROLE reads_some")
            assert old.execute("SELECT prices FROM price_series").fetchall() == [([10, -1],)]
    finally:
        old.execute("DROP OWNED BY reads_some, lends; DROP ROLE reads_some, lends")
