"""Lines 14, 45 to 48 and 54 of the checklist: what is written when, by whom, and what a run ends with."""

from __future__ import annotations

import json
import os
import re
import signal
from collections import Counter
from pathlib import Path

from supervisor.process.restart_policy import Policy
from supervisor.process.states import State
from supervisor.tree import supervisor
from tasks import errors
from tests.fakes.program.cli_program import ROOT, Program

FIRST = ("ts", "level", "event", "role", "slot", "pid")
TAIL = "kept until the child is dead, whole\n"


def test_line_14_a_hung_worker_shows_its_stacks_and_the_line_of_its_death_says_hung(family):
    slot = family.add("backfill", [["beat", {"detail": "page 3"}], ["ready"], ["hang"]], slot=2, hang_s=1.0)
    family.tree.start_workers()
    family.until(lambda: family.records("died"))
    order = [json.loads(line) for line in family.lines]
    abort = next(at for at, one in enumerate(order) if one["event"] == "signalled")
    stacks = [at for at, one in enumerate(order) if one["event"] == "stderr" and "in hang" in one["message"]]
    death = next(at for at, one in enumerate(order) if one["event"] == "died")
    assert order[abort]["signal"] == "SIGABRT"
    assert abort < stacks[0] < death
    assert all(order[at]["slot"] == 2 for at in stacks)
    assert order[death]["cause"] == "hung"
    family.until(lambda: slot.state is State.RUNNING)


def test_line_45_long_lines_of_eight_workers_stay_whole_and_each_says_who_wrote_it(family):
    slots = [family.add("upsert", [["ready"], ["fill", 65_000, 4]], slot=number) for number in range(8)]
    family.tree.start_workers()
    family.until(lambda: len(family.records("filled")) == 4 * len(slots))
    for record in family.records("filled"):
        assert tuple(record)[:6] == FIRST
        assert record["text"] == chr(ord("a") + record["slot"]) * 65_000
        assert record["pid"] == slots[record["slot"]].pid
    assert all("\n" not in line for line in family.lines)


def test_line_46_what_a_crash_of_the_interpreter_leaves_is_kept_with_its_slot_and_told_once(family):
    script = [["ready"], ["write", TAIL], ["crash"]]
    family.add("upsert", [["ready"]])
    family.add("backfill", script, slot=3, policy=Policy(first_s=60))
    family.tree.start_workers()
    family.until(lambda: family.records("died"))
    raw = family.records("stderr")
    assert {(record["role"], record["slot"]) for record in raw} == {("backfill", 3)}
    said = [record["message"] for record in raw]
    assert said[0] == TAIL.strip()
    assert "Fatal Python error: Segmentation fault" in said
    told = Counter((record["event"], record.get("slot")) for line in family.lines if (record := json.loads(line)))
    assert told["died", 3] == told["in_service", 3] == told["in_service", 0] == 1


def test_line_47_a_worker_opens_no_file_but_the_ledger_and_the_spool(plant):
    worker = plant.worker("upsert").wait_ready()
    worker.wait_phase("waiting_poll")
    pid = worker.process.pid
    fds = {link.name: str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
    files = {name: place for name, place in fds.items() if place.startswith("/") and not place.startswith("/dev/")}
    assert {Path(place).name for place in files.values()} <= {"ledger", "ledger.lock"}
    for name in files:
        flags = int(Path(f"/proc/{pid}/fdinfo/{name}").read_text().partition("flags:")[2].split()[0], 8)
        assert not flags & os.O_APPEND


def test_line_48_a_death_line_says_cause_code_age_restarts_memory_and_what_it_was_doing(family):
    slot = family.add("upsert", [["ready"], ["beat", {"detail": "page 9"}]])
    family.tree.start_workers()
    family.until(lambda: slot.beat is not None)
    pid = slot.pid
    os.kill(pid, signal.SIGKILL)
    family.until(lambda: family.records("died"))
    record = family.records("died")[0]
    assert tuple(record)[:6] == FIRST
    assert record["pid"] == pid
    assert record["cause"] == "signal"
    assert record["signal"] == "SIGKILL"
    assert record["message"].startswith(
        "killed by SIGKILL, sent by somebody or by a system short of memory; it had run for "
    )
    assert record["deaths"] == "1/5"
    assert record["peak_rss_mb"] > 1
    assert record["lived_s"] > 0
    assert record["doing"] == "calling: page 9"
    assert record["next"] == "backoff"


def codes_of_the_readme():
    table = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Exit codes")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([0-9, ]+) \|", table, re.MULTILINE)
    return [int(code) for row in rows for code in row.split(",")]


def test_line_54_the_readme_has_a_row_for_every_exit_code_and_for_no_other():
    ours = [value for name, value in vars(errors).items() if name.startswith("EXIT_")]
    killed = [supervisor.SIGNAL_BASE + number for number in (signal.SIGINT, signal.SIGTERM)]
    assert sorted(codes_of_the_readme()) == sorted({*ours, *killed})


def test_line_54_a_command_that_meets_no_database_says_try_later(tmp_path):
    where = {"KEEPA_API_KEY": "a-key-of-nobody", "KEEPA_BASE_URL": "http://127.0.0.1:9"}
    done = Program(tmp_path).command("debug", "--once", DATABASE_URL="postgresql://u@127.0.0.1:1/x", **where)
    assert done.returncode == 75
    assert "Connection refused" in done.stderr
    assert "Traceback" not in done.stderr
