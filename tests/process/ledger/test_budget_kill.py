"""Three processes spend one budget and are killed at any moment: the server has charged no more than that."""

import dataclasses
import random
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from ledger import DEFAULT_TIERS, TokenLedger
from tasks.keepa.client import KeepaClient
from tasks.secret import Secret
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer
from tests.fakes.waiting import wait_until

ROOT = Path(__file__).resolve().parents[3]
NOON_MS = 1_700_049_600_000  # 2023-11-15T12:00:00Z
PAGE, BUDGET, PROCESSES = 5, 400, 3
USER = """
import sys
from ledger import NeedsReading, TokenLedger
from tasks.keepa.client import KeepaClient
from tasks.keepa.reply import envelope_of_reply
from tasks.keepa.request import DealRequest
from tasks.keepa.selection.selection import default_selection
from tasks.secret import Secret

ledger = TokenLedger.attach(sys.argv[1])
with KeepaClient(Secret("key"), sys.argv[2]) as client:
    while True:
        try:
            lease = ledger.reserve("upsert", 5)
        except NeedsReading:
            ledger.observe(client.read_bucket())
            continue
        lease.commit()
        envelope = envelope_of_reply(client.send(DealRequest(default_selection().for_upsert(), 0)))
        lease.settle(envelope.tokens_consumed, envelope.reading)
"""


class Users:
    """Processes that look up deals with what is left of the budget of upsert, and are killed and replaced."""

    def __init__(self, path, url, stack):
        self._arguments, self._stack = (str(path), url), stack
        self._running = [self._begin() for _ in range(PROCESSES)]
        self.kills = 0

    def _begin(self):
        process = subprocess.Popen([sys.executable, "-c", USER, *self._arguments], cwd=ROOT)
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process

    def kill(self, number):
        self._running[number].kill()
        self._running[number].wait()
        self._running[number] = self._begin()
        self.kills += 1


@pytest.mark.kill
def test_three_processes_that_are_killed_spend_one_budget_and_no_more(tmp_path):
    chance, path = random.Random(1), tmp_path / "ledger"
    tiers = [dataclasses.replace(tier, tokens_per_day=BUDGET) for tier in DEFAULT_TIERS]
    config = SimulatorConfig(rate=10_000, latency_s=0.02, start_unix_ms=NOON_MS)
    with ExitStack() as stack, SimulatorServer(config) as server:
        ledger = stack.enter_context(closing(TokenLedger.create(path, tiers, account="test")))
        users = Users(path, server.url, stack)

        def upsert():
            return ledger.snapshot().tiers[1]

        def is_spent():
            found = ledger.snapshot()
            return len(found.waiters) == PROCESSES and upsert().spent_today == BUDGET and not found.leases

        while upsert().spent_today < BUDGET - 10 * PAGE:
            number = upsert().granted + chance.randint(1, 10)
            wait_until(lambda number=number: upsert().granted >= number or is_spent(), "more grants")
            users.kill(chance.randrange(PROCESSES))
        wait_until(is_spent, "all of the budget is spent, and all of them wait")
        found, charged = ledger.snapshot(), server.control()["spent"]
        assert users.kills
        assert BUDGET - users.kills * PAGE <= charged <= BUDGET  # who was killed before it had sent is charged as well
        oldest = found.waiters[0]
        assert oldest.reason == "budget"
        assert 11 * 3_600 < oldest.opens_in_s <= 12 * 3_600
        assert oldest.latest_in_s > oldest.opens_in_s
        with KeepaClient(Secret("key"), server.url) as client:  # a call that was lost may have put the balance in doubt
            ledger.observe(client.read_bucket())
        assert ledger.try_reserve("backfill", PAGE).cost == PAGE
