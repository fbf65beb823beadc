"""What the page may do in the database: look, for a short time, over two connections."""

import psycopg
import pytest

from supervisor.web.database import Database
from tasks.errors import DatabaseTransient, Error
from tasks.secret import Secret
from tests.fakes.database.tcp_proxy import Line
from tests.fakes.waiting import LIMIT_S


@pytest.fixture
def database(database_url):
    one = Database(None, Secret(database_url))
    yield one
    one.close()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM deals",
        "CREATE TABLE more (x int)",
        "SET LOCAL ROLE NONE; SET LOCAL transaction_read_only = off",
    ],
)
def test_nothing_can_be_changed(database, statement):
    with pytest.raises((Error, psycopg.Error)), database.reading() as conn:
        conn.execute(statement, prepare=False)


def test_everything_can_be_read_in_a_role_that_can_do_no_more(database):
    with database.reading() as conn:
        assert conn.execute("SELECT current_user").fetchone() == ("pg_read_all_data",)
        for table in ("deals", "products", "calls", "quarantine", "crawls", "watermarks", "fetch_queue"):
            conn.execute(f"SELECT * FROM {table} LIMIT 1")


def test_a_question_that_takes_too_long_is_given_up(database):
    with pytest.raises(Error), database.reading(limit_s=0.2) as conn:
        conn.execute("SELECT pg_sleep(3600)")
    with database.reading() as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,), "and the next one is answered"


def test_more_than_two_at_once_have_to_wait_and_are_told(database_url):
    database = Database(None, Secret(database_url), wait_s=0.1)
    with database.reading(limit_s=LIMIT_S), database.reading(limit_s=LIMIT_S):
        with pytest.raises(DatabaseTransient, match="all in use"), database.reading():
            pass
        with database.exporting() as conn:
            assert conn.execute("SELECT 1").fetchone() == (1,), "a list has a connection of its own"
            with pytest.raises(DatabaseTransient, match="all in use"), database.exporting():
                pass
    with database.reading() as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
    database.close()


def test_connections_are_kept_for_the_next_visitor(database):
    with database.reading() as conn:
        first = conn.info.backend_pid
    with database.reading() as conn:
        assert conn.info.backend_pid == first


def test_a_connection_that_the_server_has_ended_meanwhile_is_not_used(database, conn):
    with database.reading() as one:
        pid = one.info.backend_pid
    conn.execute("SELECT pg_terminate_backend(%s, 60000)", (pid,))
    with database.reading() as one:
        assert one.info.backend_pid != pid


def test_a_server_that_stands_still_is_given_up_and_the_visitor_is_told(database_url):
    line = Line(database_url)
    database = Database(None, Secret(line.url))
    try:
        with (
            pytest.raises(DatabaseTransient, match="has not answered within"),
            database.reading(limit_s=0.2) as conn,
        ):
            line.hold()
            conn.execute("SELECT 1")
        line.pass_on()
        with database.reading() as conn:
            assert conn.execute("SELECT 1").fetchone() == (1,)
    finally:
        database.close()
        line.close()
