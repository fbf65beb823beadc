"""`deals`, `history` and `spend` against what both jobs gathered from a simulator."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from supervisor.queries import parsing
from tasks.errors import NoRows
from tasks.keepa import prices
from tasks.keepa.locales import CURRENCIES
from tasks.store.calls import calls
from tasks.store.histories import price_history
from tests.fixtures.calls import a_call
from tests.fixtures.jobs import QUERY

GATHERED = "default"  # the selection of the jobs that gathered


def as_json(ask, url, *arguments):
    code, out = ask(url, *arguments, "--json")
    assert code == 0
    return json.loads(out)


def as_csv(ask, url, *arguments):
    return list(csv.DictReader(io.StringIO(ask(url, *arguments, "--csv")[1])))


def test_locales_and_price_types_are_named_as_in_the_database(conn):
    assert dict(conn.execute("SELECT id, host FROM domains").fetchall()) == parsing.SHOPS
    currencies = conn.execute("SELECT id, currency, minor_digits FROM domains").fetchall()
    assert {number: (code, digits) for number, code, digits in currencies} == CURRENCIES
    not_money = conn.execute("SELECT id FROM price_types WHERE NOT is_money").fetchall()
    assert {number for (number,) in not_money} == prices.NOT_MONEY


def test_the_best_deals_come_first_and_each_product_once(ask, gathered_url, gathered):
    found = as_json(ask, gathered_url, "deals", "--top", "10")
    assert (found["format"], found["price_types"], found["over"]) == (1, ["NEW"], "week")
    discounts = [deal["discount_percent"] for deal in found["deals"]]
    (most,) = gathered.execute(
        "SELECT max(discount_percent_week) FROM current_deals WHERE price_type = 'NEW'"
    ).fetchone()
    assert discounts == sorted(discounts, reverse=True)
    assert (len(discounts), discounts[0]) == (10, most)
    several = as_json(ask, gathered_url, "deals", "--top", "1000", "--type", "new", "--type", "used")["deals"]
    assert len({deal["asin"] for deal in several}) == len(several)
    assert {deal["price_type"] for deal in several} == {"NEW", "USED"}


def test_a_deal_is_told_with_money_names_and_times(ask, gathered_url, gathered):
    (deal,) = as_json(ask, gathered_url, "deals", "--top", "1")["deals"]
    (cents, mean) = gathered.execute(
        "SELECT current[2], avg[2][2] FROM deals WHERE asin = %s", (deal["asin"],)
    ).fetchone()
    assert (round(deal["price"] * 100), round(deal["average"] * 100)) == (cents, mean)
    assert (deal["shop"], deal["currency"]) == ("amazon.com", "USD")
    assert all((deal["category"], deal["title"], deal["updated_at"].endswith("Z")))


@pytest.mark.parametrize(
    ("sort", "key"),
    [
        ("drop", lambda deal: deal["price"] - deal["average"]),
        ("price", lambda deal: deal["price"]),
        ("rank", lambda deal: deal["sales_rank"]),
        ("newest", lambda deal: tuple(-ord(char) for char in deal["deal_since"])),
    ],
)
def test_deals_are_sorted_as_asked(ask, gathered_url, sort, key):
    found = as_json(ask, gathered_url, "deals", "--sort", sort)["deals"]
    keys = [round(key(deal), 2) if sort in {"drop", "price"} else key(deal) for deal in found]
    assert keys == sorted(keys)


def test_deals_of_one_selection_are_asked_for_by_its_name(ask, gathered_url, tmp_path, monkeypatch):
    for name, query in (("mine", QUERY), ("other", {**QUERY, "priceTypes": [0], "dateRange": 3})):
        (tmp_path / f"{name}.json").write_text(json.dumps(query))
    monkeypatch.setenv("SELECTIONS", f"{tmp_path / 'mine.json'},{tmp_path / 'other.json'}")
    found = as_json(ask, gathered_url, "deals", "--selection", "mine", "--top", "1000", "--type", "NEW")
    every = as_json(ask, gathered_url, "deals", "--top", "1000", "--type", "NEW", "--over", found["over"])
    assert found["deals"] == every["deals"]
    assert {tuple(deal["selections"]) for deal in found["deals"]} == {("mine",)}
    assert {row["selections"] for row in as_csv(ask, gathered_url, "deals", "--type", "NEW")} == {"mine"}
    assert "selection" in ask(gathered_url, "deals", "--type", "NEW")[1].splitlines()[0]
    other = as_json(ask, gathered_url, "deals", "--selection", "other")
    assert (other["price_types"], other["over"], other["deals"]) == (["AMAZON"], "quarter", [])
    assert "no deal that the selection other has listed" in ask(gathered_url, "deals", "--selection", "other")[1]
    both = ("--selection", "mine", "--selection", "other", "--over", found["over"])
    asked = as_json(ask, gathered_url, "deals", *both, "--top", "1000")
    assert asked["price_types"] == ["NEW", "AMAZON"]
    assert {deal["asin"] for deal in asked["deals"]} >= {deal["asin"] for deal in found["deals"]}
    assert as_json(ask, gathered_url, "deals", *both, "--top", "1000", "--type", "NEW")["deals"] == found["deals"]
    empty = ask(gathered_url, "deals", "--selection", "mine", "--selection", "other", "--min-discount", "100")[1]
    assert "no deal that the selection mine or other has listed" in empty
    for chosen in (["none"], ["mine", "none"], ["none", "mine"]):
        assert ask(gathered_url, "deals", *(word for name in chosen for word in ("--selection", name)))[0] == 2


def test_a_selection_that_is_no_more_is_asked_for_by_the_name_it_had(ask, gathered_url, tmp_path, monkeypatch):
    (tmp_path / "other.json").write_text(json.dumps({**QUERY, "priceTypes": [0]}))
    monkeypatch.setenv("SELECTIONS", str(tmp_path / "other.json"))
    found = as_json(ask, gathered_url, "deals", "--selection", GATHERED, "--top", "1000")
    assert (found["price_types"], found["over"]) == (["NEW"], "week")
    assert {tuple(deal["selections"]) for deal in found["deals"]} == {(GATHERED,)}
    every = as_json(ask, gathered_url, "deals", "--top", "1000", "--type", "NEW", "--over", "week")
    assert found["deals"] == every["deals"]
    both = as_json(ask, gathered_url, "deals", "--selection", GATHERED, "--selection", "other", "--top", "1000")
    assert both["price_types"] == ["AMAZON", "NEW"]


def test_of_a_selection_that_was_changed_what_it_has_listed_before_is_still_its_own(
    ask, market_url, market, tmp_path, monkeypatch
):
    (tmp_path / f"{GATHERED}.json").write_text(json.dumps({**QUERY, "deltaPercentRange": [21, 100]}))
    monkeypatch.setenv("SELECTIONS", str(tmp_path / f"{GATHERED}.json"))
    found = as_json(ask, market_url, "deals", "--selection", GATHERED)
    assert found["deals"]
    assert found["price_types"] == ["NEW"]
    market.execute("UPDATE selections SET query = '{}', name = 'of another build'")
    assert as_json(ask, market_url, "deals", "--selection", "of another build")["price_types"] == ["NEW"]
    market.execute("UPDATE selections SET query = NULL, name = NULL")
    assert as_json(ask, market_url, "deals", "--top", "1")["deals"][0]["selections"] == []


def test_with_histories_comes_what_costs_no_more(gathered):
    videos, pages = gathered.execute("SELECT count(videos), count(a_plus) FROM products").fetchone()
    assert videos > 0
    assert pages > 0
    tokens, products = gathered.execute(
        "SELECT sum(cost), sum(items) FROM calls WHERE shape = 'product:history'"
    ).fetchone()
    assert tokens == products


def test_yen_have_no_decimals(ask, market_url, market):
    market.execute("UPDATE deal_rows SET domain = 5")
    market.execute("UPDATE deal_sightings SET domain = 5")
    (deal,) = as_json(ask, market_url, "deals", "--top", "1", "--domain", "jp")["deals"]
    (yen,) = market.execute("SELECT current[2] FROM deals WHERE asin = %s", (deal["asin"],)).fetchone()
    assert (deal["price"], deal["currency"], deal["shop"]) == (yen, "JPY", "amazon.co.jp")


def test_old_deals_are_no_deals_of_now(ask, market_url, market):
    market.execute("UPDATE deal_sightings SET last_seen_at = now() - interval '3 days'")
    assert ask(market_url, "deals") == (
        0, "no deal was listed within 1d; the last was 3d ago: look further back with --within\n",
    )  # fmt: skip
    assert "USD" in ask(market_url, "deals", "--within", "4d")[1]
    assert "lower --min-discount" in ask(market_url, "deals", "--within", "4d", "--min-discount", "100")[1]
    narrowed = ask(market_url, "deals", "--within", "4d", "--title", "nowhere", "--amazon", "yes")[1]
    assert "and meets --title and --amazon: ask for less there" in narrowed


def test_what_is_known_nowhere_is_named_with_what_may_be_meant(ask, gathered_url, gathered):
    (name,) = gathered.execute("SELECT name FROM categories WHERE length(name) > 6 ORDER BY name LIMIT 1").fetchone()
    misspelt = name[:-1] + "qq"
    assert ask(gathered_url, "deals", "--category", misspelt)[1].startswith(f"no category '{misspelt}' is known; did")
    assert name in ask(gathered_url, "deals", "--category", misspelt)[1]
    strange = ask(gathered_url, "deals", "--category", "0zzz")[1]
    assert "; there are " in strange
    assert name in strange
    assert "no product of the brand 'Nope' is known" in ask(gathered_url, "deals", "--brand", "Nope")[1]


def test_a_spreadsheet_gets_a_row_a_deal(ask, gathered_url):
    rows = as_csv(ask, gathered_url, "deals", "--top", "3")
    assert (len(rows), rows[0]["shop"], rows[0]["price_type"]) == (3, "amazon.com", "NEW")


def test_without_any_deal_there_is_nothing_to_show(ask, database_url):
    with pytest.raises(NoRows, match="no deal has been listed yet"):
        ask(database_url, "deals")


@pytest.fixture
def product(gathered):
    """The ASIN with the longest history of the new price."""
    return gathered.execute(
        "SELECT asin FROM price_series WHERE price_type = 1 ORDER BY points DESC LIMIT 1"
    ).fetchone()[0]


def test_a_history_is_told_as_it_is_stored(ask, gathered_url, gathered, product):
    found = as_json(ask, gathered_url, "history", product, "--type", "NEW")
    series = gathered.execute(
        "SELECT minutes, prices FROM price_series WHERE asin = %s AND price_type = 1", (product,)
    ).fetchone()
    assert [-1 if point["value"] is None else point["value"] for point in found["points"]] == series[1]
    assert found["product"]["asin"] == product
    assert len(as_csv(ask, gathered_url, "history", product, "--type", "NEW")) == len(series[0])


def test_an_overview_has_a_line_for_each_price_type(ask, gathered_url, gathered, product):
    lines = ask(gathered_url, "history", product)[1].splitlines()
    kinds = gathered.execute("SELECT count(*) FROM price_series WHERE asin = %s", (product,)).fetchone()[0]
    assert lines[-2:] == ["", f"who sells it is not known: `sluicegate fetch {product} --detail offers` asks for it"]
    assert len(lines) == kinds + 5
    assert all(len(line) <= 100 for line in lines[1:])


@pytest.mark.parametrize("arguments", [[], ["--type", "NEW"], ["--since", "30d"], ["--type", "SALES"]])
def test_a_drawing_fits_eighty_columns_and_has_no_colours_off_a_terminal(ask, gathered_url, product, arguments):
    lines = ask(gathered_url, "history", product, "--plot", *arguments)[1].splitlines()
    assert len(lines) == 22
    assert max(map(len, lines[1:])) <= 80
    assert "\x1b" not in "".join(lines)


def test_a_history_since_begins_with_what_held_then(ask, gathered_url, product):
    all_of_it = as_json(ask, gathered_url, "history", product, "--type", "NEW")["points"]
    none_of_it = as_json(ask, gathered_url, "history", product, "--type", "NEW", "--since", "1s")["points"]
    assert none_of_it == all_of_it[-1:]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("DELETE FROM price_series", "has an empty history"),
        ("DELETE FROM price_series; UPDATE products SET is_found = false", "Keepa does not know"),
        ("DELETE FROM price_series; DELETE FROM products", "not fetched yet: it is not in the queue"),
        (
            "DELETE FROM price_series; DELETE FROM products; UPDATE fetch_queue SET state = 'pending'",
            "not fetched yet: it waits in the queue",
        ),
    ],
)
def test_a_product_without_history_says_why(ask, market_url, market, product, change, words):
    for statement in change.split("; "):
        market.execute(statement)
    with pytest.raises(NoRows, match=words):
        ask(market_url, "history", product)


def test_an_unknown_product_is_said_to_be_unknown(ask, gathered_url, product):
    with pytest.raises(NoRows, match="B000000000 is not known here"):
        ask(gathered_url, "history", "B000000000")
    with pytest.raises(NoRows, match="not known here"):
        ask(gathered_url, "history", product, "--domain", "de")
    with pytest.raises(NoRows, match="no history of WAREHOUSE"):
        ask(gathered_url, "history", product, "--type", "warehouse")


def test_a_product_of_several_locales_asks_which(ask, market_url, market, product):
    market.execute(
        "INSERT INTO fetch_queue (domain, asin, detail, priority, place) VALUES (3, %s, 'stats', 0, 0)", (product,)
    )
    assert ask(market_url, "history", product)[0] == 2
    assert ask(market_url, "history", product, "--domain", "com")[0] == 0
    assert ask(market_url, "history", f"https://www.amazon.com/dp/{product}?th=1")[0] == 0
    with pytest.raises(NoRows, match=r"in amazon\.de was not fetched yet"):
        ask(market_url, "history", f"https://www.amazon.de/dp/{product}")
    assert ask(market_url, "history", f"https://www.amazon.de/dp/{product}", "--domain", "com")[0] == 0


@pytest.mark.parametrize("arguments", [["history", "B00"], ["deals", "--domain", "7"], ["spend", "--since", "1y"]])
def test_what_cannot_be_meant_is_a_usage_error(ask, gathered_url, arguments):
    with pytest.raises(SystemExit, match="2"):
        ask(gathered_url, *arguments)


def test_every_token_is_accounted_for_however_it_is_grouped(ask, gathered_url, gathered):
    charged, rows = gathered.execute("SELECT sum(cost), sum(rows) FROM calls").fetchone()
    for by in ("tier", "endpoint", "shape", "key", "host"):
        found = as_json(ask, gathered_url, "spend", "--by", by)
        assert (found["total"]["tokens"], found["total"]["rows"]) == (charged, rows)
        assert sum(one["tokens"] for one in found["sums"]) == charged
    first, last = (
        gathered.execute(f"SELECT balance FROM calls ORDER BY at {way}, id {way} LIMIT 1").fetchone()[0]
        for way in ("ASC", "DESC")
    )
    assert found["flow"]["added"] == last - first + charged


def test_what_came_in_is_told_by_the_balances_and_what_was_charged_between_them(ask, database_url, conn):
    noon = datetime.now(UTC) - timedelta(minutes=30)
    # The first balance is what its call left; a call that told none was charged all the same.
    for minute, cost, balance in [(0, 50, 100), (1, 5, None), (2, 5, 95), (3, 7, None)]:
        calls.record(conn, a_call(at=noon + timedelta(minutes=minute), cost=cost, balance=balance))
    told = as_json(ask, database_url, "spend", "--since", "1h")
    flow = {name: told["flow"][name] for name in ("first_balance", "last_balance", "charged", "added")}
    assert flow == {"first_balance": 100, "last_balance": 95, "charged": 10, "added": 5}
    assert (told["total"]["tokens"], told["total"]["rows_per_token"]) == (67, 40 / 67)
    assert (told["total"]["waited_s"], told["drift"]) == (2.0, None)
    assert round(told["total"]["off_percent"], 1) == round(100 * (20 - 67) / 67, 1)


def test_what_was_spent_in_one_hour_of_yesterday_is_found_at_once(ask, database_url, conn):
    eight = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=20)
    for minute, tier, cost in [(1, "upsert", 5), (50, "upsert", 7), (20, "backfill", 2), (61, "upsert", 11)]:
        calls.record(conn, a_call(at=eight + timedelta(minutes=minute), tier=tier, cost=cost))
    told = as_json(ask, database_url, "spend", "--per", "hour", "--since", "48h")["spent"]
    of_eight = {one["name"]: one["tokens"] for one in told if datetime.fromisoformat(one["begin"]) == eight}
    assert of_eight == {"upsert": 12, "backfill": 2}
    out = ask(database_url, "spend", "--per", "hour", "--since", "48h")[1]
    lines = {line[:16]: line.split()[-3:] for line in out.splitlines() if line.startswith("20")}
    at = [f"{(eight + timedelta(hours=hours)).astimezone():%Y-%m-%d %H:%M}" for hours in (0, 1)]
    assert [lines[one] for one in at] == [["2", "12", "14"], ["0", "11", "11"]]
    assert ask(database_url, "spend", "--per", "day", "--since", "1h")[1].startswith("no call in the last hour")


def test_lost_and_refused_calls_are_told_apart(ask, database_url, conn):
    now = datetime.now(UTC)
    calls.record(conn, a_call(at=now, status=429, cost=0))
    calls.record(conn, a_call(at=now, status=None, cost=None, estimate=9))
    total = as_json(ask, database_url, "spend")["total"]
    assert [total[name] for name in ("refused", "failed", "unknown", "unknown_tokens")] == [1, 1, 1, 9]
    assert "1 replies were lost and may have cost up to 9 tokens more" in ask(database_url, "spend")[1]


def test_spending_of_long_ago_is_not_counted(ask, database_url, conn):
    calls.record(conn, a_call(at=datetime.now(UTC) - timedelta(days=2)))
    assert ask(database_url, "spend") == (0, "no call in the last day; look further back with --since\n")
    assert as_json(ask, database_url, "spend", "--since", "7d")["total"]["calls"] == 1


def test_one_product_is_found_by_its_key_however_many_there_are(conn):
    conn.execute(
        "INSERT INTO price_series_rows SELECT d, t, 1, 1, 1, 0, 'B' || lpad(n::text, 9, '0'), '{1}', '{1}', NULL"
        " FROM generate_series(1, 3) AS d, generate_series(0, 1) AS t, generate_series(1, 3000) AS n"
    )
    conn.execute(
        "INSERT INTO fetch_queue (domain, asin, detail, priority, place)"
        " SELECT d, 'B' || lpad(n::text, 9, '0'), 'history', 0, n"
        " FROM generate_series(1, 3) AS d, generate_series(1, 6000) AS n"
    )
    conn.execute("ANALYZE price_series_rows, fetch_queue")
    asin = "B000000007"
    for statement in (price_history._DOMAINS, price_history._PRODUCT, price_history._POINTS):
        wanted = {"asin": asin, "domain": 1, "price_types": ["NEW"]}
        found = conn.execute(f"EXPLAIN {statement}", wanted, prepare=False).fetchall()
        assert not any("Seq Scan on fetch_queue" in line or "Seq Scan on price_series" in line for (line,) in found)
    assert price_history.domains_of(conn, asin) == [1, 2, 3]
