"""The large tables go into partitions while everything is used, and nothing that was there is different afterwards."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from ledger import SystemClock
from supervisor.cli.run_command import run_command
from tasks.errors import ConfigError, StoreError
from tasks.store.connection import connect
from tasks.store.partitions import layout, mirror, move, tables
from tasks.store.partitions.move import Move
from tests.fakes.program.cli_program import Program
from tests.fakes.waiting import wait_until
from tests.fixtures.database.moving import ASINS, NOW, READ, fill, in_parts, rows
from tests.fixtures.database.postgres import PARTS

pytestmark = pytest.mark.skipif(PARTS > 0, reason="the tables of these tests are to be moved by them")


def catalogue(conn):
    """What of the schema a user or an administrator can tell, parts apart."""
    queries = (
        """SELECT relname, relacl::text, obj_description(oid, 'pg_class'), CASE WHEN relkind = 'v' THEN reloptions END
        FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname !~ '_p[0-9]{3}'""",
        """SELECT attrelid::regclass::text, attname, atttypid, attnotnull, attstorage, attcompression,
            nullif(attstattarget, -1), attoptions, attacl::text, col_description(attrelid, attnum),
            pg_get_expr(d.adbin, d.adrelid)
        FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid LEFT JOIN pg_attrdef AS d
            ON d.adrelid = attrelid AND d.adnum = attnum
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v') AND attnum > 0 AND NOT attisdropped
            AND relname !~ '_p[0-9]{3}'""",
        """SELECT c.relname, o.conname, replace(pg_get_constraintdef(o.oid), ' NOT VALID', '') FROM pg_constraint AS o
        JOIN pg_class AS c ON c.oid = o.conrelid WHERE o.contype <> 'n' AND c.relname !~ '_p[0-9]{3}'
            AND c.relnamespace = 'public'::regnamespace""",
        """SELECT c.relname, replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ') FROM pg_index AS i
        JOIN pg_class AS c ON c.oid = i.indexrelid WHERE c.relname !~ '_p[0-9]{3}'
            AND c.relnamespace = 'public'::regnamespace""",
        """SELECT oid::regprocedure::text, prosrc, pg_get_function_sqlbody(oid), proacl::text, provolatile, prorows,
            obj_description(oid, 'pg_proc')
        FROM pg_proc WHERE pronamespace = 'public'::regnamespace""",
        """SELECT v.relname, pg_get_viewdef(v.oid) FROM pg_class AS v
        WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace""",
    )
    return [sorted(map(str, conn.execute(query).fetchall())) for query in queries]


THEIRS = """
CREATE ROLE reader;
GRANT SELECT ON products, price_history, deals TO reader WITH GRANT OPTION;
GRANT SELECT (asin, title), UPDATE (title) ON deal_rows TO reader;
REVOKE EXECUTE ON FUNCTION sales_ranks(products) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sales_ranks(products) TO reader;
CREATE VIEW of_ours WITH (security_invoker = true) AS
    SELECT p.*, p.sales_ranks AS ranks, r.creation_date, o.place FROM products AS p
    LEFT JOIN deal_rows AS r USING (domain, asin) LEFT JOIN offers AS o USING (domain, asin);
CREATE VIEW on_a_view AS SELECT asin, count(*) FROM price_history GROUP BY asin;
COMMENT ON VIEW of_ours IS 'Theirs.'; GRANT SELECT ON of_ours TO reader;
CREATE INDEX by_brand ON products (lower(brand)) WHERE is_found;
CREATE UNIQUE INDEX one_title ON deal_rows (asin, domain, title);
CREATE STATISTICS together ON domain, brand FROM products;
ALTER TABLE products ALTER brand SET STATISTICS 500, ALTER title SET (n_distinct = -0.5), ALTER title SET STORAGE MAIN;
ALTER TABLE products SET (fillfactor = 80, toast.autovacuum_vacuum_cost_delay = 3);
"""


def test_everything_that_can_be_told_is_the_same_afterwards(filled):
    filled.execute(THEIRS)
    try:
        before, schema = rows(filled, (*READ, "of_ours", "on_a_view")), catalogue(filled)
        seen = []
        assert in_parts(filled, on_step=seen.append)
        assert rows(filled, (*READ, "of_ours", "on_a_view")) == before
        assert catalogue(filled) == schema
        assert {"copy", "compare", "swap"} == {one.phase for one in seen}
        parts = filled.execute(
            """SELECT count(*), min(array_to_string(c.reloptions, ',')), min(array_to_string(t.reloptions, ','))
            FROM pg_partition_tree('products') AS p JOIN pg_class AS c ON c.oid = p.relid
            JOIN pg_class AS t ON t.oid = c.reltoastrelid WHERE p.isleaf"""
        ).fetchone()
        assert parts[0] == 3
        assert set(parts[1].split(",")) == {"autovacuum_vacuum_scale_factor=0.05", "fillfactor=80"}
        assert "autovacuum_vacuum_cost_delay=3" in parts[2]
        assert not in_parts(filled), "there was nothing left to do"
    finally:
        filled.execute("DROP OWNED BY reader CASCADE; DROP ROLE reader")


OBSTACLES = {
    "the trigger touched of products": "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql"
    " AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER touched AFTER UPDATE ON products FOR EACH ROW EXECUTE FUNCTION f()",
    "the foreign key theirs_domain_asin_fkey of theirs": "CREATE TABLE theirs (domain smallint, asin text,"
    " FOREIGN KEY (domain, asin) REFERENCES products)",
    "the unique index one_image": "CREATE UNIQUE INDEX one_image ON deal_rows (image) WHERE image = 'x'",
    "the publication all_offers of offers": "CREATE PUBLICATION all_offers FOR TABLE offers",
    "the materialized view kept": "CREATE MATERIALIZED VIEW kept AS SELECT asin FROM deal_rows",
    "the view whole": "CREATE VIEW whole AS SELECT o AS offer FROM offers AS o",
    "the function one()": "CREATE FUNCTION one() RETURNS products LANGUAGE sql AS 'SELECT p FROM products AS p'",
    "depends on type products_whole": "CREATE TABLE kept (one products)",
    "the column number of products": "ALTER TABLE products ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY",
    "the column serial of offers": "ALTER TABLE offers ADD COLUMN serial bigserial",
    "row security of deal_sightings": "ALTER TABLE deal_sightings ENABLE ROW LEVEL SECURITY",
}


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_what_would_not_go_along_is_named_before_anything_is_copied(filled, obstacle):
    filled.execute(OBSTACLES[obstacle])
    before = catalogue(filled)
    with pytest.raises(ConfigError, match=re.escape(obstacle)):
        in_parts(filled)
    assert catalogue(filled) == before
    with filled.transaction():
        assert move.begun(filled) is None


def test_a_column_that_the_database_reckons_goes_along_and_stops_no_writer(filled):
    """Its name is a word of SQL, to be quoted everywhere."""
    filled.execute('ALTER TABLE products ADD COLUMN "select" text GENERATED ALWAYS AS (lower(title)) STORED')
    written = []

    def write(done):
        if done.phase in {"copy", "compare"} and done.table == "offers":
            written.append(filled.execute("UPDATE products SET title = title || 'X' RETURNING 1").rowcount > 0)

    assert in_parts(filled, on_step=write)
    assert written
    assert all(written)
    assert filled.execute('SELECT count(*) FROM products WHERE "select" <> lower(title)').fetchone() == (0,)


def test_the_rehearsal_writes_a_row_of_each_table(filled, monkeypatch):
    monkeypatch.setattr(
        layout, "written_columns", lambda conn, table: [name for name, *_ in layout.columns(conn, table)]
    )
    filled.execute("ALTER TABLE offers ADD COLUMN twice int GENERATED ALWAYS AS (place * 2) STORED")
    with pytest.raises(ConfigError, match=r'a row of offers cannot be written .*"twice"'):
        Move(filled, SystemClock()).rehearse()


def test_a_copy_that_differs_takes_the_place_of_nothing_and_can_be_taken_back(filled, database_url):
    with connect(database_url, application_name="somebody", autocommit=True) as somebody:

        def spoil(done):
            if done.phase == "compare" and done.table == "deal_rows":
                somebody.execute("DELETE FROM price_series_rows_in_parts WHERE asin = %s AND domain = 3", (ASINS[7],))

        before = rows(filled)
        with pytest.raises(StoreError, match="rows of price_series_rows differ from their copies"):
            in_parts(filled, on_step=spoil)
    assert Move(filled, SystemClock()).abandon()
    assert rows(filled) == before
    assert filled.execute(
        "SELECT count(*) FROM pg_trigger WHERE tgname = ANY(%s)", (list(mirror.TRIGGERS),)
    ).fetchone() == (0,)
    assert not Move(filled, SystemClock()).abandon(), "nothing was left to take back"
    assert in_parts(filled)
    assert rows(filled) == before


def test_rows_without_a_copy_in_the_end_are_found_too(filled, database_url):
    with connect(database_url, application_name="somebody", autocommit=True) as somebody:

        def spoil(done):
            if (done.phase, done.table) == ("compare", "deal_rows"):
                somebody.execute("INSERT INTO deal_sightings_in_parts VALUES (99, 'Z', now()) ON CONFLICT DO NOTHING")

        with pytest.raises(StoreError, match="1 rows of deal_sightings differ"):
            in_parts(filled, on_step=spoil)


@pytest.fixture
def ask(database_url, tmp_path, monkeypatch, capfd):
    """Runs `db` with some arguments in this process; what it prints, and on a failure what it says."""
    program = Program(tmp_path, DATABASE_URL=database_url)

    def run(*arguments, code=0):
        with monkeypatch.context() as environment:
            for name, value in program.environment().items():
                environment.setenv(name, value)
            try:
                ended = run_command(["db", *arguments])
            except SystemExit as error:
                ended = error.code
        done = capfd.readouterr()
        assert ended == code, done.err
        return done.out if code == 0 else done.err

    return run


@pytest.mark.usefixtures("filled")
def test_the_command_says_what_it_takes_does_it_once_and_the_others_go_on(ask):
    told = json.loads(ask("partition", "--dry-run", "--json", "--partitions", "5"))
    assert told["tables"].keys() == tables.KEYS.keys()
    assert told["needed_bytes"] == sum(one["bytes"] for one in told["tables"].values()) > 0
    assert (told["partitions"], told["under_way"], told["free_bytes"]) == (5, None, None)
    assert "Nothing hangs on the tables" in ask("partition", "--dry-run")
    assert ask("partition", "--abandon") == "nothing was begun\n"
    sizes = json.loads(ask("size", "--json"))["tables"]
    done = json.loads(ask("partition", "--json", "--partitions", "5"))
    assert done["rows"] == {name: sizes[name]["rows"] for name in tables.KEYS}
    assert (done["moved"], done["partitions"]) == (True, 5)
    assert ask("partition") == "the tables are in partitions already\n"
    after = json.loads(ask("size", "--json"))["tables"]
    assert {name: one["rows"] for name, one in after.items()} == {name: one["rows"] for name, one in sizes.items()}
    assert "from 2 to 256" in ask("partition", "--partitions", "1", code=2)


def _interrupt(_):
    raise InterruptedError


def test_a_command_that_is_killed_in_the_middle_goes_on_from_there(
    filled, database_url, tmp_path, make_deal, make_product
):
    """It waits for a row that somebody has locked, and is killed there; what is written meanwhile is kept."""
    program = Program(tmp_path, DATABASE_URL=database_url)
    command = [sys.executable, "-m", "supervisor", "db", "partition", "--partitions", "4"]

    def reached(phase, table):
        with filled.transaction():
            known = move.state.load(filled, "partition")
        return known.get("phase") == phase and known.get("table") == table

    with pytest.raises(InterruptedError):
        in_parts(filled, parts=4, on_step=_interrupt)
    with connect(database_url, application_name="somebody") as somebody:
        somebody.execute("SELECT FROM products WHERE domain = 8 AND asin = %s FOR UPDATE", (ASINS[-1],))
        killed = subprocess.Popen(command, cwd=program.cwd, env=program.environment(), start_new_session=True)
        wait_until(lambda: reached("copy", "products"), "the copy of the products")
        killed.kill()
        killed.wait()
    fill(filled, make_deal, make_product, [*ASINS[:5], "B000000777"], NOW, update=7_900_000)
    filled.execute("DELETE FROM products WHERE asin = %s", (ASINS[9],))
    before = rows(filled)
    done = program.command("db", "partition", "--partitions", "4")
    assert done.returncode == 0, done.stderr
    with filled.transaction():
        assert layout.are_parted(filled)
    assert rows(filled) == before
