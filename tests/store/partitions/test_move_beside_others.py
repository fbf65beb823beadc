"""A move into partitions beside those who write, read, migrate, or move the same tables."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from datetime import timedelta

import pytest

from ledger import SystemClock
from tasks.errors import StoreError
from tasks.store import deals, migrate
from tasks.store.connection import connect
from tasks.store.partitions import layout, tables
from tasks.store.partitions.move import Move
from tests.fakes.program.cli_program import ROOT
from tests.fixtures.database.moving import ASINS, NOW, fill, in_parts, rows
from tests.fixtures.database.postgres import PARTS

pytestmark = pytest.mark.skipif(PARTS > 0, reason="the tables of these tests are to be moved by them")


class Writer:
    """Writes at random as the program, a person and an older build do."""

    def __init__(self, conn, make_deal, make_product, seed):
        self.conn, self.make = conn, (make_deal, make_product)
        self.chance, self.minute = random.Random(seed), 0
        self.ways = [self.add, self.renew, self.delete, self.remove, self.rename, self.think_better_of_it]

    def write(self):
        self.minute += 1
        self.chance.choice(self.ways)(self.chance.sample(ASINS, 4))

    def add(self, _):
        self._fill([f"B9{self.chance.randrange(10**8):08}"])

    def renew(self, asins):
        self._fill(asins)

    def delete(self, asins):
        self.conn.execute("DELETE FROM price_series_rows WHERE domain = 3 AND asin = ANY(%s)", (asins,))

    def remove(self, asins):
        with self.conn.transaction():
            deals.remove(self.conn, 8, asins)

    def rename(self, asins):
        self.conn.execute(
            "UPDATE products SET asin = %s WHERE domain = 1 AND asin = %s", (f"B8{self.minute:08}", asins[0])
        )

    def think_better_of_it(self, _):
        with self.conn.transaction(force_rollback=True):
            self.conn.execute("DELETE FROM products")

    def _fill(self, asins):
        fill(self.conn, *self.make, asins, NOW + timedelta(minutes=self.minute), update=7_800_000 + self.minute)


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_written_meanwhile_is_there_however_it_was_written(filled, database_url, make_deal, make_product, seed):
    latest, seen = {}, set()
    with connect(database_url, application_name="writer", autocommit=True) as conn:
        writer = Writer(conn, make_deal, make_product, seed)

        def write(done):
            seen.add((done.phase, done.table))
            if done.phase == "swap":
                latest.update(rows(conn))
            else:
                writer.write()

        assert in_parts(filled, on_step=write, rows_at_once=40)
    assert seen > {("copy", table) for table in tables.KEYS}
    assert rows(filled) == latest


def test_a_truncated_table_is_empty_afterwards(filled, database_url):
    with connect(database_url, application_name="writer", autocommit=True) as writer:

        def empty(done):
            if (done.phase, done.table) == ("compare", "deal_rows"):
                writer.execute("TRUNCATE offers")

        assert in_parts(filled, on_step=empty)
    assert filled.execute("SELECT count(*) FROM offers").fetchone() == (0,)


def test_a_column_that_a_migration_adds_meanwhile_stops_no_writer_and_the_move_begins_anew(
    filled, database_url, make_deal, make_product
):
    with connect(database_url, application_name="migration", autocommit=True) as other:

        def add(done):
            if (done.phase, done.table) == ("copy", "price_series_rows"):
                other.execute("ALTER TABLE products ADD COLUMN IF NOT EXISTS newer int DEFAULT 5")
                fill(other, make_deal, make_product, ["B000000099"], NOW)

        with pytest.raises(StoreError, match="a migration changed the tables meanwhile"):
            in_parts(filled, on_step=add)
    assert in_parts(filled)
    assert filled.execute("SELECT newer, count(*) FROM products GROUP BY 1").fetchall() == [(5, 3 * 61)]


CHANGES = (
    "CREATE INDEX newer ON products (title)",
    "DROP INDEX products_long_brand",
    "DROP INDEX products_long_brand; CREATE INDEX products_long_brand ON products (domain, asin)",
    "ALTER TABLE deal_sightings ADD CONSTRAINT newer UNIQUE (asin, domain)",
    "ALTER TABLE offers ADD CONSTRAINT newer CHECK (place >= 0)",
    "ALTER TABLE deal_rows ADD CONSTRAINT newer CHECK (title <> 'x') NOT VALID",
    "ALTER TABLE products ALTER title SET DEFAULT 'none'",
    "ALTER TABLE products ALTER title SET NOT NULL",
)


def test_whatever_else_a_migration_changes_of_a_table_is_noticed(conn):
    with pytest.raises(InterruptedError):
        in_parts(conn, on_step=_interrupt)
    for change in CHANGES:
        with conn.transaction(force_rollback=True):
            assert layout.are_alike(conn)
            conn.execute(change)
            assert not layout.are_alike(conn), change


def test_an_index_that_comes_just_before_the_end_is_not_lost(filled, database_url):
    with connect(database_url, application_name="migration", autocommit=True) as other:

        def add(done):
            if done.phase == "swap":
                other.execute("CREATE INDEX IF NOT EXISTS newer ON products (title)")

        with pytest.raises(StoreError, match="a migration changed the tables meanwhile"):
            in_parts(filled, on_step=add)
    assert in_parts(filled)
    with filled.transaction():
        assert "newer" in layout.index_names(filled, "products")


def test_a_move_that_was_begun_before_an_upgrade_that_only_adds_indexes_ends_after_it(empty_database_url):
    with connect(empty_database_url, application_name="test", autocommit=True) as conn:
        migrate.apply_migrations(conn, [one for one in migrate.bundled_migrations() if one.number < 76])
        with pytest.raises(InterruptedError):
            in_parts(conn, on_step=_interrupt)
        migrate.apply_migrations(conn)
        assert in_parts(conn)
        with conn.transaction():
            assert layout.are_parted(conn)
            assert {"products_brand", "products_long_brand"} < set(layout.index_names(conn, "products"))
        migrate.check(conn)


def _interrupt(_):
    raise InterruptedError


def test_a_move_waits_for_a_transaction_that_reads_and_then_ends(filled, database_url):
    """A back-up holds every table while it runs: the swap gives way again and again, and comes after it."""
    with connect(database_url, application_name="back-up") as backup:
        steps = []

        def read(done):
            steps.append(done)
            if done.phase == "swap":
                backup.execute("SELECT count(*) FROM products")

        moving = Move(filled, SystemClock(), parts=3)
        waits = []
        moving.stop.wait = lambda _: waits.append(1) or (len(waits) == 2 and backup.rollback()) or False
        assert moving.run(read)
    assert len(waits) >= 2


@pytest.mark.parametrize("ends", ["commit", "rollback"])
def test_a_row_that_somebody_is_deleting_is_copied_when_that_has_ended(filled, database_url, ends):
    """What it saw before would have a copy that outlives the row."""
    with connect(database_url, application_name="writer") as writer:

        def delete(done):
            if (done.phase, done.table) == ("copy", "products"):
                writer.execute("DELETE FROM price_series_rows WHERE asin = %s", (ASINS[3],))

        moving, waits = Move(filled, SystemClock(), parts=3), []
        moving.stop.wait = lambda _: waits.append(1) or (len(waits) == 2 and getattr(writer, ends)()) or False
        assert moving.run(delete)
    assert len(waits) == 2
    left = filled.execute("SELECT count(*) FROM price_series_rows WHERE asin = %s", (ASINS[3],)).fetchone()
    assert left == ((0,) if ends == "commit" else (6,))


def test_only_one_who_moves_at_a_time(filled, database_url):
    """Two at once take turns, and both end well."""
    before = rows(filled)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    code = (
        "import sys; from ledger import SystemClock; from tasks.store.connection import connect;"
        "from tasks.store.partitions.move import Move;"
        "conn = connect(sys.argv[1], application_name='one', autocommit=True);"
        "Move(conn, SystemClock(), parts=3).run(lambda _: None)"
    )
    two = [subprocess.Popen([sys.executable, "-c", code, database_url], env=environment) for _ in range(2)]
    assert [one.wait(600) for one in two] == [0, 0]
    assert rows(filled) == before


def test_who_comes_too_late_by_a_moment_finds_nothing_to_do(filled, database_url):
    """Another one begins just before it rehearses, and has ended all before it takes its next step."""
    before, done = rows(filled), []
    with connect(database_url, application_name="other", autocommit=True) as conn:
        other = Move(conn, SystemClock(), parts=3)

        def be_overtaken(_progress):
            if not done:
                other.rehearse()
                done.append(other.run(lambda _: None))

        assert Move(filled, SystemClock(), parts=3).run(be_overtaken)
        other.rehearse()
    assert done == [True]
    assert rows(filled) == before
