"""Lines 38 to 61 of the checklist that no other test holds: the ledger under many, clean warnings, debug, make."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import struct
import subprocess
import sys

import pytest

from ledger import DEFAULT_TIERS, Reading, TokenLedger, Wait
from tests.fakes.program.cli_program import ROOT, Program, is_alive, pids
from tests.fakes.waiting import LIMIT_S, wait_until
from tests.past_incidents.oracle import Account
from tests.process.supervisor.test_signals import Terminal

NS = 10**9
WORKERS = 8
# Each asks for 1 to 6 tokens of any tier, as often as told. The server is a balance in a file, changed under a lock as
# the true account is. When a call is charged there must be left what its tier leaves to others, apart from what the
# tiers with lower floors, which may go below it, have spent since the call was let go.
SPEND = """
import fcntl, mmap, random, struct, sys
from ledger import DEFAULT_TIERS, Lease, TokenLedger
times, rate, seed = map(int, sys.argv[3:])
ledger, chance = TokenLedger.attach(sys.argv[1]), random.Random(seed)
with open(sys.argv[2], "r+b") as file:
    account = mmap.mmap(file.fileno(), 40)
    for _ in range(times):
        index = chance.randrange(len(DEFAULT_TIERS))
        tier, cost = DEFAULT_TIERS[index], chance.randint(1, 6)
        before = sum(struct.unpack("5q", account[:])[1 : 1 + index])
        lease = ledger.try_reserve(tier.name, cost)
        if not isinstance(lease, Lease):
            continue
        lease.commit()
        consumed = chance.randint(0, cost)
        fcntl.flock(file, fcntl.LOCK_EX)
        books = list(struct.unpack("5q", account[:]))
        books[0] -= consumed
        books[4] += books[0] + sum(books[1 : 1 + index]) - before < tier.floor_on(rate)
        books[1 + index] += consumed
        account[:] = struct.pack("5q", *books)
        fcntl.flock(file, fcntl.LOCK_UN)
        lease.settle(consumed)
"""


@pytest.mark.parametrize(
    ("times", "rate"), [(400, 90), pytest.param(10_000, 2_000, marks=pytest.mark.kill, id="as the checklist says")]
)
def test_line_38_eight_workers_never_spend_below_the_floor_of_their_tier_and_the_books_are_the_account(
    tmp_path, times, rate
):
    start = 60 * rate
    ledger = TokenLedger.create(tmp_path / "ledger", DEFAULT_TIERS, tick_period_s=3600)
    ledger.observe(Reading(tokens_left=start, refill_rate=rate, refill_in_ms=3_600_000, server_ms=1_700_000_000_000))
    account = tmp_path / "account"
    account.write_bytes(struct.pack("5q", start, 0, 0, 0, 0))
    command = [sys.executable, "-c", SPEND, str(tmp_path / "ledger"), str(account), str(times), str(rate)]
    workers = [subprocess.Popen([*command, str(number)], cwd=ROOT) for number in range(WORKERS)]
    assert [worker.wait(LIMIT_S * 3) for worker in workers] == [0] * WORKERS
    balance, *spent, broken = struct.unpack("5q", account.read_bytes())
    snapshot = ledger.snapshot()
    assert broken == 0
    assert balance < max(tier.floor_on(rate) for tier in DEFAULT_TIERS) + 6, "it ran dry: the floors were looked for"
    assert (snapshot.bucket.balance, snapshot.totals.spent, snapshot.leases) == (balance, sum(spent), ())
    assert start - sum(spent) == balance
    ledger.close()


def test_line_43_for_an_hour_of_scarce_refill_no_upsert_call_waits_longer_than_it_was_promised():
    account = Account(balance=40)
    ledger = account.ledger()
    ends_ns = account.clock.now_ns() + 3600 * NS
    starved, calls, batches = ledger.place("backfill"), 0, 0
    while account.clock.now_ns() < ends_ns:
        with ledger.place("upsert") as place:
            outcome = place.poll(5)
            latest_ns = outcome.latest_ns if isinstance(outcome, Wait) else account.clock.now_ns()
            while isinstance(outcome, Wait):
                batches += greedy(starved, account)
                account.clock.advance_to_ns(min(outcome.until_ns, account.clock.now_ns() + 10 * NS))
                outcome = place.poll(5)
        assert account.clock.now_ns() <= latest_ns
        outcome.commit()
        reading, is_admitted = account.call(5)
        assert is_admitted
        outcome.settle(5, reading)
        calls += 1
        batches += greedy(starved, account)
    ticks = account.bucket.refilled // 5
    assert calls >= ticks // 2 - 1, "half of the refill is upsert's"
    assert batches >= 1
    assert account.refused == 0


def greedy(place, account):
    """Ask for the backfill, which always wants more; whether it was let go."""
    outcome = place.poll(5)
    if isinstance(outcome, Wait):
        return False
    outcome.commit()
    reading, _ = account.call(5)
    outcome.settle(5, reading)
    return True


def test_line_44_with_every_warning_an_error_a_whole_run_gives_none(tmp_path, database_url):
    settings = {"PYTHONDEVMODE": "1", "PYTHONWARNINGS": "error", "DATABASE_URL": database_url}
    program = Program(tmp_path, **settings).start("--synthetic-into-database")
    try:
        program.until_working()
        program.until(lambda r: r["rows_written"].get("deals", 0) > 0, "deals")
        assert program.stop() == 0
    finally:
        program.kill()
    log = program.log()
    assert [death for death in program.records("died") if death["level"] != "debug"] == []
    for word in ("Warning", "resource_tracker", "Traceback", "Exception ignored"):
        assert word not in log


DEBUG = """
import os, sys, threading
from pathlib import Path
from supervisor.cli import main as cli
from tasks.jobs.upsert import Upsert
step, seen = Upsert.step, []
def look():
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    names = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children]
    seen.append((threading.current_thread() is threading.main_thread(), any(b"tasks.worker" in name for name in names)))
sys.breakpointhook = look
def stopped(self):
    breakpoint()
    return step(self)
Upsert.step = stopped
code = cli.main(["debug", "--task", "upsert", "--once", "--synthetic-into-database"])
print(set(seen), code)
"""


def test_line_57_in_debug_mode_a_breakpoint_stops_the_job_in_the_one_process_there_is(tmp_path, database_url):
    program = Program(tmp_path, DATABASE_URL=database_url, SIMULATOR_START_BALANCE="400")
    done = subprocess.run(
        [sys.executable, "-c", DEBUG], cwd=ROOT, env=program.environment(), capture_output=True, text=True, check=False
    )
    assert done.stdout == "{(True, False)} 0\n", done.stderr
    assert program.ledger()["leases"] == []


def everybody(status):
    """The report, once all three children are in it with their numbers."""
    report = json.loads(status.read_bytes()) if status.exists() else None
    return report if report is not None and len(pids(report)) == 3 else None


@pytest.mark.kill
@pytest.mark.parametrize("way", ["make run", "python -m supervisor"])
def test_line_60_ctrl_c_ends_the_program_alike_however_it_was_started(tmp_path, database_url, way):
    program = Program(tmp_path, DATABASE_URL=database_url)
    environment = program.environment()
    arguments = "run", "--synthetic-into-database"
    if way == "make run":
        script = tmp_path / "bin" / "sluicegate"
        script.parent.mkdir()
        script.write_text(f'#!/bin/sh\nexec {sys.executable} -m supervisor "$@"\n')
        script.chmod(0o755)
        make = [shutil.which("make"), "-o", "setup", "run", f"BIN={script.parent}", f"ARGS={arguments[1]}"]
        terminal = Terminal(*make, env=environment)
    else:
        terminal = Terminal(sys.executable, "-m", "supervisor", *arguments, env=environment)
    status = program.state / "status.json"
    try:
        wait_until(
            lambda: terminal.read() and status.exists() and len(pids(json.loads(status.read_bytes()))) == 3, "all up"
        )
        report = json.loads(status.read_bytes())
        running = [report["supervisor"]["pid"], *pids(report).values()]
        os.write(terminal.fd, b"\x03")
        code = terminal.end()
    finally:
        if terminal.process.poll() is None:
            terminal.process.kill()
    seen = terminal.seen.decode(errors="replace")
    assert not any(is_alive(pid) for pid in running)
    assert "Traceback" not in seen
    assert code in ({0} if way != "make run" else {-signal.SIGINT, 2}), "make tells of the signal it got, not of ours"
    assert json.loads(status.read_bytes())["supervisor"]["state"] == "stopped"
    with (program.state / "supervisor.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
