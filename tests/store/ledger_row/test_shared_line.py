"""The ledgers of many keys over one line: one session, each with its own news, and each told when the line is lost."""

from __future__ import annotations

import contextlib
import itertools
import threading

import pytest

from ledger import DEFAULT_TIERS, Lease, NeedsReading, Reading, TokenLedger, Wait
from tasks.errors import DatabaseTransient
from tasks.store.ledger_row.row import RowHome
from tasks.store.ledger_row.shared_line import SharedLine
from tests.crash.kills import Again
from tests.fakes.waiting import LIMIT_S
from tests.fixtures.jobs import eventually

SERVER_MS = 1_700_000_000_000
ACCOUNTS = itertools.count(2**60 + 1)
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
SESSIONS = "SELECT pid FROM pg_stat_activity WHERE application_name = %s"


@pytest.fixture
def make_ledgers(database_url, request):
    """Makes so many ledgers of 300 tokens each over one line, which has the name of the test."""
    name = request.node.name[:60]
    with contextlib.ExitStack() as stack:

        def make(count, accounts=None):
            line = SharedLine(database_url, name)
            found = []
            for account in accounts or itertools.islice(ACCOUNTS, count):
                home = RowHome(line, account, 1)
                home.patience = Again()
                home.create(str(account))
                ledger = TokenLedger(home)
                ledger.account = account
                stack.callback(ledger.close)
                found.append(ledger)
                if accounts is None:
                    ledger.configure(DEFAULT_TIERS, 60)
                    ledger.observe(Reading(300, 5, 60_000, SERVER_MS))
            return found

        make.sessions = lambda conn: [pid for (pid,) in conn.execute(SESSIONS, (name,)).fetchall()]
        yield make


def granted(ledger, cost=10):
    outcome = ledger.try_reserve("upsert", cost)
    assert isinstance(outcome, Lease)
    return outcome


def test_fifty_ledgers_take_one_session_and_each_keeps_its_own_books(make_ledgers, conn):
    ledgers = make_ledgers(50)
    leases = [granted(ledger, cost) for cost, ledger in enumerate(ledgers, start=1)]
    assert len(make_ledgers.sessions(conn)) == 1
    for lease in leases[::2]:
        lease.cancel()
    held = [[lease.cost for lease in ledger.snapshot().leases] for ledger in ledgers]
    assert held == [[] if cost % 2 else [cost] for cost in range(1, 51)]


def test_a_line_that_is_lost_is_lost_for_each_ledger_and_only_news_of_its_own_wake_one(make_ledgers, conn):
    ledgers = make_ledgers(3)
    seen = [ledger._home.wake_value for ledger in ledgers]
    (pid,) = make_ledgers.sessions(conn)
    assert conn.execute("SELECT pg_terminate_backend(%s, 60000)", (pid,)).fetchone()[0]
    granted(ledgers[0]).cancel()
    assert all(ledger._home.wake_value > before for ledger, before in zip(ledgers, seen, strict=True))
    for ledger in ledgers:
        granted(ledger).cancel()  # the server has lost nothing, so no balance is asked for
    assert len(make_ledgers.sessions(conn)) == 1


def test_after_a_crash_of_the_server_the_balance_of_each_ledger_is_asked_for_once(make_ledgers, conn):
    ledgers = make_ledgers(3)
    accounts = [ledger.account for ledger in ledgers]
    conn.execute("UPDATE ledgers SET epoch = 'the life before' WHERE account = ANY(%s)", (accounts,))
    (pid,) = make_ledgers.sessions(conn)
    assert conn.execute("SELECT pg_terminate_backend(%s, 60000)", (pid,)).fetchone()[0]
    for ledger in ledgers:
        with pytest.raises(NeedsReading):
            ledger.try_reserve("upsert", 10)
    for ledger in ledgers:
        ledger.observe(Reading(300, 5, 60_000, SERVER_MS + 1))
        granted(ledger)


def test_one_that_waits_is_woken_by_its_own_ledger_and_hears_nothing_of_others(make_ledgers):
    mine, other = make_ledgers(2)
    elsewhere, other_elsewhere = make_ledgers(2, accounts=[mine.account, other.account])
    spent, others_spent = granted(elsewhere, 240), granted(other_elsewhere, 240)
    place, others_place = mine.place("upsert"), other.place("upsert")
    assert isinstance(place.poll(100), Wait)
    assert isinstance(others_place.poll(100), Wait)
    before = mine._home.wake_value
    others_spent.cancel()
    eventually(lambda: other.snapshot() and other._home.wake_value > others_place.seen, "its news")
    assert mine._home.wake_value == before
    spent.cancel()
    eventually(lambda: mine.snapshot() and mine._home.wake_value > before, "its own news")
    assert isinstance(place.poll(100), Lease)


def test_the_line_is_closed_with_the_last_ledger_and_not_before(make_ledgers, conn):
    first, second = make_ledgers(2)
    first.close()
    first.close()
    granted(second)
    assert len(make_ledgers.sessions(conn)) == 1
    second.close()
    eventually(lambda: not make_ledgers.sessions(conn), "the end of the session")


def test_a_server_that_cannot_be_reached_is_tried_once_for_all_ledgers():
    line, tries = SharedLine(NOWHERE, "tests"), []
    connect, line.failed_s = line.connect, LIMIT_S
    line.connect = lambda channels: tries.append(channels) or connect(channels)
    homes = [RowHome(line, account, 1) for account in itertools.islice(ACCOUNTS, 20)]
    for home in homes:
        with pytest.raises(DatabaseTransient):
            home.read()
    assert len(tries) == 1
    assert len(tries[0]) == 20
    for count in (2, 3):
        with pytest.raises(DatabaseTransient):
            homes[0].read()  # it has been told already, so it tries itself
        assert len(tries) == count


def test_threads_share_the_line_a_transaction_at_a_time(make_ledgers, conn):
    ledgers = make_ledgers(8)

    def spend(ledger):
        for _ in range(20):
            lease = granted(ledger, 2)
            lease.commit()
            lease.settle(2)

    threads = [threading.Thread(target=spend, args=(ledger,)) for ledger in ledgers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S)
    assert [ledger.snapshot().totals.spent for ledger in ledgers] == [40] * 8
    assert len(make_ledgers.sessions(conn)) == 1
