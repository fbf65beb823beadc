"""A ledger in a row of the database: shared by hosts, safe when lines break, never paid for twice or unpaid."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import threading

import psycopg
import pytest

from ledger import DEFAULT_TIERS, Lease, LeaseGone, NeedsReading, NoLedger, Reading, TokenLedger, Wait
from ledger.storage import packed
from ledger.storage.transaction import change
from tasks.errors import DatabaseTransient
from tasks.store.ledger_row import hosts, rules, statements
from tasks.store.ledger_row.hosts import Newcomer
from tasks.store.ledger_row.row import RowHome
from tests.fakes.waiting import LIMIT_S, wait_until
from tests.fixtures.jobs import eventually

SERVER_MS = 1_700_000_000_000
ACCOUNTS = itertools.count(2**63 + 1)


class Again:
    """The patience of a worker, without its pauses."""

    def __init__(self):
        self.errors = []

    def failed(self, error):
        self.errors.append(str(error))

    def unreadable(self, error):
        raise error

    def over(self):
        """Nothing to say."""


@pytest.fixture
def make_home(database_url):
    """Makes homes of one row, each with a line of its own, for the host of that number."""
    account = next(ACCOUNTS)
    with contextlib.ExitStack() as stack:

        def make(host=1, url=database_url):
            home = RowHome(url, account, host)
            home.patience = Again()
            stack.callback(home.close)
            return home

        make.account = account
        yield make


@pytest.fixture
def make_ledger(make_home):
    """Makes ledgers over one row with 300 tokens of a plan of 5."""
    first = make_home()
    first.create("test")
    ledger = TokenLedger(first)
    ledger.configure(DEFAULT_TIERS, 60)
    ledger.observe(Reading(300, 5, 60_000, SERVER_MS))

    def make(host=1, url=None):
        return TokenLedger(make_home(host) if url is None else make_home(host, url))

    make.account = make_home.account
    return make


def balances(ledger):
    seen = ledger.snapshot()
    there = seen.totals.credited + seen.bucket.drift
    assert round(there, 6) == round(seen.bucket.balance + seen.totals.spent + seen.totals.expired, 6)
    assert sum(tier.in_flight for tier in seen.tiers) == sum(lease.cost for lease in seen.leases)
    return seen


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


def backend(ledger, conn):
    """Ends the sessions of a ledger's line, as an operator or a failing network does."""
    pid = ledger._home._connection.line._connection.info.backend_pid
    assert conn.execute("SELECT pg_terminate_backend(%s, 60000)", (pid,)).fetchone()[0]


def test_a_line_that_breaks_in_the_middle_of_a_change_costs_nothing_and_the_change_is_made_once(make_ledger, conn):
    ledger = make_ledger()
    ledger.snapshot()
    request, broken = ledger._request, []

    def breaks_once(*arguments):
        if not broken:
            broken.append(backend(ledger, conn))
        return request(*arguments)

    ledger._request = breaks_once
    assert isinstance(ledger.try_reserve("upsert", 30), Lease)
    seen = balances(ledger)
    assert [lease.cost for lease in seen.leases] == [30]
    assert len(ledger._home.patience.errors) == 1
    assert isinstance(ledger.try_reserve("upsert", 1), Lease), "the server lost nothing: nobody has to ask it"


def test_a_commit_whose_answer_is_lost_counts_once(make_ledger, monkeypatch):
    ledger, other = make_ledger(), make_ledger()
    ledger.snapshot()
    line = ledger._home._connection.line
    ask = line.ask

    def loses_the_answer(message):
        result = ask(message)
        if message.endswith(b"COMMIT"):
            other.try_reserve("interactive", 1).cancel()  # somebody else was there before we could look
            line.close()
            raise DatabaseTransient("the line broke")
        return result

    monkeypatch.setattr(line, "ask", loses_the_answer)
    lease = ledger.try_reserve("upsert", 30)
    assert [found.id for found in balances(other).leases] == [lease.id]
    lease.commit()
    lease.settle(30)
    assert balances(other).totals.spent == 30


def test_a_commit_that_never_left_is_made_again(make_ledger, monkeypatch):
    ledger = make_ledger()
    ledger.snapshot()
    line = ledger._home._connection.line
    ask = line.ask

    def never_sends(message):
        if message.endswith(b"COMMIT"):
            line.close()
            raise DatabaseTransient("the line broke")
        return ask(message)

    monkeypatch.setattr(line, "ask", never_sends)
    lease = ledger.try_reserve("upsert", 30)
    assert [found.id for found in balances(ledger).leases] == [lease.id]


def test_a_server_that_crashed_is_asked_about_once_by_all_and_no_lease_number_is_given_twice(
    make_ledger, conn, database_url
):
    one, other = make_ledger(), make_ledger()
    before = one.try_reserve("upsert", 1)
    other.snapshot()
    conn.execute("CHECKPOINT")
    restart_as_after_a_crash(conn, database_url)
    asked = 0
    for ledger in (one, other, one, other):
        try:
            ledger.try_reserve("upsert", 1).cancel()
        except NeedsReading:
            asked += 1
            ledger.observe(Reading(299, 5, 58_000, SERVER_MS + 2_000))
    assert asked == 1
    assert one.try_reserve("upsert", 1).id > before.id + rules.LOST_IDS
    balances(other)


def restart_as_after_a_crash(conn, database_url):
    """The server has ended every session and read its log; `conn` is lost.

    A killed session alone says nothing: until the server has noticed, the others go on as before. Once it has ended
    one of them it takes a new one only after all are gone.
    """
    with contextlib.closing(psycopg.connect(database_url, autocommit=True)) as bystander:
        os.kill(conn.execute("SELECT pg_backend_pid()").fetchone()[0], signal.SIGKILL)
        eventually(lambda: not is_answered(bystander), "the end of all sessions")
    eventually(lambda: can_connect(database_url), "the server")


def is_answered(connection):
    try:
        return connection.execute("SELECT true").fetchone()[0]
    except psycopg.OperationalError:
        return False


def can_connect(database_url):
    try:
        psycopg.connect(database_url).close()
    except psycopg.OperationalError:
        return False
    return True


def test_changes_that_the_server_forgot_are_noticed_though_the_row_went_on(make_ledger, conn):
    ledger, other = make_ledger(), make_ledger()
    kept = conn.execute("SELECT book, sequence FROM ledgers WHERE account = %s", (signed(make_ledger),)).fetchone()
    lease = ledger.try_reserve("upsert", 10)
    conn.execute(
        "UPDATE ledgers SET book = %s, sequence = %s WHERE account = %s", (*kept, signed(make_ledger))
    )  # as after the promotion of a replica that was behind
    for _ in range(9):
        other.try_reserve("interactive", 1).cancel()
    with pytest.raises(LeaseGone):
        lease.commit()
    with pytest.raises(NeedsReading):
        ledger.try_reserve("upsert", 10)


def signed(make_ledger):
    return statements.signed(make_ledger.account)


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


@pytest.mark.parametrize("step_s", [600, -600])
def test_a_clock_that_was_set_gives_no_token_takes_none_and_costs_one_reading(make_ledger, monkeypatch, step_s):
    one, other = make_ledger(), make_ledger()
    for ledger in (one, other):
        ledger.try_reserve("upsert", 1).cancel()
    spent = one.try_reserve("upsert", 200)
    spent.commit()
    spent.settle(200)
    state_of = statements.state_of

    def set_clock(values):
        us = int(values[4]) + step_s * 1_000_000
        return state_of([*values[:4], str(us).encode(), *values[5:]])

    monkeypatch.setattr(statements, "state_of", set_clock)
    asked = 0
    for ledger in (one, other, one, other):
        try:
            ledger.try_reserve("upsert", 1).cancel()
        except NeedsReading:
            asked += 1
            ledger.observe(Reading(100, 5, 58_000, SERVER_MS + 2_000))
    assert asked == 1
    seen = balances(other)
    assert (seen.bucket.balance, seen.bucket.drift) == (100, 0)
    assert 0 < seen.bucket.next_tick_in_s < 60


@pytest.mark.parametrize(("back_s", "is_asked"), [(50, False), (70, True)])
def test_who_comes_first_after_a_while_asks_once_because_nobody_watched_the_clock(make_ledger, back_s, is_asked):
    ledger = make_ledger()
    ledger.try_reserve("upsert", 1).cancel()

    def age(view):
        view.opens = True
        ledger._home._clock.ahead_ns += back_s * 10**9

    change(ledger._home, age)
    asked = 0
    for another in (make_ledger(), make_ledger()):
        try:
            another.try_reserve("upsert", 1).cancel()
        except NeedsReading:
            asked += 1
            another.observe(Reading(300, 5, 58_000, SERVER_MS + 2_000))
    assert asked == is_asked


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
