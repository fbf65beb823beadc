"""A tier that has work gets its share in every window of two hours, whatever it and the others ask for."""

import heapq
import itertools
import random

import pytest

from ledger import DEFAULT_TIERS, Lease, ManualClock, NeedsReading, Reading, TokenLedger
from tasks.simulator.bucket import NS_PER_MS, NS_PER_S, Bucket, Plan

START_NS = 10**15
HOUR_NS = 3600 * NS_PER_S
EPOCH_MS = 1_700_000_000_000
WINDOW_H = 2
RATES = [1, 5, 20, pytest.param(60, marks=pytest.mark.kill)]  # a call costs as much at any rate, and more are made


class Town:
    """Workers of several tiers that always want the next call, each call taking a few seconds, beside one server."""

    def __init__(self, rate, seed):
        self.bucket = Bucket(Plan(rate=rate), first_tick_ns=START_NS + 11 * NS_PER_S, start=10 * rate)
        self.clock, self.chance = ManualClock(START_NS), random.Random(seed)
        self.ledger = TokenLedger.in_memory(DEFAULT_TIERS, self.clock)
        self.todo, self.numbers, self.spent = [], itertools.count(), []
        self.waiting, self.wants = {}, {}
        self.refused = 0
        self.ledger.observe(self.reading())

    def reading(self):
        now_ns = self.clock.now_ns()
        self.bucket.advance(now_ns)
        server_ms = EPOCH_MS + (now_ns - START_NS) // NS_PER_MS
        return Reading(self.bucket.balance, self.bucket.plan.rate, self.bucket.refill_in_ms(now_ns), server_ms)

    def later(self, seconds, what):
        at_ns = self.clock.now_ns() + max(1, round(seconds * NS_PER_S))
        heapq.heappush(self.todo, (at_ns, next(self.numbers), what))

    def employ(self, tier, cost, pause_s):
        """A worker of the tier: `cost` and `pause_s` are functions that give the next request's."""
        place = self.ledger.place(tier)

        def want(tokens):
            self.waiting.pop(place, None)
            try:
                outcome = place.poll(tokens)
            except NeedsReading:
                self.ledger.observe(self.reading())
                outcome = place.poll(tokens)
            if isinstance(outcome, Lease):
                outcome.commit()
                self.later(self.chance.uniform(0.3, 5), lambda: answer(outcome))
                self.wake()
                return
            self.waiting[place] = number = next(self.numbers)  # as a waiter does: at the told time, or at a change
            self.wants[place] = lambda: want(tokens)
            if outcome.until_ns is not None and outcome.reason != "queue":
                again = lambda: self.waiting.get(place) == number and want(tokens)  # noqa: E731
                self.later((outcome.until_ns - self.clock.now_ns()) / NS_PER_S, again)

        def answer(lease):
            self.bucket.advance(self.clock.now_ns())
            self.refused += not self.bucket.is_admitting
            self.bucket.charge(lease.cost)
            lease.settle(lease.cost, self.reading())
            self.spent.append((self.clock.now_ns() - START_NS, tier, lease.cost))
            self.later(pause_s(), lambda: want(cost()))
            self.wake()

        self.later(0, lambda: want(cost()))

    def wake(self):
        for place in list(self.waiting):
            self.later(0.001, lambda place=place: place in self.waiting and self.wants[place]())

    def live(self, hours):
        while self.todo and self.todo[0][0] < START_NS + hours * HOUR_NS:
            at_ns, _, what = heapq.heappop(self.todo)
            self.clock.advance_to_ns(at_ns)
            what()

    def least(self, tier, hours):
        """The fewest tokens the tier got in any window, moved on by half an hour at a time, the first hour left out."""
        begins = [begin / 2 * HOUR_NS for begin in range(2, 2 * (hours - WINDOW_H) + 1)]
        return min(
            sum(cost for at, who, cost in self.spent if who == tier and begin <= at < begin + WINDOW_H * HOUR_NS)
            for begin in begins
        )


def costs(kind, rate, chance):
    """Deal pages, single products, large batches, or anything."""
    large = min(120, 25 * rate)
    return {
        "page": lambda: 5,
        "single": lambda: min(7, large),
        "large": lambda: large,
        "any": lambda: chance.randint(1, large),
    }[kind]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("kind", ["page", "single", "large", "any"])
def test_backfill_gets_its_share_beside_an_upsert_that_wants_everything(rate, kind):
    town, hours = Town(rate, rate), 6
    cost = costs(kind, rate, town.chance)
    for _ in range(3):
        town.employ("upsert", costs("any", rate, town.chance), lambda: 0.1)
    workers = max(1, rate // 20)
    for _ in range(workers):
        town.employ("backfill", cost, lambda: 1)
    town.live(hours)
    refill = rate * WINDOW_H * 3600 / 60.208
    most = max(tokens for _, who, tokens in town.spent if who == "backfill")
    assert town.least("backfill", hours) >= 0.95 * 0.2 * refill - most * workers
    assert (town.refused, town.bucket.lowest >= 0) == (0, True)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("kind", ["page", "single", "large", "any"])
def test_upsert_gets_its_share_beside_a_backfill_that_wants_everything(rate, kind):
    town, hours = Town(rate, rate), 6
    cost = costs(kind, rate, town.chance)
    workers = max(1, rate // 20)
    for _ in range(workers):
        town.employ("upsert", cost, lambda: 1)
    for _ in range(3):
        town.employ("backfill", costs("any", rate, town.chance), lambda: 0.1)
    town.live(hours)
    refill = rate * WINDOW_H * 3600 / 60.208
    most = max(tokens for _, who, tokens in town.spent if who == "upsert")
    assert town.least("upsert", hours) >= min(0.95 * 0.5 * refill - most * workers, 0.95 * wish(town, workers))


def wish(town, workers):
    """What the workers could have spent at most: a call takes 5 s, a pause 1 s."""
    mean = sum(cost for _, who, cost in town.spent if who == "upsert") / sum(
        who == "upsert" for _, who, _ in town.spent
    )
    return workers * WINDOW_H * 3600 / 6 * mean
