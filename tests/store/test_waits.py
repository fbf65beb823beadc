"""What stands between us and the database: no wait without an end, and no answer of its that is taken for a refusal."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import psycopg
import pytest

from supervisor.database import backend
from supervisor.database.backend import EmbeddedDatabase
from supervisor.database.counts import RowReader
from supervisor.database.probe import Probe
from supervisor.eventloop.loop import MonotonicClock
from tasks.errors import DatabaseTransient
from tasks.secret import Secret
from tasks.store import connection, migrate
from tasks.store.sqlstate import translate
from tests.fakes.database.tcp_proxy import Line
from tests.fakes.waiting import wait_until

LOGGED_IN = b"Z\x00\x00\x00\x05I"  # the end of a login, as PostgreSQL's documentation has it ("Message Formats")


class LetsIn(Line):
    """Lets everybody in, as a pooler without a free session does, and says nothing more."""

    def ends_after(self, _number, told):
        if told.endswith(LOGGED_IN):
            self.hold()
        return False


@pytest.fixture
def line(database_url):
    one = LetsIn(database_url)
    yield one
    one.close()


class Asked:
    """`work`, done in a thread, and what it raised."""

    def __init__(self, work):
        self.error = None
        self._thread = threading.Thread(target=self._do, args=(work,), daemon=True)
        self._thread.start()

    def _do(self, work):
        try:
            work()
        except Exception as error:  # noqa: BLE001 - it is looked at in the test
            self.error = error

    def is_over(self):
        return not self._thread.is_alive()


@pytest.mark.parametrize("who", ["probe", "reader", "connect"])
def test_a_server_that_lets_in_and_says_nothing_is_not_waited_for_without_end(line, who):
    url = Secret(line.url)
    asks = {
        "probe": lambda: Probe(url, MonotonicClock(), connect_s=1).ask(),
        "reader": lambda: RowReader(url, connect_s=1).read(),
        "connect": lambda: connection.connect(line.url, application_name="test", wait_s=1),
    }
    asked = Asked(asks[who])
    wait_until(lambda: line.held, "the first statement has come")
    wait_until(asked.is_over, "it is given up", at_least_s=20)
    assert isinstance(asked.error, DatabaseTransient)
    assert "does not answer" in str(asked.error)


def test_a_status_does_not_wait_for_a_connection_as_long_as_work_does(line):
    asked = Asked(RowReader(Secret(line.url), connect_s=2).read)
    wait_until(asked.is_over, "it is given up")
    assert "does not answer within 2 s" in str(asked.error)


class Answers(Line):
    """Something else answers from a moment on, as a proxy that has lost the server."""

    instead = None

    def as_told(self, data):
        return self.instead or data


def test_an_answer_that_is_none_is_the_lines_fault_and_not_that_of_what_was_written(database_url):
    line = Answers(database_url)
    with connection.connect(line.url, application_name="test", autocommit=True) as conn:
        line.instead = b"HTTP/1.1 502 Bad Gateway\r\n\r\n"
        with pytest.raises(DatabaseTransient, match="lost synchronization"), translate():
            conn.execute("SELECT 1")
    line.close()


@pytest.fixture
def older_url(empty_database_url):
    """A database that an older build has made: it lacks the last files."""
    with connection.connect(empty_database_url, application_name="test", autocommit=True) as conn:
        migrate.apply_migrations(conn, [one for one in migrate.bundled_migrations() if one.number <= 11])
    return empty_database_url


def test_a_table_that_somebody_reads_for_long_is_told_and_blocks_nobody_behind_the_migration(older_url):
    with psycopg.connect(older_url) as reader:  # as a back-up does, until it is done
        reader.execute("SELECT count(*) FROM fetch_queue")
        with pytest.raises(DatabaseTransient, match=r"0012_calls_that_fail\.sql.*another one holds a lock"):
            backend.migrate(Secret(older_url), lock_wait_ms=100)
        with psycopg.connect(older_url) as other:
            other.execute("SET statement_timeout = '1min'")
            other.execute("SELECT count(*) FROM fetch_queue")
    assert backend.migrate(Secret(older_url))[0] == "0012_calls_that_fail.sql"


def test_a_stop_ends_the_wait_of_the_own_database_for_somebody_elses_lock(pg_server, older_url):
    """A start that is cancelled says so, whatever its migration waits for."""
    name = older_url.partition("?")[0].rpartition("/")[2]
    state = SimpleNamespace(postgres=pg_server.server.log_path.parent)
    plan = SimpleNamespace(state=state, database=name, settings=SimpleNamespace(postgres_bin_dir=""))
    own = EmbeddedDatabase(plan, lock_wait_ms=0)  # the lock is waited for until it is free
    with psycopg.connect(older_url) as reader:
        reader.execute("SELECT count(*) FROM fetch_queue")
        asked = Asked(own.start)
        wait_until(lambda: asked.is_over() or waits_for_lock(pg_server.admin_url), "the migration waits")
        own.cancel()
        wait_until(asked.is_over, "the start is over")
        assert isinstance(asked.error, DatabaseTransient)
        assert "asked to stop" in str(asked.error)
    own.stop()


def waits_for_lock(url):
    with psycopg.connect(url) as conn:
        return conn.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()[0]
