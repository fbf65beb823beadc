"""A lock, a lease or a flag that outlives its process.

Rows 4, 25, 31, 34, 44, 53: ghost locks with a life of days, a dead scheduler's pid file, locks that a dump brought back
with every restart, a worker that slept while it held the lock.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys

import pytest

from ledger import DEFAULT_TIERS, Lease, Reading, TokenLedger
from ledger.process import is_running
from ledger.types import ProcessId
from supervisor.config.state_dir.state_dir import StateDir
from tasks.store import turns
from tasks.store.queue import queue
from tests.fakes.program.cli_program import ROOT, wait_until
from tests.past_incidents.oracle import EPOCH_MS

# Takes all there is to be taken, and is killed with it: the supervisor's lock, a lease on tokens, a place in their
# queue, the turn of a selection, a product to fetch, and at last the ledger's own lock, in the middle of a change.
HOLDER = """
import sys
from pathlib import Path
from ledger import TokenLedger
from supervisor.config.state_dir.state_dir import StateDir
from tasks.store import turns
from ledger.process import this_process
from tasks.store.queue import queue
from tasks.store.connection import connect
state = StateDir(Path(sys.argv[1]))
conn = connect(sys.argv[2], application_name="holder", autocommit=True)
ledger = TokenLedger.attach(state.ledger)
with state.lock.held():
    assert turns.try_take_turn(conn, "walk", f"holder@{this_process()}")
    [item] = queue.claim(conn, owner=str(this_process()), limit=1, lease_s=864_000)
    ledger.try_reserve("upsert", 20)
    ledger.try_reserve("upsert", 30).commit()
    ledger.place("backfill").poll(100)
    ledger._home.begin()
    print(this_process(), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def state(tmp_path):
    return StateDir(tmp_path)


@pytest.fixture
def ledger(state):
    made = TokenLedger.create(state.ledger, DEFAULT_TIERS)
    made.observe(Reading(tokens_left=200, refill_rate=5, refill_in_ms=60_000, server_ms=EPOCH_MS))
    yield made
    made.close()


def flock_is_free(path):
    with path.open("r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def test_what_a_killed_process_held_is_free_the_moment_it_is_dead(state, ledger, conn, database_url):
    queue.enqueue(conn, 1, ["B000000001"], detail="stats")
    command = [sys.executable, "-c", HOLDER, str(state.root), database_url]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True)
    name = ProcessId.parse(holder.stdout.readline().strip())
    assert (state.lock.holder(), flock_is_free(state.ledger)) == (holder.pid, False)
    assert not turns.try_take_turn(conn, "walk", "me")
    assert queue.claim(conn, owner="me", limit=10, lease_s=60) == []
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    assert (state.lock.holder(), flock_is_free(state.ledger), is_running(name)) == (None, True, False)
    with state.lock.held():
        pass
    assert ledger.resolve_dead() == 3
    assert (ledger.snapshot().leases, ledger.snapshot().waiters) == ((), ())
    assert (ledger.snapshot().bucket.balance, ledger.snapshot().totals.refunded) == (170, 20)
    assert turns.try_take_turn(conn, "walk", "me")
    assert queue.release_owner(conn, str(name), max_deaths=5) == 1
    assert [item.asin for item in queue.claim(conn, owner="me", limit=10, lease_s=60)] == ["B000000001"]


def test_a_flag_with_a_pid_and_a_life_of_days_fails_there(tmp_path):
    flag = tmp_path / "lock.json"
    code = f"import json, os; open({str(flag)!r}, 'w').write(json.dumps(dict(pid=os.getpid(), ttl_s=864000)))"
    subprocess.run([sys.executable, "-c", code], check=True)
    is_taken = json.loads(flag.read_text())["ttl_s"] > 0
    with pytest.raises(AssertionError):
        assert not is_taken


def test_who_sleeps_for_tokens_holds_no_lock_and_keeps_nobody_waiting(state, ledger):
    code = (
        "import sys; from ledger import TokenLedger\n"
        "TokenLedger.attach(sys.argv[1]).reserve('backfill', 100, on_wait=lambda _: print('asleep', flush=True))\n"
    )
    sleeper = subprocess.Popen(
        [sys.executable, "-c", code, str(state.ledger)], stdout=subprocess.PIPE, cwd=ROOT, text=True
    )
    try:
        assert sleeper.stdout.readline() == "asleep\n"
        wait_until(lambda: flock_is_free(state.ledger), "a sleeper that has let go")
        for _ in range(3):
            lease = ledger.try_reserve("upsert", 10)
            assert isinstance(lease, Lease)
            lease.cancel()
        assert [waiter.tier for waiter in ledger.snapshot().waiters] == ["backfill"]
    finally:
        sleeper.kill()
        sleeper.communicate()
    assert ledger.resolve_dead() == 1


def test_a_state_directory_brought_back_from_a_copy_locks_nobody_out(state, ledger):
    """With a living stranger's pid in the lock file, as a number that was given again, and a ledger of another boot."""
    ledger.try_reserve("upsert", 20)
    state.lock.path.write_text(f"{os.getpid()}\n")
    copy = StateDir(state.root / "copy")
    copy.make()
    data = bytearray(state.ledger.read_bytes())
    data[16:32] = bytes(16)  # the boot it was made in
    copy.ledger.write_bytes(data)
    copy.lock.path.write_bytes(state.lock.path.read_bytes())
    assert copy.lock.holder() is None
    with copy.lock.held():
        again = TokenLedger.create(copy.ledger, DEFAULT_TIERS)
        assert (again.snapshot().leases, again.snapshot().synced) == ((), False)
        again.close()
