"""Sales ranks on a real database: read as they were received, and stored once where they are the history of SALES."""

import json
from datetime import UTC, datetime

import pytest

from tasks.store.export import export
from tasks.store.export.export import Export
from tasks.store.products import products

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ASIN = "B000000001"
SALES = [7_000_000, 120_000, 7_000_100, -1, 7_090_000, 99]
LEAF = [7_000_000, 7, 7_200_000, 70_000]


def write(conn, product, *, has_history=True):
    with conn.transaction():
        return products.write(conn, 1, [product], fetched_at=NOON, has_history=has_history)


def read(conn):
    """The ranks as SQL shows them, which is what an export has too."""
    (ranks,) = conn.execute("SELECT p.sales_ranks FROM products AS p").fetchone()
    assert [exported["sales_ranks"] for exported in in_lines(conn)] == [ranks]
    return ranks


def in_lines(conn):
    wanted = Export(kind="products")
    with export.json_copied(conn, wanted, export.columns_of(conn, wanted)) as lines:
        return [json.loads(line) for line in lines]


def stored(conn):
    return conn.execute("SELECT sales_rank_points, sales_ranks_json IS NOT NULL FROM products").fetchone()


def csv(sales):
    return [None, None, None, sales]


@pytest.mark.parametrize(
    ("ranks", "points"),
    [
        ({"17": SALES, "283155": LEAF}, [0, 2]),
        ({"283155": LEAF, "17": SALES[:4]}, [2, 2]),
        ({"17": SALES}, [0]),
        ({"9223372036854775807": LEAF}, [2]),
    ],
)
def test_ranks_read_as_they_were_received(conn, make_product, ranks, points):
    assert write(conn, make_product(csv=csv(SALES), sales_ranks=ranks)).refused == 0
    assert (read(conn), stored(conn)) == (ranks, (points, False))
    shown = conn.execute(
        "SELECT category::text, (extract(epoch FROM at) / 60 - 21564000)::int, coalesce(rank, -1)"
        " FROM sales_rank_history"
    ).fetchall()
    points = {
        (name, *point) for name, numbers in ranks.items() for point in zip(numbers[::2], numbers[1::2], strict=True)
    }
    assert (set(shown), len(shown)) == (points, len(points))


@pytest.mark.parametrize(
    "ranks",
    [
        {},
        {"17": None, "18": LEAF},
        {"17": []},
        {"17": [1, 2, 3]},
        {"17": [5, 1, 4, 2]},
        {"017": LEAF},
        {"none": LEAF},
        {"17": [1, 2**31]},
        {"92233720368547758070": LEAF},
    ],
)
def test_ranks_of_an_unusual_form_read_as_they_were_received_too(conn, make_product, ranks):
    assert write(conn, make_product(csv=csv(SALES), sales_ranks=ranks)).refused == 0
    assert (read(conn), stored(conn)) == (ranks, (None, True))
    conn.execute("SELECT * FROM sales_rank_history").fetchall()


def test_without_ranks_there_are_none(conn, make_product):
    write(conn, make_product(csv=csv(SALES), sales_ranks=None))
    assert (read(conn), stored(conn)) == (None, (None, False))
    assert conn.execute("SELECT * FROM sales_rank_history").fetchall() == []


def test_ranks_that_come_without_the_history_of_sales_do_not_refer_to_it(conn, make_product):
    light = make_product(csv=csv(SALES), sales_ranks={"17": SALES}, last_update=20)
    assert write(conn, light, has_history=False).series == 0
    assert (read(conn), stored(conn)) == ({"17": SALES}, ([3], False))
    write(
        conn, make_product(csv=csv([*SALES, 7_100_000, 5]), sales_ranks={"17": [*SALES, 7_100_000, 5]}, last_update=21)
    )
    assert (read(conn), stored(conn)) == ({"17": [*SALES, 7_100_000, 5]}, ([0], False))
