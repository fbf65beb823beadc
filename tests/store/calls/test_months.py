"""Months of calls: made ahead of time, dropped whole, and no call is lost without one."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.errors import LockNotAvailable

from tasks.store.calls import calls, months
from tasks.store.calls.months import Dropped
from tasks.store.connection import connect
from tests.fixtures.calls import a_call

WHERE = "SELECT tableoid::regclass::text, count(*) FROM calls GROUP BY 1 ORDER BY 1"
LONG_AGO, LATER = datetime(2019, 5, 6, tzinfo=UTC), datetime(2091, 12, 6, 7, tzinfo=UTC)


def make(conn, now):
    with conn.transaction():
        return months.make(conn, now)


def drop(conn, before, **limits):
    with conn.transaction():
        return months.drop(conn, before, **limits)


def record(conn, *times):
    for number, at in enumerate(times):
        calls.record(conn, a_call(at=at, rows=number))


def name_of(conn):
    """The part of all that came before the end of the month in which the tables were made."""
    return months.parts(conn)[0].name


def where(conn):
    return dict(conn.execute(WHERE).fetchall())


def test_months_are_made_ahead_and_only_once(conn):
    assert make(conn, LATER) == ["calls_2091_12", "calls_2092_01", "calls_2092_02"]
    assert make(conn, LATER) == []
    assert make(conn, LATER + timedelta(days=31)) == ["calls_2092_03"]
    record(conn, LATER, datetime(2091, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), datetime(2092, 1, 1, tzinfo=UTC))
    assert where(conn) == {"calls_2091_12": 2, "calls_2092_01": 1}
    assert conn.execute("SELECT count(*), min(id) > 0 FROM calls_2091_12").fetchone() == (2, True)


def test_the_month_in_which_the_tables_were_made_has_a_part_already(conn):
    oldest = months.parts(conn)[0]
    assert oldest.begin is None
    made = make(conn, oldest.end - timedelta(days=1))
    assert made == [f"calls_{oldest.end:%Y_%m}", f"calls_{oldest.end + timedelta(days=31):%Y_%m}"]


def test_a_call_of_long_ago_or_of_a_month_to_come_is_kept_and_kept_once(conn):
    """As from a spool that was found again, or with a clock that was set."""
    times = (LONG_AGO, LATER)
    record(conn, *times)
    record(conn, *times)
    assert where(conn) == {name_of(conn): 1, "calls_other": 1}


def test_calls_that_came_before_their_month_move_into_it(conn):
    record(conn, LATER, LATER + timedelta(seconds=1), LATER + timedelta(days=365))
    assert make(conn, LATER)[0] == "calls_2091_12"
    record(conn, LATER)
    assert where(conn) == {"calls_2091_12": 2, "calls_other": 1}


def test_a_month_of_many_calls_without_a_part_stays_where_it_is(conn):
    conn.execute(
        "INSERT INTO calls (at, tier, endpoint, shape, items, estimate, duration_s, waited_s, worker, rows)"
        " SELECT %s, '', '', '', 0, 0, 0, 0, '', 0 FROM generate_series(1, 10000)",
        (LATER,),
    )
    assert make(conn, LATER) == ["calls_2092_01", "calls_2092_02"]
    assert make(conn, LATER) == []
    assert where(conn) == {"calls_other": 10_000}


def test_a_clock_that_went_ahead_and_came_back_leaves_no_month_out(conn):
    make(conn, LATER)
    earlier = datetime(2090, 3, 4, tzinfo=UTC)
    assert make(conn, earlier) == ["calls_2090_03", "calls_2090_04", "calls_2090_05"]


def test_a_table_of_that_name_that_is_somebody_elses_is_left_alone(conn):
    conn.execute("CREATE TABLE calls_2092_01 (mine text)")
    assert make(conn, LATER) == ["calls_2091_12", "calls_2092_02"]


def test_two_who_make_months_at_once_do_not_disturb_each_other(database_url):
    def beside(_):
        with connect(database_url, application_name="test", autocommit=True) as conn:
            return make(conn, LATER)

    with ThreadPoolExecutor(4) as pool:
        made = [name for names in pool.map(beside, range(4)) for name in names]
    assert sorted(made) == ["calls_2091_12", "calls_2092_01", "calls_2092_02"]


def test_whoever_records_a_call_is_not_in_the_way_of_new_months_nor_they_in_its(database_url, conn):
    make(conn, LATER)
    with (
        connect(database_url, application_name="other", autocommit=True, lock_timeout_ms=1) as other,
        conn.transaction(),
    ):
        record(conn, LATER)
        assert make(other, LATER + timedelta(days=31)) == ["calls_2092_03"]
        record(conn, LATER + timedelta(seconds=1))


def test_who_reads_all_calls_is_not_waited_for_for_ever(database_url, conn):
    with connect(database_url, application_name="reader") as reader:
        reader.execute("SELECT count(*) FROM calls")
        with connect(database_url, application_name="maker", autocommit=True, lock_timeout_ms=1) as maker:
            with pytest.raises(LockNotAvailable):
                make(maker, LATER)
            months.parts(maker)
    assert make(conn, LATER)


def test_months_are_dropped_whole_oldest_first_and_their_sums_stay(conn):
    record(conn, LONG_AGO)
    for number in range(3):
        make(conn, LATER + number * timedelta(days=31))
        record(conn, LATER + number * timedelta(days=31))
    conn.execute("ANALYZE calls")
    before = datetime(2092, 2, 1, tzinfo=UTC)
    names = [part.name for part in months.droppable(conn, before)]
    assert names == [name_of(conn), "calls_2091_12", "calls_2092_01"]
    gone = []
    while (step := drop(conn, before)).has_more:
        gone.append(step.rows)
    assert gone == [1, 1, 1]
    assert step == Dropped(0, has_more=False)
    assert where(conn) == {"calls_2092_02": 1}
    assert conn.execute("SELECT sum(calls) FROM calls_hourly").fetchone() == (4,)


def test_calls_of_before_the_first_month_go_by_their_own_time(conn):
    """That part may hold years, and ends with the month in which the tables were made."""
    record(conn, LONG_AGO, LONG_AGO + timedelta(days=1), LONG_AGO + timedelta(days=2))
    before = LONG_AGO + timedelta(days=2)
    assert months.droppable(conn, before) == []
    assert drop(conn, before, limit=1) == Dropped(1, has_more=True)
    assert drop(conn, before, limit=2) == Dropped(1, has_more=False)
    assert conn.execute("SELECT at FROM calls").fetchall() == [(before,)]


def test_a_call_recorded_after_its_month_was_dropped_goes_with_the_next_drop(conn):
    before = months.parts(conn)[0].end
    drop(conn, before)
    record(conn, LONG_AGO, LONG_AGO + timedelta(days=1), LONG_AGO + timedelta(days=2), LATER)
    assert where(conn) == {"calls_other": 4}
    assert drop(conn, before, limit=2) == Dropped(2, has_more=True)
    assert drop(conn, before, limit=2) == Dropped(1, has_more=False)
    assert conn.execute("SELECT at FROM calls").fetchall() == [(LATER,)]


def test_a_database_that_is_read_only_is_asked_for_nothing_while_no_month_is_missing(conn):
    make(conn, LATER)
    with conn.transaction():
        conn.execute("SET LOCAL transaction_read_only = on")
        assert make(conn, LATER) == []


@pytest.fixture
def helper(conn, database_url):
    """A connection of a user who may write to the tables and owns none."""
    user = conn.info.user
    conn.execute("CREATE ROLE helper LOGIN")
    conn.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON calls, calls_hourly TO helper")
    with connect(database_url.replace(f"//{user}@", "//helper@"), application_name="test", autocommit=True) as other:
        yield other
    conn.execute("DROP OWNED BY helper CASCADE")
    conn.execute("DROP ROLE helper")


def test_a_user_who_may_make_no_tables_records_all_calls_and_deletes_old_ones(conn, helper):
    make(conn, LATER)
    assert make(helper, LATER + timedelta(days=62)) == []
    record(helper, LONG_AGO, LATER, LATER + timedelta(days=99))
    assert len(where(conn)) == 3
    assert drop(helper, LATER + timedelta(days=1)) == Dropped(2, has_more=False)
    assert where(conn) == {"calls_other": 1}
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        helper.execute("DROP TABLE calls_other")


def test_a_time_is_found_by_the_index_of_its_month_alone(conn):
    for number in range(4):
        make(conn, LATER + number * timedelta(days=31))
    plan = "\n".join(
        line
        for (line,) in conn.execute(
            "EXPLAIN SELECT count(*) FROM calls WHERE at >= '2092-01-05' AND at < '2092-01-06'"
        ).fetchall()
    )
    assert "calls_2092_01" in plan
    assert "calls_2091_12" not in plan
    assert "calls_other" not in plan
