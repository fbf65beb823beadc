"""Sums of calls: those by hour are kept by whoever records one, and all that `spend` shows adds up."""

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.store.calls import calls, sums
from tasks.store.calls.sums import Flow, Sum
from tasks.store.connection import connect
from tests.fixtures.calls import NOON, a_call

HOUR = timedelta(hours=1)
TOTALS = "SELECT sum(calls), sum(tokens), count(*) FROM calls_hourly"

# Whole numbers of seconds, and halves, add up exactly in any order.
A_CALL = st.builds(
    replace,
    st.just(a_call()),
    tier=st.sampled_from(["", "upsert", "backfill"]),
    shape=st.sampled_from(["deal", "product:history"]),
    items=st.integers(0, 100),
    estimate=st.integers(0, 300),
    cost=st.none() | st.integers(-5, 300),
    balance=st.none() | st.integers(-50, 1_200),
    status=st.sampled_from([200, 200, 429, 500, None]),
    duration_s=st.integers(0, 9).map(lambda number: number / 2),
    waited_s=st.integers(0, 9).map(float),
    worker=st.sampled_from(["upsert-0", "backfill-0"]),
    account=st.sampled_from(["", "default", "agency"]),
    host=st.sampled_from(["", "first", "second"]),
    rows=st.integers(0, 150),
)
# Before the last whole hour: on it, just beside it, and somewhere.
MOMENTS = st.builds(
    lambda hours, microseconds: hours * HOUR + timedelta(microseconds=microseconds),
    st.integers(-1, 4),
    st.sampled_from([-1, 0, 0, 1]) | st.integers(0, 3_600_000_000),
)


@pytest.fixture(scope="module")
def scratch(pg_server):
    """A connection to a database of this module's own."""
    url, name = pg_server.create()
    with connect(url, application_name="test", autocommit=True) as connection:
        yield connection
    pg_server.drop(name)


def added_up(name, found):
    answered = [call for call in found if call.status == 200]
    unknown = [call for call in found if call.cost is None]
    refused = sum(call.status == 429 for call in found)
    return Sum(
        name=name,
        calls=len(found),
        items=sum(call.items for call in answered),
        rows=sum(call.rows for call in found),
        tokens=sum(call.cost or 0 for call in found),
        estimate=sum(call.estimate for call in answered if call.cost is not None),
        cost=sum(call.cost or 0 for call in answered),
        refused=refused,
        failed=len(found) - len(answered) - refused,
        unknown=len(unknown),
        unknown_tokens=sum(call.estimate for call in unknown),
        waited_s=sum(call.waited_s for call in found),
        duration_s=sum(call.duration_s for call in found),
    )


def flowed(found):
    """Of calls in the order in which they were recorded."""
    in_order = sorted(found, key=lambda call: call.at)
    known = [at for at, call in enumerate(in_order) if call.balance is not None]
    if not known:
        return None
    first, last = known[0], known[-1]
    return Flow(
        first_at=in_order[first].at,
        last_at=in_order[last].at,
        first_balance=in_order[first].balance,
        last_balance=in_order[last].balance,
        charged=sum(call.cost or 0 for call in in_order[first + 1 : last + 1]),
    )


@settings(max_examples=30)
@given(st.lists(st.tuples(MOMENTS, A_CALL, st.booleans()), max_size=12), MOMENTS)
def test_what_is_told_of_any_calls_is_what_they_add_up_to(scratch, told, back):
    with scratch.transaction(force_rollback=True):
        ((now,),) = scratch.execute("SELECT now()").fetchall()
        whole = now.replace(minute=0, second=0, microsecond=0)
        found = []
        for number, (moment, drawn, is_repeated) in enumerate(told):
            call = replace(drawn, at=whole - moment, endpoint=f"/{number % 3}")
            calls.record(scratch, call)
            if is_repeated:
                calls.record(scratch, replace(call, rows=7, cost=9))
            if calls._key(call) not in map(calls._key, found):
                found.append(call)
        since = now - (whole - back)
        if since > timedelta(0):
            found = [call for call in found if call.at >= whole - back]
            for by in ("tier", "endpoint", "shape", "key", "host"):
                groups = defaultdict(list)
                for call in found:
                    groups[(call.account or "default") if by == "key" else getattr(call, by)].append(call)
                expected = [added_up(name, group) for name, group in groups.items()]
                expected.sort(key=lambda one: (-one.tokens, one.name))
                assert sums.sums(scratch, since=since, by=by) == expected
            assert sums.flow(scratch, since=since) == flowed(found)
            for key in ("default", "agency"):
                its = [call for call in found if (call.account or "default") == key]
                assert sums.flow(scratch, since=since, key=key) == flowed(its)
                expected = [added_up(key, its)] if its else []
                assert sums.sums(scratch, since=since, by="key", key=key) == expected


def test_a_call_that_is_recorded_again_is_summed_once(conn):
    for call in (a_call(), a_call(), a_call(rows=0), a_call(at=NOON + HOUR)):
        calls.record(conn, call)
    assert conn.execute(TOTALS).fetchone() == (2, 10, 2)


def test_what_is_rolled_back_is_in_no_sum(conn):
    with conn.transaction(force_rollback=True):
        calls.record(conn, a_call())
    assert conn.execute(TOTALS).fetchone() == (None, None, 0)


def test_a_worker_waits_for_no_other_one_to_record_a_call(database_url):
    """The transaction of a batch lasts, and its calls are of the same hour, tier and shape."""
    with (
        connect(database_url, application_name="first", autocommit=True) as first,
        connect(database_url, application_name="second", autocommit=True, lock_timeout_ms=1) as second,
        first.transaction(),
    ):
        calls.record(first, a_call())
        with second.transaction():
            calls.record(second, a_call(worker="upsert-1"))
        calls.record(first, a_call(at=NOON + timedelta(seconds=1)))
    with connect(database_url, application_name="looks", autocommit=True) as looks:
        assert looks.execute(TOTALS).fetchone() == (3, 15, 2)


def test_sums_stay_when_their_calls_are_gone(conn):
    ((now,),) = conn.execute("SELECT now()").fetchall()
    for days in (1, 800):
        calls.record(conn, a_call(at=now - timedelta(days=days)))
    conn.execute("DELETE FROM calls WHERE at < now() - interval '400 days'")
    (found,) = sums.sums(conn, since=timedelta(days=900), by="tier")
    assert (found.calls, found.tokens) == (2, 10)


def test_no_name_is_too_long_for_a_sum(conn):
    long = "\U0001f99e".join(map(str, range(400)))
    calls.record(conn, a_call(tier=long, endpoint=long, shape=long, worker=long))
    assert conn.execute(TOTALS).fetchone() == (1, 5, 1)


def test_a_length_of_time_that_is_none_spoils_no_sum(conn):
    for number, odd in enumerate((float("inf"), float("nan"), 1e308, -1e308, 2.0)):
        calls.record(conn, a_call(duration_s=odd, waited_s=odd, at=NOON + timedelta(seconds=number)))
    assert conn.execute("SELECT duration_s, waited_s FROM calls_hourly").fetchall() == [(2.0, 2.0)]


def test_what_was_spent_by_hour_and_day_is_what_was_spent_in_all(conn):
    now = conn.execute("SELECT date_bin('1 hour', now(), timestamptz 'epoch')").fetchone()[0]
    for hours, tier, cost in (
        (0, "upsert", 5),
        (0, "upsert", 7),
        (1, "backfill", 20),
        (30, "upsert", 1),
        (90, "upsert", 9),
    ):
        with conn.transaction():
            calls.record(conn, a_call(at=now - hours * HOUR, tier=tier, cost=cost, rows=2, duration_s=cost))
    by_hour = sums.by_time(conn, since=48 * HOUR, step="hour", by="tier")
    assert [(one.begin, one.name, one.tokens, one.calls, one.rows) for one in by_hour] == [
        (now - 30 * HOUR, "upsert", 1, 1, 2),
        (now - HOUR, "backfill", 20, 1, 2),
        (now, "upsert", 12, 2, 4),
    ]
    by_day = sums.by_time(conn, since=48 * HOUR, step="day", by="endpoint")
    assert sum(one.tokens for one in by_day) == sum(one.tokens for one in by_hour)
    assert all(one.begin.hour == 0 for one in by_day)
    total = sums.sums(conn, since=48 * HOUR, by="tier")
    assert sum(one.tokens for one in total) == sum(one.tokens for one in by_hour)
