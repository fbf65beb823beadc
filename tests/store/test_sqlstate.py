"""What an error of the database means, and that no message carries a password."""

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import errors

from tasks.errors import BadRow, ConfigError, DatabaseTransient, WrongSchema
from tasks.store.connection import connect
from tasks.store.sqlstate import TABLE, Meaning, row_for, row_of, translate, translated

# PostgreSQL's documentation, appendix A, as psycopg's module of errors has it.
KNOWN = sorted({one.sqlstate for one in vars(errors).values() if isinstance(getattr(one, "sqlstate", None), str)})
CODES = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=5, max_size=5)


@pytest.mark.parametrize(
    ("sqlstate", "kind"),
    [
        ("40001", DatabaseTransient),
        ("40P01", DatabaseTransient),
        ("57P01", DatabaseTransient),
        ("57P03", DatabaseTransient),
        ("08006", DatabaseTransient),
        ("53100", DatabaseTransient),
        ("55P03", DatabaseTransient),
        (None, DatabaseTransient),
        ("22003", BadRow),
        ("22021", BadRow),
        ("23505", DatabaseTransient),
        ("23502", BadRow),
        ("42P01", WrongSchema),
        ("42703", WrongSchema),
        ("42501", ConfigError),
        ("28P01", ConfigError),
        ("3D000", ConfigError),
        ("25006", DatabaseTransient),  # read only: a standby, a full disk
        ("26000", DatabaseTransient),  # a pooler gave another session: the prepared statement is not there
        ("42P05", DatabaseTransient),  # likewise: it is there already
        ("08P01", DatabaseTransient),  # a pooler has no connection to give
        ("58000", DatabaseTransient),
        ("XX000", DatabaseTransient),
        ("XX002", DatabaseTransient),
        ("0A000", DatabaseTransient),
        ("P0001", BadRow),  # a trigger of the user's own
        ("U0815", BadRow),  # and one with a code of its own
        ("3F000", WrongSchema),
    ],
)
def test_each_class_of_sqlstate_has_its_type(sqlstate, kind):
    assert row_of(sqlstate).type is kind


def test_every_class_of_the_documentation_has_a_row_of_its_own():
    prefixes = {row.prefix for row in TABLE}
    assert len(KNOWN) > 200
    assert {code[:2] for code in KNOWN} <= prefixes
    assert len(prefixes) == len(TABLE), "one row for each"


# What each row says, once more: to change one is to change what the program does about it.
OURS = "00 01 02 03 09 0F 0Z 10 20 21 22 23 27 2F 38 39 44 54 P0"
YOURS = "0L 0P 28 2B 3D 3F 42 42501"
PASSING = (
    "08 0A 0B 23505 24 25 25006 26 2D 34 3B 40 40003 42710 42P03 42P05 42P06 42P07 53 53100 53200 53300 55 55006 55P03"
    " 57 57014 58 72 F0 HV XX XX001 XX002"
)
KEEPS = "23505 40 55006 55P03 57014 72"  # the connection answered, and is as good as before
GIVEN_UP = "0A 23505 42710 42P03 42P06 42P07 57014 XX"  # what may be the fault of this piece of work alone


def those(condition):
    return sorted(row.prefix for row in TABLE if condition(row))


def test_each_row_says_what_it_always_said():
    assert those(lambda row: row.meaning is Meaning.QUARANTINE) == sorted(OURS.split())
    assert those(lambda row: row.meaning is Meaning.END_RUN) == sorted(YOURS.split())
    assert those(lambda row: row.meaning is Meaning.RETRY) == sorted(PASSING.split())
    assert those(lambda row: row.keeps) == sorted(KEEPS.split())
    assert those(lambda row: row.tries is not None) == sorted(GIVEN_UP.split())


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.prefix)
def test_each_row_is_of_one_kind(row):
    judge(row)


def judge(row):
    assert (row.meaning is Meaning.END_RUN) == bool(row.remedy)
    assert (row.meaning is Meaning.END_RUN) == issubclass(row.type, ConfigError | WrongSchema)
    assert (row.meaning is Meaning.RETRY) == issubclass(row.type, DatabaseTransient)
    assert (row.meaning is Meaning.QUARANTINE) == issubclass(row.type, BadRow)
    assert row.words


@given(st.one_of(CODES, st.sampled_from(KNOWN)))
def test_whatever_the_code_it_means_one_thing_and_only_what_is_yours_to_mend_says_how(sqlstate):
    judge(row_of(sqlstate))


@given(st.one_of(CODES, st.sampled_from(KNOWN)), st.text(max_size=30))
def test_the_sentence_names_the_code_the_servers_words_and_the_remedy(sqlstate, words):
    error = (
        errors.lookup(sqlstate)(words)
        if sqlstate in KNOWN
        else type("Odd", (psycopg.Error,), {"sqlstate": sqlstate})(words)
    )
    told = str(translated(error))
    assert sqlstate in told
    assert " ".join(words.split()) in told
    assert row_of(sqlstate).remedy in told


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (psycopg.OperationalError("server closed the connection unexpectedly"), Meaning.RETRY),
        (psycopg.OperationalError("FATAL:  no more connections allowed (max_client_conn)"), Meaning.RETRY),
        (psycopg.OperationalError("FATAL:  query_wait_timeout"), Meaning.RETRY),
        (psycopg.InterfaceError("the connection is closed"), Meaning.RETRY),
        (psycopg.DatabaseError("lost synchronization with server: got message type H"), Meaning.RETRY),
        (psycopg.DatabaseError("out of memory for query result"), Meaning.RETRY),
        (psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes"), Meaning.QUARANTINE),
        (psycopg.NotSupportedError("not in this version of the client library"), Meaning.QUARANTINE),
        (psycopg.ProgrammingError("the query has 1 placeholders but 0 parameters were passed"), Meaning.QUARANTINE),
    ],
)
def test_errors_without_a_code_have_their_meaning_too(error, meaning):
    assert row_for(error).meaning is meaning


def test_a_date_that_cannot_be_read_passes_with_a_connection_made_anew(conn):
    conn.execute("SET datestyle = 'German, DMY'")
    with pytest.raises(DatabaseTransient, match="in a form that cannot be read"), translate():
        conn.execute("SELECT now()").fetchone()


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("SELECT * FROM nowhere", WrongSchema),
        ("SELECT 2147483647 + 1", BadRow),
        ("INSERT INTO watermarks VALUES (NULL, 1, 1)", BadRow),
        ("SELECT pg_terminate_backend(pg_backend_pid())", DatabaseTransient),
        ("SET statement_timeout = 1; SELECT pg_sleep(10)", DatabaseTransient),
    ],
)
def test_real_errors_are_translated(conn, statement, kind):
    with pytest.raises(kind), translate():
        conn.execute(statement)


def test_a_second_statement_on_a_lost_connection_is_contended_too(conn):
    with pytest.raises(DatabaseTransient), translate():
        conn.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(DatabaseTransient), translate():
        conn.execute("SELECT 1")


def test_text_that_python_cannot_encode_is_no_database_error(conn):
    with pytest.raises(UnicodeEncodeError), translate():
        conn.execute("SELECT %s", ("\ud800",))


def test_a_server_that_is_not_there_is_contended(tmp_path):
    with pytest.raises(DatabaseTransient):
        connect(f"postgresql:///x?host={tmp_path}", application_name="test")


@pytest.mark.parametrize(
    "where", ["certificates.invalid/db", "/db?host=/nowhere/certificates", "127.0.0.1:1/certificates"]
)
def test_names_of_the_users_own_do_not_decide_what_an_error_means(where):
    with pytest.raises(DatabaseTransient):
        connect(f"postgresql://u@{where}", application_name="test")


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
