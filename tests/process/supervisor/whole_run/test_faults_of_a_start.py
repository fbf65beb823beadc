"""What a start cannot go on with: each ends with its exit code and a plain message that does not show the key."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tasks.embedded_postgres.file_lock import FileLock
from tasks.embedded_postgres.keeper_process import START_LOCK
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer
from tests.fakes.program.cli_program import ROOT, all_gone, of_process, pids
from tests.fakes.waiting import wait_until
from tests.fixtures.running import lock_is_free

KEY = "a-key-that-must-show-nowhere-0123456789"


@pytest.mark.kill
def test_a_start_that_waits_for_a_lock_says_which_and_goes_on_when_it_is_free(program):
    with FileLock(program.state / "postgres" / START_LOCK) as lock:
        wait_until(lock.try_exclusive, "the end of the server of the test before this one")
        program.start()
        report = program.until(lambda r: r["conditions"], "what is waited for")
        (told,) = report["conditions"]
        assert (told["kind"], START_LOCK in told["why"]) == ("database", True)
    program.until_working()
    program.until(lambda r: not r["conditions"], "the end of it")
    (end,) = program.records("condition_over")
    assert end["kind"] == "database"
    assert program.stop() == 0


@pytest.mark.parametrize(
    "place",
    [
        "supervisor.database.backend.EmbeddedDatabase.start",
        "supervisor.database.backend.EmbeddedDatabase.stop",
        "ledger.TokenLedger.create",
    ],
)
def test_a_bug_in_what_is_done_aside_ends_the_run_with_70_and_its_traceback(program, place):
    module, _, name = place.rpartition(".")
    module, _, owner = module.rpartition(".")
    code = (
        f"import sys, {module} as module\n"
        "def broken(*_args, **_more): raise ZeroDivisionError('made by a test')\n"
        f"module.{owner}.{name} = broken\n"
        "from supervisor.cli import main as cli\n"
        "sys.exit(cli.main(['run']))\n"
    )
    with program.log_path.open("wb") as log:
        program.process = subprocess.Popen(
            [sys.executable, "-c", code], cwd=ROOT, env=program.environment(), stdout=log, stderr=log
        )
    if name == "stop":
        running = pids(program.until_working())
        program.signal(signal.SIGTERM)
    else:
        running = {}
    assert program.ended() == 70
    assert "ZeroDivisionError: made by a test" in program.log()
    assert "in broken" in program.log()
    assert lock_is_free(program.state)
    wait_until(lambda: all_gone(running.values()), "the end of every process")


def test_a_key_the_server_does_not_know_ends_the_run_with_a_plain_message(program):
    with SimulatorServer(SimulatorConfig(keys=frozenset({"another"}))) as server:
        program.start(KEEPA_API_KEY=KEY, KEEPA_BASE_URL=server.url)
        assert program.ended() == 77
    told = program.records("run_failed")
    assert len(told) == 1
    assert "refuses this key" in told[0]["message"]
    assert "KEEPA_API_KEY" in told[0]["message"]
    assert len(program.records("died")) <= 2, "nothing restarts in a loop"
    assert KEY not in program.log()


@pytest.mark.kill
def test_the_key_shows_nowhere_whatever_goes_wrong(program):
    faults = {"500": 0.2, "cut": 0.2, "non_json": 0.2}
    config = SimulatorConfig(keys=frozenset({KEY}), rate=60, tick_s=0.5, faults=faults, is_verbose=False)
    seen = b""
    with SimulatorServer(config) as server:
        program.start(KEEPA_API_KEY=KEY, KEEPA_BASE_URL=server.url, TICK_PERIOD_S="0.5", READ_TIMEOUT_S="2")
        program.until_working()
        program.until(lambda r: r["rows_written"].get("deals", 0) > 0, "deals")
        seen += of_process(program.process.pid, "cmdline")
        for pid in pids(program.report()).values():
            seen += of_process(pid, "cmdline") + of_process(pid, "environ")
        for command in (("status", "--json"), ("status",), ("doctor",), ("ledger", "dump", "--json")):
            done = program.command(*command, KEEPA_API_KEY=KEY, KEEPA_BASE_URL=server.url)
            assert done.stdout, f"{command} printed nothing to be searched: {done.stderr}"
            seen += (done.stdout + done.stderr).encode()
        assert program.stop() == 0
    seen += program.log().encode()
    for path in program.state.iterdir():
        if path.is_file():
            seen += path.read_bytes()
    assert KEY.encode() not in seen
    # The doctor did call with the key: it tells the plan, or the fault that the server answered with.
    assert b"plan of " in seen or b"did not answer" in seen


def test_synthetic_rows_are_refused_a_database_the_user_named(program):
    url = "postgresql://user:hunter2-secret@127.0.0.1:1/precious"
    done = program.command("run", DATABASE_URL=url)
    assert done.returncode == 78
    assert "synthetic rows would go into your database" in done.stderr
    assert "hunter2" not in done.stderr + done.stdout


def test_faults_of_the_configuration_are_named_together_and_end_with_78(program):
    done = program.command("run", UPSERT_WORKERS="x", BACKFILL_DETAIL="y")
    assert done.returncode == 78
    assert "2 faults" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_state_directory_that_cannot_be_made_is_a_fault_of_the_configuration(program, tmp_path):
    (tmp_path / "file").write_text("")
    done = program.command("run", STATE_DIR=str(tmp_path / "file" / "state"))
    assert done.returncode == 78
    assert "STATE_DIR" in done.stderr


def test_wrong_usage_is_2_and_an_early_reader_is_no_error(program):
    assert program.command("rum").returncode == 2
    assert program.command().returncode == 2
    piped = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m supervisor --help | head -c 10"],  # noqa: S607 - as a person types it
        cwd=ROOT,
        env=program.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert piped.stderr == ""
