"""Kill -9 at any moment: no deadlock, no invented or forgotten token, each lease ends once."""

import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ledger import DEFAULT_TIERS, Lease, Reading, TokenLedger

SERVER_MS = 1_700_000_000_000
SPENDER = Path(__file__).resolve().parent.parent / "fakes" / "spender.py"
ROOT = SPENDER.parent.parent.parent


def spender(path, seed):
    child = subprocess.Popen(
        [sys.executable, str(SPENDER), str(path), str(seed)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert child.stdout.readline() == b"ready\n"
    return child


def stop(child):
    child.kill()
    child.wait()
    child.stdout.close()


def books_balance(ledger):
    s = ledger.snapshot()
    assert round(s.totals.credited + s.bucket.drift, 6) == round(
        s.bucket.balance + s.totals.spent + s.totals.expired, 6
    )
    assert round(sum(t.in_flight for t in s.tiers), 6) == round(sum(lease.cost for lease in s.leases), 6)
    return s


def kill_at_random(path, kills, seed):
    """Keep three spenders at work, killing one after the other; returns the slowest next operation in seconds."""
    ledger = TokenLedger.create(path, DEFAULT_TIERS)
    ledger.observe(Reading(200_000, 4_000, 60_000, SERVER_MS))
    chance = random.Random(seed)
    children = [spender(path, seed + i) for i in range(3)]
    slowest = 0.0
    try:
        for turn in range(kills):
            victim = chance.randrange(3)
            threading.Event().wait(chance.uniform(0, 0.01))
            stop(children[victim])
            began = time.monotonic()
            ledger.resolve_dead()
            books_balance(ledger)
            slowest = max(slowest, time.monotonic() - began)
            assert all(lease.owner_pid != children[victim].pid for lease in ledger.snapshot().leases)
            ledger.observe(Reading(200_000, 4_000, 60_000, SERVER_MS + turn))
            children[victim] = spender(path, seed + turn + 3)
    finally:
        for child in children:
            stop(child)
    ledger.resolve_dead()
    s = books_balance(ledger)
    assert s.leases == ()
    ledger.close()
    return slowest


def test_random_kills_leave_sound_books(tmp_path):
    kill_at_random(tmp_path / "ledger", 20, 1)


@pytest.mark.kill
@pytest.mark.timeout(1200)
def test_many_random_kills_leave_sound_books(tmp_path):
    kill_at_random(tmp_path / "ledger", 3_000, 2)


def test_a_dead_owners_leases_are_resolved_once(tmp_path):
    ledger = TokenLedger.create(tmp_path / "ledger", DEFAULT_TIERS)
    ledger.observe(Reading(300, 5, 60_000, SERVER_MS))
    code = (
        "import sys; from ledger import TokenLedger\n"
        "l = TokenLedger.attach(sys.argv[1])\n"
        "l.try_reserve('upsert', 20)\n"
        "l.try_reserve('upsert', 30).commit()\n"
        "print('ready', flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "ledger")],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        cwd=ROOT,
    )
    assert child.stdout.readline() == b"ready\n"
    assert ledger.resolve_dead() == 0
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdin.close()
    child.stdout.close()
    assert ledger.resolve_dead() == 2
    assert ledger.resolve_dead() == 0
    s = books_balance(ledger)
    assert (s.bucket.balance, s.totals.spent, s.totals.refunded) == (270, 30, 20)
    ledger.observe(Reading(300, 5, 50_000, SERVER_MS + 10_000))
    s = books_balance(ledger)
    assert (s.bucket.balance, s.totals.spent, s.bucket.drift) == (300, 0, 0)
    ledger.close()


def test_a_waiter_wakes_when_another_process_gives_tokens_back(tmp_path):
    ledger = TokenLedger.create(tmp_path / "ledger", DEFAULT_TIERS)
    ledger.observe(Reading(60, 5, 60_000, SERVER_MS))
    held = ledger.try_reserve("upsert", 10)
    other = TokenLedger.attach(tmp_path / "ledger")
    waiting = threading.Event()
    got = []

    def wait():
        got.append(other.reserve("upsert", 10, on_wait=lambda _: waiting.set(), timeout_s=20))

    thread = threading.Thread(target=wait)
    thread.start()
    assert waiting.wait(10)
    held.cancel()
    thread.join(10)
    assert isinstance(got[0], Lease)
    other.close()
    ledger.close()


def test_a_stopped_process_at_the_head_of_a_tier_holds_it_up_for_its_turn_only(tmp_path):
    ledger = TokenLedger.create(tmp_path / "ledger", DEFAULT_TIERS)
    ledger.observe(Reading(200, 5, 60_000, SERVER_MS))
    held = ledger.try_reserve("backfill", 45)
    code = (
        "import sys; from ledger import TokenLedger\n"
        "l = TokenLedger.attach(sys.argv[1])\n"
        "l.reserve('backfill', 40, on_wait=lambda _: print('ready', flush=True))"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "ledger")],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        assert child.stdout.readline() == b"ready\n"
        child.send_signal(signal.SIGSTOP)
        held.cancel()  # the gate is open for the stopped one from here on
        lease = ledger.reserve("backfill", 40, timeout_s=20)
        assert isinstance(lease, Lease)
        assert [entry.event for entry in ledger.snapshot().journal].count("lapsed") == 1
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    ledger.close()
