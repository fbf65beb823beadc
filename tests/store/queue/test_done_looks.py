"""A look at what was fetched long ago goes through it in pieces, from where the last one ended."""

from tasks.store.queue import queue
from tasks.store.queue.renew import renew
from tests.fixtures.database.queue_figures import BY_HAND
from tests.store.queue.test_queue import asins_of, put, reads, take


def finish(conn, *asins, days):
    """Queue and end these at one moment."""
    put(conn, *asins)
    queue.complete(conn, take(conn))
    conn.execute(
        "UPDATE fetch_queue SET finished_at = now() - %s * interval '1 day' WHERE asin = ANY(%s)", (days, list(asins))
    )


def test_a_look_at_what_is_done_goes_on_where_the_last_one_ended(conn):
    finish(conn, "B1", "B2", days=9)
    finish(conn, "B3", days=8)
    finish(conn, "B4", days=7)
    conn.execute("INSERT INTO deal_sightings SELECT domain, asin, now() FROM fetch_queue WHERE asin IN ('B2', 'B4')")
    after, found = None, []
    for _ in range(4):
        looked = renew(conn, detail="history", age_s=86_400, limit=9, after=after, look_at=1)
        after = looked.after
        found.append((looked.count, after is None))
    assert found == [(1, False), (0, False), (1, False), (0, True)], (
        "all that ended at one moment are looked at together"
    )
    assert asins_of(take(conn)) == ["B2", "B4"]


def test_a_look_reads_no_more_than_it_is_told_to(conn):
    conn.execute(BY_HAND, (3_000,))
    conn.execute("UPDATE fetch_queue SET state = 'done', finished_at = now() - place * interval '1 minute'")
    conn.execute("ANALYZE fetch_queue")
    assert reads(conn, lambda: renew(conn, detail="history", age_s=60, limit=9, look_at=10)) < 100


def test_a_look_that_has_found_enough_begins_there_again(conn):
    finish(conn, "B1", "B2", "B3", days=9)
    conn.execute("INSERT INTO deal_sightings SELECT domain, asin, now() FROM fetch_queue")
    found = [renew(conn, detail="history", age_s=86_400, limit=2) for _ in range(2)]
    assert [(one.count, one.after) for one in found] == [(2, None), (1, None)]


def test_a_look_that_may_queue_no_more_is_followed_by_another_from_the_same_place(conn):
    finish(conn, "B1", days=9)
    finish(conn, "B2", days=8)
    conn.execute("INSERT INTO deal_sightings SELECT domain, asin, now() FROM fetch_queue")
    looked = renew(conn, detail="history", age_s=86_400, limit=1, look_at=2)
    assert renew(conn, detail="history", age_s=86_400, limit=1, look_at=2, after=looked.after).count == 1
    assert asins_of(take(conn)) == ["B1", "B2"]
