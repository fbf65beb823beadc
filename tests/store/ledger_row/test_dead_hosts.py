"""What workers of a host have in hand when the host is gone: others have it then, and nothing of the living."""

from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ledger.types import Owner, ProcessId
from tasks.ingest.dead_hosts import DeadHosts, Released
from tasks.ingest.held import Freed
from tasks.store import crawls, turns
from tasks.store.crawls import Crawl
from tasks.store.ledger_row import hosts
from tasks.store.ledger_row.hosts import Newcomer
from tasks.store.ledger_row.row import RowHome
from tasks.store.ledger_row.statements import TTL_S
from tasks.store.queue import queue

MINE, ANOTHER = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
CRAWL = Crawl(
    job="backfill", selection_key="key", domain=1, root_cat=None, page=3,
    started_at=datetime(2026, 1, 1, tzinfo=UTC), state="running", high_minute=None, rows=0, finished_at=None,
)  # fmt: skip


class Joined:
    """A host that takes part, and a worker of it that has an item, a page and a turn in hand."""

    def __init__(self, conn, state_dir, boot, number):
        self.conn = conn
        self.number = hosts.join(conn, Newcomer(id=f"{state_dir} {boot}", name=f"host {number}", version="1"))
        self.owner = f"backfill-0@{ProcessId(boot, 7, 70, state_dir[:8])}"
        self.crawl = replace(CRAWL, domain=number)
        self.asin = f"B00000000{number}"

    def take(self):
        queue.enqueue(self.conn, 1, [self.asin], detail="history")
        assert queue.claim(self.conn, owner=self.owner, limit=1, lease_s=600)
        crawls.save_crawl(self.conn, self.crawl)
        assert crawls.claim_page(self.conn, self.crawl, owner=self.owner, lease_s=600)
        assert turns.try_take_turn(self.conn, f"walk {self.number}", self.owner)

    def has(self):
        return (self.owner in queue.owners(self.conn), self.owner in crawls.page_owners(self.conn),
                self.owner in turns.owners(self.conn))  # fmt: skip


@pytest.fixture
def world(conn):
    """This host, another one, and this one before its machine was started anew; each has something in hand."""
    of_boots = ((MINE, "aaaaaaaan1"), (ANOTHER, "bbbbbbbbn1"), (MINE, "ccccccccn1"))
    found = [Joined(conn, state_dir, boot, number) for number, (state_dir, boot) in enumerate(of_boots, 1)]
    for one in found:
        one.take()
    return found


def step(conn, me, *, leftovers=False):
    return DeadHosts(me.number, lambda: leftovers).step(conn, hosts.hosts(conn), 0.0)


def test_what_a_host_that_is_gone_had_in_hand_is_anybodys_and_what_the_living_have_is_theirs(world, conn):
    me, another, _before = world
    assert step(conn, me) is None
    hosts.leave(conn, another.number)
    assert step(conn, me) == Released(hosts=["host 2"], freed=Freed(items=1, pages=1, turns=1))
    assert [one.has() for one in world] == [(True,) * 3, (False,) * 3, (True,) * 3]
    assert step(conn, me) is None
    assert turns.try_take_turn(conn, f"walk {another.number}", me.owner)
    assert crawls.claim_page(conn, another.crawl, owner=me.owner, lease_s=1)
    (item,) = queue.claim(conn, owner=me.owner, limit=10, lease_s=1)
    assert (item.asin, item.deaths) == (another.asin, 1)


@pytest.mark.parametrize("leftovers", [True, False])
def test_what_this_host_had_in_hand_before_another_boot_waits_for_the_replies_in_its_own_spool(world, conn, leftovers):
    me, another, before = world
    hosts.leave(conn, before.number)
    hosts.leave(conn, another.number)
    assert step(conn, me, leftovers=leftovers).freed.items == (1 if leftovers else 2)
    assert before.has() == (leftovers,) * 3
    assert another.has() == (False,) * 3


@pytest.mark.parametrize("set_by", ["-10 min", "10 min", "0 s"])
def test_whatever_the_clock_is_set_to_the_dead_have_nothing_after_16_s_and_the_living_keep_all(
    world, conn, database_url, set_by
):
    """The clock is set while one of two other hosts is dead: its items, page, turn and leases come back, no others."""
    me, dead, living = world
    looks, watch = range(int(TTL_S) + 2), DeadHosts(me.number, lambda: False)
    ledgers = {one: RowHome(database_url, 77, one.number) for one in world}
    ledgers[me].create("77")
    # A clock that is set back leaves what was written before in the future, one that is set forward in the past.
    conn.execute("UPDATE hosts SET beat_at = beat_at - %s::interval", (set_by,))
    with ExitStack() as stack:
        for home in ledgers.values():
            stack.callback(home.close)
        for now_s in looks:
            assert dead.has() == (True,) * 3
            assert alive(ledgers[me], world) == [True, True, True]
            if now_s % 5 == 0:
                for one in (me, living):
                    assert hosts.beat(conn, one.number, ())
            released = watch.step(conn, hosts.hosts(conn), float(now_s))
        assert released == Released(hosts=["host 2"], freed=Freed(items=1, pages=1, turns=1))
        assert [one.has() for one in world] == [(True,) * 3, (False,) * 3, (True,) * 3]
        assert alive(ledgers[me], world) == [True, False, True]
        assert {one.number: one.state for one in hosts.hosts(conn)}[dead.number] == "silent"
        hosts.beat(conn, dead.number, ())  # it was cut off, and is back
        assert alive(ledgers[me], world) == [True, True, True]


def alive(home, world):
    """Which hosts count as alive for who looks at the ledger."""
    home.begin()
    try:
        return [one.number == home.owner().host or home.is_alive(Owner(one.number, 1, 1)) for one in world]
    finally:
        home.end()


def test_names_of_older_builds_are_of_no_host_and_stay_until_their_time_is_over(world, conn):
    me, another, _before = world
    hosts.leave(conn, another.number)
    queue.enqueue(conn, 1, ["B000000009"], detail="history")
    for owner in ("backfill-0@bbbbbbbb-7-70", "somebody"):
        queue.enqueue(conn, 1, [f"B{owner[-4:]}"], detail="history")
        assert queue.claim(conn, owner=owner, limit=1, lease_s=600)
    step(conn, me)
    assert {"backfill-0@bbbbbbbb-7-70", "somebody"} <= set(queue.owners(conn))


def test_the_name_of_a_worker_tells_the_life_of_its_host():
    me = ProcessId("aaaaaaaan1", 7, 70, MINE[:8])
    found = hosts.Host(
        number=1, id=f"{MINE} {me.boot}", name="me", version="1", joined_at=CRAWL.started_at,
        beat_at=CRAWL.started_at, left_at=None, silent_s=0.0, workers=(),
    )  # fmt: skip
    assert found.life == ProcessId.parse(str(me)).life
