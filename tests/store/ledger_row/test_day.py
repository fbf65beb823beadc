"""Hours of virtual time: three hosts on one row spend what one does by itself, and nothing is refused or expires."""

from __future__ import annotations

import heapq
import itertools
import random

import pytest

from ledger import DEFAULT_TIERS, Lease, ManualClock, NeedsReading, Reading, TokenLedger
from ledger.storage import file
from ledger.storage.mapped import MappedHome
from tasks.simulator.bucket import NS_PER_MS, NS_PER_S, Bucket, Plan
from tasks.store.ledger_row import hosts
from tasks.store.ledger_row.hosts import Newcomer
from tasks.store.ledger_row.row import RowHome
from tests.crash.kills import Again

START_NS = 10**15
EPOCH_MS = 1_700_000_000_000
HOURS = 3
POLL_S = 300
LOOK_S = 60
PAGE = 5
PER_HOST = ("upsert", "backfill", "backfill")
ACCOUNTS = itertools.count(2**60 + 1)


class Day:
    """Hours of virtual time: each worker looks for deals now and then, or wants batches all the time."""

    def __init__(self, rate, homes, clock):
        self.rate, self.clock, self.chance = rate, clock, random.Random(rate)
        self.bucket = Bucket(Plan(rate=rate), first_tick_ns=START_NS + 11 * NS_PER_S, start=30 * rate)
        self.ledgers = [TokenLedger(home) for home in homes]
        self.ledgers[0].configure(DEFAULT_TIERS, 60.208)
        self.ledgers[0].observe(self.reading())
        self.todo, self.numbers = [], itertools.count()
        self.spent, self.refused, self.longest_wait_s = {"upsert": 0, "backfill": 0}, 0, 0.0
        for number, (ledger, tier) in enumerate(zip(self.ledgers, itertools.cycle(PER_HOST), strict=False)):
            place = ledger.place(tier)
            cost = PAGE if tier == "upsert" else 4 * rate
            self.later(number, lambda place=place, cost=cost: self.want(place, cost, self.clock.now_ns()))

    def reading(self):
        now_ns = self.clock.now_ns()
        self.bucket.advance(now_ns)
        server_ms = EPOCH_MS + (now_ns - START_NS) // NS_PER_MS
        return Reading(self.bucket.balance, self.rate, self.bucket.refill_in_ms(now_ns), server_ms)

    def later(self, seconds, what):
        at_ns = self.clock.now_ns() + max(1, round(seconds * NS_PER_S))
        heapq.heappush(self.todo, (at_ns, next(self.numbers), what))

    def want(self, place, cost, since_ns):
        try:
            outcome = place.poll(cost)
        except NeedsReading:
            self.ledgers[0].observe(self.reading())
            outcome = place.poll(cost)
        if not isinstance(outcome, Lease):  # as a waiter does: at the told time, and now and then without an event
            until_s = (outcome.until_ns - self.clock.now_ns()) / NS_PER_S if outcome.until_ns is not None else LOOK_S
            self.later(max(1, min(until_s, LOOK_S)), lambda: self.want(place, cost, since_ns))
            return
        if place.tier == "upsert":
            self.longest_wait_s = max(self.longest_wait_s, (self.clock.now_ns() - since_ns) / NS_PER_S)
        outcome.commit()
        self.later(self.chance.uniform(0.3, 5), lambda: self.answered(place, outcome))

    def answered(self, place, lease):
        self.bucket.advance(self.clock.now_ns())
        self.refused += not self.bucket.is_admitting
        self.bucket.charge(lease.cost)
        lease.settle(lease.cost, self.reading())
        self.spent[place.tier] += lease.cost
        pause_s = POLL_S if place.tier == "upsert" else 1
        self.later(pause_s, lambda: self.want(place, lease.cost, self.clock.now_ns()))

    def live(self):
        ends_ns = START_NS + HOURS * 3600 * NS_PER_S
        while self.todo and self.todo[0][0] < ends_ns:
            at_ns, _, what = heapq.heappop(self.todo)
            self.clock.advance_to_ns(at_ns)
            what()
        self.bucket.advance(ends_ns)
        return self


def on_three_hosts(url, conn, clock):
    """Homes of the workers of three hosts, which are alive until tomorrow."""
    account, made = next(ACCOUNTS), []
    for name in ("a", "b", "c"):
        number = hosts.join(conn, Newcomer(id=name, name=name, version="1"))
        made += [RowHome(url, account, number, clock=clock) for _ in PER_HOST]
    for home in made:
        home.patience = Again()
    conn.execute("UPDATE hosts SET beat_at = clock_timestamp() + interval '1 day'")
    made[0].create(str(account))
    return made


@pytest.mark.kill
@pytest.mark.parametrize("rate", [5, 1_200])
def test_three_hosts_spend_as_one_does(database_url, conn, rate):
    clock = ManualClock(START_NS)
    homes = on_three_hosts(database_url, conn, clock)
    shared = Day(rate, homes, clock).live()
    for home in homes:
        home.close()
    clock = ManualClock(START_NS)
    region = file.in_memory()
    alone = Day(rate, [MappedHome(region, clock) for _ in homes], clock).live()
    for day in (shared, alone):
        assert (day.refused, day.bucket.expired) == (0, 0)
        assert day.longest_wait_s <= POLL_S
        assert day.spent["backfill"] >= 0.2 * day.bucket.refilled
    for tier, tokens in alone.spent.items():
        assert abs(shared.spent[tier] - tokens) <= tokens / 100
