"""Databases, roles and environments with defaults of their own: the program says itself what it relies on."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from threading import Event

import psycopg
import pytest
from psycopg import conninfo, sql

from supervisor.config.environment import forget_client_variables
from supervisor.database import backend
from tasks.errors import ConfigError, DatabaseTransient
from tasks.secret import Secret
from tasks.store import deals, migrate
from tasks.store.connection import connect
from tasks.store.products import products
from tasks.store.queue import queue
from tests.fakes.program.cli_program import Program
from tests.fakes.waiting import wait_until

NOW = datetime(2025, 9, 30, 12, 30, 15, 123456, tzinfo=UTC)
DEFAULTS = {
    "datestyle": "German, DMY",
    "intervalstyle": "sql_standard",
    "timezone": "Asia/Kolkata",
    "standard_conforming_strings": "off",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "statement_timeout": "20ms",
    "lock_timeout": "1ms",
    "idle_in_transaction_session_timeout": "20ms",
    "default_transaction_isolation": "serializable",
    "client_encoding": "LATIN1",
    "array_nulls": "off",
    "xmloption": "document",
    "default_text_search_config": "german",
    "lc_messages": "C",
    "jit_above_cost": "0",
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "session_replication_role": "replica",
}


@pytest.fixture
def set_for(database_url):
    """A function that gives this test's database a default of its own, as `ALTER DATABASE ... SET` does."""

    def give(name, value):
        told = conninfo.conninfo_to_dict(database_url)
        with psycopg.connect(database_url, autocommit=True) as conn:
            statement = sql.SQL("ALTER DATABASE {} SET {} = {}")
            conn.execute(statement.format(sql.Identifier(told["dbname"]), sql.SQL(name), sql.Literal(value)))

    return give


def write(conn, make_deal, make_product):
    with conn.transaction():
        deals.write(conn, 1, [make_deal(title="Grüße 😀 \\ '")], seen_at=NOW)
        products.write(conn, 1, [make_product()], fetched_at=NOW, has_history=True)
        queue.enqueue(conn, 1, ["B000000001"], detail="history")
        assert queue.claim(conn, owner="me", limit=1, lease_s=60)
        conn.execute("SELECT pg_sleep(0.03)")  # longer than a statement would be given
        Event().wait(0.03)  # and than a transaction that waits for us


def read(conn):
    with conn.transaction():
        (row,) = conn.execute(
            """SELECT title, last_seen_at, current[1], 0.1::float8 + 0.2, '\\x00ff'::bytea, 'a\\b',
            interval '1 day 2 hours', '\\x00ff'::bytea::text, '2025-01-01 00:00+00'::timestamptz::text FROM deals"""
        ).fetchall()
    return row


def hold(conn, make_deal, make_product):
    write(conn, make_deal, make_product)
    title, seen_at, _current, number, raw, text, span, raw_text, time_text = read(conn)
    assert (title, seen_at, number, raw, text) == ("Grüße 😀 \\ '", NOW, 0.1 + 0.2, b"\x00\xff", "a\\b")
    assert span.total_seconds() == 26 * 3600
    assert (raw_text, time_text) == ("\\x00ff", "2025-01-01 00:00:00+00")


EACH_AND_ALL = pytest.mark.parametrize(
    "names",
    [*((name,) for name in DEFAULTS), tuple(DEFAULTS)],
    ids=lambda names: names[0] if len(names) == 1 else "all",
)


@EACH_AND_ALL
def test_rows_are_the_same_whatever_a_database_has_as_its_defaults(
    set_for, database_url, names, make_deal, make_product
):
    for name in names:
        set_for(name, DEFAULTS[name])
    with closing(connect(database_url, application_name="test", autocommit=True)) as conn:
        hold(conn, make_deal, make_product)


@EACH_AND_ALL
def test_rows_are_the_same_whatever_another_user_of_the_session_has_left_in_it(
    database_url, names, make_deal, make_product
):
    """As behind a pooler that keeps no settings apart."""
    with closing(connect(database_url, application_name="test", autocommit=True)) as conn:
        for name in names:
            statement = sql.SQL("SET {} = {}").format(sql.SQL(name), sql.Literal(DEFAULTS[name]))
            conn.execute(statement)
        hold(conn, make_deal, make_product)


@pytest.mark.parametrize("is_default", [True, False])
def test_a_lock_is_waited_for_as_long_as_we_say_whatever_the_defaults(set_for, database_url, is_default):
    if is_default:
        set_for("lock_timeout", "1ms")

    def wait_for_it():
        with closing(connect(database_url, application_name="waits", autocommit=True)) as conn:
            if not is_default:
                conn.execute("SET lock_timeout = '1ms'")
            with conn.transaction():
                conn.execute("SELECT pg_advisory_xact_lock(1)")

    def waits(conn):
        asks = """SELECT count(*) FROM pg_stat_activity WHERE application_name = 'waits'
            AND wait_event_type = 'Lock' AND clock_timestamp() - query_start > interval '20 ms'"""
        return conn.execute(asks).fetchone() == (1,)

    with psycopg.connect(database_url, autocommit=True) as holder, ThreadPoolExecutor(1) as beside:
        holder.execute("SELECT pg_advisory_lock(1)")
        waiter = beside.submit(wait_for_it)
        wait_until(lambda: waiter.done() or waits(holder), "the other to wait for the lock")
        holder.execute("SELECT pg_advisory_unlock(1)")
        waiter.result()


def test_a_role_with_a_schema_of_its_own_keeps_it(empty_database_url):
    with psycopg.connect(empty_database_url, autocommit=True) as admin:
        admin.execute("CREATE SCHEMA apart")
        name = conninfo.conninfo_to_dict(empty_database_url)["dbname"]
        admin.execute(sql.SQL("ALTER DATABASE {} SET search_path = apart").format(sql.Identifier(name)))
    with closing(connect(empty_database_url, application_name="test", autocommit=True)) as conn:
        migrate.apply_migrations(conn)
        conn.execute("SET search_path = public")  # as another user of a pooler would leave it
        migrate.check(conn)
        found = conn.execute("SELECT DISTINCT schemaname FROM pg_tables WHERE tablename = 'fetch_queue'").fetchall()
    assert found == [("apart",)]


def test_a_database_made_read_only_passes(set_for, database_url, make_deal):
    set_for("default_transaction_read_only", "on")
    with (
        closing(connect(database_url, application_name="test", autocommit=True)) as conn,
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction) as caught,
        conn.transaction(),
    ):
        deals.write(conn, 1, [make_deal()], seen_at=NOW)
    assert caught.value.sqlstate == "25006"


@pytest.fixture(params=["LATIN1", "SQL_ASCII", "EUC_JP"])
def narrow(pg_server, request):
    """The URL of a database that cannot hold every character."""
    name = f"narrow_{request.param.lower()}"
    with psycopg.connect(pg_server.admin_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} ENCODING '{request.param}' LOCALE 'C' TEMPLATE template0")
        yield pg_server.server.url(name), request.param
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_database_that_cannot_hold_every_character_is_refused_with_the_remedy(narrow, tmp_path):
    url, encoding = narrow
    with pytest.raises(ConfigError, match=f"encoding {encoding}.*ENCODING 'UTF8' TEMPLATE template0"):
        connect(url, application_name="test")
    with pytest.raises(ConfigError):
        backend.migrate(Secret(url))
    told = Program(tmp_path).command("doctor", DATABASE_URL=url)
    assert f"encoding {encoding}" in told.stdout


STRANGE = {
    "PGHOSTADDR": "192.0.2.1",
    "PGHOST": "nowhere.invalid",
    "PGPORT": "1",
    "PGCHANNELBINDING": "require",
    "PGSSLMODE": "verify-full",
    "PGGSSENCMODE": "require",
    "PGOPTIONS": "-c search_path=nowhere -c statement_timeout=1",
    "PGSERVICE": "nowhere",
    "PGPASSFILE": "/dev/full",
    "PGUSER": "nobody_such",
    "PGDATABASE": "nowhere",
    "PGREQUIREAUTH": "scram-sha-256",
    "PGTARGETSESSIONATTRS": "standby",
    "PGDATESTYLE": "German",
    "PGTZ": "Asia/Kolkata",
    "PGCLIENTENCODING": "LATIN1",
    "PGREQUIREPEER": "nobody_such",
}


@pytest.mark.kill
def test_nothing_of_the_environment_reaches_the_own_server(tmp_path):
    program = Program(tmp_path, **STRANGE)
    try:
        program.start()
        report = program.until_working()
        assert {child["state"] for child in report["workers"]} == {"running"}
        told = program.command("psql", "-At", "-c", "select count(*) >= 0 from deals")
        assert (told.stdout.strip(), told.stderr) == ("t", "")
        assert "PostgreSQL" in program.command("doctor").stdout
        assert "database_unavailable" not in program.log()
    finally:
        program.kill()


def test_the_program_forgets_every_variable_of_the_client_library(monkeypatch):
    with monkeypatch.context() as patched:
        for name, value in STRANGE.items():
            patched.setenv(name, value)
        patched.setenv("PAGER", "less")
        forget_client_variables()
        assert not [name for name in os.environ if name.startswith("PG")]
        assert os.environ["PAGER"] == "less"
        known = {option.envvar for option in psycopg.pq.Conninfo.get_defaults() if option.envvar}
        assert {one.decode() for one in known if one.startswith(b"PG")} == {one.decode() for one in known}


def test_a_wait_for_a_server_that_lets_nobody_in_tells_why(tmp_path, monkeypatch):
    from tasks.embedded_postgres import server

    with server.EmbeddedPostgres(tmp_path / "pg"):
        monkeypatch.setenv("PGCHANNELBINDING", "require")
        other = server.EmbeddedPostgres(tmp_path / "pg")
        other.answer_timeout_s = 0.2
        with pytest.raises(DatabaseTransient, match=r"refuses connections: .*channel binding"):
            other.start()
        monkeypatch.delenv("PGCHANNELBINDING")


@pytest.mark.kill  # it makes a server of its own
def test_long_values_are_compressed_with_lz4_where_the_server_has_it_and_nobody_chose_otherwise(debian_server):
    def compression_in_a_transaction():
        url = debian_server.url("postgres", sslmode="require")
        with connect(url, application_name="test") as conn, conn.transaction():
            return conn.execute("SHOW default_toast_compression").fetchone()[0]

    assert compression_in_a_transaction() == "lz4"
    with psycopg.connect(debian_server.url("postgres", sslmode="require"), autocommit=True) as conn:
        conn.execute("ALTER DATABASE postgres SET default_toast_compression = 'pglz'")
        assert compression_in_a_transaction() == "pglz"
        conn.execute("ALTER DATABASE postgres RESET default_toast_compression")
