"""The queue: every item to one taker, back by itself when the taker is gone, given up in the end."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks.planning.streams import WantedStreams
from tasks.store.connection import connect
from tasks.store.queue import queue
from tasks.store.queue.counts import QueueCounts, queue_counts
from tasks.store.queue.front import ClaimFront
from tasks.store.queue.renew import renew

ASINS = [f"B{at:09}" for at in range(6)]
OURS = WantedStreams(keys=("mine", "other"), domains=(1,))


def put(conn, *asins, **how):
    return queue.enqueue(conn, 1, asins, **({"detail": "history"} | how))


def take(conn, limit=10, *, owner="me", lease_s=60.0, **how):
    return queue.claim(conn, owner=owner, limit=limit, lease_s=lease_s, **how)


def asins_of(items):
    return [item.asin for item in items]


def expire(conn):
    conn.execute("UPDATE fetch_queue SET ready_at = now() - interval '1 second' WHERE state = 'leased'")


def test_items_come_out_in_the_order_they_were_put_in(conn):
    assert put(conn, "B2", "B1") == 2
    assert put(conn, "B0") == 1
    assert asins_of(take(conn, 2)) == ["B2", "B1"]
    assert asins_of(take(conn, 2)) == ["B0"]
    assert take(conn) == []


def test_higher_priority_goes_first(conn):
    put(conn, "B1")
    put(conn, "B2", priority=5)
    assert asins_of(take(conn)) == ["B2", "B1"]


def test_what_waits_is_taken_or_done_is_not_queued_again(conn):
    assert put(conn, "B1", "B1", "B2") == 2
    assert put(conn, "B1") == 0
    (first, _) = take(conn)
    assert put(conn, "B1") == 0
    queue.complete(conn, [first])
    assert put(conn, "B1") == 0
    assert queue_counts(conn) == QueueCounts(pending=0, leased=1, done=1, workers=1)


def test_what_is_done_or_given_up_can_be_asked_for_again(conn):
    put(conn, "B1", "B2")
    done, failed = take(conn)
    queue.complete(conn, [done])
    queue.fail(conn, [failed], "no", max_attempts=1)
    assert put(conn, "B1", "B2") == 0
    assert put(conn, "B1", "B2", again=True) == 2
    assert [(item.asin, item.attempts) for item in take(conn)] == [("B1", 0), ("B2", 0)]


def test_nothing_to_queue_is_fine(conn):
    assert put(conn) == 0
    assert queue_counts(conn) == QueueCounts(pending=0, leased=0, done=0)


def test_a_batch_is_of_one_locale_and_detail(conn):
    put(conn, "B1", "B2")
    queue.enqueue(conn, 3, ["B3"], detail="history")
    put(conn, "B4", detail="stats")
    put(conn, "B5")
    batches = [take(conn) for _ in range(3)]
    assert [asins_of(batch) for batch in batches] == [["B1", "B2", "B5"], ["B3"], ["B4"]]
    assert {(item.domain, item.detail) for item in batches[2]} == {(1, "stats")}


def test_a_taker_may_want_one_detail_only(conn):
    put(conn, "B1")
    put(conn, "B2", detail="stats")
    assert asins_of(take(conn, detail="stats")) == ["B2"]
    assert take(conn, detail="offers") == []


def test_released_items_come_back_untried_at_their_old_place(conn):
    put(conn, "B1", "B2")
    items = take(conn, 1)
    assert queue.release(conn, items) == 1
    assert [(item.asin, item.attempts) for item in take(conn)] == [("B1", 0), ("B2", 0)]


def test_an_expired_lease_is_taken_over_and_counts_as_a_death(conn):
    put(conn, "B1")
    (mine,) = take(conn)
    assert take(conn, owner="other") == []
    expire(conn)
    assert queue_counts(conn) == QueueCounts(pending=1, leased=0, done=0)
    (theirs,) = take(conn, owner="other")
    assert (theirs.attempts, theirs.deaths, theirs.lease != mine.lease) == (0, 1, True)


@pytest.mark.parametrize("end", [queue.complete, queue.release])
def test_who_lost_the_lease_has_no_say(conn, end):
    put(conn, "B1")
    mine = take(conn)
    expire(conn)
    theirs = take(conn, owner="other")
    assert end(conn, mine) == 0
    assert queue.fail(conn, mine, "late", max_attempts=1) == []
    assert queue_counts(conn) == QueueCounts(pending=0, leased=1, done=0, workers=1)
    assert end(conn, theirs) == 1
    assert end(conn, theirs) == 0


def test_a_failed_item_is_tried_again_and_given_up_in_the_end(conn):
    put(conn, "B1")
    for attempt in range(2):
        (item,) = take(conn)
        assert item.attempts == attempt
        assert queue.fail(conn, [item], "HTTP 400", max_attempts=3) == []
    items = take(conn)
    assert queue.fail(conn, items, "HTTP 400\0\ud800", max_attempts=3) == items
    assert take(conn) == []
    kept = conn.execute("SELECT kind, domain, key, reason FROM quarantine").fetchall()
    assert kept == [("product", 1, "B1", "failed after 3 attempts: HTTP 400\ufffd?")]
    assert queue_counts(conn) == QueueCounts(pending=0, leased=0, done=0)


def test_a_failed_item_can_be_made_to_wait(conn):
    put(conn, "B1")
    queue.fail(conn, take(conn), "busy", max_attempts=3, pause_s=3600)
    assert take(conn) == []
    assert queue_counts(conn).pending == 1


def test_what_a_dead_owner_holds_comes_back_at_once(conn):
    put(conn, "B1", "B2", "B3")
    take(conn, 2, owner="dead")
    (mine,) = take(conn, 1)
    assert queue.owners(conn) == ["dead", "me"]
    assert queue.release_owner(conn, "dead", max_deaths=3) == 2
    put(conn, "B4")
    assert sorted((item.asin, item.deaths) for item in take(conn)) == [("B1", 1), ("B2", 1), ("B4", 0)]
    assert queue.complete(conn, [mine]) == 1


def test_what_a_holder_died_over_is_served_after_the_others(conn):
    put(conn, "B1", "B2", "B3")
    take(conn, 2, owner="dead")
    queue.release_owner(conn, "dead", max_deaths=3)
    assert [item.asin for item in take(conn, 1)] == ["B3"]


def test_an_item_over_which_too_many_holders_died_is_given_up_with_the_reason(conn):
    put(conn, "B1")
    for _ in range(3):
        take(conn, owner="dead")
        queue.release_owner(conn, "dead", max_deaths=3)
    assert take(conn) == []
    kept = conn.execute("SELECT kind, domain, key, reason FROM quarantine").fetchall()
    assert kept == [("product", 1, "B1", "failed: 3 workers died while they held it")]


def test_a_claim_does_not_wait_for_another_that_is_not_committed(database_url, conn):
    put(conn, *ASINS)
    with connect(database_url, application_name="other") as other:
        first = take(other, 4, owner="other")
        conn.execute("SET statement_timeout = '150s'")
        second = take(conn, 4)
    assert asins_of(first) + asins_of(second) == ASINS


def test_many_takers_share_the_queue_without_overlap(database_url, conn):
    wanted = [f"B{at:09}" for at in range(400)]
    put(conn, *wanted)

    def run(number):
        got = []
        with connect(database_url, application_name="taker", autocommit=True) as connection:
            while items := take(connection, 7, owner=str(number)):
                got += asins_of(items)
                assert queue.complete(connection, items) == len(items)
        return got

    with ThreadPoolExecutor(6) as pool:
        taken = [asin for got in pool.map(run, range(6)) for asin in got]
    assert sorted(taken) == wanted
    assert queue_counts(conn) == QueueCounts(pending=0, leased=0, done=400)


def test_queueing_the_same_products_at_once_never_deadlocks(database_url):
    def run(number):
        with connect(database_url, application_name="feeder", autocommit=True) as connection:
            order = ASINS * 20 if number % 2 else ASINS[::-1] * 20
            return sum(queue.enqueue(connection, domain, order, detail="history") for domain in range(1, 30))

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(run, range(4))) == 29 * len(ASINS)


def reads(conn, work):
    """How many rows of the queue `work` reads, however it finds them."""
    asks = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'fetch_queue'"
    with conn.transaction():
        ((before,),) = conn.execute(asks).fetchall()
        work()
        ((after,),) = conn.execute(asks).fetchall()
    return after - before


@pytest.mark.parametrize(("chosen", "is_analyzed"), [(None, True), (OURS, True), (OURS, False)])
def test_of_a_long_queue_no_more_is_read_than_taken(conn, is_analyzed, chosen):
    put(conn, *[f"B{at:09}" for at in range(20_000)], selection_key="mine")
    conn.execute("ANALYZE fetch_queue" if is_analyzed else "SELECT")
    taken = []
    count = reads(conn, lambda: taken.extend(take(conn, 3, chosen=chosen)))
    assert asins_of(taken) == ["B000000000", "B000000001", "B000000002"]
    assert count < 100


@pytest.mark.parametrize("is_analyzed", [True, False])
def test_what_others_have_left_in_front_is_not_read(conn, is_analyzed):
    put(conn, *[f"B{at:09}" for at in range(20_000)], selection_key="gone", priority=5)
    put(conn, "A1", "A2", selection_key="mine")
    put(conn, "A3", selection_key="other")
    put(conn, "A4")
    put(conn, "A5", selection_key="mine")
    conn.execute("ANALYZE fetch_queue" if is_analyzed else "SELECT")
    taken = []
    count = reads(conn, lambda: taken.extend(take(conn, 4, chosen=OURS)))
    assert asins_of(taken) == ["A1", "A2", "A3", "A4"], "in the order of all of them"
    assert count < 100
    assert asins_of(take(conn, 4, chosen=OURS)) == ["A5"]


def test_what_was_claimed_before_is_passed_once_and_then_no_more(conn):
    put(conn, *[f"B{at:09}" for at in range(5_000)], selection_key="mine")
    conn.execute("ANALYZE fetch_queue")
    take(conn, 4_000, owner="other")
    front = ClaimFront()
    first, later = (reads(conn, lambda: take(conn, 3, chosen=OURS, front=front)) for _ in range(2))
    assert 4_000 <= first < 4_200
    assert later < 100


def test_what_comes_back_in_front_is_found_in_a_few_seconds_or_when_there_is_too_little_else(conn):
    put(conn, *ASINS, selection_key="mine")
    front = ClaimFront()

    def claimed(limit, at_s):
        front.at(at_s * 1_000_000_000)
        return take(conn, limit, chosen=OURS, front=front)

    first, second = claimed(1, 1), claimed(1, 2)
    assert asins_of(second) == ASINS[1:2]
    queue.release(conn, first)
    put(conn, "A1", selection_key="other", priority=5)
    assert asins_of(claimed(1, 3)) == ["A1"], "of another selection nothing is known"
    assert asins_of(claimed(1, 10)) == ASINS[2:3]
    assert asins_of(claimed(1, 11)) == ASINS[:1], "ten seconds are over"
    queue.release(conn, second)
    assert asins_of(claimed(9, 12)) == [ASINS[1], *ASINS[3:]]
    queue.release(conn, second)
    assert asins_of(claimed(1, 13)) == [], "it is not ours any more"
    put(conn, "A2", selection_key="mine", priority=5)
    assert asins_of(claimed(1, 14)) == ["A2"]


def test_a_worker_that_finds_less_than_it_wants_looks_from_the_beginning_again(conn):
    put(conn, *ASINS[:2], selection_key="mine")
    front = ClaimFront()
    first, second = (take(conn, 1, chosen=OURS, front=front) for _ in range(2))
    queue.release(conn, first)
    assert asins_of(take(conn, 1, chosen=OURS, front=front)) == ASINS[:1], "at once when it finds nothing"
    put(conn, ASINS[2], selection_key="mine")
    assert asins_of(take(conn, 2, chosen=OURS, front=front)) == ASINS[2:3]
    queue.release(conn, second)
    put(conn, ASINS[3], selection_key="mine")
    assert asins_of(take(conn, 1, chosen=OURS, front=front)) == ASINS[1:2], "the next time when it finds some"


def test_only_deals_that_were_fetched_long_ago_and_listed_since_are_queued_again_and_after_all_others(conn):
    put(conn, "B1", "B2", "B3", "B4")
    queue.complete(conn, take(conn, 4))
    for asin, days, seen_days in (("B1", 31, 1), ("B2", 40, 2), ("B3", 29, 1), ("B4", 50, 51)):
        conn.execute("UPDATE fetch_queue SET finished_at = now() - %s * interval '1 day' WHERE asin = %s", (days, asin))
        conn.execute("INSERT INTO deal_sightings VALUES (1, %s, now() - %s * interval '1 day')", (asin, seen_days))
    assert renew(conn, detail="history", age_s=30 * 86_400, limit=10).count == 2
    put(conn, "B5")
    assert [item.asin for item in take(conn, 4)] == ["B5", "B2", "B1"]
    assert renew(conn, detail="history", age_s=30 * 86_400, limit=10).count == 0


def test_no_more_is_queued_again_than_asked_for(conn):
    put(conn, "B1", "B2")
    queue.complete(conn, take(conn, 2))
    conn.execute("UPDATE fetch_queue SET finished_at = now() - interval '9 days'")
    conn.execute("INSERT INTO deal_sightings SELECT domain, asin, now() FROM fetch_queue")
    assert renew(conn, detail="history", age_s=86_400, limit=1).count == 1
