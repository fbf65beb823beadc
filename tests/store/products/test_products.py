"""Products: each part of a row is as new as the newest reading of it, and no history is cut or lost."""

import json
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import msgspec
import pytest

from tasks.keepa import prices
from tasks.keepa.decode.replies import FbaFees, Product, decode_products
from tasks.store.connection import connect
from tasks.store.products import product_columns
from tests.fakes.waiting import LIMIT_S
from tests.fixtures.database.product_rows import NOON, one, pairs, series, write

NO_COLUMN = {"domain_id", "csv", "offers", "fba_fees", "reviews", "sales_ranks"}  # in the key, in tables or in several


def without_nulls(value):
    """JSON in which a null member is the same as none."""
    if isinstance(value, dict):
        return {name: without_nulls(member) for name, member in value.items() if member is not None}
    return [without_nulls(member) for member in value] if isinstance(value, list) else value


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
