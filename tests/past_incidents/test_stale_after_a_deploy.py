"""Old code, an old schema or a corrupt file that goes on after a deploy.

Rows 14, 21, 32, 37, 48: workers that survived their supervisor and ran the code of the week before; another folder's
modules, another environment's interpreter; a table without a new column; a scheduler's file that crashed each start.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from psycopg.errors import UndefinedTable

from ledger import DEFAULT_TIERS, TokenLedger
from supervisor import report
from supervisor.process.launch import WorkerLaunch
from tasks.errors import WrongSchema
from tasks.store import migrate
from tasks.store.connection import connect
from tests.fakes.program.cli_program import ROOT, all_gone, wait_until
from tests.fixtures.settings import worker_settings
from tests.past_incidents.server import START_MS

GARBAGE = b"\x00\xff not what was written \x80" * 1000


def test_a_schema_of_the_version_before_is_refused_by_workers_and_brought_up_to_date_by_a_start(empty_database_url):
    with connect(empty_database_url, application_name="test", autocommit=True) as conn:
        migrate.apply_migrations(conn, migrate.bundled_migrations()[:-1])
        with pytest.raises(WrongSchema, match=migrate.bundled_migrations()[-1].name):
            migrate.check(conn)
        assert migrate.apply_migrations(conn) == [migrate.bundled_migrations()[-1].name]
        migrate.check(conn)
        assert migrate.apply_migrations(conn) == []


def test_using_a_schema_without_looking_at_it_fails_there(empty_database_url):
    with connect(empty_database_url, application_name="test", autocommit=True) as conn:
        migrate.apply_migrations(conn, migrate.bundled_migrations()[:1])
        with pytest.raises(UndefinedTable):
            conn.execute("select title from deal_rows")


def started_in(folder, *command, env=None):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=env)


@pytest.fixture
def stranger(tmp_path):
    """A folder with modules of our names in it, as an old checkout has them."""
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "__init__.py").write_text("")
    (tmp_path / "tasks" / "worker.py").write_text("print('an old worker')\n")
    return tmp_path


def test_a_worker_is_of_the_same_interpreter_and_code_wherever_it_is_started(stranger):
    launch = WorkerLaunch(role="upsert", slot=0, settings=worker_settings())
    python, *flags, _m, _worker = launch.argv(8, 9)[:4]
    assert python == sys.executable
    show = "import tasks.worker; print(tasks.worker.__file__)"
    seen = started_in(stranger, python, *flags, "-c", show, env=launch.environment())
    assert seen.stdout.strip() == str(ROOT / "tasks" / "worker.py"), seen.stderr


def test_starting_from_the_folder_one_stands_in_fails_there(stranger):
    assert started_in(stranger, sys.executable, "-m", "tasks.worker", "--help").stdout == "an old worker\n"


def test_a_worker_whose_supervisor_is_gone_is_gone_too_before_new_code_can_be_started(plant):
    workers = [plant.worker(role).wait_ready() for role in ("upsert", "backfill")]
    for worker in workers:
        worker.hang_up()
    wait_until(lambda: all(worker.process.poll() is not None for worker in workers), "the end of both")
    assert all_gone(worker.process.pid for worker in workers)


@pytest.mark.parametrize("damage", ["cut", "garbage"])
def test_a_corrupt_file_costs_what_was_in_it_and_never_a_start(tmp_path, damage):
    ledger = tmp_path / "ledger"
    TokenLedger.create(ledger, DEFAULT_TIERS).close()
    sound = ledger.read_bytes()
    ledger.write_bytes(sound[:5000] if damage == "cut" else sound[:64] + GARBAGE + sound[64 + len(GARBAGE) :])
    again = TokenLedger.create(ledger, DEFAULT_TIERS)
    assert again.snapshot().leases == ()
    again.close()
    status = tmp_path / "status.json"
    status.write_bytes(GARBAGE if damage == "garbage" else json.dumps({"format": 1, "written_at": START_MS}).encode())
    assert report.read(status) is None
