"""A whole run is what it says it is, and leaves nothing."""

from __future__ import annotations

import json
import os

import pytest

from tests.fakes.program.cli_program import all_gone, is_alive, pids
from tests.fakes.waiting import wait_until
from tests.fixtures.running import lock_is_free


@pytest.mark.kill
def test_the_last_line_of_the_log_is_the_end_whatever_was_owed_by_then(program):
    """Walks that went as the last one did are owed as a sum."""
    program.start(LOG_LEVEL="info", POLL_INTERVAL_S="1", BACKFILL_WORKERS="0")
    program.until(
        lambda r: sum(r["calls"].get("/deal", {"statuses": {}})["statuses"].values()) >= 10,
        "a walk of five pages and more",
    )
    assert program.stop() == 0, program.tail()
    assert any("times" in one for one in program.records("walk_complete")), "a sum was owed"
    last = json.loads(program.log().splitlines()[-1])
    assert (last["event"], last["message"], last.get("role")) == ("stopped", "stopped", None)


def test_a_whole_life_is_told_truly_cannot_be_doubled_and_leaves_nothing(program):
    (program.state / "supervisor.lock").write_text(f"{os.getpid()}\n")  # a stranger's pid decides nothing
    program.start().until_working()
    report = program.until(lambda r: r["counted"] and r["counted"]["rows"]["deals"] > 0, "deals, counted")
    running = pids(report)
    assert set(running) == {"upsert-0", "backfill-0", "database-0", "simulator-0"}
    check_status(program)
    second = program.command("run")
    assert second.returncode == 73
    assert f"pid {program.process.pid}" in second.stderr
    assert "Traceback" not in second.stderr
    assert all(is_alive(pid) for pid in running.values())
    assert program.stop() == 0
    plans = [json.loads(line) for line in program.log().splitlines() if '"event": "plan"' in line]
    assert [plan["floors"] for plan in plans] == [{"upsert": 50, "backfill": 150}]
    check_nothing_is_left(program, running)


def check_status(program):
    seen = program.command("status", "--json")
    status = json.loads(seen.stdout)
    assert seen.returncode == 0
    assert status["supervisor"]["pid"] == program.process.pid
    assert status["supervisor"]["state"] == "running"
    assert {"role", "slot", "pid", "state", "phase", "restarts"} <= set(status["workers"][0])
    assert set(status["rows"]) == {"deals", "products", "price_series", "quarantine"}
    assert status["rows"]["deals"] > 0
    assert {"pending", "done"} <= set(status["queue"])
    assert status["ledger"]["bucket"]["capacity"] == 1200
    assert status["deaths"] == []
    text = program.command("status")
    assert "upsert-0" in text.stdout
    assert max(map(len, text.stdout.splitlines())) <= 100


def check_nothing_is_left(program, running):
    wait_until(lambda: all_gone(running.values()), "the end of every process")
    assert lock_is_free(program.state)
    endings = (".new", ".tmp", ".pid")
    assert [path for path in program.state.rglob("*") if path.is_socket() or path.name.endswith(endings)] == []
    dump = json.loads(program.command("ledger", "dump", "--json").stdout)
    assert (dump["leases"], dump["waiters"]) == ([], [])
    status = program.command("status", "--json")
    assert status.returncode == 4
    assert json.loads(status.stdout)["stale"]
    assert "the supervisor stopped at " in program.command("status").stdout
    assert "Traceback" not in program.log()
