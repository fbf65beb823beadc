"""Schema: applied once, by one at a time, and checked before any work."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import conninfo

from ledger import NS_PER_S, ManualClock
from supervisor.database import backend
from tasks.errors import ConfigError, WrongSchema
from tasks.secret import Secret
from tasks.store import migrate
from tasks.store.connection import connect
from tasks.store.ledger_row import hosts
from tasks.store.ledger_row.hosts import Newcomer
from tasks.store.ledger_row.statements import TTL_S
from tasks.store.migrate import Migration
from tests.fakes.program.cli_program import Program

ONE = Migration(number=1, name="0001_one.sql", sql=b"CREATE TABLE one (a int)")
TWO = Migration(number=2, name="0002_two.sql", sql=b"CREATE TABLE two (a int); INSERT INTO two VALUES (2)")
ALONE = Migration(number=9_000, name="9000_drop.alone.sql", sql=b"DROP TABLE one")
# What databases of people were made with, and how its checksum begins. A change is a new file, never an edit of these.
APPLIED = {
    "0001_reference.sql": "d07d2cff1eca4480",
    "0002_deals.sql": "9fa98c77060d8b82",
    "0003_products.sql": "06b421edec2c2b78",
    "0004_work.sql": "9b8b58be42826643",
    "0005_crawl_categories.sql": "95965dcfe370e1c5",
    "0006_parts_and_askers.sql": "31fa9e988129128f",
    "0007_what_people_ask.sql": "0e97adc02f6c830a",
    "0008_offers.sql": "ef74be8e10b045e9",
    "0009_one_price.sql": "6eafddea9e78db56",
    "0010_turns.sql": "b7edc9f464d664ba",
    "0011_unreadable_pages.sql": "39701012f59aa52f",
    "0012_calls_that_fail.sql": "4915c0da5fff699c",
    "0013_who_asked.sql": "c3b5b1246b3c9b62",
    "0014_brakes.sql": "37430ad117cff04d",
    "0015_each_call_once.sql": "4a27cf50861c1a52",
    "0016_queue_by_asker.sql": "9c2428a364fda73a",
    "0017_pages_that_repeat.sql": "006ab6ff11c04560",
    "0018_every_field.sql": "5bd5f76586c0e36a",
    "0019_background_duties.sql": "f336c62df18f327c",
    "0020_histories_in_bytes.sql": "ac7aa6e723240ac2",
    "0021_what_is_old.sql": "ead7d70adefebd73",
    "0022_calls_by_month.sql": "f46e07350f8d579b",
    "0023_queue_counts.sql": "22b09eb419115b4e",
    "0024_sales_ranks_in_bytes.sql": "8479efd92174949a",
    "0025_deals_at_a_glance.sql": "31ad9fbcdb14670e",
    "0026_vacuum_early.sql": "96319f682edf8645",
    "0027_queue_in_order.sql": "9c905bb80e889186",
    "0028_rights_on_new_tables.sql": "e998355c5c8f4b50",
    "0029_selections_keep_their_names.sql": "0f5f5797b16fbddb",
    "0030_rights_on_columns.sql": "4eab1e983d48431b",
    "0031_videos_are_asked_for.sql": "52816214ef23a2b7",
    "0032_ledger_in_a_row.sql": "f3bc3cdfac6cb306",
    "0033_hosts.sql": "1f3c0a9d0cc24a17",
    "0034_rights_on_the_ledger.sql": "325cd74b1a658504",
    "0037_leases_are_not_unique_by_index.sql": "e92a515b1cb9e844",
    "0042_resale.sql": "5c9472227e91df8f",
    "0043_who_has_the_buy_box.sql": "04d04873b59a5470",
    "0044_watch_lists.sql": "b3d4620f6bee8658",
    "0045_refused_sources.sql": "3a61e2853ba9b2ff",
    "0052_what_hosts_do.sql": "e00ff3d0508375b8",
    "0053_what_plans_earn.sql": "912a86e65159cf9d",
    "0054_who_paid.sql": "92dce329d5844d21",
    "0057_hosts_say_what_they_read.sql": "da4ff14d412ce665",
    "0059_messages.sql": "552834f3ff6615a0",
    "0065_title_search.sql": "98e7deaf0aa12e58",
    "0060_dead_hosts_are_noted.sql": "e6fdecbb2d7c651d",
    "0064_calls_of_a_key.sql": "f35f085e2d327b87",
    "0070_followed_products.sql": "3c9d419bbdd27db4",
    "0076_products_by_brand.sql": "86200d7f6f6f7141",
    "0077_what_discounts_are_against.sql": "682e3d26aab816b7",
    "0079_names_of_sources.sql": "96ac20afa3bbf627",
}
BROKEN = Migration(number=2, name="0002_broken.sql", sql=b"CREATE TABLE half (a int); SELECT 1 / 0")


@pytest.fixture
def empty(empty_database_url):
    with connect(empty_database_url, application_name="test", autocommit=True) as connection:
        yield connection


def test_each_file_is_applied_once_in_order(empty):
    assert migrate.apply_migrations(empty, [ONE]) == ["0001_one.sql"]
    assert migrate.apply_migrations(empty, [ONE, TWO]) == ["0002_two.sql"]
    assert migrate.apply_migrations(empty, [ONE, TWO]) == []
    assert empty.execute("SELECT a FROM two").fetchall() == [(2,)]
    migrate.check(empty, [ONE, TWO])


def test_a_file_that_fails_leaves_nothing_and_the_earlier_ones_stay(empty):
    with pytest.raises(Exception, match="division by zero"):
        migrate.apply_migrations(empty, [ONE, BROKEN])
    assert empty.execute("SELECT to_regclass('half'), to_regclass('one')").fetchone() == (None, "one")
    assert migrate.apply_migrations(empty, [ONE, TWO]) == ["0002_two.sql"]


def test_an_empty_database_is_older_than_the_build(empty):
    with pytest.raises(WrongSchema, match=r"older than this build, missing 0001_.*: `sluicegate run`"):
        migrate.check(empty)


def test_an_older_build_goes_on_beside_a_file_that_only_adds(empty):
    migrate.apply_migrations(empty, [ONE, TWO])
    assert migrate.apply_migrations(empty, [ONE]) == []
    migrate.check(empty, [ONE])


def test_a_build_that_does_not_know_what_nobody_older_can_bear_refuses_the_database(empty):
    migrate.apply_migrations(empty, [ONE, ALONE])
    for attempt in (migrate.check, migrate.apply_migrations):
        with pytest.raises(WrongSchema, match=r"newer than this build: it has 9000_drop\.alone\.sql"):
            attempt(empty, [ONE])


@pytest.mark.parametrize("leaves", [True, False])
@pytest.mark.parametrize("known", [None, 1, 9_000])
def test_what_an_older_host_cannot_bear_waits_until_it_beats_no_more(conn, known, leaves):
    later = Migration(number=9_001, name="9001_later.sql", sql=b"CREATE TABLE later (a int)")
    build = [*migrate.bundled_migrations(), ALONE, later]
    conn.execute("CREATE TABLE one (a int)")
    host = hosts.join(conn, Newcomer(id="older", name="older", version="1"))
    conn.execute("UPDATE hosts SET migration = %s, beat_at = beat_at - interval '1 day'", (known,))
    waits, clock = known != 9_000, ManualClock()

    def apply(*, beats=True):
        """The clock of the database is set each time the older host beats."""

        def pause(seconds):
            clock.advance_s(seconds)
            if beats and clock.now_ns() % (5 * NS_PER_S) == 0:
                conn.execute("UPDATE hosts SET beat_at = beat_at - interval '1 hour'")

        return migrate.apply_migrations(conn, build, clock=clock, pause=pause)

    assert apply() == [*([] if waits else [ALONE.name]), later.name]
    migrate.check(conn, build)  # and the build works without it
    assert apply() == []
    if leaves:
        hosts.leave(conn, host)
    assert apply(beats=False) == ([ALONE.name] if waits else [])
    assert clock.now_ns() / NS_PER_S <= 2 * 5 + TTL_S + 1
    assert [one.state for one in hosts.hosts(conn)] == ["left" if leaves else "silent" if waits else "alive"]
    assert conn.execute("SELECT to_regclass('one')").fetchone() == (None,)


def test_a_file_changed_after_it_was_applied_is_refused(empty):
    migrate.apply_migrations(empty, [ONE])
    changed = Migration(number=1, name=ONE.name, sql=ONE.sql + b" ")
    for attempt in (migrate.check, migrate.apply_migrations):
        with pytest.raises(WrongSchema, match=r"0001_one\.sql was applied .* in another form"):
            attempt(empty, [changed])


def test_two_who_migrate_at_once_apply_each_file_once(empty_database_url):
    def run(_):
        with connect(empty_database_url, application_name="test", autocommit=True) as connection:
            return migrate.apply_migrations(connection)

    with ThreadPoolExecutor(4) as pool:
        applied = [name for names in pool.map(run, range(4)) for name in names]
    assert sorted(applied) == [migration.name for migration in migrate.bundled_migrations()]


def test_every_table_view_and_column_says_what_it_is(conn):
    undocumented = conn.execute(
        """SELECT c.relname, a.attname
        FROM pg_class AS c LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND c.relname !~ '_p[0-9]{3}$'
          AND (obj_description(c.oid, 'pg_class') IS NULL OR col_description(c.oid, a.attnum) IS NULL)"""
    ).fetchall()
    assert undocumented == []


def test_no_file_is_changed_after_somebody_may_have_applied_it():
    assert {migration.name: migration.checksum[:16] for migration in migrate.bundled_migrations()} == APPLIED, (
        "a new one stands there"
    )


def test_a_file_changed_after_it_was_applied_is_told_by_doctor(database_url, tmp_path):
    with connect(database_url, application_name="test", autocommit=True) as conn:
        conn.execute("UPDATE schema_migrations SET checksum = repeat('0', 64) WHERE number = 3")
    told = Program(tmp_path).command("doctor", DATABASE_URL=database_url)
    assert told.returncode == 1
    assert "0003_products.sql was applied to the database in another form" in told.stdout


@pytest.fixture
def poor(empty_database_url):
    """The URL of an empty database for a user who may log in and no more; and the way to grant more."""
    told = conninfo.conninfo_to_dict(empty_database_url)
    with psycopg.connect(empty_database_url, autocommit=True) as admin:
        admin.execute("CREATE ROLE poor LOGIN")
        yield empty_database_url.replace(f"//{told['user']}@", "//poor@"), admin
        admin.execute("DROP OWNED BY poor CASCADE; DROP ROLE poor")


def test_what_doctor_says_to_grant_is_enough_whatever_the_names(poor):
    url, admin = poor
    admin.execute('CREATE SCHEMA "their own"; ALTER ROLE poor SET search_path = "their own"')
    admin.execute('GRANT USAGE ON SCHEMA "their own" TO poor')
    admin.execute(
        "DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $$"
    )
    seen = backend.inspect_database(Secret(url))
    assert set(seen.grants) == {"TEMPORARY on the database", 'CREATE on the schema "their own"'}
    for grant in seen.grants.values():
        admin.execute(grant)
    assert backend.inspect_database(Secret(url)).grants == {}


def test_a_user_without_the_right_to_make_tables_is_told_what_to_grant_and_that_is_enough(poor):
    url, admin = poor
    with connect(url, application_name="test", autocommit=True) as conn:
        with pytest.raises(ConfigError, match="GRANT CREATE ON SCHEMA public TO poor") as told:
            migrate.apply_migrations(conn)
        admin.execute(str(told.value).partition("grant it (")[2].rstrip(")"))
        assert migrate.apply_migrations(conn)
        admin.execute("REVOKE CREATE ON SCHEMA public FROM poor")
        assert migrate.apply_migrations(conn) == [], "with nothing to apply nothing is needed"


def test_a_user_whose_tables_are_another_ones_is_told_whose_they_have_to_be_and_that_is_enough(poor):
    """An upgrade changes tables, which only their owner may, whatever rights are granted."""
    url, admin = poor
    with connect(admin.info.dsn, application_name="test", autocommit=True) as owner:
        migrate.apply_migrations(owner, [one for one in migrate.bundled_migrations() if one.number < 9])
    admin.execute("GRANT CREATE ON SCHEMA public TO poor; GRANT ALL ON ALL TABLES IN SCHEMA public TO poor")
    told = "the database user poor does not own calls, .*crawls, .*, price_history.*ALTER TABLE calls OWNER TO poor"
    with pytest.raises(ConfigError, match=told):
        backend.migrate(Secret(url))
    grants = backend.inspect_database(Secret(url)).grants
    assert grants["ownership of price_history"] == "ALTER TABLE price_history OWNER TO poor"
    for grant in grants.values():
        admin.execute(grant)
    assert len(backend.migrate(Secret(url))) == len(migrate.bundled_migrations()) - 8
    assert backend.inspect_database(Secret(url)).grants == {}


def test_a_user_without_a_schema_is_told_so(poor):
    url, admin = poor
    admin.execute("ALTER ROLE poor SET search_path = nowhere")
    with (
        connect(url, application_name="test", autocommit=True) as conn,
        pytest.raises(ConfigError, match="search_path"),
    ):
        migrate.apply_migrations(conn)


def test_the_start_tells_which_files_it_applies(empty_database_url, tmp_path):
    program = Program(tmp_path, DATABASE_URL=empty_database_url).start("--synthetic-into-database")
    try:
        program.until_working()
    finally:
        program.kill()
    (told,) = program.records("migrated")
    assert told["applied"] == [migration.name for migration in migrate.bundled_migrations()]


def test_numbers_of_the_files_are_unique_and_in_their_order():
    numbers = [migration.number for migration in migrate.bundled_migrations()]
    assert numbers == sorted(set(numbers))


def test_what_a_file_makes_and_is_there_already_is_told_and_not_waited_for(empty_database_url):
    """As after a back-up of an older build was restored over a newer schema, or beside a table of somebody else's."""
    with connect(empty_database_url, application_name="test", autocommit=True) as conn:
        migrate.apply_migrations(conn, [one for one in migrate.bundled_migrations() if one.number < 10])
        conn.execute("CREATE TABLE turns (mine text)")
    with pytest.raises(WrongSchema) as caught:
        backend.migrate(Secret(empty_database_url))
    assert '0010_turns.sql, of which nothing was kept: relation "turns" already exists' in str(caught.value)
    assert "drop or rename it" in str(caught.value)
