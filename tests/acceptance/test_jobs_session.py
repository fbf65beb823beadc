"""A worker's transactions: done again when the database was in the way, and no call goes unrecorded."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

import msgspec
import pytest

from tasks.errors import BadRow, Contended
from tasks.session import Session
from tasks.settings import Secret
from tasks.store.calls import Call
from tests.fakes.dbline import Line

READY = b"Z\x00\x00\x00\x05I"  # PostgreSQL's protocol: the server is ready for the first statement


class Cutter(Line):
    """A way to the database that breaks down as soon as a connection stands, so many times; then it is a good one."""

    def __init__(self, database_url, cuts):
        self.cuts = cuts
        super().__init__(database_url)

    def ends_after(self, number, told):
        return number <= self.cuts and told.endswith(READY)


@pytest.fixture
def through(site, database_url):
    """A function that makes a session whose way to the database breaks down so many times."""
    opened = []

    def make(cuts, **changes):
        cutter = Cutter(database_url, cuts)
        settings = msgspec.structs.replace(site.settings, database_url=Secret(cutter.url), **changes)
        session = Session(_with(site, settings))
        opened.extend((session, cutter))
        return session, cutter

    yield make
    for one in opened:
        one.close()


def _with(site, settings):
    fields = {name: getattr(site, name) for name in type(site).__dataclass_fields__}
    return type(site)(**fields | {"settings": settings})


def test_a_connection_lost_before_its_first_statement_is_opened_again(through):
    session, cutter = through(2)
    assert session.run(lambda conn: conn.execute("select 1").fetchone()) == (1,)
    assert cutter.connections == 3


def test_a_database_that_cuts_every_connection_is_away_and_nothing_else(through):
    session, _cutter = through(1_000, retry_deadline_s=3.0)
    with pytest.raises(Contended):
        session.run(lambda conn: conn.execute("select 1"))


def call(worker):
    return Call(
        at=datetime.now(UTC), tier="backfill", endpoint="/token", shape="token", items=0, estimate=0, cost=0,
        balance=None, status=500, duration_s=0.0, waited_s=0.0, worker=worker, rows=0,
    )  # fmt: skip


def bad_row(connection):
    connection.execute("select 2147483647 + 1")


def recorded(conn):
    return [worker for (worker,) in conn.execute("select worker from calls order by id")]


def test_calls_noted_before_a_transaction_that_fails_are_recorded_once_by_the_next(site, conn):
    with closing(Session(site)) as session:
        session.note(call("first"))
        with pytest.raises(BadRow):
            session.run(bad_row)
        session.note(call("second"))
        assert recorded(conn) == []
        session.run(lambda _connection: None)
        assert recorded(conn) == ["first", "second"]
        session.run(lambda _connection: None)
    assert recorded(conn) == ["first", "second"]


def test_calls_noted_before_a_transaction_that_is_done_again_are_recorded_once(site, conn):
    tries = []

    def work(connection):
        tries.append(connection)
        if len(tries) < 3:
            connection.execute("select pg_terminate_backend(pg_backend_pid())")

    with closing(Session(site)) as session:
        session.note(call("only"))
        session.run(work)
    assert len(tries) == 3
    assert recorded(conn) == ["only"]


def test_calls_noted_while_a_transaction_runs_wait_for_the_next(site, conn):
    with closing(Session(site)) as session:
        session.run(lambda _connection: session.note(call("late")))
        assert recorded(conn) == []
        session.flush()
    assert recorded(conn) == ["late"]
