"""The rows of the growth benchmark are like the writers': a copy has all that its original has, at another time."""

from types import SimpleNamespace

from benchmarks.growth import copies, disorder, fill, measure, paging, reading
from benchmarks.growth.sizes import Size

SMALL = Size("S", deals=20, products=5, calls=40, pending=24, quarantine=6)
LARGE = Size("L", deals=100, products=15, calls=200, pending=240, quarantine=30)
# Each table with the rows of a product, or with nothing of it.
OF_PRODUCTS = ("price_series", "offers")
LATE = """
SELECT count(*) FROM deals WHERE last_seen_at NOT BETWEEN now() - interval '366 days' AND now()
    OR keepa_time(creation_date) > last_seen_at OR first_seen_at > last_seen_at
"""


def test_a_larger_database_has_as_many_rows_of_each_kind_and_none_is_of_the_future(conn):
    fill.write(conn, SMALL)
    told = {table: count(conn, f"SELECT count(*) FROM {table}") for table in OF_PRODUCTS}
    copies.multiply(conn, SMALL, LARGE, log=lambda _: None)
    assert count(conn, "SELECT count(*) FROM deal_rows JOIN deal_sightings USING (domain, asin)") == LARGE.deals
    assert count(conn, "SELECT count(*) FROM products") == LARGE.products
    assert count(conn, "SELECT count(*) FROM calls") == LARGE.calls
    assert count(conn, "SELECT count(*) FROM quarantine") == LARGE.quarantine
    leased = count(conn, "SELECT count(*) FROM fetch_queue WHERE state = 'leased'")
    assert leased == 4
    waiting = count(conn, "SELECT count(*) FROM fetch_queue WHERE state = 'pending'")
    assert waiting == (SMALL.pending - leased) * LARGE.pending // SMALL.pending
    assert count(conn, "SELECT count(*) FROM fetch_queue WHERE state = 'done'") == LARGE.products
    for table, rows in told.items():
        assert count(conn, f"SELECT count(*) FROM {table}") == rows * LARGE.products // SMALL.products
    assert count(conn, "SELECT count(*) FROM products JOIN deals USING (domain, asin)") == LARGE.products
    assert count(conn, LATE) == 0
    assert count(conn, "SELECT count(*) FROM deal_titles JOIN deal_rows USING (domain, asin)") == LARGE.deals
    assert count(conn, "SELECT count(*) FROM new_titles") == 0
    assert count(conn, "SELECT count(*) FROM pg_namespace WHERE nspname = 'growth'") == 0


def test_what_is_read_can_be_measured(conn, database_url):
    fill.write(conn, SMALL)
    copies.multiply(conn, SMALL, SMALL, log=lambda _: None)
    server = measure.Server(database_url)
    bench = SimpleNamespace(
        urls={"S": database_url},
        servers={"S": server},
        rounds=1,
        spent=lambda conns: {"S": lambda: server.spent_s(conns["S"])},
    )
    off = next(row for row in reading.queue_figures(bench) if row.unit == "%")
    assert off.values == {"S": 0}
    assert len(reading.queries(bench)) == 2 * reading.DOCUMENT.read_text().count("```sql")
    assert len([row for row in paging.deal_pages(bench) if row.aim is not None]) == len(paging.asked(conn))
    assert disorder.product_bytes(bench)[0].values["S"] > 10


def count(conn, query):
    return conn.execute(query.encode()).fetchone()[0]
