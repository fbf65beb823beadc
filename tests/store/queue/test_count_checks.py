"""The check of the queue's sums finds what was changed by hand, and takes nothing that goes on meanwhile for wrong."""

from threading import Event

import pytest

from tasks.planning.streams import WantedStreams
from tasks.store import migrate
from tasks.store.connection import connect
from tasks.store.queue import queue
from tasks.store.queue.check import check
from tasks.store.queue.counts import FEW, QueueCounts, queue_counts
from tests.fixtures.database.queue_figures import ASINS, BY_HAND, COUNTED, OURS, checked
from tests.store.queue.test_queue import put, take


def due(conn):
    conn.execute("UPDATE fetch_queue_check SET next_at = now()")


def test_what_was_changed_by_hand_is_found_and_the_figures_say_so_until_nothing_more_is(conn):
    put(conn, "B1", "B2")
    conn.execute(BY_HAND, (3 * FEW,))
    assert checked(conn) == 3 * FEW
    assert queue_counts(conn) == QueueCounts(pending=3 * FEW + 2, leased=0, done=0, is_estimate=True)
    assert checked(conn) is None, "it is not due again"
    due(conn)
    assert checked(conn) == 0
    assert queue_counts(conn) == QueueCounts(pending=3 * FEW + 2, leased=0, done=0)
    conn.execute("DELETE FROM fetch_queue WHERE asin <> 'B1'")
    due(conn)
    assert checked(conn) == 3 * FEW + 1
    assert queue_counts(conn).pending == 1


def test_without_any_check_the_figures_are_estimates(conn):
    conn.execute("TRUNCATE fetch_queue_check")
    assert queue_counts(conn).is_estimate
    assert checked(conn) == 0
    assert not queue_counts(conn).is_estimate


def test_what_goes_on_meanwhile_is_not_taken_for_wrong(database_url, conn):
    put(conn, *ASINS)
    with connect(database_url, application_name="other") as other:
        queue.complete(other, take(other, 2))
        put(other, "B9")
        assert checked(conn) == 0
        other.commit()
    due(conn)
    assert checked(conn) == 0
    assert conn.execute(COUNTED).fetchone() == (0,)


def test_of_two_checks_at_once_one_is_made(database_url, conn):
    checked(conn)
    due(conn)
    conn.execute(BY_HAND, (5,))
    with connect(database_url, application_name="other") as other:
        assert check(other) == 5
        assert checked(conn) is None
        other.commit()
    assert checked(conn) is None
    assert conn.execute(COUNTED).fetchone() == (0,)


def test_a_check_may_take_a_five_thousandth_of_the_time(conn):
    """But it comes no more than once a minute."""
    pauses = []
    for waits_s in (0, 0.04):
        with conn.transaction():
            Event().wait(waits_s)  # what the whole transaction takes counts
            check(conn)
        pause = "SELECT took_s, extract(epoch FROM next_at - checked_at) FROM fetch_queue_check"
        ((took_s, pause_s),) = conn.execute(pause).fetchall()
        assert float(pause_s) == pytest.approx(max(60, 5_000 * took_s), rel=0.2)
        pauses.append(pause_s)
        due(conn)
    assert pauses[1] > 60


def test_few_items_are_counted_one_by_one_whatever_the_sums_say(conn):
    """A worker neither rests while there is work nor looks for what is not there."""
    conn.execute(BY_HAND, (3,))
    assert queue_counts(conn).pending == 3
    assert queue_counts(conn, OURS).pending == 3
    assert queue_counts(conn, WantedStreams(keys=("mine",), domains=(3,))).pending == 0
    conn.execute(BY_HAND.replace("generate_series(1", "generate_series(9"), (3 * FEW,))
    assert queue_counts(conn).pending == FEW
    take(conn, 100)
    assert queue_counts(conn).leased == 100


def test_a_queue_of_an_older_build_is_counted_when_the_schema_is_brought_up_to_date(empty_database_url):
    files = migrate.bundled_migrations()
    at = next(index for index, one in enumerate(files) if one.name.endswith("queue_counts.sql"))
    with connect(empty_database_url, application_name="test", autocommit=True) as conn:
        migrate.apply_migrations(conn, files[:at])
        conn.execute(BY_HAND, (5,))
        conn.execute("UPDATE fetch_queue SET state = 'done' WHERE place > 3")
        conn.execute("UPDATE fetch_queue SET state = 'given up', selection_key = 'mine' WHERE place = 3")
        migrate.apply_migrations(conn, files[: at + 1])
        assert conn.execute(COUNTED).fetchone() == (0,)
        assert checked(conn) == 0
