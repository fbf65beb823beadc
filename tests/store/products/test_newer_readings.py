"""Of each part of a product the newest reading counts, whenever it arrives, and no history is cut or lost."""

from datetime import timedelta

import pytest

from tasks.keepa.decode.replies import Offer, Stats
from tasks.store.products import products
from tests.fixtures.database.product_rows import NOON, one, pairs, series, write


def versions(conn):
    """Where each row lies and who wrote it: changes whenever one is rewritten."""
    return conn.execute(
        "SELECT asin, 0, ctid, xmin FROM products UNION ALL"
        " SELECT asin, price_type + 1, ctid, xmin FROM price_series_rows ORDER BY 1, 2"
    ).fetchall()


def test_an_older_reading_changes_nothing_whenever_it_arrives(conn, make_product):
    write(conn, make_product(title="new", last_update=20, csv=pairs((1, 10), (9, 90))))
    before = versions(conn)
    for age in (19, 20):
        late = make_product(title="old", last_update=age, csv=pairs((1, 10)))
        written = write(conn, late, at=NOON + timedelta(hours=age))
        assert (written.inserted, written.updated, written.unchanged, written.series) == (0, 0, 1, 0)
    assert versions(conn) == before


def test_a_newer_reading_rewrites_only_the_series_that_changed(conn, make_product):
    csv = [[1, 10], [1, 20], [1, 30]]
    write(conn, make_product(last_update=20, csv=csv))
    before = {row[1]: row[2:] for row in versions(conn)}
    csv[1] = [1, 20, 5, 21]
    written = write(conn, make_product(last_update=21, csv=csv), at=NOON + timedelta(hours=1))
    assert (written.updated, written.series, written.changed_asins) == (1, 1, ["B000000001"])
    after = {row[1]: row[2:] for row in versions(conn)}
    assert {place for place in before if before[place] != after[place]} == {0, 2}
    assert series(conn) == {0: ([1], [10], None), 1: ([1, 5], [20, 21], None), 2: ([1], [30], None)}


def test_a_reply_with_the_last_days_only_does_not_cut_the_history(conn, make_product):
    write(conn, make_product(last_update=20, csv=pairs((1, 10), (5, 50), (8, 80))))
    later = make_product(last_update=21, csv=pairs((5, 51), (9, 90)))
    assert write(conn, later, at=NOON + timedelta(hours=1)).series == 1
    assert series(conn) == {0: ([1, 5, 9], [10, 51, 90], None)}
    points = conn.execute("SELECT first_minute, last_minute, points FROM price_series").fetchone()
    assert points == (1, 9, 3)
    whole = make_product(last_update=22, csv=pairs((1, 11), (9, 90)))
    write(conn, whole, at=NOON + timedelta(hours=2))
    assert series(conn) == {0: ([1, 9], [11, 90], None)}


def test_a_part_of_a_history_with_shipping_is_joined_too(conn, make_product):
    def csv(*points):
        return [None] * 7 + pairs(*points)

    write(conn, make_product(last_update=20, csv=csv((1, 10, 1), (5, 50, 5))))
    write(conn, make_product(last_update=21, csv=csv((7, 70, 7))), at=NOON + timedelta(hours=1))
    assert series(conn) == {7: ([1, 5, 7], [10, 50, 70], [1, 5, 7])}


def watch(conn):
    conn.execute(
        """CREATE TABLE mine (domain smallint, asin text, price_type smallint, FOREIGN KEY (domain, asin, price_type)
        REFERENCES price_series_rows (domain, asin, price_type) ON DELETE CASCADE)"""
    )


def test_a_newer_history_touches_nothing_that_refers_to_it(conn, make_product):
    watch(conn)
    write(conn, make_product(last_update=20, csv=[[1, 10], [1, 20], [1, 30]]))
    conn.execute("INSERT INTO mine SELECT domain, asin, price_type FROM price_series")
    changed = make_product(last_update=21, csv=[[1, 10, 2, 11], [1, 20], [1, 30, 2, 31], [1, 40]])
    assert write(conn, changed, at=NOON + timedelta(hours=1)).series == 3
    assert series(conn) == {
        0: ([1, 2], [10, 11], None),
        1: ([1], [20], None),
        2: ([1, 2], [30, 31], None),
        3: ([1], [40], None),
    }
    points = conn.execute("SELECT last_minute, points FROM price_series ORDER BY price_type").fetchall()
    assert points == [(2, 2), (1, 1), (2, 2), (1, 1)]
    assert conn.execute("SELECT count(*) FROM mine").fetchone() == (3,)


@pytest.mark.parametrize("is_watched", [False, True])
def test_a_newer_history_in_one_locale_leaves_the_other_locales_history_alone(conn, make_product, is_watched):
    if is_watched:
        watch(conn)
    first = make_product(last_update=20, csv=pairs((1, 10)))
    with conn.transaction():
        for domain in (1, 2):
            products.write(conn, domain, [first], fetched_at=NOON, has_history=True)
    write(conn, make_product(last_update=21, csv=pairs((1, 10), (2, 20))), at=NOON + timedelta(hours=1))
    found = conn.execute("SELECT domain, prices FROM price_series ORDER BY 1").fetchall()
    assert found == [(1, [10, 20]), (2, [10])]


def test_a_history_stays_when_its_newer_reading_is_refused(conn, make_product):
    write(conn, make_product(last_update=20, csv=pairs((1, 10), (2, 20))))
    written = write(conn, make_product(last_update=21, csv=pairs((1, 10), (2, 2**31))), at=NOON + timedelta(hours=1))
    assert (written.refused, written.series) == (1, 0)
    assert series(conn) == {0: ([1, 2], [10, 20], None)}


def test_a_history_stays_when_the_database_refuses_its_newer_reading(conn, make_product):
    write(conn, make_product(last_update=20, csv=pairs((1, 10), (2, 20))))
    conn.execute("ALTER TABLE price_series_rows ADD CONSTRAINT no_third CHECK (price_type <> 0 OR last_minute <> 3)")
    csv = [*pairs((1, 10), (3, 13)), [1, 20, 3, 21]]
    written = write(conn, make_product(last_update=21, csv=csv), at=NOON + timedelta(hours=1))
    assert (written.refused, written.series) == (1, 1)
    assert series(conn) == {0: ([1, 2], [10, 20], None), 1: ([1, 3], [20, 21], None)}


def test_of_two_readings_in_one_batch_the_newer_counts(conn, make_product):
    newer, older = make_product(title="newer", last_update=21), make_product(title="older", last_update=20)
    for batch in ([newer, older], [older, newer]):
        conn.execute("TRUNCATE products, price_series_rows")
        assert write(conn, *batch).inserted == 1
        assert one(conn, "title") == "newer"


def test_of_two_readings_of_one_age_in_one_batch_the_later_counts(conn, make_product):
    write(conn, make_product(title="first"), make_product(title="last"))
    assert one(conn, "title") == "last"


def test_a_price_type_that_stays_away_keeps_its_history(conn, make_product):
    write(conn, make_product(last_update=20, csv=[[1, 10], [1, 20]]))
    write(conn, make_product(last_update=21, csv=[[1, 10], None]), at=NOON + timedelta(hours=1))
    assert series(conn) == {0: ([1], [10], None), 1: ([1], [20], None)}


def test_a_reply_without_history_leaves_the_history_alone(conn, make_product):
    write(conn, make_product(last_update=20, monthly_sold_history=[1, 5], sales_ranks={"1": [1, 2, 3, 4]}))
    stats = Stats(current=[1, 2])
    light = make_product(last_update=21, title="newer", csv=None, stats=stats, sales_ranks={"1": [3, 4]})
    later = NOON + timedelta(hours=1)
    written = write(conn, light, at=later, has_history=False)
    assert (written.updated, written.series) == (1, 0)
    shown = one(
        conn, "title, monthly_sold_history, products.sales_ranks, history_fetched_at, history_update, fetched_at, stats"
    )
    assert shown == ("newer", [1, 5], {"1": [1, 2, 3, 4]}, NOON, 20, later, {"current": [1, 2]})
    assert len(series(conn)) == 2


def test_what_is_asked_for_with_histories_is_kept_when_it_was_not_asked_for(conn, make_product):
    write(conn, make_product(last_update=20, videos=[{"title": "t"}], a_plus=[{"module": []}]))
    light = make_product(last_update=21, title="newer", csv=None, stats=Stats(current=[1]))
    write(conn, light, at=NOON + timedelta(hours=1), has_history=False)
    assert one(conn, "title, videos, a_plus") == ("newer", [{"title": "t"}], [{"module": []}])
    write(conn, make_product(last_update=22), at=NOON + timedelta(hours=2))
    assert one(conn, "videos, a_plus") == (None, None)


def test_history_that_arrives_after_a_newer_reading_without_it_is_kept(conn, make_product):
    light = make_product(last_update=21, title="newer", csv=None)
    write(conn, light, has_history=False)
    assert one(conn, "history_update") is None
    late = make_product(last_update=20, title="older", csv=pairs((1, 10)), coupon_history=[1, 2, 3])
    written = write(conn, late, at=NOON - timedelta(minutes=1))
    assert (written.updated, written.series) == (1, 1)
    assert one(conn, "title, last_update, history_update, coupon_history") == ("newer", 21, 20, [1, 2, 3])
    assert series(conn) == {0: ([1], [10], None)}


def test_figures_and_offers_are_kept_until_newer_ones_come(conn, make_product):
    rich = make_product(
        last_update=20, stats=Stats(avg=[1]), offers=[Offer(offer_id=1, extra={"odd": True})], live_offers_order=[0]
    )
    write(conn, rich)
    write(conn, make_product(last_update=21), at=NOON + timedelta(hours=1))
    shown = one(conn, "stats, live_offers_order, stats_update, offers_update, stats_fetched_at, last_update")
    assert shown == ({"avg": [1]}, [0], 20, 20, NOON, 21)
    assert conn.execute("SELECT offer_id, live_place, extra FROM offers").fetchall() == [(1, 0, {"odd": True})]
