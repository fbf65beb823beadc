"""Hosts of two versions share one database and one ledger while they are upgraded one after the other."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import tarfile
from contextlib import closing

import psycopg
import pytest

from ledger import TokenLedger
from tasks.store.connection import connect
from tasks.store.ledger_row.row import RowHome
from tests.fakes.program.cli_program import ROOT, Program, freeze, pids
from tests.fakes.waiting import wait_until
from tests.fixtures.spoiler import make_many

KEY = "k" * 20
NEWER = {
    "9000_adds.sql": "CREATE TABLE added (a int); COMMENT ON TABLE added IS 'x'; COMMENT ON COLUMN added.a IS 'x';",
    "9001_drops.alone.sql": "DROP TABLE added;",
}

pytestmark = pytest.mark.kill


@pytest.fixture
def make_host(tmp_path, empty_database_url, make_spoiled):
    """Makes hosts that run the program of a folder; they share key, server and database."""
    spoiler = make_many(make_spoiled, KEY, rate=20, tick_s=0.5)
    made = []

    def make(name, tree):
        folder = tmp_path / name
        folder.mkdir()
        program = Program(
            folder, KEEPA_API_KEY=KEY, KEEPA_BASE_URL=spoiler.url, TICK_PERIOD_S="0.5", UPSERT_DETAIL="none",
            DATABASE_URL=empty_database_url, LEDGER="database", HOST_NAME=name, PYTHONPATH=str(tree),
            STOP_S="150",
        )  # fmt: skip
        program.cwd = tree
        made.append(program)
        return program

    make.spoiler = spoiler
    yield make
    for program in made:
        program.kill()


@pytest.fixture
def parent(tmp_path):
    """The program as it was one commit ago."""
    if shutil.which("git") is None:
        pytest.skip("no git here")
    packed = subprocess.run(["git", "archive", "HEAD~1"], cwd=ROOT, capture_output=True, check=False)  # noqa: S607
    if packed.returncode:
        pytest.skip("this copy has no git history")
    tree = tmp_path / "parent"
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(tree, filter="data")
    if ".alone.sql" not in (tree / "tasks" / "store" / "migrate.py").read_text():
        pytest.skip("the commit before this one is older than the rule that two versions may share a database")
    return tree


@pytest.fixture
def newer(tmp_path):
    """This program with two more migrations, as a later version has them: one only adds, one does not."""
    tree = tmp_path / "newer"
    for name in ("ledger", "tasks", "supervisor"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name, sql in NEWER.items():
        (tree / "tasks" / "store" / "sql" / name).write_text(sql)
    return tree


def has_call(url, pid):
    """Whether this process has a call under way, or may have: then it is asked again."""
    with connect(url, application_name="test", autocommit=True, lock_timeout_ms=1_000) as conn:
        try:
            # What the process has asked the server to commit is done once this has the row.
            ((account,),) = conn.execute("SELECT account FROM ledgers FOR UPDATE").fetchall()
        except psycopg.errors.LockNotAvailable:
            return True
    with closing(TokenLedger(RowHome(url, account % (1 << 64), 0))) as ledger:
        return any(lease.owner_pid == pid and lease.state == "committed" for lease in ledger.snapshot().leases)


def kill_between_calls(program, pid):
    """Kill a worker between two calls: what it has paid for and not kept yet would rightly be bought again."""
    url = program.settings["DATABASE_URL"]

    def stands_without_a_call():
        if has_call(url, pid):
            return False
        freeze(pid)
        if not has_call(url, pid):
            return True
        os.kill(pid, signal.SIGCONT)
        return False

    wait_until(stands_without_a_call, "a moment without a call", explain=program.tail)
    os.kill(pid, signal.SIGKILL)


def work_together(make_host, older, later):
    """A host of each tree at work; a worker of the older one and then all of it are started again beside the other."""
    one, other = make_host("one", older), make_host("other", later)
    one.start().until_working()
    other.start().until_working()
    before = pids(one.report())["backfill-0"]
    kill_between_calls(one, before)
    one.until(lambda report: pids(report).get("backfill-0", before) != before, "another worker")
    one.until_working()
    assert one.stop() == 0, one.tail()
    one.start().until_working()
    return one, other


def check_books(make_host, program):
    """No token was lost or spent twice over, and nothing was bought twice."""
    done = program.command("ledger", "dump", "--json")
    books = json.loads(done.stdout)
    assert books["totals"]["spent"] == make_host.spoiler.simulator.control()["spent"]
    assert (books["totals"]["refused_429"], books["leases"]) == (0, [])
    asked = [asin for call in make_host.spoiler.calls("/product") for asin in call["asins"].split(",")]
    assert sorted(asked) == sorted(set(asked))


def test_the_commit_before_this_one_and_this_one_share_a_database_and_a_ledger(make_host, parent):
    one, other = work_together(make_host, parent, ROOT)
    assert [program.stop() for program in (one, other)] == [0, 0]
    check_books(make_host, other)


def test_what_an_older_host_cannot_bear_waits_for_its_end(make_host, newer):
    one, other = work_together(make_host, ROOT, newer)
    (migrated,) = other.records("migrated")
    assert migrated["applied"] == ["9000_adds.sql"]
    assert [program.stop() for program in (one, other)] == [0, 0]
    other.start().until_working()
    wait_until(lambda: len(other.records("migrated")) == 2, "the file that waited", explain=other.tail)
    assert other.records("migrated")[1]["applied"] == ["9001_drops.alone.sql"]
    assert other.stop() == 0
    assert one.start().ended() == 78
    assert "newer than this build: it has 9001_drops.alone.sql" in one.tail()
    check_books(make_host, other)
