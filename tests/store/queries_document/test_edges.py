"""docs/queries.md on the edge: each query on data made for one edge, with the answer that is right.

Never sold by Amazon and always, several currencies, no data, out of stock now, yen without cents.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tasks.store.queue.check import check

DOCUMENT = (Path(__file__).resolve().parents[3] / "docs" / "queries.md").read_text()
QUERIES = {
    section.partition("\n")[0]: query
    for section in DOCUMENT.split("\n## ")
    for query in re.findall(r"^```sql\n([^`]*)^```", section, re.MULTILINE)
}
EPOCH = datetime(2011, 1, 1, tzinfo=UTC)
NOW = datetime.now(UTC)
PRODUCT = "B08N5WRWNW"  # as the document has it
COM, DE, JP = 1, 3, 5
AMAZON, NEW, SALES = 0, 1, 3
BIG, CHEAPER, DAILY = "The biggest discounts now", "What became cheaper today", "One product's price, day by day"
LOWEST, CATEGORIES = "Never cheaper than now", "Deals per category"
SHARE = "How much of the time Amazon itself sells it"


def minute(ago):
    return int((NOW - ago - EPOCH).total_seconds()) // 60


def days(number):
    return timedelta(days=number)


@pytest.fixture
def ask_document(conn):
    """A function that runs a query of the document and gives its rows as dicts."""

    def run(title):
        cursor = conn.execute(QUERIES[title].replace("now()", f"timestamptz '{NOW}'").encode())
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    return run


@pytest.fixture
def deal(conn):
    """A function that stores a deal of the new price, in the smallest unit."""

    def store(asin, *, price, mean=-1, before=None, domain=COM, percent=0, rank=-1, since=timedelta(hours=1)):
        places = {"current": price, "current_since": minute(since), "mean": mean, "percent": percent}
        places["fall"] = 0 if before is None else before - price
        lists = {name: [-1] * 36 for name in places}
        for name, value in places.items():
            lists[name][NEW] = value
        lists["current"][SALES] = rank
        means, percents = ([list(lists[name]) for _ in range(4)] for name in ("mean", "percent"))
        conn.execute(
            "INSERT INTO deal_rows (domain, asin, root_cat, current, current_since, creation_date, last_update, delta,"
            " delta_percent, delta_last, avg, first_seen_at) VALUES (%s, %s, 7, %s, %s, %s, %s, %s, %s, %s, %s, now())",
            (domain, asin, lists["current"], lists["current_since"], minute(days(1)), minute(timedelta()),
             means, percents, lists["fall"], [list(one) for one in means]),
        )  # fmt: skip
        conn.execute("INSERT INTO deal_sightings VALUES (%s, %s, now())", (domain, asin))

    return store


@pytest.fixture
def history(conn):
    """A function that stores a series: pairs of how long ago and the value from then on."""

    def store(price_type, *points, asin=PRODUCT, domain=COM, shipping=None):
        minutes = [minute(ago) for ago, _ in points]
        conn.execute(
            "INSERT INTO price_series_rows (domain, price_type, first_minute, last_minute, points, fingerprint, asin,"
            " minutes, prices, shipping) VALUES (%s, %s, %s, %s, %s, 0, %s, %s, %s, %s)",
            (domain, price_type, minutes[0], minutes[-1], len(points), asin, minutes, [one for _, one in points],
             shipping),
        )  # fmt: skip

    return store


def fetched(conn, asin):
    conn.execute(
        "INSERT INTO products (domain, asin, is_found, first_fetched_at, fetched_at)"
        " VALUES (1, %s, true, now(), now())",
        (asin,),
    )


def percent(rows):
    (row,) = rows
    return row["percent_of_time"]


def test_a_product_amazon_never_sold_is_sold_none_of_the_time(ask_document, history):
    history(NEW, (days(200), 1000))
    assert percent(ask_document(SHARE)) == 0


def test_a_product_amazon_has_had_out_of_stock_ever_since_likewise(ask_document, history):
    history(AMAZON, (days(200), -1))
    assert percent(ask_document(SHARE)) == 0


def test_a_product_amazon_has_always_sold_is_sold_all_of_the_time(ask_document, history):
    history(AMAZON, (days(200), 1000), (days(100), 900), (days(2), 1100))
    assert percent(ask_document(SHARE)) == 100


def test_a_product_amazon_stopped_selling_counts_the_time_it_did(ask_document, history):
    history(AMAZON, (days(200), 1000), (days(45), -1))
    history(NEW, (days(200), 1000))
    assert percent(ask_document(SHARE)) == 50


def test_a_product_known_for_short_counts_the_time_it_is_known(ask_document, history):
    history(NEW, (days(20), 1000))
    history(AMAZON, (days(5), 1000))
    assert percent(ask_document(SHARE)) == 25


def test_a_product_without_history_and_that_of_another_shop_have_no_answer(ask_document, history):
    history(AMAZON, (days(200), 1000), domain=DE)
    assert ask_document(SHARE) == []


@pytest.mark.parametrize("title", [BIG, CHEAPER, LOWEST, CATEGORIES])
def test_deals_of_other_currencies_are_not_mixed_in(ask_document, deal, history, title):
    told = {"mean": 4000, "before": 3000, "rank": 5}
    for asin, domain in (("B000000001", COM), ("B000000003", DE), ("B000000005", JP)):
        deal(asin, price=2000, percent=50 + domain, domain=domain, **told)
        history(NEW, *((days(20 - at), 2000 + at) for at in range(12)), (days(1), 2000), asin=asin, domain=domain)
    (row,) = ask_document(title)
    assert row.get("asin", "B000000001") == "B000000001"
    assert row.get("currency", "USD") == "USD"
    assert row.get("best_percent", 51) == 51


def test_what_is_out_of_stock_now_is_no_deal_of_now(ask_document, deal, history):
    deal("B000000001", price=-1, mean=4000, percent=50, before=3000)
    history(NEW, *((days(20 - at), 2000 + at) for at in range(12)), (days(1), -1), asin="B000000001")
    for title in (BIG, CHEAPER, LOWEST, CATEGORIES):
        assert ask_document(title) == []


def test_what_has_no_mean_yet_has_no_discount(ask_document, deal):
    deal("B000000001", price=1000, mean=-1, percent=90)
    assert ask_document(BIG) == []
    assert [row["best_percent"] for row in ask_document(CATEGORIES)] == [None]


def test_what_came_back_into_stock_did_not_become_cheaper(ask_document, deal):
    deal("B000000001", price=1000, before=-1)
    deal("B000000002", price=1000, before=1250, rank=9)
    deal("B000000003", price=1000, before=900)
    deal("B000000004", price=1000, before=1250, since=days(2))
    (row,) = ask_document(CHEAPER)
    assert (row["asin"], row["price_before"], row["price"], row["percent"]) == ("B000000002", Decimal("12.50"), 10, 20)


def test_yen_have_no_cents_in_either_view(conn, deal, history):
    deal("B000000005", price=1980, mean=3960, percent=50, domain=JP)
    history(18, (days(3), 1980), asin="B000000005", domain=JP, shipping=[500])
    shown = conn.execute("SELECT price, avg_week, currency, shop FROM current_deals").fetchone()
    assert shown == (1980, 3960, "JPY", "amazon.co.jp")
    assert "." not in str(shown[0])
    held = conn.execute("SELECT price_type, price, shipping, value, currency, shop FROM price_history").fetchone()
    assert held == ("BUY_BOX_SHIPPING", 1980, 500, 1980, "JPY", "amazon.co.jp")


def test_a_price_has_one_unit_and_a_price_type_one_form_in_both_views(conn, deal, history):
    deal("B000000001", price=1299, mean=2000, rank=77)
    history(NEW, (days(3), 1299), asin="B000000001")
    history(SALES, (days(3), 77), asin="B000000001")
    history(99, (days(3), 5), asin="B000000001")
    deals = conn.execute("SELECT price_type, price, currency FROM current_deals").fetchall()
    held = conn.execute("SELECT price_type, price, currency FROM price_history WHERE price_type = 'NEW'").fetchall()
    assert deals == held == [("NEW", Decimal("12.99"), "USD")]
    types = conn.execute(
        "SELECT table_name, column_name, data_type FROM information_schema.columns"
        " WHERE table_name IN ('current_deals', 'price_history') AND column_name IN ('price', 'price_type', 'shop')"
    ).fetchall()
    assert {(name, kind) for _, name, kind in types} == {("price", "numeric"), ("price_type", "text"), ("shop", "text")}
    others = conn.execute(
        "SELECT price_type_id, price_type, price, value, currency FROM price_history WHERE price IS NULL ORDER BY 1"
    ).fetchall()
    assert others == [(SALES, "SALES", None, 77, None), (99, None, None, 5, None)]


def test_a_day_has_the_prices_that_held_in_it_and_none_while_out_of_stock(conn, ask_document, history):
    conn.execute("SET timezone = 'UTC'")
    midnight = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    noon = {back: NOW - midnight + days(back) - timedelta(hours=12) for back in (3, 5)}
    history(NEW, (noon[5], 1000), (noon[3], 800), (NOW - midnight + days(2), -1))
    history(NEW, (days(40), 5), domain=DE)
    rows = ask_document(DAILY)
    by_day = [((midnight.date() - row["day"]).days, row["lowest"], row["highest"], row["currency"]) for row in rows]
    assert by_day == [(5, 10, 10, "USD"), (4, 10, 10, "USD"), (3, 8, 10, "USD")]


def test_without_any_rows_every_query_of_the_document_runs(ask_document):
    always = {"How large is it"}
    assert {title for title in QUERIES if ask_document(title)} == always


def test_small_tables_are_counted_though_nobody_has_analysed_them(ask_document):
    found = {row["name"]: row["about_rows"] for row in ask_document("How large is it")}
    assert (found["domains"], found["price_types"], found["deal_rows"]) == (11, 38, 0)


def test_the_queue_is_done_when_all_of_it_is(ask_document, conn):
    assert ask_document("How far is the backfill") == []
    for domain, detail, state, count in (
        (1, "history", "done", 60),
        (1, "history", "pending", 30),
        (3, "stats", "pending", 90),
    ):
        conn.execute(
            "INSERT INTO fetch_queue (domain, asin, detail, priority, place, state, finished_at)"
            " SELECT %(d)s, 'B' || lpad(n::text, 9, '0') || %(s)s, %(t)s, 0, n, %(s)s,"
            " CASE WHEN %(s)s = 'done' THEN now() - interval '10 min' END FROM generate_series(1, %(n)s) AS n",
            {"d": domain, "t": detail, "s": state, "n": count},
        )  # fmt: skip
    with conn.transaction():
        check(conn)
    rows = ask_document("How far is the backfill")
    assert [(row["shop"], row["done"], row["waiting"]) for row in rows] == [
        ("amazon.com", 60, 30),
        ("amazon.de", 0, 90),
    ]
    assert {row["all_done_at"] - NOW for row in rows} == {timedelta(hours=2)}  # 120 at 60 an hour


def test_every_query_that_reads_money_names_a_shop():
    """Amounts of several currencies are not compared by accident."""
    for title, query in QUERIES.items():
        if "current_deals" in query or "price_history" in query or "price_series" in query:
            assert "domain = 1" in query, title


def test_sorting_by_money_asks_for_one_currency_and_says_which_there_are(ask, conn, database_url, deal):
    deal("B000000001", price=1000, mean=2000, percent=50)
    deal("B000000005", price=9000, mean=10000, percent=10, domain=JP)
    conn.commit()
    for sort in ("drop", "price"):
        assert ask(database_url, "deals", "--sort", sort)[0] == 2
        code, out = ask(database_url, "deals", "--sort", sort, "--domain", "com", "--json")
        assert [one["asin"] for one in json.loads(out)["deals"]] == ["B000000001"]
    code, out = ask(database_url, "deals", "--json")
    assert (code, [one["asin"] for one in json.loads(out)["deals"]]) == (0, ["B000000001", "B000000005"])


def test_a_history_is_told_in_the_currency_and_as_received(ask, conn, database_url, history):
    history(NEW, (days(3), 1299), (days(1), -1))
    history(SALES, (days(3), 77))
    fetched(conn, PRODUCT)
    conn.commit()
    found = json.loads(ask(database_url, "history", PRODUCT, "--json")[1])
    assert found["format"] == 2
    assert [(one["price_type"], one["price"], one["value"]) for one in found["points"]] == [
        ("NEW", 12.99, 1299),
        ("NEW", None, None),
        ("SALES", None, 77),
    ]


def test_programs_get_utc_whatever_the_time_zone_of_the_database(ask, conn, database_url, deal, history):
    deal("B000000001", price=1000, mean=2000, percent=50)
    history(NEW, (days(3), 1299), asin="B000000001")
    fetched(conn, "B000000001")
    (name,) = conn.execute("SELECT current_database()").fetchone()
    conn.execute(f"ALTER DATABASE {name} SET timezone = 'Asia/Kolkata'")
    conn.commit()
    (one,) = json.loads(ask(database_url, "deals", "--json")[1])["deals"]
    assert all(one[at].endswith("Z") for at in ("price_since", "deal_since", "updated_at", "first_seen_at"))
    assert datetime.fromisoformat(one["price_since"]) == EPOCH + timedelta(minutes=minute(timedelta(hours=1)))
    for command in (["deals", "--csv"], ["history", "B000000001", "--csv"]):
        times = re.findall(r"\d{4}-\d\d-\d\d.[^,\n]*", ask(database_url, *command)[1])
        assert times
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT[0-9:.]+Z", at.strip()) for at in times), times
