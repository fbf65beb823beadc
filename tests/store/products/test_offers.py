"""Offers: each has a row, the newest collected list of a product stands, and a bad one costs nothing else."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from psycopg.rows import dict_row

from tasks.keepa.decode.replies import Offer, Product, decode_products
from tasks.store import migrate
from tasks.store.connection import connect
from tasks.store.products import products

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OFFER = {
    "offer_id": 7,
    "seller_id": "A1QUAC68EAM09F",
    "condition": 4,
    "condition_comment": "Some wear <b>on</b> the corners",
    "last_seen": 7_800_000,
    "offer_csv": [7_700_000, 900, 399, 7_700_060, -1, -1, 7_700_120, 1_000, 0],
    "stock_csv": [7_700_000, 3],
    "is_fba": True,
}


def write(conn, product, hours=0):
    with conn.transaction():
        at = NOON + timedelta(hours=hours)
        return products.write(conn, 1, [product], fetched_at=at, has_history=True)


def product(*offers, age=20, live=(0,), is_collected=True, asin="B000000001"):
    return Product(
        asin=asin,
        title="A title",
        last_update=age,
        offers=list(offers),
        live_offers_order=list(live),
        offers_successful=is_collected,
    )


def ids(conn):
    return [row[0] for row in conn.execute("SELECT offer_id FROM offers ORDER BY asin, place")]


def as_sent(row):
    """A row of the table as the API names and packs it."""
    names = {field.name: field.encode_name for field in msgspec.structs.fields(Offer)}
    sent = {names[name]: value for name, value in row.items() if name in names and value is not None}
    sent.pop("$extra", None)
    groups = zip(row["minutes"], row["prices"], row["shipping"], strict=True)
    return {**sent, "offerCSV": [value for group in groups for value in group], **(row["extra"] or {})}


def rows(conn, asin):
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("SELECT * FROM offers WHERE asin = %s ORDER BY place", (asin,)).fetchall()


def test_every_field_of_an_offer_comes_out_again(conn, product_bodies, without_nulls):
    stored = 0
    for body in product_bodies.values():
        for sent, found in zip(json.loads(body)["products"], decode_products(body).products, strict=True):
            written = write(conn, found)
            offers = rows(conn, found.asin)
            assert written.offers == len(offers)
            assert [as_sent(row) for row in offers] == without_nulls(sent.get("offers") or [])
            live = {row["live_place"]: row["place"] for row in offers if row["live_place"] is not None}
            assert [live[at] for at in sorted(live)] == (sent.get("liveOffersOrder") or [])
            stored += len(offers)
    assert stored == 155


def test_every_field_has_a_column(conn):
    fields = {field.name for field in msgspec.structs.fields(Offer)} - {"offer_csv"}
    columns = {
        row[0] for row in conn.execute("SELECT column_name FROM information_schema.columns WHERE table_name = 'offers'")
    }
    assert columns - fields == {"domain", "asin", "place", "live_place", "minutes", "prices", "shipping"}
    assert fields <= columns


def test_a_newer_list_replaces_the_older_one_and_an_older_one_changes_nothing(conn):
    write(conn, product(Offer(offer_id=1), Offer(offer_id=2), age=20))
    assert write(conn, product(Offer(offer_id=3), age=21), hours=1).offers == 1
    assert ids(conn) == [3]
    assert write(conn, product(Offer(offer_id=1), Offer(offer_id=2), age=20), hours=2).offers == 0
    assert ids(conn) == [3]
    write(conn, product(age=22, live=()), hours=3)
    assert ids(conn) == []


def test_a_reply_without_offers_leaves_them_alone(conn):
    write(conn, product(Offer(offer_id=1), age=20))
    write(conn, Product(asin="B000000001", title="A title", last_update=21, offers_successful=False), hours=1)
    assert ids(conn) == [1]


def test_a_collection_that_failed_does_not_replace_one_that_did_not(conn):
    write(conn, product(Offer(offer_id=1), age=20))
    assert write(conn, product(Offer(offer_id=2), age=21, is_collected=False), hours=1).offers == 0
    assert ids(conn) == [1]
    shown = "SELECT last_update, offers_update, offers_successful, offers_fetched_at FROM products"
    assert conn.execute(shown).fetchone() == (21, 20, True, NOON)


@pytest.mark.parametrize("age", [20, 21])
def test_a_collection_that_failed_gives_way_to_one_that_does_not(conn, age):
    write(conn, product(Offer(offer_id=2), age=20, is_collected=False))
    assert ids(conn) == [2]
    write(conn, product(Offer(offer_id=1), age=age), hours=1)
    assert ids(conn) == [1]


def test_offers_come_after_a_reply_that_was_not_asked_for_them(conn):
    write(conn, Product(asin="B000000001", title="A title", last_update=20, offers_successful=False))
    write(conn, product(Offer(offer_id=1), age=20), hours=1)
    assert ids(conn) == [1]


BAD = {
    "a number too large": ({"min_order_qty": 2**31}, "does not fit 32 bits"),
    "a price too large": ({"offer_csv": [1, 2**31, 0]}, "not 32-bit integers"),
    "a history that was cut": ({"offer_csv": [1, 2]}, "2 values do not make whole groups"),
    "a text no database takes": ({"condition_comment": "a\0b"}, "22021"),
}


@pytest.mark.parametrize(("bad", "said"), BAD.values(), ids=BAD)
def test_offers_the_database_cannot_hold_are_quarantined_and_the_rest_is_written(conn, bad, said):
    write(conn, product(Offer(offer_id=1), age=20))
    spoilt = product(Offer(offer_id=2), Offer(offer_id=3, **bad), age=21)
    good = product(Offer(offer_id=4), asin="B000000002")
    with conn.transaction():
        written = products.write(conn, 1, [spoilt, good], fetched_at=NOON + timedelta(hours=1), has_history=True)
    assert (written.inserted, written.updated, written.offers, written.refused) == (1, 1, 1, 1)
    assert ids(conn) == [1, 4]  # what is known of the first stays
    reason = conn.execute("SELECT key, reason FROM quarantine").fetchone()
    assert reason[0] == "B000000001"
    assert reason[1].startswith("offers: ")
    assert said in reason[1]


def test_live_offers_shows_money_and_words(conn):
    write(conn, product(Offer(offer_id=1), Offer(**OFFER), live=(1,)))
    shown = conn.execute(
        "SELECT place, seller_id, condition, currency, price, shipping, is_fba, price_since FROM live_offers"
    ).fetchall()
    since = datetime(2011, 1, 1, tzinfo=UTC) + timedelta(minutes=7_700_120)
    assert shown == [(0, "A1QUAC68EAM09F", "used, good", "USD", Decimal("10.00"), Decimal("0.00"), True, since)]


def test_offers_of_an_older_schema_are_taken_over(empty_database_url, product_bodies, without_nulls):
    sent = next(
        found for body in product_bodies.values() for found in json.loads(body)["products"] if found.get("offers")
    )
    sent["offers"][0]["isNew"] = {"a": [1, None]}
    known = migrate.bundled_migrations()
    (ours,) = (migration for migration in known if migration.name.endswith("_offers.sql"))
    older = known[: known.index(ours)]
    with connect(empty_database_url, application_name="test", autocommit=True) as conn:
        migrate.apply_migrations(conn, older)
        conn.execute(
            "INSERT INTO products (domain, asin, is_found, first_fetched_at, fetched_at, offers, live_offers_order)"
            " VALUES (1, %s, true, now(), now(), %s, %s), (1, 'B000000009', true, now(), now(), NULL, NULL)",
            (sent["asin"], json.dumps(without_nulls(sent["offers"])), sent["liveOffersOrder"]),
        )
        migrate.apply_migrations(conn)
        offers = rows(conn, sent["asin"])
        order = {row["live_place"]: row["place"] for row in offers if row["live_place"] is not None}
        assert len(offers) == conn.execute("SELECT count(*) FROM offers").fetchone()[0]
    assert [as_sent(row) for row in offers] == without_nulls(sent["offers"])
    assert [order[at] for at in sorted(order)] == sent["liveOffersOrder"]
