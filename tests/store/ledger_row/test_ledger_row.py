"""A ledger in a row of the database: shared by hosts, safe when lines break, never paid for twice or unpaid."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from ledger import DEFAULT_TIERS, Lease, LeaseGone, NeedsReading, NoLedger, Reading, TokenLedger, Wait
from ledger.storage import packed
from ledger.storage.transaction import change
from tasks.store.ledger_row import hosts, statements
from tasks.store.ledger_row.hosts import Newcomer
from tests.fakes.waiting import LIMIT_S, wait_until
from tests.fixtures.ledger.rows import SERVER_MS, balances


def test_two_users_of_a_row_have_one_budget_and_one_journal(make_ledger):
    one, other = make_ledger(), make_ledger()
    lease = one.try_reserve("upsert", 30)
    lease.commit()
    assert [(found.owner_host, found.state) for found in other.snapshot().leases] == [(1, "committed")]
    lease.settle(20, Reading(280, 5, 59_000, SERVER_MS + 1_000))
    seen = balances(other)
    assert (seen.bucket.balance, seen.bucket.drift, seen.totals.spent) == (280, 0, 20)
    events = [(entry.event, entry.host) for entry in other.snapshot().journal]
    assert events[-2:] == [("granted", 1), ("settled", 1)]
    assert {entry.pid for entry in other.snapshot().journal[-2:]} == {os.getpid()}


def test_without_a_row_the_message_says_what_makes_one(make_home):
    with pytest.raises(NoLedger, match="`sluicegate run` makes it"):
        TokenLedger(make_home()).try_reserve("upsert", 1)


def test_a_change_that_fails_in_its_middle_changes_nothing(make_ledger):
    ledger = make_ledger()
    before = ledger.snapshot()
    with pytest.raises(KeyError):
        ledger.try_reserve("nobody", 1)
    assert ledger.snapshot().sequence == before.sequence
    assert isinstance(ledger.try_reserve("upsert", 1), Lease)


def test_a_waiter_is_woken_by_the_change_of_another_and_holds_its_lease(make_ledger):
    waiting, other = make_ledger(), make_ledger()
    spent = other.try_reserve("upsert", 240)
    granted, waits = [], threading.Event()
    thread = threading.Thread(
        target=lambda: granted.append(waiting.reserve("upsert", 100, on_wait=lambda _wait: waits.set()))
    )
    thread.start()
    wait_until(waits.is_set, "the wait")
    spent.cancel()
    thread.join(LIMIT_S)
    assert [lease.cost for lease in granted] == [100]
    assert other.snapshot().waiters == ()


def test_nobody_is_notified_when_nobody_waits(make_ledger, conn):
    ledger = make_ledger()
    conn.execute(f"LISTEN {statements.channel(make_ledger.account)}")
    ledger.try_reserve("upsert", 1).cancel()
    place = make_ledger().place("backfill")
    assert isinstance(place.poll(150), Lease)
    waiting = make_ledger().place("backfill")
    assert isinstance(waiting.poll(150), Wait)
    conn.execute("SELECT 1")
    assert list(conn.notifies(timeout=0)) == []
    ledger.try_reserve("interactive", 1).cancel()
    assert [one.channel for one in conn.notifies(timeout=60, stop_after=1)] == [statements.channel(make_ledger.account)]


@pytest.fixture
def two_hosts(make_ledger, conn):
    """A ledger of this host, one of another host, and the number of the latter."""
    mine, another = (hosts.join(conn, Newcomer(id=name, name=name, version="1")) for name in ("mine", "another"))
    return make_ledger(mine), make_ledger(another), another


def test_what_a_dead_host_held_is_resolved_once_it_is_noted_and_not_before(two_hosts, conn):
    mine, another, number = two_hosts
    unsent, sent = another.try_reserve("upsert", 10), another.try_reserve("upsert", 20)
    sent.commit()
    conn.execute("UPDATE hosts SET beat_at = clock_timestamp() - interval '1 hour'")  # the clock was set forward
    assert mine.resolve_dead() == 0
    (found,) = [one for one in hosts.hosts(conn) if one.number == number]
    hosts.beat(conn, number, ())
    hosts.note_dead(conn, found)  # it has beaten since it was looked at
    assert mine.resolve_dead() == 0
    (found,) = [one for one in hosts.hosts(conn) if one.number == number]
    hosts.note_dead(conn, found)
    assert mine.resolve_dead() == 2
    seen = balances(mine)
    assert (seen.leases, seen.bucket.balance) == ((), 280)
    with pytest.raises(LeaseGone):
        unsent.commit()
    assert mine.resolve_dead() == 0


def test_a_host_that_left_is_dead_at_once(two_hosts, conn):
    mine, another, number = two_hosts
    another.try_reserve("upsert", 10)
    hosts.leave(conn, number)
    assert mine.resolve_dead() == 1


def test_a_process_of_this_host_is_dead_when_the_system_says_so(make_ledger, database_url):
    ledger = make_ledger()
    code = (
        "import sys, os; from ledger import TokenLedger; from tasks.store.ledger_row.row import RowHome\n"
        f"TokenLedger(RowHome(sys.argv[1], {make_ledger.account}, 1)).try_reserve('upsert', 10); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, database_url], check=True)
    assert len(ledger.snapshot().leases) == 1
    assert ledger.resolve_dead() == 1
    assert balances(ledger).bucket.balance == 300


def test_a_row_that_another_build_wrote_is_begun_anew_and_says_so(make_ledger, make_home, conn):
    make_ledger().try_reserve("upsert", 1)
    conn.execute("UPDATE ledgers SET book = set_byte(book, 4, (get_byte(book, 4) + 1) % 256)")
    home = make_home()
    home.create("test")
    assert "a new one was made, which starts from one reading of the balance" in home.replaced
    ledger = TokenLedger(home)
    ledger.configure(DEFAULT_TIERS, 60)
    with pytest.raises(NeedsReading):
        ledger.try_reserve("upsert", 1)
    assert ledger.snapshot().leases == ()
    assert [entry.event for entry in ledger.snapshot().journal] == ["tiers", "reading"]


@pytest.mark.kill
def test_a_holder_that_stands_still_keeps_the_others_for_seconds_and_what_it_did_is_not_kept(make_ledger):
    stopped, other = make_ledger(), make_ledger()
    view = stopped._home.begin()
    assert isinstance(other.try_reserve("upsert", 10), Lease)
    view.book.balance_mt = 0
    assert not stopped._home.publish(view, [])
    stopped._home.end()
    assert balances(other).bucket.balance == 300


def test_behind_a_pooler_the_budget_is_the_same_and_waiters_look_by_themselves(make_ledger, pooler, database_url):
    one, other = make_ledger(url=pooler.url(database_url)), make_ledger(url=pooler.url(database_url))
    lease = one.try_reserve("upsert", 30)
    assert not one._home._connection.line.is_ours
    lease.commit()
    other.try_reserve("upsert", 5).cancel()
    lease.settle(20, Reading(280, 5, 59_000, SERVER_MS + 1_000))
    assert balances(other).bucket.balance == 280
    spent = other.try_reserve("upsert", 200)
    granted = []
    thread = threading.Thread(target=lambda: granted.append(one.reserve("upsert", 100)))
    thread.start()
    wait_until(lambda: other.snapshot().waiters, "the wait")
    spent.cancel()
    thread.join(LIMIT_S)
    assert [lease.cost for lease in granted] == [100]


def test_the_longest_book_fits_the_row(make_ledger):
    ledger = make_ledger()

    def fill(view):
        for _ in range(512):
            view.add_lease().tier = 1
            view.add_waiter().tier = 1

    change(ledger._home, fill)
    book, _ = ledger._home.read()
    assert (book.lease_count, book.waiter_count) == (512, 512)
    assert ledger.resolve_dead() == 1024
    assert isinstance(ledger.try_reserve("upsert", 1), Lease)


def test_what_was_packed_is_unpacked_alike_and_what_was_cut_or_changed_is_refused(make_ledger):
    home = make_ledger()._home
    book, _ = home.read()
    raw = memoryview(bytearray(len(bytes(book))))
    data = packed.pack(memoryview(bytearray(bytes(book))), book)
    packed.unpack(data, raw)
    assert packed.pack(raw, book) == data
