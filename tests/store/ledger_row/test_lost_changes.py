"""Lines that break, lost answers, a server that crashed: each change counts once, and one reading does the rest."""

from __future__ import annotations

import contextlib
import os
import signal

import psycopg
import pytest

from ledger import Lease, LeaseGone, NeedsReading, Reading
from tasks.errors import DatabaseTransient
from tasks.store.ledger_row import rules, statements
from tests.fixtures.jobs import eventually
from tests.fixtures.ledger.rows import SERVER_MS, balances, times_asked


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
    assert times_asked((one, other, one, other), Reading(299, 5, 58_000, SERVER_MS + 2_000)) == 1
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
