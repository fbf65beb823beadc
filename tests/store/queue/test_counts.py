"""How long the queue is, told without reading it: right whatever workers did, and right again after others did."""

from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from itertools import product

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row

from tasks.planning.streams import WantedStreams
from tasks.store.connection import connect
from tasks.store.queue import changes, claim_by_asin, finished, leftovers, queue, requeue
from tasks.store.queue.counts import LowestLease, QueueCounts, queue_counts
from tasks.store.queue.front import ClaimFront
from tasks.store.queue.queue import Item
from tasks.store.queue.renew import renew
from tests.fixtures.database.queue_figures import ASINS, COUNTED, OURS, checked
from tests.store.queue.test_queue import put, reads, take

KEYS = ("mine", "other", None)
LATER = datetime.now(UTC) + timedelta(days=365)
LIVE = "state = 'leased' AND ready_at > clock_timestamp()"
OF_OURS = "coalesce(selection_key, domain::text) IN ('mine', '1')"
WAITS = f"state IN ('pending', 'leased') AND NOT ({LIVE})"


def count(conn, where, table="fetch_queue"):
    return conn.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()[0]


def figures(conn, **more):
    """What is there, row by row."""
    return QueueCounts(
        pending=count(conn, f"{WAITS} AND {OF_OURS}"),
        unwanted=count(conn, f"{WAITS} AND NOT {OF_OURS}"),
        leased=count(conn, LIVE),
        done=count(conn, "state = 'done'"),
        workers=conn.execute(f"SELECT count(DISTINCT owner) FROM fetch_queue WHERE {LIVE}").fetchone()[0],
        **more,
    )


class Hand:
    """One connection, which does to the queue what a worker does; what waits for the other one's lock is undone."""

    def __init__(self, url, name):
        self.name = name
        self.held = []
        self.front = ClaimFront()
        self.conn = connect(url, application_name=name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.conn.close()

    def do(self, step, asins, key, number):
        with suppress(psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            self.conn.execute("SET LOCAL lock_timeout = '20ms'")
            getattr(self, step)(asins, key, number)
            return
        self.conn.rollback()

    def commit(self, _asins, _key, _number):
        self.conn.commit()

    def roll_back(self, _asins, _key, _number):
        self.conn.rollback()

    def enqueue(self, asins, key, number):
        queue.enqueue(self.conn, 1 + number % 2, asins, detail="history", selection_key=key, priority=number % 3)

    def enqueue_again(self, asins, key, number):
        queue.enqueue(self.conn, 1 + number % 2, asins, detail="history", selection_key=key, again=True)

    def claim(self, _asins, key, number):
        chosen = OURS if key else None
        self.held += queue.claim(
            self.conn, owner=self.name, limit=number, lease_s=60 * (number % 2), chosen=chosen, front=self.front
        )

    def claim_by_asin(self, asins, _key, _number):
        self.held += claim_by_asin.claim(self.conn, 1, asins, detail="history", owner=self.name, lease_s=60)

    def complete(self, _asins, _key, number):
        queue.complete(self.conn, self.held[:number])

    def release(self, _asins, _key, number):
        queue.release(self.conn, self.held[:number])

    def postpone(self, _asins, _key, number):
        queue.postpone(self.conn, self.held[:number])

    def fail(self, _asins, _key, number):
        queue.fail(self.conn, self.held, "no", max_attempts=number)

    def release_owner(self, _asins, _key, number):
        queue.release_owner(self.conn, self.name, max_deaths=number)

    def renew(self, _asins, _key, number):
        renew(self.conn, detail="history", age_s=0, limit=number, look_at=2)

    def requeue_failed(self, asins, _key, number):
        requeue.requeue_failed(self.conn, 1 + number % 2, asins[0], ["history"])

    def mark_done(self, asins, _key, number):
        requeue.mark_done(self.conn, 1 + number % 2, asins, detail="history", received_at=LATER)

    def adopt(self, asins, key, number):
        keys = [one for one in KEYS if one is not None][: number % 3]
        chosen = WantedStreams(keys=tuple(keys), domains=(1,))
        leftovers.adopt(self.conn, 1, asins, detail="history", selection_key=key or "third", chosen=chosen)

    def drop(self, _asins, _key, _number):
        leftovers.drop(self.conn, OURS)

    def forget(self, asins, _key, _number):
        finished.forget(self.conn, 1, asins)

    def drop_unlisted(self, asins, _key, _number):
        self.conn.execute("DELETE FROM deal_sightings WHERE asin = ANY(%s)", (asins[:1],))
        finished.drop_unlisted(self.conn, 1, asins, LATER)

    def fold(self, _asins, _key, _number):
        changes.fold(self.conn)


STEPS = [name for name in vars(Hand) if not name.startswith("_") and name != "do"]
MOVES = st.tuples(
    st.integers(0, 1),
    st.sampled_from([*STEPS, "enqueue", "claim", "claim", "complete", "commit", "commit"]),
    st.lists(st.sampled_from(ASINS), min_size=1, max_size=4),
    st.sampled_from(KEYS),
    st.integers(1, 3),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(MOVES, min_size=5, max_size=25))
def test_the_sums_are_those_of_the_rows_after_whatever_two_workers_do_and_undo(database_url, conn, moves):
    conn.execute("TRUNCATE fetch_queue, fetch_queue_counts, quarantine, deal_sightings")
    conn.execute(
        "INSERT INTO deal_sightings SELECT d, a, %s FROM unnest(%s::text[]) AS a, (VALUES (1), (2)) AS t (d)",
        (LATER, ASINS),
    )
    conn.execute("UPDATE fetch_queue_check SET wrong = 0")
    with ExitStack() as both:
        hands = [both.enter_context(Hand(database_url, name)) for name in ("one", "two")]
        for who, step, asins, key, number in moves:
            hands[who].do(step, asins, key, number)
            assert conn.execute(COUNTED).fetchone() == (0,)
    assert queue_counts(conn, OURS) == figures(conn)


MIXED = """
INSERT INTO fetch_queue (domain, asin, detail, priority, place, state, selection_key, lease, owner, finished_at)
SELECT domain, key || state || domain, 'history', 0, 0, state, nullif(key, ''),
       CASE WHEN state = 'leased' THEN nextval('fetch_queue_lease') END, CASE WHEN state = 'leased' THEN 'one' END,
       CASE WHEN state IN ('done', 'given up') THEN now() - interval '1 day' END
FROM (VALUES (1), (2)) AS d (domain), unnest(ARRAY['pending', 'leased', 'done', 'given up']) AS s (state),
     unnest(ARRAY['mine', 'other', '']) AS k (key)
"""


HELD = "SELECT domain, asin, detail, attempts, lease, deaths FROM fetch_queue WHERE state = 'leased'"


def test_the_sums_are_those_of_the_rows_after_each_step_whatever_state_they_were_in(database_url, conn):
    with Hand(database_url, "one") as hand:
        for step, key in product(STEPS, KEYS):
            conn.execute("TRUNCATE fetch_queue, fetch_queue_counts, fetch_queue_check, deal_sightings")
            conn.execute(MIXED)
            asins = [asin for (asin,) in conn.execute("SELECT asin FROM fetch_queue").fetchall()]
            conn.execute("INSERT INTO deal_sightings SELECT domain, asin, %s FROM fetch_queue", (LATER,))
            checked(conn)
            hand.held = [Item(**row) for row in conn.cursor(row_factory=dict_row).execute(HELD).fetchall()]
            hand.do(step, asins, key, 1)
            hand.do(step, asins, key, 2)
            hand.conn.commit()
            assert (step, key, *conn.execute(COUNTED).fetchone()) == (step, key, 0)


def test_of_a_long_queue_nothing_is_read_but_what_is_claimed(conn):
    put(conn, *[f"B{at:09}" for at in range(20_000)], selection_key="mine")
    queue.complete(conn, take(conn, 5_000))
    take(conn, 3)
    conn.execute("ANALYZE fetch_queue")
    found = []
    assert reads(conn, lambda: found.append(queue_counts(conn, OURS))) <= 20
    assert found == [QueueCounts(pending=14_997, leased=3, done=5_000, workers=1)]


def test_who_counts_again_and_again_begins_at_the_lowest_lease_that_is_held(conn):
    put(conn, *[f"B{at:09}" for at in range(4_000)], selection_key="mine")
    lease = LowestLease()
    take(conn, 2_500, owner="gone", lease_s=0)
    held = take(conn, 3, chosen=OURS, owner="other", lease_s=600)
    looks = [reads(conn, lambda: queue_counts(conn, OURS, lease=lease)) for _ in range(9)]
    assert [look > 2_000 for look in looks] == [True, *[False] * 7, True]
    queue.complete(conn, held)
    assert queue_counts(conn, OURS, lease=lease) == figures(conn)


def test_a_claim_with_a_lower_lease_that_was_not_committed_then_is_counted_when_it_is(database_url, conn):
    put(conn, *ASINS)
    lease = LowestLease()
    with connect(database_url, application_name="other") as other:
        take(other, 1, owner="other")
        take(conn, 1)
        assert queue_counts(conn, lease=lease).leased == 1
        other.commit()
    assert queue_counts(conn, lease=lease).leased == 2


def test_the_rows_that_are_summed_stay_few_however_many_changes_there_were(conn):
    for at in range(300):
        put(conn, f"B{at:09}")
    assert count(conn, "true", "fetch_queue_counts") <= 64
    assert queue_counts(conn).pending == 300


def test_nobody_waits_for_another_who_has_put_the_changes_together(database_url, conn):
    put(conn, "B1", "B2")
    with connect(database_url, application_name="other") as other:
        changes.fold(other)
        conn.execute("SET statement_timeout = '150s'")
        queue.complete(conn, take(conn, 1))
        changes.fold(conn)
        assert queue_counts(conn) == QueueCounts(pending=1, leased=0, done=1)
        other.commit()
    assert queue_counts(conn) == QueueCounts(pending=1, leased=0, done=1)
