"""Products as they were fetched last, and products that a person puts to the front of the queue."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tasks.keepa.decode.replies import Stats
from tasks.store import products, products_now
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
