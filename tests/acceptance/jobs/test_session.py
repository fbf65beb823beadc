"""A worker's transactions: done again when the database was in the way, and no call goes unrecorded."""

from __future__ import annotations

import os
from contextlib import closing
from datetime import UTC, datetime

import msgspec
import pytest
from psycopg import errors

from tasks.errors import BadRow, DatabaseTransient
from tasks.ingest.database_session import DatabaseSession
from tasks.runtime.heartbeat_writer import HeartbeatWriter
from tasks.secret import Secret
from tasks.store.calls.calls import Call
from tests.fakes.database.tcp_proxy import Line

READY = b"Z\x00\x00\x00\x05I"  # PostgreSQL's protocol: the server is ready for the first statement


class Cutter(Line):
    """A way to the database that breaks down as soon as a connection stands, so many times; then it is a good one."""

    def __init__(self, database_url, cuts):
        self.cuts = cuts
        super().__init__(database_url)

    def ends_after(self, number, told):
        return number <= self.cuts and told.endswith(READY)


@pytest.fixture
def through(context, database_url):
    """A function that makes a session whose way to the database breaks down so many times."""
    opened = []

    def make(cuts, of=context):
        cutter = Cutter(database_url, cuts)
        settings = msgspec.structs.replace(of.settings, database_url=Secret(cutter.url))
        session = DatabaseSession(_with(of, settings))
        opened.extend((session, cutter))
        return session, cutter

    yield make
    for one in opened:
        one.close()


def _with(context, settings, **changes):
    fields = {name: getattr(context, name) for name in type(context).__dataclass_fields__}
    return type(context)(**fields | {"settings": settings} | changes)


def test_a_connection_lost_before_its_first_statement_is_opened_again(through):
    session, cutter = through(2)
    assert session.run(lambda conn: conn.execute("select 1").fetchone()) == (1,)
    assert cutter.connections == 3


class Told:
    """What a session says with its beats, on a clock that moves by its pauses, with a stop after so many of them."""

    def __init__(self, context, stops_after=10**6):
        self.pauses, self.stops_after, self.clock, self.messages = [], stops_after, context.clock, []
        self.context = _with(
            context, context.settings, stop=self, beat=HeartbeatWriter(self.messages.append, context.clock)
        )

    def is_set(self):
        return len(self.pauses) >= self.stops_after

    def wait(self, seconds):
        self.pauses.append(seconds)
        self.clock.advance_s(seconds)
        return self.is_set()

    @property
    def conditions(self):
        return [message["conditions"] for message in self.messages if message["event"] == "beat"]


def test_a_database_that_cuts_every_connection_is_waited_for_told_as_degraded_and_told_to_be_back(context, through):
    told = Told(context)
    session, _cutter = through(40, of=told.context)
    assert session.run(lambda conn: conn.execute("select 1").fetchone()) == (1,)
    assert len(told.pauses) == 40
    assert max(told.pauses) <= 8, "its return is noticed within seconds"
    assert {"event": "ready", "pid": os.getpid()} in told.messages
    shown = [[one["kind"] for one in conditions] for conditions in told.conditions]
    assert ["database"] in shown
    assert shown[-1] == []


def test_a_hiccup_is_not_told(context, through):
    told = Told(context)
    session, _cutter = through(1, of=told.context)
    session.run(lambda conn: conn.execute("select 1"))
    assert not any(told.conditions)


def test_a_stop_is_heard_while_the_database_is_away(context, through):
    told = Told(context, stops_after=3)
    session, _cutter = through(1_000, of=told.context)
    with pytest.raises(DatabaseTransient):
        session.run(lambda conn: conn.execute("select 1"))
    assert len(told.pauses) == 3


@pytest.mark.parametrize("code", ["25006", "53100", "57P03", "08P01"])
def test_what_passes_for_the_server_as_a_whole_is_waited_for_on_new_connections(context, code):
    told, seen = Told(context), []

    def work(conn):
        seen.append(conn)
        if len(seen) < 60:
            raise errors.lookup(code)("not now")

    with closing(DatabaseSession(told.context)) as session:
        session.run(work)
    assert len(set(map(id, seen))) == 60


def test_what_should_pass_and_never_does_for_this_work_alone_is_this_works_own_fault(context):
    told, tries = Told(context), []

    def work(_conn):
        tries.append(1)
        raise errors.UniqueViolation("there already")

    with closing(DatabaseSession(told.context)) as session:
        with pytest.raises(BadRow, match="20 times in a row"):
            session.run(work)
        session.run(lambda conn: conn.execute("select 1"))
    assert len(tries) == 20
    assert not told.conditions[-1]


def test_text_that_cannot_be_encoded_is_the_works_own_fault(context):
    with closing(DatabaseSession(context)) as session, pytest.raises(BadRow):
        session.run(lambda conn: conn.execute("select %s", ("\ud800",)))


def call(worker):
    return Call(
        at=datetime.now(UTC), tier="backfill", endpoint="/token", shape="token", items=0, estimate=0, cost=0,
        balance=None, status=500, duration_s=0.0, waited_s=0.0, worker=worker, rows=0,
    )  # fmt: skip


def bad_row(connection):
    connection.execute("select 2147483647 + 1")


def recorded(conn):
    return [worker for (worker,) in conn.execute("select worker from calls order by id")]


def test_calls_noted_before_a_transaction_that_fails_are_recorded_once_by_the_next(context, conn):
    with closing(DatabaseSession(context)) as session:
        session.record_call(call("first"))
        with pytest.raises(BadRow):
            session.run(bad_row)
        session.record_call(call("second"))
        assert recorded(conn) == []
        session.run(lambda _connection: None)
        assert recorded(conn) == ["first", "second"]
        session.run(lambda _connection: None)
    assert recorded(conn) == ["first", "second"]


def test_calls_noted_before_a_transaction_that_is_done_again_are_recorded_once(context, conn):
    tries = []

    def work(connection):
        tries.append(connection)
        if len(tries) < 3:
            connection.execute("select pg_terminate_backend(pg_backend_pid())")

    with closing(DatabaseSession(context)) as session:
        session.record_call(call("only"))
        session.run(work)
    assert len(tries) == 3
    assert recorded(conn) == ["only"]


def test_calls_noted_while_a_transaction_runs_wait_for_the_next(context, conn):
    with closing(DatabaseSession(context)) as session:
        session.run(lambda _connection: session.record_call(call("late")))
        assert recorded(conn) == []
        session.flush()
    assert recorded(conn) == ["late"]
