"""Hosts of two builds share a row while they are upgraded one after another: the book is carried over, not begun anew.

A host of the build before is stood in for by a home that knows the first format alone, one of the build to come by a
home that knows one more than this build.
"""

from __future__ import annotations

import contextlib
import itertools
import threading

import pytest

from ledger import DEFAULT_TIERS, Lease, NeedsReading, OtherFormat, Reading, TokenLedger
from ledger.storage.packed import FORMAT, FORMATS
from supervisor.config.run_plan import make_run_plan
from supervisor.config.settings import load_settings
from supervisor.database import shared_ledger
from tasks.secret import Secret
from tasks.store.ledger_row import hosts, statements
from tasks.store.ledger_row.hosts import Newcomer
from tasks.store.ledger_row.patience import HEARD_S, StartPatience
from tasks.store.ledger_row.row import RowHome
from tests.fakes.waiting import LIMIT_S, wait_until
from tests.fixtures.ledger import book_formats
from tests.fixtures.ledger.book_formats import NEXT, NEXT_BUILD, OLD_BUILD

SERVER_MS = 1_700_000_000_000
ACCOUNTS = itertools.count(2**62 + 1)


class Cluster:
    """One row, and hosts of any build over it."""

    def __init__(self, url, conn, stack):
        self.account = next(ACCOUNTS)
        self._url, self._conn, self._stack = url, conn, stack

    def join(self, name, formats):
        """The number of the host of that name, which runs a build that knows these formats."""
        number = hosts.join(self._conn, Newcomer(id=name, name=name, version="1", ledger_format=max(formats)))
        # Nobody beats for it here, and on a slow machine a test takes longer than a silent host counts as alive.
        self._conn.execute("UPDATE hosts SET beat_at = clock_timestamp() + interval '1 day' WHERE host = %s", (number,))
        return number

    def home(self, name, formats):
        home = RowHome(self._url, self.account, self.join(name, formats), formats=formats)
        self._stack.callback(home.close)
        return home

    def start(self, name, formats, heard_s=HEARD_S):
        """A host as `run` starts it."""
        home = self.home(name, formats)
        home.patience = StartPatience(heard_s=heard_s)
        home.create("test")
        ledger = TokenLedger(home)
        ledger.configure(DEFAULT_TIERS, 60)
        return ledger

    def leaves(self, ledger):
        hosts.leave(self._conn, ledger._home.owner().host)

    @property
    def format(self):
        """The format of the row: of its column, and of its bytes."""
        number, book = self._conn.execute(
            "SELECT format, book FROM ledgers WHERE account = %s", (statements.signed(self.account),)
        ).fetchone()
        assert int.from_bytes(book[:4], "little") == number
        return number


@pytest.fixture
def cluster(database_url, conn):
    conn.execute("DELETE FROM hosts")
    with contextlib.ExitStack() as stack:
        yield Cluster(database_url, conn, stack)


def works(*ledgers):
    """Each of them makes a call of ten tokens; nobody has to ask for the balance, and the books balance."""
    for ledger in ledgers:
        before = ledger.snapshot()
        lease = ledger.try_reserve("interactive", 10)
        assert isinstance(lease, Lease)
        lease.commit()
        lease.settle(10)
        seen = ledger.snapshot()
        assert seen.totals.spent == before.totals.spent + 10
        assert seen.bucket.balance == before.bucket.balance - 10
        there = seen.totals.credited + seen.bucket.drift
        assert there == seen.bucket.balance + seen.totals.spent + seen.totals.expired


def test_two_builds_share_a_row_and_the_newer_writes_its_own_format_when_the_older_has_left(cluster):
    older = cluster.start("older", OLD_BUILD)
    older.observe(Reading(300, 5, 60_000, SERVER_MS))
    held = older.try_reserve("upsert", 30)
    held.commit()
    newer = cluster.start("newer", NEXT_BUILD)
    assert newer._home.replaced == ""
    works(older, newer, older, newer)
    assert cluster.format == 1
    assert [lease.id for lease in newer.snapshot().leases] == [held.id]
    held.settle(30)
    cluster.leaves(older)
    works(newer)
    assert cluster.format == NEXT
    assert newer.snapshot().totals.spent == 80


def test_hosts_are_upgraded_one_after_another_and_back(cluster):
    """From the first format over this build's to that of the next, and back again, with one call open all the time."""
    first = cluster.start("a", OLD_BUILD)
    first.observe(Reading(300, 5, 60_000, SERVER_MS))
    second = cluster.start("b", OLD_BUILD)
    kept = second.try_reserve("upsert", 7)
    for formats, number in ((FORMATS, FORMAT), (NEXT_BUILD, NEXT), (FORMATS, FORMAT), (OLD_BUILD, 1)):
        before, after = sorted((number, cluster.format))
        first._home.close()
        if after > number:  # the way back: the other host hears of the older build while that looks
            cluster.join("a", formats)
            second._home.carry_over()
            assert cluster.format == number
        first = cluster.start("a", formats)
        works(first, second)
        assert cluster.format == before
        second._home.close()
        second = cluster.start("b", formats)
        works(first, second)
        assert cluster.format == number
        assert [(lease.id, lease.cost) for lease in first.snapshot().leases] == [(kept.id, 7)]


def test_a_start_of_an_older_build_waits_until_the_newer_writes_what_it_reads(cluster):
    newer = cluster.start("newer", NEXT_BUILD)
    newer.observe(Reading(300, 5, 60_000, SERVER_MS))
    assert cluster.format == NEXT
    looked, started = threading.Event(), []

    class Watched(StartPatience):
        def unreadable(self, error):
            looked.set()
            super().unreadable(error)

    older = cluster.home("older", FORMATS)
    older.patience = Watched()
    thread = threading.Thread(target=lambda: started.append(older.create("test")))
    thread.start()
    wait_until(looked.is_set, "a look at the newer book")
    newer._home.carry_over()
    thread.join(LIMIT_S)
    assert started == [None]
    assert older.replaced == ""
    works(TokenLedger(older), newer)
    assert cluster.format == FORMAT


@pytest.mark.parametrize("is_alive", [True, False])
def test_an_older_build_refuses_what_nobody_writes_for_it_in_one_sentence_and_leaves_it_alone(cluster, is_alive):
    newer = cluster.start("newer", NEXT_BUILD)
    newer.observe(Reading(300, 5, 60_000, SERVER_MS))
    if not is_alive:
        cluster.leaves(newer)
    told = f"was written by a newer version of this program, in format {NEXT}, and this one reads up to {FORMAT}: run "
    with pytest.raises(OtherFormat, match=told) as refused:
        cluster.start("older", FORMATS, heard_s=1)
    assert refused.value.exit_code == 78
    worker = TokenLedger(cluster.home("worker", FORMATS))
    for use in (worker.snapshot, lambda: worker.try_reserve("upsert", 1)):
        with pytest.raises(OtherFormat, match=told):
            use()
    assert cluster.format == NEXT
    assert newer.snapshot().bucket.balance == 300


def test_a_host_that_went_back_to_a_build_which_says_nothing_reads_the_first_format_alone(cluster, conn):
    newer = cluster.start("newer", NEXT_BUILD)
    newer.observe(Reading(300, 5, 60_000, SERVER_MS))
    number = cluster.join("host", NEXT_BUILD)
    works(newer)
    assert cluster.format == NEXT
    conn.execute("UPDATE hosts SET joined_at = clock_timestamp() WHERE host = %s", (number,))  # as that build does
    works(newer)
    assert cluster.format == 1


def test_a_row_that_the_first_build_wrote_is_carried_over_with_its_calls(cluster, conn):
    cluster.start("host", FORMATS)
    conn.execute(
        "UPDATE ledgers SET book = %s, format = 1 WHERE account = %s",
        (book_formats.FIRST, statements.signed(cluster.account)),
    )
    ledger = cluster.start("host", FORMATS)
    seen = ledger.snapshot()
    assert ledger.replaced == ""
    assert [(lease.tier, lease.cost, lease.state) for lease in seen.leases] == [
        ("upsert", 30, "committed"),
        ("backfill", 40, "reserved"),
    ]
    assert (seen.totals.spent, len(seen.waiters)) == (4, 1)
    with pytest.raises(NeedsReading):  # that it was put there is what a server looks like that lost its last changes
        ledger.try_reserve("upsert", 1)
    assert cluster.format == FORMAT


def test_budgets_that_an_older_host_has_no_place_for_are_set_when_it_has_left(cluster, conn, database_url, tmp_path):
    environ = {"STATE_DIR": str(tmp_path), "DATABASE_URL": database_url, "KEEPA_API_KEY": "k" * 64}
    more = {"LEDGER": "database", "UPSERT_TOKENS_PER_DAY": "400"}
    plan = make_run_plan(load_settings(environ | more, dotenv=None))
    older, number = cluster.join("older", OLD_BUILD), cluster.join("newer", FORMATS)
    with contextlib.closing(shared_ledger.create_ledger(plan, Secret(database_url), "run", number)) as ledger:

        def budget():
            return next(one.tokens_per_day for one in ledger.snapshot().tiers if one.name == "upsert")

        assert budget() is None
        hosts.leave(conn, older)
        wait_until(lambda: budget() == 400, "the budget")
