"""The table of calls of an older build becomes one of months: nothing of it is lost, and who reads it goes on."""

from datetime import UTC, datetime, timedelta

import pytest
from psycopg.errors import InsufficientPrivilege

from tasks.errors import ConfigError
from tasks.store import migrate
from tasks.store.calls import calls, months, sums
from tasks.store.connection import connect
from tests.fixtures.calls import a_call

NAME = "calls_by_month.sql"
FILL = """
INSERT INTO calls (key, at, tier, endpoint, shape, items, estimate, cost, balance, status, duration_s, waited_s, worker,
    rows)
SELECT CASE WHEN n % 3 > 0 THEN gen_random_uuid() END, now() - n * interval '1 hour', 'tier' || n % 2, '/deal', 'deal',
    1, 5, nullif(n, 7), 100, CASE WHEN n % 5 = 0 THEN 429 ELSE 200 END, 0.5, 0.25, 'upsert-' || n % 3, n
FROM generate_series(1, 99) AS n
"""
NOW = datetime.now(UTC)


@pytest.fixture
def old(empty_database_url):
    """A connection to a database of the build before, with a hundred calls."""
    with connect(empty_database_url, application_name="test", autocommit=True) as connection:
        files = migrate.bundled_migrations()
        number = next(one.number for one in files if one.name.endswith(NAME))
        migrate.apply_migrations(connection, [one for one in files if one.number < number])
        connection.execute(FILL)
        yield connection


def test_all_calls_stay_and_are_summed(old):
    before = old.execute("SELECT * FROM calls ORDER BY id").fetchall()
    ((file,),) = old.execute("SELECT pg_relation_filepath('calls')").fetchall()
    migrate.apply_migrations(old)
    assert old.execute("SELECT * FROM calls ORDER BY id").fetchall() == [
        (*call, "", "") for call in before
    ]  # no names yet
    (part,) = months.parts(old)
    moved = old.execute("SELECT pg_relation_filepath(%s)", (part.name,)).fetchone()
    assert moved == (file,), "neither copied nor rewritten"
    found = sums.sums(old, since=timedelta(days=30), by="tier")
    assert sum(one.calls for one in found) == 99
    assert [(one.tokens, one.unknown, one.unknown_tokens, one.refused, one.rows, one.waited_s) for one in found] == [
        (sum(range(1, 100, 2)) - 7, 1, 5, 10, sum(range(1, 100, 2)), 12.5),
        (sum(range(2, 100, 2)), 0, 0, 9, sum(range(2, 100, 2)), 12.25),
    ]
    flow = sums.flow(old, since=timedelta(days=30))
    assert flow.charged == sum(range(1, 99)) - 7


def test_numbers_go_on_and_a_call_of_before_is_known_again(old):
    old.execute("UPDATE calls SET at = %s, key = %s WHERE id = 50", (NOW, calls._key(a_call(at=NOW))))
    migrate.apply_migrations(old)
    calls.record(old, a_call(at=NOW))
    calls.record(old, a_call(at=NOW, worker="upsert-1"))
    assert old.execute("SELECT count(*), max(id) > 99 FROM calls").fetchone() == (100, True)


def test_calls_from_the_future_have_their_own_place(old):
    """As of a clock that was set ahead: they would hold the first month back for ever."""
    old.execute("UPDATE calls SET at = '2091-05-06' WHERE id = 7")
    migrate.apply_migrations(old)
    assert old.execute("SELECT id FROM calls_other").fetchall() == [(7,)]
    assert old.execute("SELECT count(*) FROM calls").fetchone() == (99,)


def test_who_may_read_may_go_on_and_views_show_new_calls(old):
    old.execute("CREATE ROLE reader; GRANT SELECT ON calls TO PUBLIC")
    old.execute("GRANT INSERT ON calls TO reader WITH GRANT OPTION")
    old.execute("CREATE VIEW mine WITH (security_barrier) AS SELECT at, cost * 2 AS twice FROM calls WHERE cost > 0")
    old.execute("CREATE VIEW of_mine AS SELECT max(twice) AS most FROM mine")
    rights = "SELECT array_agg(right_ ORDER BY right_) FROM (SELECT (aclexplode(relacl))::text AS right_ FROM pg_class"
    rights += " WHERE oid = 'calls'::regclass) AS r"
    before = old.execute(rights).fetchone()
    try:
        migrate.apply_migrations(old)
        assert old.execute(rights).fetchone() == before
        calls.record(old, a_call(at=NOW, cost=5_000))
        assert old.execute("SELECT most FROM of_mine").fetchone() == (10_000,)
        assert old.execute("SELECT reloptions FROM pg_class WHERE relname = 'mine'").fetchone() == (
            ["security_barrier=true"],
        )
    finally:
        old.execute("DROP OWNED BY reader; DROP ROLE reader")


def test_what_would_go_on_reading_the_old_table_has_to_be_dropped_first(old):
    old.execute("CREATE MATERIALIZED VIEW mine AS SELECT sum(cost) FROM calls")
    with pytest.raises(ConfigError, match=r"mine of \w+ reads the table calls, .*drop it, and make it again") as told:
        migrate.apply_migrations(old)
    assert isinstance(told.value.__cause__, InsufficientPrivilege)
    old.execute("DROP MATERIALIZED VIEW mine")
    assert migrate.apply_migrations(old)


def test_the_owner_stays_who_it_was(old):
    old.execute("CREATE ROLE theirs; GRANT CREATE ON SCHEMA public TO theirs; ALTER TABLE calls OWNER TO theirs")
    try:
        migrate.apply_migrations(old)
        owners = (
            "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relname ~ '^calls' AND relkind IN ('r', 'p')"
        )
        assert old.execute(owners).fetchall() == [("theirs",)]
    finally:
        old.execute("DROP OWNED BY theirs CASCADE; DROP ROLE theirs")
