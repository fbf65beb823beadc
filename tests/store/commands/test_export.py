"""`export` against what both jobs gathered from a simulator: its rows are those of the views and commands."""

from __future__ import annotations

import csv
import io
import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest
from psycopg import sql
from pyarrow import parquet

from tasks.errors import ConfigError, Error
from tasks.store.connection import connect
from tasks.store.export import export as store
from tests.fakes.waiting import LIMIT_S
from tests.fixtures.database.postgres import connection_to, copy_of

KINDS = ("deals", "history", "calls", "products")
KEPT = 12  # products: a history of one has ten thousand days and price types


@pytest.fixture(scope="module")
def few_template(pg_server, market_template):
    """The name of a database with a few of the products that were gathered; nobody may be connected to it."""
    url, name = pg_server.create(market_template)
    with connect(url, application_name="test", autocommit=True) as conn:
        kept = conn.execute(
            "SELECT array_agg(asin) FROM (SELECT asin FROM deals JOIN products USING (domain, asin) LIMIT %s) AS few",
            (KEPT,),
        ).fetchone()
        for table in ("price_series_rows", "products", "deal_rows", "deal_sightings"):
            conn.execute(f"DELETE FROM {table} WHERE NOT asin = ANY(%s)", kept)
    return name


# For all who only look, and of a test's own.
few_url = copy_of("few_template", scope="module")
few = connection_to("few_url")
own_url = copy_of("few_template")
own = connection_to("own_url")


def exported(ask, url, kind, *arguments):
    code, out = ask(url, "export", kind, *arguments)
    assert code == 0
    return list(csv.DictReader(io.StringIO(out)))


def in_lines(ask, url, kind, *arguments):
    code, out = ask(url, "export", kind, "--format", "jsonl", *arguments)
    assert code == 0
    return [json.loads(line) for line in out.splitlines()]


def in_parquet(ask, url, path, kind, *arguments):
    assert ask(url, "export", kind, "--format", "parquet", "--output", str(path), *arguments) == (0, "")
    return parquet.read_table(path)


def test_every_deal_is_a_row_for_each_price_type(ask, few_url, few):
    rows = exported(ask, few_url, "deals")
    expected = few.execute("SELECT asin, price_type, price, title FROM current_deals").fetchall()
    assert len(rows) > 20
    assert sorted((row["asin"], row["price_type"], Decimal(row["price"])) for row in rows) == sorted(
        row[:3] for row in expected
    )
    assert {row["asin"]: row["title"].removeprefix("'") for row in rows} == {row[0]: row[3] or "" for row in expected}


def test_every_change_of_a_history_is_a_row(ask, few_url, few):
    rows = exported(ask, few_url, "history")
    expected = few.execute("SELECT asin, price_type, at, value FROM price_history").fetchall()
    assert len(rows) == len(expected) > 1_000
    found = {(row["asin"], row["price_type"], datetime.fromisoformat(row["at"])): row["value"] for row in rows}
    assert found == {(asin, name, at): "" if value is None else str(value) for asin, name, at, value in expected}


def test_a_part_of_a_history_begins_with_what_held_then(ask, few_url):
    days = 200
    rows = exported(ask, few_url, "history", "--since", f"{days}d")
    since = datetime.now(UTC) - timedelta(days=days)
    whole = exported(ask, few_url, "history")
    by_series = {}
    for row in whole:
        by_series.setdefault((row["asin"], row["price_type"]), []).append(row)
    expected = []
    for changes in by_series.values():
        changes.sort(key=lambda row: row["at"])
        first = max((at for at, row in enumerate(changes) if datetime.fromisoformat(row["at"]) <= since), default=0)
        expected += changes[first:]
    assert 0 < len(rows) < len(whole)
    assert sorted(map(str, rows)) == sorted(map(str, expected))


def daily_by_hand(changes, fetched_on):
    """The lowest, highest and last amount of each day, of changes (at, amount) in their order."""
    days = {}
    for number, (at, amount) in enumerate(changes):
        until = changes[number + 1][0] - timedelta(minutes=1) if number + 1 < len(changes) else None
        last = max(at.date(), fetched_on) if until is None else until.date()
        for ordinal in range(at.date().toordinal(), last.toordinal() + 1):
            days.setdefault(ordinal, []).append(amount)
    return {
        day: (min(known), max(known), amounts[-1])
        for day, amounts in days.items()
        if (known := [amount for amount in amounts if amount is not None])
    }


def test_a_day_of_a_history_has_its_lowest_highest_and_last_price(ask, few_url, few):
    rows = exported(ask, few_url, "history", "--daily")
    found = {}
    for row in rows:
        day = datetime.fromisoformat(row["day"]).toordinal()
        amounts = tuple(Decimal(row[name]) if row[name] else None for name in ("lowest", "highest", "last"))
        found.setdefault((row["asin"], row["price_type"]), {})[day] = amounts
    series = {}
    query = """
        SELECT asin, price_type, at, coalesce(price + coalesce(shipping, 0), value) FROM price_history
        ORDER BY asin, price_type, at
    """
    for asin, name, at, amount in few.execute(query).fetchall():
        series.setdefault((asin, name), []).append((at.astimezone(UTC), amount))
    fetched = dict(few.execute("SELECT asin, (history_fetched_at AT TIME ZONE 'UTC')::date FROM products").fetchall())
    expected = {key: daily_by_hand(changes, fetched[key[0]]) for key, changes in series.items()}
    assert len(rows) > 5_000
    assert found == {key: days for key, days in expected.items() if days}


def test_the_last_days_alone_are_days_of_all(ask, few_url):
    last = exported(ask, few_url, "history", "--daily", "--since", "30d")
    first_day = (datetime.now(UTC) - timedelta(days=30)).date()
    whole = exported(ask, few_url, "history", "--daily")
    assert sorted(map(str, last)) == sorted(str(row) for row in whole if row["day"] >= str(first_day))


def test_calls_are_exported_and_summed_by_day(ask, few_url, few):
    rows = exported(ask, few_url, "calls")
    (expected,) = few.execute("SELECT count(*), sum(cost) FROM calls").fetchall()
    assert (len(rows), sum(int(row["cost"]) for row in rows if row["cost"])) == expected
    assert {(row["account"], bool(row["host"])) for row in rows} == {("default", False)}
    days = exported(ask, few_url, "calls", "--daily")
    assert sum(int(day["calls"]) for day in days) == len(rows)


@pytest.mark.parametrize("kind", KINDS)
def test_all_formats_hold_the_same_rows(ask, few_url, tmp_path, kind):
    as_csv = exported(ask, few_url, kind)
    as_json = in_lines(ask, few_url, kind)
    table = in_parquet(ask, few_url, tmp_path / "rows.parquet", kind)
    assert len(as_csv) == len(as_json) == table.num_rows > 0
    assert list(as_csv[0]) == list(as_json[0]) == table.column_names
    for name in table.column_names:
        column = table.column(name).to_pylist()
        assert [row[name] == "" for row in as_csv] == [
            value is None or value == "" for value in (row[name] for row in as_json)
        ], name
        if pa.types.is_integer(table.schema.field(name).type):
            assert sorted(map(str, column)) == sorted(str(row[name]) for row in as_json), name


@pytest.mark.parametrize(
    ("kind", "is_daily"),
    [("deals", False), ("history", False), ("history", True), ("calls", False), ("products", False)],
)
def test_lines_of_json_are_what_the_server_makes_of_the_rows(own, kind, is_daily):
    hostile = 'a "quote", a \\ and\r\na line break \u2028 \x01\x02 ü'
    own.execute("UPDATE deal_rows SET title = %s", (hostile,))
    own.execute(
        "UPDATE products SET title = %s, categories = '{}', extra = %s",
        (hostile, '{\n"a": [1,\r\n 2]}'),
    )
    wanted = store.Export(kind=kind, is_daily=is_daily)
    columns = store.columns_of(own, wanted)
    with store.json_copied(own, wanted, columns) as lines:
        found = [*lines]
    query = store._query(own, wanted, are_ranks_packed=False)
    statement = sql.SQL("SELECT row_to_json(one)::text FROM ({query}) AS one").format(query=query)
    expected = [row for (row,) in own.execute(statement, {"domain": None, "since": None}).fetchall()]
    assert len(found) > 0
    assert all(line.count(b"\n") == 1 and line.endswith(b"\n") and b"\r" not in line for line in found)
    assert sorted(map(in_order, found)) == sorted(map(in_order, expected))


def in_order(line):
    return json.dumps(json.loads(line), sort_keys=True)


def test_sales_ranks_of_products_are_readable(ask, few_url, few):
    found = {row["asin"]: row["sales_ranks"] for row in in_lines(ask, few_url, "products")}
    expected = dict(few.execute("SELECT p.asin, p.sales_ranks FROM products AS p").fetchall())
    assert found == expected
    assert any(expected.values())


def test_a_title_that_a_spreadsheet_would_run_gets_an_apostrophe(ask, own_url, own):
    (asin,) = own.execute("SELECT asin FROM current_deals LIMIT 1").fetchone()
    hostile = '=cmd|"/c calc"!A1\nsecond line'
    own.execute("UPDATE deal_rows SET title = %s WHERE asin = %s", (hostile, asin))
    own.execute("UPDATE products SET description = %s WHERE asin = %s", (hostile, asin))
    assert {row["title"] for row in exported(ask, own_url, "deals") if row["asin"] == asin} == {f"'{hostile}"}
    assert {row["title"] for row in in_lines(ask, own_url, "deals") if row["asin"] == asin} == {hostile}


def test_one_shop_and_the_last_days_alone(ask, few_url, own_url, own):
    assert exported(ask, few_url, "deals", "--domain", "de") == []
    everything = exported(ask, few_url, "deals", "--domain", "com")
    assert len(everything) == len(exported(ask, few_url, "deals"))
    old = datetime.now(UTC) - timedelta(days=3)
    own.execute("UPDATE products SET fetched_at = %s", (old,))
    assert exported(ask, own_url, "products", "--since", "2d") == []
    assert len(exported(ask, own_url, "products", "--since", "4d")) == KEPT


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("deals", "--daily"), "--daily makes one row a day of history or calls; deals have one row each"),
        (("calls", "--domain", "de"), "--domain chooses a shop, and a call may ask for several: leave it out"),
    ],
)
def test_what_cannot_be_is_said(ask, few_url, capsys, arguments, told):
    with pytest.raises(SystemExit) as ended:
        ask(few_url, "export", *arguments)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_said_and_no_part_of_it_is_left(ask, few_url, tmp_path):
    with pytest.raises(ConfigError, match="cannot be written: No such file or directory; name another file"):
        ask(few_url, "export", "deals", "--output", str(tmp_path / "no" / "deals.csv"))
    assert list(tmp_path.glob("*.part")) == []


def test_what_is_no_file_is_written_to_and_never_replaced(ask, few_url, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as pool:
        read = pool.submit(pipe.read_bytes)
        assert ask(few_url, "export", "deals", "--output", str(pipe)) == (0, "")
        assert read.result(LIMIT_S).decode() == ask(few_url, "export", "deals")[1]
    assert pipe.is_fifo()
    full = tmp_path / "full"
    full.symlink_to("/dev/full")
    with pytest.raises(ConfigError, match="cannot be written: No space left on device"):
        ask(few_url, "export", "history", "--output", str(full))
    assert full.is_char_device()
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["full", "pipe"]


def test_what_breaks_off_leaves_the_file_of_before_as_it_was(ask, own_url, own, tmp_path):
    path = tmp_path / "history.csv"
    assert ask(own_url, "export", "history", "--output", str(path)) == (0, "")
    whole = path.read_bytes()
    (last,) = own.execute("SELECT max(asin) FROM price_series_rows").fetchone()
    own.execute(
        f"""
        CREATE OR REPLACE FUNCTION keepa_time(minute int) RETURNS timestamptz LANGUAGE plpgsql AS $$
        BEGIN RAISE 'the disk of {last} is gone'; END $$
        """
    )
    with pytest.raises(Error, match="the disk of"):
        ask(own_url, "export", "history", "--output", str(path))
    assert path.read_bytes() == whole
    assert list(tmp_path.glob("*.part")) == []
