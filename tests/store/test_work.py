"""What the jobs remember: walks, watermarks, faults, calls; and how many rows there are."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tasks.store import crawls, quarantine, row_counts
from tasks.store.calls import calls
from tasks.store.calls.calls import Call
from tasks.store.connection import connect
from tasks.store.crawls import Crawl
from tasks.store.quarantine import FaultFilter
from tasks.store.row_counts import RowCounts
from tests.fakes.waiting import wait_until

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CRAWL = Crawl(
    job="upsert",
    selection_key="abc",
    domain=1,
    root_cat=283155,
    page=3,
    started_at=NOON,
    state="running",
    high_minute=7_800_000,
    rows=450,
    finished_at=None,
)
CALL = Call(
    at=NOON,
    tier="backfill",
    endpoint="/product",
    shape="product history",
    items=20,
    estimate=20,
    cost=19,
    balance=-3,
    status=200,
    duration_s=1.5,
    waited_s=60.25,
    worker="backfill-0",
    rows=20,
)


def test_a_walk_is_resumed_where_it_was_saved(conn):
    assert crawls.load_crawl(conn, "upsert", "abc", 1) is None
    crawls.save_crawl(conn, CRAWL)
    assert crawls.load_crawl(conn, "upsert", "abc", 1) == CRAWL
    done = replace(CRAWL, state="done", page=7, root_cat=None, finished_at=NOON + timedelta(hours=1))
    crawls.save_crawl(conn, done)
    assert crawls.load_crawl(conn, "upsert", "abc", 1) == done


@pytest.mark.parametrize("other", [("backfill", "abc", 1), ("upsert", "abd", 1), ("upsert", "abc", 3)])
def test_each_job_selection_and_locale_has_its_own_walk(conn, other):
    crawls.save_crawl(conn, CRAWL)
    assert crawls.load_crawl(conn, *other) is None


def test_a_watermark_moves_forward_only(conn):
    assert crawls.load_watermark(conn, "abc", 1) is None
    for minute in (10, 12, 11):
        crawls.move_watermark(conn, "abc", 1, minute, latest=20)
    assert crawls.load_watermark(conn, "abc", 1) == 12
    assert crawls.load_watermark(conn, "abc", 3) is None


def test_a_watermark_from_the_future_comes_back(conn):
    crawls.move_watermark(conn, "abc", 1, 47_000_000, latest=47_000_000)
    crawls.move_watermark(conn, "abc", 1, 15, latest=20)
    assert crawls.load_watermark(conn, "abc", 1) == 15


def test_a_call_is_kept_with_all_it_says(conn):
    calls.record(conn, CALL)
    lost = replace(CALL, tier="", cost=None, balance=None, status=None, account="agency", host="second")
    calls.record(conn, lost)
    calls.record(conn, lost)  # as when nobody knows whether a transaction ended before its connection broke
    names = "at, tier, endpoint, shape, items, estimate, cost, balance, status, duration_s, waited_s, worker, rows"
    names += ", account, host"
    found = conn.execute(f"SELECT {names} FROM calls ORDER BY id").fetchall()
    assert [dict(zip(names.split(", "), row, strict=True)) for row in found] == [
        {name: getattr(call, name) for name in names.split(", ")} for call in (CALL, lost)
    ]


def test_a_call_whose_first_record_is_still_under_way_is_recorded_once(database_url):
    """As after a connection that broke in mid-commit, when the server has not noticed yet."""

    def wait_for_the_first():
        with connect(database_url, application_name="second", autocommit=True) as conn, conn.transaction():
            calls.record(conn, replace(CALL, rows=0))

    def waits(conn):
        asks = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'second' AND wait_event_type = 'Lock'"
        return conn.execute(asks).fetchone() == (1,)

    with (
        connect(database_url, application_name="first", autocommit=True) as first,
        connect(database_url, application_name="looks", autocommit=True) as looks,
        ThreadPoolExecutor(1) as beside,
    ):
        with first.transaction():
            calls.record(first, CALL)
            second = beside.submit(wait_for_the_first)
            wait_until(lambda: second.done() or waits(looks), "the second to wait for the first")
        second.result()
        assert first.execute("SELECT rows FROM calls").fetchall() == [(CALL.rows,)]


@pytest.mark.parametrize(
    "other",
    [
        {"at": NOON + timedelta(microseconds=1)},
        {"duration_s": 1.5000001},
        {"worker": "backfill-1"},
        {"account": "agency"},
        {"host": "second"},
        {"endpoint": "/token"},
        {"tier": ""},
        {"status": None},
    ],
    ids=str,
)
def test_another_call_has_a_record_of_its_own(conn, other):
    calls.record(conn, CALL)
    calls.record(conn, replace(CALL, **other))
    assert conn.execute("SELECT count(*) FROM calls").fetchone() == (2,)


def test_the_same_moment_in_another_place_of_the_world_is_the_same_call(conn):
    calls.record(conn, CALL)
    calls.record(conn, replace(CALL, at=CALL.at.astimezone(timezone(timedelta(hours=9)))))
    assert conn.execute("SELECT count(*) FROM calls").fetchone() == (1,)


def test_a_fault_is_kept_with_its_bytes_and_counted_when_it_comes_again(conn):
    for raw in (b"\0\xff first", b"\0\xff last"):
        quarantine.add(conn, kind="body", key="a/b", reason="cut", raw=raw)
    quarantine.add(conn, kind="body", key="a/b", reason="cut", raw=None, domain=1)
    found = conn.execute("SELECT kind, domain, key, reason, raw, times FROM quarantine ORDER BY id").fetchall()
    assert found == [("body", 0, "a/b", "cut", b"\0\xff last", 2), ("body", 1, "a/b", "cut", None, 1)]


def test_no_text_is_too_odd_for_the_quarantine(conn):
    quarantine.add(conn, kind="request", key="\0\ud800" * 300, reason="é\0" * 5000, raw=b"", domain=1)
    (key, reason) = conn.execute("SELECT key, reason FROM quarantine").fetchone()
    assert (len(key), len(reason)) == (200, 2000)


def test_faults_are_read_page_by_page_and_told_by_reason(conn):
    for number in range(7):
        reason = "a field is missing" if number % 3 else "cut off"
        for _ in range(number + 1):
            quarantine.add(conn, kind="deal", key=f"B{number:09d}", reason=reason, raw=None, domain=1)
    which = FaultFilter(kind="deal")
    whole = quarantine.find(conn, which, limit=100)
    read = quarantine.find(conn, which, limit=3)
    while more := quarantine.find(conn, which, limit=3, before=(read[-1].last_at, read[-1].id)):
        read += more
    assert (read, len(read)) == (whole, 7)
    told = [(one.reason, one.faults, one.times) for one in quarantine.by_reason(conn, which)]
    assert told == [("a field is missing", 4, 16), ("cut off", 3, 12)]
    (latest,) = quarantine.by_reason(conn, which, read=1)
    assert (latest.faults, latest.last_at) == (1, whole[0].last_at)
    assert quarantine.ids(conn, which, limit=2) == quarantine.ids(conn, which)[:2]
    latest = "SELECT FROM quarantine WHERE (last_at, id) < (now(), 5) ORDER BY last_at DESC, id DESC LIMIT 9"
    plan = "\n".join(row[0] for row in conn.execute(f"EXPLAIN {latest}"))
    assert "quarantine_latest" in plan


def test_the_walks_of_some_selections(conn):
    for job, key in (("upsert", "abc"), ("backfill", "abc"), ("upsert", "other")):
        crawls.save_crawl(conn, replace(CRAWL, job=job, selection_key=key, fingerprints=[1, 2]))
    found = crawls.crawls_of(conn, ["abc", "none"])
    assert found == [replace(CRAWL, job=job) for job in ("upsert", "backfill")]


def test_rows_are_counted_while_few(conn, make_deal, make_product):
    from tasks.store import deals
    from tasks.store.products import products

    assert row_counts.counts(conn) == RowCounts(deals=0, products=0, price_series=0, quarantine=0)
    with conn.transaction():
        deals.write(conn, 1, [make_deal("B000000001"), make_deal("B000000002")], seen_at=NOON)
        products.write(conn, 1, [make_product()], fetched_at=NOON, has_history=True)
        quarantine.add(conn, kind="deal", key="x", reason="y", raw=None, domain=1)
    assert row_counts.counts(conn) == RowCounts(deals=2, products=1, price_series=2, quarantine=1)


FAULTS = "INSERT INTO quarantine (kind, domain, key, reason) SELECT 'deal', 1, n, 'r' FROM generate_series(1, %s) AS n"
TOLD = "SELECT pg_stat_force_next_flush()"  # what this session changed, as the server would learn within a second


@pytest.mark.parametrize("is_analyzed", [True, False])
def test_many_rows_are_those_the_server_keeps_count_of(conn, is_analyzed):
    conn.execute(TOLD)
    conn.execute(FAULTS, (10_000,))
    conn.execute(TOLD)
    conn.execute("ANALYZE quarantine" if is_analyzed else "SELECT")
    conn.execute("DELETE FROM quarantine WHERE id % 2 = 0")
    conn.execute(TOLD)
    found = row_counts.counts(conn)
    assert (found.quarantine, found.estimates) == (5_000, ("quarantine",))


def test_after_a_crash_many_rows_are_reckoned_from_the_last_vacuum(conn):
    conn.execute(FAULTS, (20_000,))
    conn.execute("VACUUM quarantine")
    conn.execute("SELECT pg_stat_reset_single_table_counters('quarantine'::regclass)")  # as a crash does
    assert row_counts.counts(conn).quarantine == pytest.approx(20_000, rel=0.02)


def test_rows_in_partitions_are_counted_together(conn):
    conn.execute("DROP TABLE quarantine")
    conn.execute("CREATE TABLE quarantine (kind text, domain int, key int, reason text) PARTITION BY HASH (key)")
    for part in range(2):
        named = f"CREATE TABLE quarantine_{part} PARTITION OF quarantine FOR VALUES WITH (MODULUS 2, REMAINDER {part})"
        conn.execute(named)
    conn.execute(FAULTS, (row_counts.FEW - 1,))
    found = row_counts.counts(conn)
    assert (found.quarantine, found.estimates) == (row_counts.FEW - 1, ())
    conn.execute(TOLD)
    conn.execute(FAULTS, (5_000,))
    conn.execute(TOLD)
    assert row_counts.counts(conn).quarantine == row_counts.FEW - 1 + 5_000


@pytest.mark.parametrize(
    "odd",
    [
        {"cost": 2_147_483_653},
        {"cost": 10**400},
        {"balance": -(10**12)},
        {"status": 10**10},
        {"rows": 2**40, "items": 2**40, "estimate": 2**40},
        {"worker": "a\0\ud800", "endpoint": "/x" * 9_000},
        {"duration_s": float("inf"), "waited_s": float("nan")},
    ],
    ids=str,
)
def test_a_call_is_recorded_whatever_it_tells(conn, odd):
    calls.record(conn, replace(CALL, **odd))
    ((count,),) = conn.execute("SELECT count(*) FROM calls").fetchall()
    assert count == 1
