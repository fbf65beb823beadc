"""Histories as byte planes, in a real database: the views show what was received, of rows in the old form too."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tasks.store import migrate
from tasks.store.connection import connect
from tasks.store.products import products
from tests.property.test_store_byte_planes_any import HIGH, LOW, histories

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BEFORE = 20  # the number of the file that brought the byte planes
READER = "reader_of_series"
WITHOUT, WITH = 1, 7  # price types without shipping, and with it


def flat(minutes, columns):
    return [value for group in zip(minutes, *columns, strict=True) for value in group]


def store(conn, product):
    with conn.transaction():
        return products.write(conn, 1, [product], fetched_at=NOON, has_history=True)


def shown(conn, price_type):
    return conn.execute(
        "SELECT minutes, prices, shipping, first_minute, last_minute, points, lowest FROM price_series"
        " WHERE price_type = %s",
        (price_type,),
    ).fetchone()


def a_csv(price_type, history):
    return [None] * price_type + [flat(*history)]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plain=histories(st.just(1)), shipped=histories(st.just(2)))
@example(plain=([LOW, HIGH], [[HIGH, LOW]]), shipped=([5], [[-1], [HIGH]]))
def test_the_views_show_any_history_as_it_was_received(conn, make_product, plain, shipped):
    csv = [None] * 8
    csv[WITHOUT], csv[WITH] = flat(*plain), flat(*shipped)
    with conn.transaction(force_rollback=True):
        assert store(conn, make_product(csv=csv)).series == 2
        for price_type, (minutes, columns) in ((WITHOUT, plain), (WITH, shipped)):
            values, costs = columns if len(columns) > 1 else (*columns, None)
            lowest = min((value for value in values if value >= 0), default=-1)
            assert shown(conn, price_type) == (minutes, values, costs, minutes[0], minutes[-1], len(minutes), lowest)
            read = conn.execute(
                "SELECT (extract(epoch FROM at) / 60 - 21564000)::int, value, shipping_value FROM price_history"
                " WHERE price_type_id = %s ORDER BY at",
                (price_type,),
            ).fetchall()
            money = [
                [None if one is None or one < 0 else one for one in column]
                for column in (values, costs or [None] * len(minutes))
            ]
            assert read == list(zip(minutes, *money, strict=True))


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(whole=histories(st.just(2)), late=histories(st.just(2)))
def test_a_late_part_is_put_behind_any_history(conn, make_product, whole, late):
    with conn.transaction(force_rollback=True):
        store(conn, make_product(last_update=20, csv=a_csv(WITH, whole)))
        store(conn, make_product(last_update=21, csv=a_csv(WITH, late)))
        (first, *_), begin = late[0], whole[0][0]
        kept = [at for at, minute in enumerate(whole[0]) if begin < first and minute < first]
        expected = [
            [column[at] for at in kept] + added
            for column, added in zip((whole[0], *whole[1]), (late[0], *late[1]), strict=True)
        ]
        assert list(shown(conn, WITH)[:3]) == expected


@pytest.fixture
def old(empty_database_url):
    """A database of an older build with two histories in it."""
    with connect(empty_database_url, application_name="test", autocommit=True) as conn:
        migrate.apply_migrations(conn, [one for one in migrate.bundled_migrations() if one.number < BEFORE])
        conn.execute(
            "INSERT INTO price_series (domain, asin, price_type, first_minute, last_minute, points, fingerprint,"
            " minutes, prices, shipping) VALUES"
            " (1, 'B000000001', 1, 5, 90000, 3, 7, '{5,6,90000}', '{10,-1,12}', NULL),"
            " (1, 'B000000001', 7, 5, 6, 2, 8, '{5,6}', '{10,-1}', '{3,-1}')"
        )
        yield conn


def test_rows_of_an_older_build_read_as_before_and_so_do_the_views_and_readers_of_others(old, make_product):
    view = "CREATE VIEW mine WITH (security_barrier) AS SELECT asin, points, minutes FROM price_series"
    old.execute(f"{view} WHERE price_type = 1")
    old.execute(f"DROP ROLE IF EXISTS {READER}; CREATE ROLE {READER}; GRANT SELECT ON price_series TO {READER}")
    wanted = (
        "SELECT asin, points, fingerprint, minutes, prices, shipping FROM price_series ORDER BY price_type",
        "SELECT * FROM price_history ORDER BY price_type_id, at",
        "TABLE mine",
    )
    before = [old.execute(one).fetchall() for one in wanted]
    migrate.apply_migrations(old)
    assert [old.execute(one).fetchall() for one in wanted] == before
    options = old.execute("SELECT reloptions FROM pg_class WHERE relname = 'mine'").fetchone()
    assert options == (["security_barrier=true"],)
    assert old.execute("SELECT lowest FROM price_series").fetchall() == [(10,), (10,)]
    store(old, make_product(csv=[None, [5, 10, 7, 11]], last_update=9))
    assert old.execute("SELECT minutes FROM mine").fetchall() == [([5, 7],)]
    with old.transaction(force_rollback=True):
        old.execute(f"SET LOCAL ROLE {READER}")
        assert old.execute("SELECT prices FROM price_series WHERE price_type = 7").fetchall() == [([10, -1],)]
    old.execute(f"DROP OWNED BY {READER}; DROP ROLE {READER}")
