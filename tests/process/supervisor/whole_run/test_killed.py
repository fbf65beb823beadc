"""Whatever is killed, nothing of it stays, and the next start or the run itself goes on."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
from pathlib import Path

import pytest

from tests.fakes.program.cli_program import all_gone, pids
from tests.fakes.waiting import wait_until


def test_of_two_starts_at_once_one_runs_and_the_other_gives_way(program):
    first = program.start().process
    second = program.start().process
    wait_until(lambda: first.poll() is not None or second.poll() is not None, "the end of one of the two")
    loser, winner = (first, second) if first.poll() is not None else (second, first)
    assert loser.returncode == 73
    program.process = winner
    program.until_working()
    assert program.stop() == 0


def test_kill_9_takes_every_child_along_and_the_next_start_works_at_once(program):
    running = pids(program.start().until_working())
    program.kill()
    wait_until(lambda: all_gone(running.values()), "the end of every child")
    status = program.command("status", "--json")
    assert status.returncode == 4
    assert all(worker["state"] == "gone" for worker in json.loads(status.stdout)["workers"])
    dice = random.Random(7)
    for _ in range(2):  # and while children are being started
        program.start()
        threading.Event().wait(dice.uniform(0.3, 1.0))
        children = descendants(program.process.pid)
        program.kill()
        wait_until(lambda: all_gone(children), "the end of every child")  # noqa: B023 - used at once
    program.start().until_working()
    assert program.stop() == 0


@pytest.mark.kill
def test_kill_9_of_the_keeper_of_the_own_server_and_then_of_the_supervisor_leaves_no_server(program):
    running = pids(program.start().until_working())
    server = running["database-0"]
    keeper = int(Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(keeper, signal.SIGKILL)
    program.kill()
    wait_until(lambda: all_gone([*running.values(), keeper]), "the end of the server too", explain=program.tail)
    program.start().until_working()
    assert program.stop() == 0


@pytest.mark.kill
def test_kill_9_of_the_keeper_alone_costs_a_moment_without_a_database(program):
    server = pids(program.start().until_working())["database-0"]
    keeper = int(Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(keeper, signal.SIGKILL)
    program.until(lambda r: pids(r).get("database-0", server) != server, "another server")
    wait_until(
        lambda: [one for one in program.records("condition_over") if one["kind"] == "database"], "that it is back"
    )
    program.until_working()
    assert program.stop() == 0


def descendants(root):
    """Every process below `root` now."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
    found, new = set(), {root}
    while new:
        new = {pid for pid, parent in parents.items() if parent in new} - found
        found |= new
    return found


@pytest.mark.kill
def test_whatever_is_killed_comes_back_and_the_work_goes_on(program):
    before = program.start(SIMULATOR_START_BALANCE="1000").until_working()
    killed = {name: pids(before)[name] for name in ("simulator-0", "database-0", "upsert-0")}
    for pid in killed.values():
        os.kill(pid, signal.SIGKILL)
    program.until(
        lambda r: all(pids(r).get(name, pid) != pid for name, pid in killed.items()), "others in their places"
    )
    report = program.until_working()
    assert report["run"]["base_url"] == before["run"]["base_url"]
    deaths = {f"{death['role']}-{death['slot']}": death for death in report["deaths"]}
    assert deaths["upsert-0"]["signal"] == "SIGKILL"
    assert "short of memory" in deaths["upsert-0"]["words"]
    assert next(worker for worker in report["workers"] if worker["role"] == "upsert")["restarts"] == 1
    written = report["rows_written"].get("deals", 0)
    program.until(lambda r: r["rows_written"].get("deals", 0) > written, "more deals")
    assert program.stop() == 0
