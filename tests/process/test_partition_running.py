"""The tables go into partitions under a supervisor whose workers write; who moves them is killed on the way."""

import subprocess
import sys
from contextlib import closing

import pytest

from tasks.store.connection import connect
from tasks.store.duties import state
from tasks.store.partitions import layout
from tests.fakes.program.cli_program import Program, pids, wait_until

LOST = """
SELECT count(*) FROM fetch_queue AS q WHERE q.state = 'done' AND NOT EXISTS (
    SELECT FROM products AS p WHERE (p.domain, p.asin) = (q.domain, q.asin))
"""

pytestmark = pytest.mark.kill


@pytest.fixture
def program(tmp_path, database_url):
    # 2,100 rows of the selection: with 270 a fast machine has fetched them all before the tables are moved
    one = Program(tmp_path, DATABASE_URL=database_url, SIMULATOR_DEALS="8000")
    yield one
    one.kill()


def test_a_run_goes_on_while_its_tables_are_moved_and_afterwards(program, database_url):
    with closing(connect(database_url, application_name="test", autocommit=True)) as conn:

        def number(query="SELECT count(*) FROM products"):
            return conn.execute(query).fetchone()[0]

        def until_more(what, by=1):
            at_least = number() + by
            wait_until(lambda: number() >= at_least, what, explain=program.tail)

        def known():
            with conn.transaction():
                return state.load(conn, "partition")

        program.start("--synthetic-into-database")
        before = pids(program.until_working())
        wait_until(lambda: number() > 100, "products to move", explain=program.tail)

        moving = [sys.executable, "-m", "supervisor", "db", "partition", "--partitions", "8"]
        killed = subprocess.Popen(moving, cwd=program.cwd, env=program.environment(), start_new_session=True)
        wait_until(lambda: killed.poll() is not None or known(), "the move to begin", explain=program.tail)
        killed.kill()
        killed.wait()
        until_more("writers that go on without it")

        done = program.command("db", "partition", "--partitions", "8")
        assert done.returncode == 0, done.stderr
        with conn.transaction():
            assert layout.are_parted(conn)
        until_more("products in the parts", by=50)
        told, code = program.status()
        assert code == 0, told
        assert pids(program.report()) == before, "a worker was replaced"
        assert told["rows"]["products"] > 0
        assert program.stop() == 0, program.tail()
        assert number(LOST) == 0
        assert number("SELECT count(*) FROM quarantine") == 0
        assert not [record["event"] for record in program.records("database_unavailable")]
