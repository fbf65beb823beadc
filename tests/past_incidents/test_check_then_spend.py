"""Several workers look at the same balance, and then all of them spend it.

Rows 4, 17, 33, 35: two tasks that overlap, two jobs that both see 20 tokens, four workers that each checked first.
"""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from ledger import DEFAULT_TIERS, Reading, TokenLedger
from tests.fakes.program.cli_program import ROOT
from tests.past_incidents.oracle import EPOCH_MS, FLOORS, Account

WORKERS = 4
CALL = 10
BALANCE = 205
# Each asks until it is told to wait, and then says how often it was let go.
ASK = (
    "import sys\n"
    "from ledger import Lease, TokenLedger\n"
    "ledger = TokenLedger.attach(sys.argv[1])\n"
    "print('ready', flush=True)\n"
    "sys.stdin.readline()\n"
    "let_go = 0\n"
    "while isinstance(lease := ledger.try_reserve('upsert', int(sys.argv[2])), Lease):\n"
    "    lease.commit()\n"
    "    let_go += 1\n"
    "print(let_go)\n"
)


def spent_rightly(calls, account):
    """As many calls as there are tokens above the floor, and not one more."""
    for _ in range(calls):
        account.call(CALL)
    assert calls == (BALANCE - FLOORS["upsert"]) // CALL
    assert account.bucket.lowest == BALANCE - calls * CALL
    assert account.bucket.lowest >= FLOORS["upsert"]


def test_workers_that_ask_at_once_get_together_what_there_is(tmp_path):
    with_path = TokenLedger.create(tmp_path / "ledger", DEFAULT_TIERS)
    with_path.observe(Reading(tokens_left=BALANCE, refill_rate=5, refill_in_ms=60_000, server_ms=EPOCH_MS))
    command = [sys.executable, "-c", ASK, str(tmp_path / "ledger"), str(CALL)]
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True)
        for _ in range(WORKERS)
    ]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    calls = sum(int(worker.communicate()[0]) for worker in workers)
    with_path.close()
    spent_rightly(calls, Account(balance=BALANCE))


def test_looking_first_and_spending_then_fails_there():
    account = Account(balance=BALANCE)
    all_have_looked = threading.Barrier(WORKERS)
    calls = []

    def worker():
        seen = account.balance
        all_have_looked.wait()
        while seen - CALL >= FLOORS["upsert"]:
            seen -= CALL
            calls.append(CALL)

    threads = [threading.Thread(target=worker) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with pytest.raises(AssertionError):
        spent_rightly(len(calls), account)
