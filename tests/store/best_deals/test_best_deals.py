"""The best deals: found among the few whose bounds are the best, the same as of all of them."""

from __future__ import annotations

import csv
import io
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from tasks.store import deals, selections
from tasks.store.best_deals import best_deals
from tasks.store.best_deals import bounds as deal_bounds
from tasks.store.bulk.copied_out import copied_out
from tasks.store.connection import connect
from tasks.store.duties import deal_bounds as duty
from tests.fakes.waiting import LIMIT_S, wait_until
from tests.fixtures.database.best_deals import COM, SALES, SORTS, random_deal, which

NOW = datetime.now(UTC)
BOUNDS = "discount_percents, greatest_drop, lowest_price, sales_rank, creation_date"
NONE = deal_bounds.NO_PERCENTS


@pytest.mark.parametrize("sort", SORTS)
def test_the_best_of_the_candidates_are_the_best_of_all(shown, sort):
    chance = random.Random(sort)
    found = []
    for _ in range(20):
        asked = which(
            sort=sort,
            top=chance.choice((1, 2, 3, 100)),
            over=chance.choice(("day", "week", "month", "quarter")),
            price_types=chance.choice((["NEW"], ["USED"], ["NEW", "USED"])),
            min_discount=chance.choice((1, 30, 90)),
            within=timedelta(days=chance.choice((1, 3))),
            domain=COM if sort in {"drop", "price"} else chance.choice((COM, None)),
        )
        few = best_deals.find(shown, asked, first=2)
        assert few == best_deals.find(shown, asked, first=best_deals.MOST_CANDIDATES + 1), asked
        found += few
    assert found


def test_a_deal_that_nobody_has_reckoned_is_found_like_any_other(listed):
    asked = which(top=5)
    best = best_deals.find(listed, asked, first=2)
    listed.execute("UPDATE deal_sightings SET discount_percents = NULL WHERE asin = ANY(%s)", ([best[1].asin],))
    assert best_deals.find(listed, asked, first=2) == best


def test_what_is_not_reckoned_is_in_the_background_as_the_writer_does_it(listed):
    statement = f"SELECT asin, {BOUNDS} FROM deal_sightings ORDER BY domain = 1, asin"
    written = listed.execute(statement).fetchall()
    listed.execute(
        "UPDATE deal_sightings SET discount_percents = NULL, greatest_drop = NULL, lowest_price = NULL,"
        " sales_rank = NULL, creation_date = NULL WHERE asin > 'B000000066'"
    )
    listed.execute("DELETE FROM deal_rows WHERE asin = 'B000000199'")
    steps = 0
    while True:
        with listed.transaction():
            steps += 1
            if not duty.step(listed, rows=50).has_more:
                break
    assert steps == 6
    assert listed.execute(statement).fetchall()[:-1] == written[:-1]
    assert listed.execute(statement).fetchall()[-1] == ("B000000199", NONE, 0, None, None, None)
    with listed.transaction():
        assert not duty.step(listed).has_more


def test_what_a_writer_told_meanwhile_stays(conn, make_deal):
    with conn.transaction():
        deals.write(conn, 1, [make_deal()], seen_at=NOW)
    conn.execute("UPDATE deal_sightings SET discount_percents = '\\x07'")
    with conn.transaction():
        duty.step(conn)
    assert conn.execute("SELECT discount_percents FROM deal_sightings").fetchone() == (b"\x07",)


def test_a_deal_that_is_deleted_is_looked_for_no_more(listed):
    (best, *_) = best_deals.find(listed, which())
    with listed.transaction():
        deals.lock(listed, 1)
        assert deals.remove(listed, 1, [best.asin]) == 1
    rows = listed.execute("SELECT discount_percents FROM deal_sightings WHERE domain = 1 AND asin = %s", (best.asin,))
    assert rows.fetchall() == [(NONE,)]
    assert best.asin not in {one.asin for one in best_deals.find(listed, which(top=300))}


def test_a_deal_listed_again_on_the_same_day_needs_no_index_entry(conn, make_deal):
    noon = NOW.replace(hour=12)
    for minute in (0, 1):
        with conn.transaction():
            deals.write(conn, 1, [make_deal()], seen_at=noon + timedelta(minutes=minute))
            counted = (
                "SELECT sum(pg_stat_get_xact_tuples_hot_updated(c.oid)) FROM pg_class AS c"
                " WHERE c.relkind = 'r' AND c.relname LIKE 'deal_sightings%'"
            )
            assert conn.execute(counted).fetchone() == (minute,)


@pytest.mark.parametrize("last_update", [10, 11])
def test_a_deal_that_is_listed_again_unchanged_or_not_has_the_moment_and_the_day_of_that(conn, make_deal, last_update):
    for update, seen_at in ((10, NOW - timedelta(days=3)), (last_update, NOW)):
        with conn.transaction():
            deals.write(conn, 1, [make_deal(last_update=update)], seen_at=seen_at)
    assert conn.execute("SELECT last_seen_at, last_seen_on FROM deal_sightings").fetchall() == [(NOW, NOW.date())]


def test_a_late_page_turns_back_neither_the_day_nor_newer_bounds(conn, make_deal):
    columns = f"SELECT last_seen_at, last_seen_on, {BOUNDS} FROM deal_sightings"
    with conn.transaction():
        deals.write(conn, 1, [make_deal(last_update=10)], seen_at=NOW)
    before = conn.execute(columns).fetchone()
    with conn.transaction():
        deals.write(conn, 1, [make_deal(last_update=9, creation_date=1)], seen_at=NOW - timedelta(days=3))
    assert conn.execute(columns).fetchone() == before
    with conn.transaction():
        deals.write(conn, 1, [make_deal(last_update=11, creation_date=5)], seen_at=NOW - timedelta(days=3))
    assert conn.execute(columns).fetchone() == (*before[:-1], 5)


def test_lines_of_csv_are_what_python_would_write(listed):
    listed.execute("UPDATE deal_rows SET title = E'=1,\"a\"\\nb' WHERE asin < 'B000000100'")
    asked = which(top=100, price_types=["NEW", "USED"])
    with listed.transaction(), best_deals.csv_copied(listed, asked) as copied:
        lines = b"".join(copied).decode()
    rows = list(csv.reader(io.StringIO(lines)))
    page = "https://www.amazon.com/dp/"
    assert rows == [
        [*(_cell(value) for value in astuple(one)), page + one.asin] for one in best_deals.find(listed, asked)
    ]
    assert {row[3][:2] for row in rows} == {"'=", "A "}


def test_a_reader_who_has_read_enough_of_what_is_copied_out_ends_it(listed):
    many = b"COPY (SELECT * FROM generate_series(1, 1000000)) TO STDOUT"

    def read_one():
        with listed.transaction(), copied_out(listed, many, {}) as lines:
            assert next(lines) == b"1\n"
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        read_one()
    assert listed.execute("SELECT 1").fetchone() == (1,)


def _cell(value):
    match value:
        case None:
            return ""
        case datetime():
            stripped = value.astimezone(UTC).isoformat().removesuffix("+00:00")
            return (stripped.rstrip("0") if "." in stripped else stripped) + "Z"
        case list():
            return " ".join(value)
        case str():
            return f"'{value}" if value.startswith("=") else value
        case int() | Decimal():
            return str(value)


@pytest.mark.parametrize("first", [2, best_deals.MOST_CANDIDATES + 1])
def test_a_stream_has_the_same_deals(shown, first):
    asked = which(top=20)
    with shown.transaction():
        assert list(best_deals.stream(shown, asked, first=first)) == best_deals.find(shown, asked)


def test_no_offer_and_no_mean_bound_nothing():
    none = [[-1] * 36] * 4
    assert deal_bounds.bounds_of([-1] * 36, none, [[90] * 36] * 4) == (NONE, 0, None, None)
    assert deal_bounds.bounds_of([10] * 36, none, [[90] * 36] * 4) == (NONE, 0, None, 10)
    assert deal_bounds.bounds_of([], [], []) == (NONE, 0, None, None)


def test_a_rank_or_a_count_is_no_price():
    lists = [-1] * 36
    lists[SALES] = lists[11] = 5
    assert deal_bounds.bounds_of(lists, [[100] * 36] * 4, [[95] * 36] * 4) == (NONE, 0, None, 5)


def test_a_deal_knows_every_selection_that_has_listed_it(conn):
    chance = random.Random(6)
    page = [random_deal(chance, at) for at in range(40)]
    changed = [random_deal(chance, at) for at in range(40)]
    changed = [msgspec.structs.replace(deal, last_update=deal.last_update + 1) for deal in changed]
    for key, listed in (("a", page[:30]), ("b", page[20:]), ("a", page[:30]), ("b", changed[25:35]), (None, page)):
        with conn.transaction():
            deals.write(conn, COM, listed, seen_at=NOW, selection_key=key)
    numbers = {one.key: one.number for one in selections.known(conn)}
    assert sorted(numbers) == ["a", "b"]
    names = {number: f"the {key}" for key, number in numbers.items()}
    found = best_deals.find(conn, which(top=100, names=names, min_discount=1))
    in_a, in_b = {deal.asin for deal in page[:30]}, {deal.asin for deal in page[20:]}
    assert {one.asin: set(one.selections) for one in found} == {
        one.asin: {name for name, of in (("the a", in_a), ("the b", in_b)) if one.asin in of} for one in found
    }
    for first in (2, best_deals.MOST_CANDIDATES + 1):
        of_b = best_deals.find(conn, which(top=100, names=names, selections=[numbers["b"]]), first=first)
        assert of_b == [one for one in found if one.asin in in_b]
    assert len(of_b) < len(found)
    assert best_deals.find(conn, which(selections=[])) == []


def test_two_who_list_for_a_new_selection_at_once_have_one_number_for_it(conn, database_url):
    waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with ThreadPoolExecutor(1) as pool, connect(database_url, application_name="other", autocommit=True) as other:
        with conn.transaction():
            number = selections.number_of(conn, "new")
            theirs = pool.submit(selections.number_of, other, "new")
            wait_until(lambda: conn.execute(waiting).rowcount == 1, "the other one waits for us")
        assert theirs.result(LIMIT_S) == number


def test_the_name_of_a_selection_is_kept_once_it_has_listed_deals(conn):
    selections.keep_name(conn, "a", name="books", query='{"page":0}')
    assert selections.known(conn) == []
    number = selections.number_of(conn, "a")
    assert [(one.key, one.name, one.query) for one in selections.known(conn)] == [("a", None, None)]
    version = "SELECT xmin::text FROM selections"
    seen = []
    for name, query in (("books", "{}"), ("books", "{}"), ("novels", "{}"), ("novels", '{"page":1}')):
        selections.keep_name(conn, "a", name=name, query=query)
        (known,) = selections.known(conn)
        assert known == selections.KnownSelection(number=number, key="a", name=name, query=query)
        seen.append(conn.execute(version).fetchone())
    assert len(set(seen)) == len(seen) - 1
    assert seen[0] == seen[1]


def test_a_time_that_reaches_back_before_the_calendar_begins_is_all_there_is(shown):
    found = best_deals.find(shown, which(top=200, within=timedelta(days=3_000)))
    assert found
    for first in (2, best_deals.MOST_CANDIDATES + 1):
        assert best_deals.find(shown, which(top=200, within=timedelta(days=999_999)), first=first) == found
    assert best_deals.find(shown, which(top=200, within=timedelta(0))) == []
