"""Behind PgBouncer in transaction mode: no session is ours, and others leave in it what they like."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

import psycopg
import pytest

from tasks.errors import ConfigError, DatabaseTransient
from tasks.store import deals, migrate
from tasks.store.connection import connect
from tasks.store.products import products

LEFT_BEHIND = (
    "CREATE TEMP TABLE product_stage (a int)",
    "PREPARE _pg3_0 AS SELECT 1",
    "SET search_path = ''",
    "SET datestyle = 'German, DMY'",
    "SET timezone = 'Asia/Kolkata'",
    "SET standard_conforming_strings = off",
    "SET bytea_output = 'escape'",
    "SET extra_float_digits = -15",
    "SET intervalstyle = 'sql_standard'",
    "SET statement_timeout = '20ms'",
    "SET lock_timeout = '1ms'",
)


def leave_behind(url):
    """What another client does to every session of the pool."""
    many = [psycopg.connect(url, prepare_threshold=None) for _ in range(3)]
    for conn in many:
        conn.execute("SELECT 1")  # a transaction each, so that each has a session of its own
    for conn in many:
        for statement in LEFT_BEHIND:
            conn.execute(statement)
    for conn in many:
        conn.commit()
        conn.close()


def test_rows_are_written_and_read_whatever_others_left_in_the_sessions(pooled_url, make_deal, make_product):
    leave_behind(pooled_url)
    now = datetime(2025, 9, 30, 12, 30, 15, tzinfo=UTC)
    with closing(connect(pooled_url, application_name="test", autocommit=True)) as conn:
        for at in range(8):  # more often than a statement is sent before it would be prepared
            with conn.transaction():
                deals.write(conn, 1, [make_deal(last_update=7_733_828 + at)], seen_at=now)
                products.write(conn, 1, [make_product(last_update=7_800_000 + at)], fetched_at=now, has_history=True)
        with conn.transaction():
            (seen,) = conn.execute("SELECT last_seen_at FROM deal_sightings").fetchone()
            (name,) = conn.execute("SELECT 'a\\b', '\\x00ff'::bytea, 0.1::float8 + 0.2").fetchall()
    assert seen == now
    assert name == ("a\\b", b"\x00\xff", 0.1 + 0.2)


def test_nothing_is_prepared_behind_a_pooler_and_all_is_without_one(pooled_url, database_url):
    with closing(connect(pooled_url, application_name="test")) as through:
        assert through.prepare_threshold is None
    with closing(connect(database_url, application_name="test")) as straight:
        assert straight.prepare_threshold == 5


def test_the_schema_is_made_through_a_pooler(pooler, empty_database_url):
    with closing(connect(pooler.url(empty_database_url), application_name="test", autocommit=True)) as conn:
        assert migrate.apply_migrations(conn)
        assert migrate.apply_migrations(conn) == []


def test_a_pool_of_statements_is_yours_to_mend(make_pooler, database_url):
    with pytest.raises(ConfigError, match="statement pooling mode"):
        connect(make_pooler(pool_mode="statement").url(database_url), application_name="test")


def test_a_pool_that_is_full_passes(make_pooler, database_url):
    url = make_pooler(max_client_conn=1).url(database_url)
    with closing(connect(url, application_name="test")), pytest.raises(DatabaseTransient):
        connect(url, application_name="test")


def test_a_parameter_that_a_pooler_does_not_know_is_yours_to_mend(pooled_url):
    with pytest.raises(ConfigError, match="add it to ignore_startup_parameters"):
        connect(f"{pooled_url}&options=-cwork_mem%3D8MB", application_name="test")
