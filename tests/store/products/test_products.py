"""Products: each part of a row is as new as the newest reading of it, and no history is cut or lost."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import msgspec
import pytest

from tasks.keepa import prices
from tasks.keepa.decode.replies import FbaFees, Offer, Product, Stats, decode_products
from tasks.store.connection import connect
from tasks.store.products import product_columns, products
from tests.fakes.waiting import LIMIT_S

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NO_COLUMN = {"domain_id", "csv", "offers", "fba_fees", "reviews", "sales_ranks"}  # in the key, in tables or in several


def write(conn, *batch, at=NOON, has_history=True):
    with conn.transaction():
        return products.write(conn, 1, batch, fetched_at=at, has_history=has_history)


def one(conn, columns, asin="B000000001"):
    row = conn.execute(f"SELECT {columns} FROM products WHERE asin = %s", (asin,)).fetchone()
    return row[0] if len(row) == 1 else row


def series(conn, asin="B000000001"):
    found = conn.execute(
        "SELECT price_type, minutes, prices, shipping FROM price_series WHERE asin = %s ORDER BY 1", (asin,)
    )
    return {row[0]: row[1:] for row in found.fetchall()}


def versions(conn):
    """Where each row lies and who wrote it: changes whenever one is rewritten."""
    return conn.execute(
        "SELECT asin, 0, ctid, xmin FROM products UNION ALL"
        " SELECT asin, price_type + 1, ctid, xmin FROM price_series_rows ORDER BY 1, 2"
    ).fetchall()


def without_nulls(value):
    """JSON in which a null member is the same as none."""
    if isinstance(value, dict):
        return {name: without_nulls(member) for name, member in value.items() if member is not None}
    return [without_nulls(member) for member in value] if isinstance(value, list) else value


def pairs(*points):
    """A csv with one price type, 0, from (minute, price)."""
    return [list(itertools.chain.from_iterable(points))]


def test_every_field_of_a_product_has_a_column_and_every_column_exists(conn):
    fields = {field.name for field in msgspec.structs.fields(Product)} - NO_COLUMN
    assert fields <= product_columns.COLUMNS.keys()
    kinds = {"ARRAY": "[]", "integer": "int4", "bigint": "int8", "boolean": "bool", "double precision": "float8"}
    found = dict(
        conn.execute(
            "SELECT column_name, CASE data_type WHEN 'ARRAY' THEN substr(udt_name, 2) || '[]' ELSE data_type END"
            " FROM information_schema.columns WHERE table_name = 'products'"
        ).fetchall()
    )
    found = {name: kinds.get(kind, kind) for name, kind in found.items()}
    assert {name: found.get(name) for name in product_columns.COLUMNS} == dict(product_columns.COLUMNS)


def test_recorded_products_come_out_again_field_by_field(conn, recorded):
    for path in sorted((recorded / "product").glob("*.json")):
        body = json.loads(path.read_bytes())
        body = body if "products" in body else {"products": [body], "timestamp": 1}
        batch = decode_products(json.dumps(body).encode())
        (product,) = batch.products
        (sent,) = body["products"]
        assert batch.faults == []
        written = write(conn, product, has_history=product.csv is not None)
        assert (written.inserted, written.refused) == (1, 0)
        names = list(product_columns.COLUMNS)
        row = dict(zip(names, one(conn, ", ".join(names), product.asin), strict=True))
        wire_names = {field.name: field.encode_name for field in msgspec.structs.fields(Product)}
        row["sales_ranks"] = one(conn, "products.sales_ranks", product.asin)
        for name in row.keys() & wire_names.keys():
            assert without_nulls(row[name]) == without_nulls(sent.get(wire_names[name])), name
        assert row["fba_pick_and_pack_fee"] == sent["fbaFees"]["pickAndPackFee"]
        assert row["fba_fees_last_update"] == sent["fbaFees"]["lastUpdate"]
        decoded = {s.price_type: (s.minutes, s.prices, s.shipping) for s in prices.decode(product.csv)}
        assert series(conn, product.asin) == decoded
    assert conn.execute("SELECT count(*) FROM quarantine").fetchone() == (0,)


def test_price_history_has_a_row_per_point(conn, make_product):
    csv = [[60, 100, 120, -1]] + [None] * 6 + [[60, 90, 10, 180, -1, -1]]
    write(conn, make_product(csv=csv))
    rows = conn.execute(
        "SELECT price_type, at, value, shipping_value, is_available FROM price_history ORDER BY price_type_id, at"
    ).fetchall()
    hour = [datetime(2011, 1, 1, hour, tzinfo=UTC) for hour in range(4)]
    assert rows == [
        ("AMAZON", hour[1], 100, None, True),
        ("AMAZON", hour[2], None, None, False),
        ("NEW_FBM_SHIPPING", hour[1], 90, 10, True),
        ("NEW_FBM_SHIPPING", hour[3], None, None, False),
    ]


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


def test_a_product_the_server_does_not_know_is_recorded_as_such(conn, make_product):
    gone = Product(asin="B000000002", product_type=4)
    written = write(conn, make_product(), gone)
    assert (written.inserted, written.changed_asins) == (2, ["B000000001", "B000000002"])
    assert one(conn, "is_found, product_type, title", "B000000002") == (False, 4, None)
    assert write(conn, gone, at=NOON + timedelta(hours=1)).unchanged == 1


@pytest.mark.parametrize("bad", [{"asin": "B\0"}, {"asin": "B\ud800"}, {"asin": "B2", "product_type": 2**31}])
def test_a_bad_product_that_was_not_found_costs_the_others_nothing(conn, make_product, bad):
    gone = Product(asin="B000000003", product_type=4)
    written = write(conn, make_product(), Product(**{"product_type": 3, **bad}), gone)
    assert (written.inserted, written.refused, written.unchanged) == (2, 1, 0)
    assert conn.execute("SELECT asin, is_found FROM products ORDER BY 1").fetchall() == [
        ("B000000001", True),
        ("B000000003", False),
    ]
    assert conn.execute("SELECT count(*) FROM quarantine WHERE kind = 'product'").fetchone() == (1,)


def test_a_product_that_vanishes_keeps_what_was_known_and_may_come_back(conn, make_product):
    known = make_product(last_update=20)
    write(conn, known)
    later = NOON + timedelta(hours=1)
    assert write(conn, Product(asin="B000000001", product_type=3), at=later).updated == 1
    assert one(conn, "is_found, title, last_update, fetched_at") == (False, "A title", 20, later)
    assert write(conn, known, at=NOON + timedelta(minutes=1)).unchanged == 1
    assert write(conn, known, at=later + timedelta(hours=1)).updated == 1
    assert one(conn, "is_found") is True


def test_unknown_fields_are_kept_where_they_were(conn, make_product):
    write(conn, make_product(extra={"new": 1}, fba_fees=FbaFees(pick_and_pack_fee=3, extra={"newFee": 9})))
    assert one(conn, "extra, fba_pick_and_pack_fee") == ({"new": 1, "fbaFees": {"newFee": 9}}, 3)


@pytest.mark.parametrize("figures", [{}, {"avg": [1], "min": [None, [1, 2]]}])
@pytest.mark.parametrize("new", [{}, {"new": {"a": [1]}, "newer": None}])
def test_json_is_stored_as_it_came_with_its_unknown_fields_in_their_places(conn, figures, new):
    nodes = [{"catId": 1, "name": "Books"}, {"catId": 2, **new}]
    sent = {"asin": "B000000001", "title": "t", "lastUpdate": 1, "stats": {**figures, **new}, "categoryTree": nodes}
    (found,) = decode_products(json.dumps({"products": [sent]}).encode()).products
    write(conn, found)
    assert one(conn, "stats, category_tree, extra") == ({**figures, **new}, nodes, None)


def test_bad_products_and_bad_histories_are_quarantined_and_the_rest_is_written(conn, make_product):
    batch = [make_product(f"B00000000{at}") for at in range(6)]
    batch[1] = make_product("B000000001", title="a\0b")
    batch[2] = make_product("B000000002", last_update=2**31)
    batch[3] = make_product("B000000003", csv=[[1, 2**31]])
    batch[4] = make_product("B000000004", csv=[[1, 2, 3]])
    written = write(conn, *batch)
    assert (written.inserted, written.refused, written.series) == (4, 4, 4)
    reasons = dict(conn.execute("SELECT key, reason FROM quarantine WHERE kind = 'product'").fetchall())
    assert sorted(reasons) == ["B000000001", "B000000002", "B000000003", "B000000004"]
    assert "22021" in reasons["B000000001"]
    assert "does not fit 32 bits" in reasons["B000000002"]
    assert "history of price type 0: not 32-bit integers" in reasons["B000000003"]
    assert "do not make whole groups" in reasons["B000000004"]
    assert series(conn, "B000000005").keys() == {0, 7}


def test_two_replies_for_one_product_at_once_leave_the_newer(database_url, conn, make_product):
    barrier = Barrier(2)
    written = []

    def run(age):
        with connect(database_url, application_name="test", autocommit=True) as connection:
            for turn in range(20):
                barrier.wait(LIMIT_S)
                product = make_product(f"B{turn:09}", last_update=age, csv=pairs((1, age), (2, age)))
                written.append(write(connection, product))

    threads = [Thread(target=run, args=(age,)) for age in (20, 21)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(written) == 40
    ages = conn.execute("SELECT DISTINCT p.last_update, s.prices FROM products p JOIN price_series s USING (asin)")
    assert ages.fetchall() == [(21, [21, 21])]


def test_a_product_whose_history_lies_in_extra_has_none_yet_and_its_neighbour_has(conn):
    """Told by each product, not by what was asked for."""
    items = '{"asin":"B000000001","lastUpdate":20,"csv":"odd"},{"asin":"B000000002","lastUpdate":20,"csv":[[1,2]]}'
    batch = decode_products(b'{"products":[%b],"tokensLeft":1}' % items.encode()).products
    write(conn, *batch)
    assert one(conn, "extra->>'csv', history_update, history_fetched_at") == ("odd", None, None)
    assert one(conn, "history_update, history_fetched_at", "B000000002") == (20, NOON)
