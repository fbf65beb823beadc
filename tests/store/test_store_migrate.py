"""Schema: applied once, by one at a time, and checked before any work."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks.errors import WrongSchema
from tasks.store import migrate
from tasks.store.connection import connect
from tasks.store.migrate import Migration

ONE = Migration(number=1, name="0001_one.sql", sql=b"CREATE TABLE one (a int)")
TWO = Migration(number=2, name="0002_two.sql", sql=b"CREATE TABLE two (a int); INSERT INTO two VALUES (2)")
BROKEN = Migration(number=2, name="0002_broken.sql", sql=b"CREATE TABLE half (a int); SELECT 1 / 0")


@pytest.fixture
def empty(empty_database_url):
    with connect(empty_database_url, application_name="test", autocommit=True) as connection:
        yield connection


def test_each_file_is_applied_once_in_order(empty):
    assert migrate.migrate(empty, [ONE]) == ["0001_one.sql"]
    assert migrate.migrate(empty, [ONE, TWO]) == ["0002_two.sql"]
    assert migrate.migrate(empty, [ONE, TWO]) == []
    assert empty.execute("SELECT a FROM two").fetchall() == [(2,)]
    migrate.check(empty, [ONE, TWO])


def test_a_file_that_fails_leaves_nothing_and_the_earlier_ones_stay(empty):
    with pytest.raises(Exception, match="division by zero"):
        migrate.migrate(empty, [ONE, BROKEN])
    assert empty.execute("SELECT to_regclass('half'), to_regclass('one')").fetchone() == (None, "one")
    assert migrate.migrate(empty, [ONE, TWO]) == ["0002_two.sql"]


def test_an_empty_database_is_older_than_the_build(empty):
    with pytest.raises(WrongSchema, match=r"older than this build, missing 0001_.*: `sluicegate run`"):
        migrate.check(empty)


def test_a_database_with_an_unknown_file_is_newer_than_the_build(empty):
    migrate.migrate(empty, [ONE, TWO])
    for attempt in (migrate.check, migrate.migrate):
        with pytest.raises(WrongSchema, match=r"newer than this build: it has 0002_two\.sql"):
            attempt(empty, [ONE])


def test_a_file_changed_after_it_was_applied_is_refused(empty):
    migrate.migrate(empty, [ONE])
    changed = Migration(number=1, name=ONE.name, sql=ONE.sql + b" ")
    for attempt in (migrate.check, migrate.migrate):
        with pytest.raises(WrongSchema, match=r"0001_one\.sql was applied .* in another form"):
            attempt(empty, [changed])


def test_two_who_migrate_at_once_apply_each_file_once(empty_database_url):
    def run(_):
        with connect(empty_database_url, application_name="test", autocommit=True) as connection:
            return migrate.migrate(connection)

    with ThreadPoolExecutor(4) as pool:
        applied = [name for names in pool.map(run, range(4)) for name in names]
    assert sorted(applied) == [migration.name for migration in migrate.known()]


def test_every_table_view_and_column_says_what_it_is(conn):
    undocumented = conn.execute(
        """SELECT c.relname, a.attname
        FROM pg_class AS c LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v')
          AND (obj_description(c.oid, 'pg_class') IS NULL OR col_description(c.oid, a.attnum) IS NULL)"""
    ).fetchall()
    assert undocumented == []


def test_numbers_of_the_files_are_unique_and_without_holes():
    assert [migration.number for migration in migrate.known()] == list(range(1, len(migrate.known()) + 1))
