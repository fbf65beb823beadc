"""Tables that are written anew all the time are vacuumed early, unless their owner chose otherwise."""

from tasks.store import migrate
from tasks.store.connection import connect

OPTIONS = """
SELECT regexp_replace(t.relname, '_p000$', ''), coalesce(t.reloptions, '{}') || coalesce(toast.reloptions, '{}')
FROM pg_class AS t LEFT JOIN pg_class AS toast ON toast.oid = t.reltoastrelid
WHERE t.relnamespace = 'public'::regnamespace AND t.relkind = 'r'
    AND regexp_replace(t.relname, '_p000$', '') = ANY(%s)
"""
EARLY = "autovacuum_vacuum_scale_factor=0.05"
WIDE = ["products", "price_series_rows", "offers", "deal_rows"]
NARROW = ["deal_sightings", "fetch_queue"]


def test_a_twentieth_is_enough_of_a_table_and_of_its_long_values(conn):
    found = dict(conn.execute(OPTIONS, (WIDE + NARROW,)).fetchall())
    assert {name for name, options in found.items() if options.count(EARLY) == 2} >= set(WIDE)
    assert all(EARLY in options for options in found.values())
    assert len(found) == 6


def test_what_the_owner_set_stays(empty_database_url):
    files = migrate.bundled_migrations()
    (before,) = (number for number, file in enumerate(files) if file.name.endswith("_vacuum_early.sql"))
    with connect(empty_database_url, application_name="test", autocommit=True) as conn:
        migrate.apply_migrations(conn, files[:before])
        conn.execute("ALTER TABLE products SET (autovacuum_vacuum_scale_factor = 0.01)")
        conn.execute("ALTER TABLE offers SET (toast.autovacuum_vacuum_scale_factor = 0.3)")
        migrate.apply_migrations(conn, files[: before + 1])
        found = dict(conn.execute(OPTIONS, (WIDE,)).fetchall())
    assert found["products"] == ["autovacuum_vacuum_scale_factor=0.01", EARLY]
    assert found["offers"] == [EARLY, "autovacuum_vacuum_scale_factor=0.3"]
    assert found["price_series_rows"] == [EARLY, EARLY]
