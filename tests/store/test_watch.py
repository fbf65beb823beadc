"""Lists that are kept fresh: what is due is queued a little at a time, and what anybody fetched counts."""

import pytest
from psycopg import sql

from tasks.planning.streams import WantedStreams
from tasks.settings import WatchListSettings
from tasks.store.queue import queue
from tasks.store.queue.check import check
from tasks.store.watch import due, lists, tables

A, B, C = "B000000001", "B000000002", "B000000003"
TOYS = WatchListSettings(name="toys", domain=1, detail="history", refresh_s=3600, path="/toys.txt", digest="d")
SLOW = WatchListSettings(name="slow", domain=1, detail="history", refresh_s=86_400, path="/slow.txt", digest="d")
KEYS = (TOYS.key, SLOW.key)


def take_over(conn, *asins, watch=TOYS, digest="d"):
    with conn.transaction():
        return lists.take_over(conn, watch, digest, asins)


def feed(conn, watch=TOYS, most=100):
    with conn.transaction():
        return due.feed(conn, watch, most=most, keys=KEYS)


def fetch(conn, key=TOYS.key):
    """Claim what the list asks for and complete it; what was claimed."""
    with conn.transaction():
        items = queue.claim(conn, owner="me", limit=10, lease_s=60, chosen=WantedStreams(keys=(key,), domains=()))
        queue.complete(conn, items)
    return sorted(item.asin for item in items)


def later(conn, seconds):
    """Let so much time pass for all that was noted."""
    for table, columns in {"watched_products": ("due_at", "fetched_at"), "fetch_queue": ("finished_at",)}.items():
        for column in columns:
            moved = sql.SQL("UPDATE {0} SET {1} = {1} - make_interval(secs => %s)")
            conn.execute(moved.format(sql.Identifier(table), sql.Identifier(column)), (seconds,))


def one(conn, watch=TOYS):
    with conn.transaction():
        lists.count(conn, watch.key)
    return next(found for found in lists.all_lists(conn) if found.list_key == watch.key)


def test_what_is_new_is_due_at_once_and_again_after_its_refresh(conn):
    take_over(conn, A, B)
    assert feed(conn) == 2
    assert fetch(conn) == [A, B]
    assert feed(conn) == 0
    assert (one(conn).fetched, one(conn).overdue) == (2, 0)
    later(conn, 3_500)
    assert feed(conn) == 0
    later(conn, 101)
    assert feed(conn) == 2
    assert one(conn).overdue == 2
    assert fetch(conn) == [A, B]


def test_only_a_few_are_queued_at_a_time_the_longest_due_first(conn):
    take_over(conn, A, B, C)
    feed(conn)
    fetch(conn)
    feed(conn)
    conn.execute("UPDATE watched_products SET due_at = now() - interval '1 h' WHERE asin = %s", (C,))
    conn.execute("UPDATE watched_products SET due_at = now() - interval '1 min' WHERE asin = %s", (A,))
    conn.execute("UPDATE fetch_queue SET finished_at = now() - interval '2 d'")
    assert feed(conn, most=1) == 1
    assert fetch(conn) == [C]
    assert feed(conn, most=1) == 1
    assert fetch(conn) == [A]


def test_what_the_backfill_fetched_counts_and_is_not_paid_for_again(conn):
    queue.enqueue(conn, 1, [A], detail="history", selection_key="other")
    assert fetch(conn, key="other") == [A]
    take_over(conn, A, B)
    assert feed(conn) == 1
    assert fetch(conn) == [B]
    assert one(conn).fetched == 1  # B is noted with the next look
    feed(conn)
    assert one(conn).fetched == 2


def test_what_waits_for_a_selection_is_taken_over_and_what_waits_for_another_list_is_not(conn):
    queue.enqueue(conn, 1, [A], detail="history", selection_key="other")
    take_over(conn, A)
    take_over(conn, B, watch=SLOW)
    feed(conn, SLOW)
    take_over(conn, A, B)
    assert feed(conn) == 2
    assert dict(conn.execute("SELECT asin, selection_key FROM fetch_queue").fetchall()) == {A: TOYS.key, B: SLOW.key}
    assert fetch(conn, key=SLOW.key) == [B]
    assert fetch(conn) == [A]
    assert feed(conn) == 0
    assert one(conn).fetched == 2
    assert check(conn) == 0, "the sums of the queue are right"


def test_each_list_keeps_its_own_refresh(conn):
    take_over(conn, A)
    take_over(conn, A, watch=SLOW)
    feed(conn)
    feed(conn, SLOW)
    assert fetch(conn) == [A]
    feed(conn)
    feed(conn, SLOW)
    later(conn, 7_200)
    assert feed(conn, SLOW) == 0
    assert feed(conn) == 1


def test_what_was_given_up_is_tried_again_after_the_refresh_and_is_not_called_fetched(conn):
    take_over(conn, A)
    feed(conn)
    items = queue.claim(conn, owner="me", limit=1, lease_s=60, chosen=WantedStreams(keys=KEYS, domains=()))
    queue.fail(conn, items, "no", max_attempts=1)
    assert feed(conn) == 0
    assert one(conn).fetched == 0
    later(conn, 3_700)
    assert feed(conn) == 1


def test_what_somebody_took_out_of_the_queue_is_queued_again(conn):
    take_over(conn, A)
    feed(conn)
    conn.execute("DELETE FROM fetch_queue")
    assert feed(conn) == 1
    assert fetch(conn) == [A]


def test_a_new_content_keeps_what_is_known_of_the_rest_and_a_new_refresh_counts_from_the_last_fetch(conn):
    take_over(conn, A, B)
    feed(conn)
    fetch(conn)
    feed(conn)
    assert take_over(conn, B, C, digest="e") == 2
    assert (one(conn).products, one(conn).fetched) == (2, 1)
    assert feed(conn) == 1
    assert fetch(conn) == [C]
    later(conn, 120)
    quick = WatchListSettings(name="toys", domain=1, detail="history", refresh_s=60, path="/toys.txt", digest="e")
    assert not lists.is_current(conn, quick, "e")
    take_over(conn, B, C, watch=quick, digest="e")
    assert lists.is_current(conn, quick, "e")
    assert feed(conn, quick) == 2


def test_a_list_that_cannot_be_read_says_since_when_and_keeps_what_it_had(conn):
    take_over(conn, A)
    lists.refuse(conn, TOYS, "gone")
    first = one(conn)
    lists.refuse(conn, TOYS, "gone for good")
    again = one(conn)
    assert (again.reason, again.since, again.products) == ("gone for good", first.since, 1)
    assert not lists.is_current(conn, TOYS, "d")
    assert feed(conn) == 1
    take_over(conn, A)
    assert (one(conn).reason, one(conn).since) == (None, None)


def test_a_table_is_read_by_its_locale_and_says_what_is_wrong_with_it(conn):
    assert "there is no table wanted" in tables.problem(conn, "wanted")
    conn.execute("CREATE SCHEMA shop; CREATE TABLE shop.wanted (product text)")
    assert "has no column asin but product" in tables.problem(conn, "shop.wanted")
    conn.execute("ALTER TABLE shop.wanted ADD asin char(10), ADD domain int")
    conn.execute("INSERT INTO shop.wanted (asin, domain) VALUES (%s, 1), (%s, 3), (%s, NULL), (NULL, 1)", (A, B, C))
    assert tables.problem(conn, "shop.wanted") is None
    assert tables.read(conn, "shop.wanted", 1, most=10) == [A, C]
    assert tables.read(conn, "shop.wanted", 3, most=1) == [B]


@pytest.mark.parametrize("many", [3_000])
def test_a_long_list_is_taken_over_at_once(conn, many):
    assert take_over(conn, *(f"B{at:09}" for at in range(many))) == many
    assert feed(conn, most=500) == 500
