"""Products as they were fetched last, and products that a person puts to the front of the queue."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tasks.keepa.decode.replies import Stats
from tasks.store.products import products, products_now
from tasks.store.queue import queue
from tasks.store.queue.to_front import FRONT, to_front

AT = datetime(2026, 11, 1, tzinfo=UTC)
A, B, C = "B00000000A", "B00000000B", "B00000000C"


def write(conn, *found, domain=1):
    products.write(conn, domain, found, fetched_at=AT, has_history=True)


def test_what_a_product_is_now_is_told_in_the_money_of_the_shop(conn, make_product):
    stats = Stats(current=[-1, 1234, -2, 5_000, 10**12], avg90=[-1, 2000, -1, 4_000, -1])
    for domain in (1, 5):
        write(conn, make_product(A, stats=stats), domain=domain)
    told = {one.price_type: one for one in products_now.figures(conn, 1, [A])[A]}
    assert list(told) == ["NEW", "SALES"], "no offer, nothing known, and a number that no price can have are left out"
    assert (told["NEW"].price, told["NEW"].mean) == (Decimal("12.34"), Decimal(20))
    assert (told["SALES"].price, told["SALES"].value) == (None, 5000)
    assert products_now.figures(conn, 5, [A])[A][0].price == 1234
    assert products_now.products_now(conn, 5, [A, B])[A].currency == "JPY"


@pytest.mark.parametrize("where", ["ean_list", "upc_list", "gtin_list"])
def test_a_product_is_found_by_whatever_list_has_its_code(conn, make_product, where):
    code = "4006381333931" if where != "gtin_list" else "04006381333931"
    write(conn, make_product(A, **{where: [code]}), make_product(B))
    assert products_now.asins_with(conn, 1, "4006381333931") == [A]
    assert products_now.asins_with(conn, 3, "4006381333931") == []


def test_what_a_person_asks_for_comes_first_whether_it_waits_or_was_fetched(conn):
    queue.enqueue(conn, 1, [C, B, A], detail="history", priority=1)
    done = queue.claim(conn, owner="w", limit=1, lease_s=60)
    queue.complete(conn, done)
    assert to_front(conn, 1, [A, C], detail="history") == 1, "one of them waited already"
    order = [item.asin for item in queue.claim(conn, owner="w", limit=3, lease_s=60)]
    assert (sorted(order[:2]), order[2]) == ([A, C], B)
    priorities = conn.execute("SELECT DISTINCT priority FROM fetch_queue WHERE asin <> %s", (B,)).fetchall()
    assert priorities == [(FRONT,)]
    (waiting,) = conn.execute("SELECT sum(waiting) FROM fetch_queue_counts").fetchone()
    assert waiting == 3, "the sums of the queue go along"


def points(conn, asin):
    statement = "SELECT minutes, prices FROM price_series WHERE asin = %s AND price_type = 1"
    return conn.execute(statement, (asin,)).fetchone()


def test_a_part_of_a_history_is_put_behind_what_is_there_and_counts_as_none(conn, make_product):
    whole = [7_000_000, 100, 7_000_060, 200, 7_000_120, 300]
    write(conn, make_product(A, csv=[None, whole], coupon_history=[1, 2, 3]))
    known = conn.execute("SELECT history_fetched_at, coupon_history FROM products").fetchone()
    late = make_product(A, last_update=7_800_001, csv=[None, [7_000_100, 250, 7_000_200, 400]], coupon_history=[])
    products.write(conn, 1, [late], fetched_at=AT.replace(day=2), has_history=False, has_part=True)
    assert points(conn, A) == ([7_000_000, 7_000_060, 7_000_100, 7_000_200], [100, 200, 250, 400])
    assert conn.execute("SELECT history_fetched_at, coupon_history FROM products").fetchone() == known
    old = make_product(A, last_update=7_700_000, csv=[None, [7_000_090, 1]])
    products.write(conn, 1, [old], fetched_at=AT.replace(day=3), has_history=False, has_part=True)
    assert len(points(conn, A)[0]) == 4, "an older reading takes nothing away"
    new = make_product(B, csv=[None, [7_000_100, 250]])
    products.write(conn, 1, [new], fetched_at=AT, has_history=False, has_part=True)
    assert points(conn, B) == ([7_000_100], [250])
    assert conn.execute("SELECT history_fetched_at FROM products WHERE asin = %s", (B,)).fetchone() == (None,)
    write(conn, make_product(B, last_update=7_800_002, csv=[None, whole]))
    assert points(conn, B)[1] == [100, 200, 300], "the whole history takes its place"


def test_a_buy_box_that_was_asked_for_stays_and_is_taken_of_the_same_moment(conn, make_product):
    columns = "SELECT buy_box_price, buy_box_update, stats ->> 'buyBoxPrice', stats_known FROM products"
    without = Stats(current=[-1, 100], buy_box_price=-2, buy_box_shipping=-2)
    write(conn, make_product(A, stats=without))
    assert conn.execute(columns).fetchone() == (None, None, "-2", 1)
    asked = Stats(current=[-1, 100], buy_box_price=90, buy_box_shipping=0)
    write(conn, make_product(A, stats=asked))
    assert conn.execute(columns).fetchone() == (90, 7_800_000, "90", 2), "of the same moment, and tells more"
    write(conn, make_product(A, stats=without))
    assert conn.execute(columns).fetchone() == (90, 7_800_000, "90", 2)
    write(conn, make_product(A, stats=without, last_update=7_800_001))
    assert conn.execute(columns).fetchone() == (90, 7_800_000, "-2", 1), "a later one without it leaves the columns"
    nobody = Stats(current=[-1, 100], buy_box_price=-1, buy_box_shipping=-1)
    write(conn, make_product(A, stats=nobody, last_update=7_800_002))
    assert conn.execute(columns).fetchone()[:2] == (-1, 7_800_002)
