"""What a selection leaves in the queue when it is taken out of the settings: neither fetched nor counted, and known."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tasks.planning.streams import WantedStreams
from tasks.store import crawls, deals, selections
from tasks.store.connection import connect
from tasks.store.queue import leftovers, queue
from tasks.store.queue.changes import change
from tasks.store.queue.counts import QueueCounts, queue_counts
from tests.fakes.waiting import LIMIT_S, wait_until

NOW = WantedStreams(keys=("mine",), domains=(1,))


def put(conn, *asins, key, domain=1, **how):
    queue.enqueue(conn, domain, asins, detail="history", selection_key=key, **how)


def take(conn, limit=10, chosen=NOW):
    return [item.asin for item in queue.claim(conn, owner="me", limit=limit, lease_s=60, chosen=chosen)]


@pytest.fixture
def mixed(conn):
    """Of a selection that is gone, first and wanted most; of a locale that is; of nobody knows whom; and ours."""
    put(conn, "B1", "B2", key="gone", priority=9)
    put(conn, "B3", key="gone too", domain=3, priority=9)
    put(conn, "B4", key=None, domain=3, priority=9)
    put(conn, "B5", key=None)
    put(conn, "B6", "B7", key="mine")
    return conn


def test_only_what_the_settings_ask_for_is_taken_and_counted(mixed):
    assert queue_counts(mixed, NOW) == QueueCounts(pending=3, leased=0, done=0, unwanted=4)
    assert take(mixed) == ["B5", "B6", "B7"]
    assert take(mixed) == []
    assert queue_counts(mixed, NOW) == QueueCounts(pending=0, leased=3, done=0, workers=1, unwanted=4)
    assert queue_counts(mixed).pending == 4


def test_it_comes_back_with_the_selection(mixed):
    assert take(mixed, chosen=WantedStreams(keys=("gone",), domains=(2,))) == ["B1", "B2"]


def test_what_another_selection_lists_too_is_that_ones_then(mixed):
    adopted = leftovers.adopt(mixed, 1, ["B2", "B5", "B6", "B9"], detail="history", selection_key="mine", chosen=NOW)
    assert adopted == 2
    assert queue_counts(mixed, NOW).unwanted == 3
    both = WantedStreams(keys=("mine", "other"), domains=(1,))
    assert leftovers.adopt(mixed, 1, ["B2", "B6"], detail="history", selection_key="other", chosen=both) == 0


def test_what_is_fetched_again_is_the_selections_that_asked_last(mixed):
    (item,) = queue.claim(mixed, owner="me", limit=1, lease_s=60, chosen=NOW)
    queue.complete(mixed, [item])
    put(mixed, item.asin, key="gone", again=True)
    assert item.asin not in take(mixed)


def test_the_queue_is_listed_by_selection_and_locale(mixed):
    take(mixed, limit=1)
    found = [
        (one.domain, one.selection_key, one.is_chosen, one.pending, one.leased)
        for one in leftovers.queued_streams(mixed, NOW)
    ]
    assert found == [
        (1, "mine", True, 2, 0),
        (1, None, True, 0, 1),
        (1, "gone", False, 2, 0),
        (3, "gone too", False, 1, 0),
        (3, None, False, 1, 0),
    ]


def test_dropped_is_what_waits_for_nobody_and_nothing_that_is_held(mixed):
    (held,) = queue.claim(mixed, owner="other", limit=1, lease_s=60, chosen=WantedStreams(keys=("gone",), domains=()))
    assert leftovers.drop(mixed, NOW) == 3
    assert queue_counts(mixed, NOW) == QueueCounts(pending=3, leased=1, done=0, workers=1)
    assert queue.complete(mixed, [held]) == 1
    assert leftovers.drop(mixed, NOW) == 0


def walked(conn, job, key, domain=1, *, state="done", ago=timedelta(0)):
    now = datetime.now(UTC)
    crawl = crawls.Crawl(
        job=job, selection_key=key, domain=domain, root_cat=None, page=1, started_at=now - ago, state=state,
        high_minute=None, rows=2, finished_at=now - ago if state == "done" else None,
    )  # fmt: skip
    crawls.save_crawl(conn, crawl)


def known(conn, *keys):
    """The walks that are known of those streams, as their key and their job."""
    return [(one.selection_key, one.job) for one in crawls.crawls_of(conn, keys)]


def test_what_is_dropped_is_listed_again_when_its_source_comes_back(mixed):
    for key, domain, state in (("gone", 1, "done"), ("gone too", 3, "running"), ("elsewhere", 2, "done")):
        walked(mixed, "backfill", key, domain, state=state)
    for key in ("mine", "old"):
        walked(mixed, "backfill", key, ago=timedelta(hours=1))
    walked(mixed, "upsert", "gone")
    leftovers.drop(mixed, NOW)
    assert known(mixed, "gone", "gone too", "elsewhere", "mine", "old") == [
        ("elsewhere", "backfill"),
        ("gone", "upsert"),
        ("mine", "backfill"),  # read before anything of what was dropped was queued: nothing has to be paid for again
        ("old", "backfill"),
    ]


@pytest.mark.parametrize("state", ["done", "running"])
def test_what_a_source_that_stays_may_have_listed_too_is_listed_again(mixed, state):
    """An item knows one of those who ask for it, so the others have to say again what they want."""
    put(mixed, "B1", key="mine")
    walked(mixed, "backfill", "mine", state=state)
    leftovers.drop(mixed, NOW)
    assert known(mixed, "mine") == []


def test_of_two_that_went_away_each_lists_again_what_both_had_listed(mixed):
    walked(mixed, "backfill", "also gone")
    put(mixed, "B1", key="also gone")
    leftovers.drop(mixed, NOW)
    assert known(mixed, "also gone") == []


def test_a_selection_that_has_listed_none_of_the_deals_is_not_paid_for_again(mixed, make_deal):
    deals.write(mixed, 1, [make_deal("B1")], seen_at=datetime.now(UTC), selection_key="mine")
    deals.write(mixed, 1, [make_deal("B6")], seen_at=datetime.now(UTC), selection_key="other")
    for key in ("mine", "other"):
        walked(mixed, "backfill", key)
    leftovers.drop(mixed, NOW)
    assert known(mixed, "mine", "other") == [("other", "backfill")]


def test_what_is_fetched_again_is_listed_again_by_who_read_it_before_it_waited_anew(conn, make_deal):
    put(conn, "B1", key="gone")
    queue.complete(conn, queue.claim(conn, owner="me", limit=1, lease_s=60, chosen=None))
    for key in ("gone", "mine"):
        deals.write(conn, 1, [make_deal("B1")], seen_at=datetime.now(UTC), selection_key=key)
    walked(conn, "backfill", "mine", ago=timedelta(hours=1))
    put(conn, "B1", key="gone", again=True)
    assert leftovers.drop(conn, NOW) == 1
    assert known(conn, "mine") == []


def test_what_begins_to_wait_while_the_rest_is_dropped_is_left(mixed, monkeypatch):
    """Who listed it was not read: it would be lost for them."""
    monkeypatch.setattr(leftovers, "change", lambda *given: put(mixed, "B9", key="gone") or change(*given))
    assert leftovers.drop(mixed, NOW) == 4
    assert sorted(take(mixed, chosen=None)) == ["B5", "B6", "B7", "B9"]


def test_what_nobody_knows_the_lister_of_counts_as_listed_by_all(mixed, make_deal):
    deals.write(mixed, 1, [make_deal("B1")], seen_at=datetime.now(UTC))
    selections.number_of(mixed, "mine")
    walked(mixed, "backfill", "mine")
    leftovers.drop(mixed, NOW)
    assert known(mixed, "mine") == []


def test_a_walk_and_a_drop_do_not_wait_for_each_other(mixed, database_url):
    """Whoever changes walks and the queue changes the walks first."""
    waiting = "SELECT FROM pg_stat_activity WHERE application_name = 'drop' AND wait_event_type = 'Lock'"

    def drop():
        with connect(database_url, application_name="drop", autocommit=True) as other, other.transaction():
            return leftovers.drop(other, NOW)

    walked(mixed, "backfill", "gone", state="running")
    with connect(database_url, application_name="looks", autocommit=True) as looks, ThreadPoolExecutor(1) as beside:
        with mixed.transaction():
            walked(mixed, "backfill", "gone", state="running")
            dropped = beside.submit(drop)
            wait_until(lambda: looks.execute(waiting).rowcount == 1, "the drop to wait for the walk")
            put(mixed, "B2", "B9", key="gone")
        assert dropped.result(LIMIT_S) == 5


def test_the_oldest_of_a_selection_is_found_at_any_priority(mixed):
    put(mixed, "B8", key="gone", priority=3)
    mixed.execute("UPDATE fetch_queue SET enqueued_at = now() - interval '9 days' WHERE asin = 'B8'")
    ((oldest,),) = mixed.execute("SELECT min(enqueued_at) FROM fetch_queue").fetchall()
    put(mixed, "B9", key="gone", priority=0)
    since = {one.selection_key: one.since for one in leftovers.queued_streams(mixed, NOW)}
    assert since["gone"] == oldest < since["mine"]
