"""What an error of the database means, and that no message carries a password."""

import psycopg
import pytest

from tasks.errors import BadRow, ConfigError, Contended, StoreError, WrongSchema
from tasks.store.connection import connect
from tasks.store.sqlstate import error_type, translate


@pytest.mark.parametrize(
    ("sqlstate", "kind"),
    [
        ("40001", Contended),
        ("40P01", Contended),
        ("57P01", Contended),
        ("57P03", Contended),
        ("08006", Contended),
        ("53100", Contended),
        ("55P03", Contended),
        (None, Contended),
        ("22003", BadRow),
        ("22021", BadRow),
        ("23505", Contended),
        ("23502", BadRow),
        ("42P01", WrongSchema),
        ("42703", WrongSchema),
        ("42501", ConfigError),
        ("28P01", ConfigError),
        ("3D000", ConfigError),
        ("XX000", StoreError),
        ("0A000", StoreError),
    ],
)
def test_each_class_of_sqlstate_has_its_type(sqlstate, kind):
    assert error_type(sqlstate) is kind


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("SELECT * FROM nowhere", WrongSchema),
        ("SELECT 2147483647 + 1", BadRow),
        ("INSERT INTO watermarks VALUES (NULL, 1, 1)", BadRow),
        ("SELECT pg_terminate_backend(pg_backend_pid())", Contended),
        ("SET statement_timeout = 1; SELECT pg_sleep(10)", Contended),
    ],
)
def test_real_errors_are_translated(conn, statement, kind):
    with pytest.raises(kind), translate():
        conn.execute(statement)


def test_a_second_statement_on_a_lost_connection_is_contended_too(conn):
    with pytest.raises(Contended), translate():
        conn.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(Contended), translate():
        conn.execute("SELECT 1")


def test_text_that_python_cannot_encode_is_no_database_error(conn):
    with pytest.raises(UnicodeEncodeError), translate():
        conn.execute("SELECT %s", ("\ud800",))


def test_a_server_that_is_not_there_is_contended(tmp_path):
    with pytest.raises(Contended):
        connect(f"postgresql:///x?host={tmp_path}", application_name="test")


def test_a_database_that_is_not_there_is_a_matter_of_configuration(pg_server):
    with pytest.raises(ConfigError, match="does not exist"):
        connect(pg_server.server.url("missing"), application_name="test")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hush@host:port/db",
        "postgresql//me:hush@host/db",
        "postgresql://me:hush@host/db?unknown=1",
        "postgresql://me:hush%zz@host/db",
    ],
)
def test_a_bad_url_is_not_quoted(url):
    with pytest.raises(ConfigError) as caught:
        connect(url, application_name="test")
    chain = [caught.value, caught.value.__cause__]
    assert "hush" not in repr(chain)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_refused_login_does_not_show_the_password(conn):
    url = f"postgresql://nobody_such:hush@/postgres?host={conn.info.host}&port={conn.info.port}"
    with pytest.raises(ConfigError) as caught:
        connect(url, application_name="test")
    assert "hush" not in repr(caught.value)
    assert "nobody_such" in str(caught.value)


def test_the_connection_says_who_it_is(database_url):
    with connect(database_url, application_name="sluicegate upsert-0") as connection:
        shown = connection.execute("SELECT current_setting('application_name')").fetchone()
        assert shown == ("sluicegate upsert-0",)
        assert connection.info.transaction_status is psycopg.pq.TransactionStatus.INTRANS
