"""Debug mode and doctor, as commands."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.program.cli_program import Program
from tests.fakes.waiting import LIMIT_S, wait_until

ROOT = Path(__file__).resolve().parents[3]


def sluicegate(state, *arguments, **more):
    environ = {"PATH": os.environ["PATH"], "STATE_DIR": str(state), "SIMULATOR_START_BALANCE": "400", **more}
    return subprocess.run(
        [sys.executable, "-m", "supervisor", *arguments],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )


def test_debug_once_does_one_poll_and_ends_with_its_ledger_at_rest(tmp_path):
    done = sluicegate(tmp_path / "state", "debug", "--task", "upsert", "--once")
    assert done.returncode == 0, done.stderr
    told = {record["event"]: record["message"] for record in map(json.loads, done.stderr.splitlines())}
    assert "deals listed for" in told["walk_complete"], "each event is a sentence, as in a run"
    assert re.search(r"upsert wrote [1-9]\d* rows of deals in [1-9]\d* steps?;", told["done"])
    dump = sluicegate(tmp_path / "state", "ledger", "dump", "--json")
    ledger = json.loads(dump.stdout)
    assert (ledger["leases"], ledger["waiters"]) == ([], [])
    assert ledger["totals"]["spent"] > 0


def test_doctor_names_every_fault_and_changes_nothing(tmp_path):
    seen = sluicegate(tmp_path / "state", "doctor", "--json")
    assert seen.returncode == 0, seen.stdout
    checks = {one["check"]: one for one in json.loads(seen.stdout)["checks"]}
    assert checks["api"]["verdict"] == "note"
    assert "no KEEPA_API_KEY" in checks["api"]["words"]
    assert not (tmp_path / "state").exists()
    bad = sluicegate(tmp_path / "state", "doctor", UPSERT_SHARE="lots", POLL_INTERVAL_S="-1")
    assert bad.returncode == 1
    assert "UPSERT_SHARE" in bad.stdout
    assert "POLL_INTERVAL_S" in bad.stdout


@pytest.mark.parametrize("command", ["run", "debug"])
def test_synthetic_rows_never_go_into_a_database_the_user_named(tmp_path, command):
    url = "postgresql://someone:topsecret@127.0.0.1:1/precious"
    done = sluicegate(tmp_path / "state", command, DATABASE_URL=url)
    assert done.returncode == 78
    assert "--synthetic-into-database" in done.stderr
    assert "topsecret" not in done.stderr


@pytest.mark.kill
def test_debug_beside_a_running_supervisor_takes_leases_like_any_worker(tmp_path):
    program = Program(tmp_path, SIMULATOR_START_BALANCE="600").start()
    try:
        program.until_working()
        done = program.command("debug", "--task", "upsert", "--once")
        assert done.returncode == 0, done.stderr
        other = program.command("debug", "--once", KEEPA_API_KEY="aKeyForAnotherServer".ljust(64, "0"))
        assert other.returncode == 78
        assert "started for another server" in other.stderr
        elsewhere = program.command("debug", "--once", DATABASE_URL="postgresql://someone:topsecret@127.0.0.1:1/x")
        assert elsewhere.returncode == 78
        assert "writes into another database (the embedded database `simulated`, spool simulated" in elsewhere.stderr
        assert "127.0.0.1:1/x, spool url-" in elsewhere.stderr
        assert "topsecret" not in elsewhere.stderr
        assert program.process.poll() is None
        assert program.stop() == 0
    finally:
        program.kill()
    assert json.loads(program.command("ledger", "dump", "--json").stdout)["leases"] == []


@pytest.mark.kill
def test_ctrl_c_ends_debug_without_a_word_of_complaint_and_leaves_nothing(tmp_path):
    program = Program(tmp_path, LOG_FORMAT="console", LOG_LEVEL="info")
    with program.log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "supervisor", "debug"],
            cwd=ROOT,
            env=program.environment(),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_until(lambda: "deals listed for" in program.log(), "a walk", explain=program.log)
        assert program.command("run").returncode == 73
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(LIMIT_S) == 0
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in program.log()
    sockets = [path for path in program.state.rglob("*") if path.is_socket()]
    wait_until(lambda: not any(path.exists() for path in sockets), "the end of the database")
