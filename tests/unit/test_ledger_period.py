"""The tick is learned from the replies, whatever the settings say of it."""

import random

import pytest

from ledger import DEFAULT_TIERS, Lease, ManualClock, NeedsReading, Reading, TokenLedger
from tasks.keepa.simulator.bucket import NS_PER_MS, NS_PER_S, Bucket, Plan

EPOCH_MS = 1_700_000_000_000
START_NS = 10**15


class Server:
    """An account whose ticks come at another pace than was supposed."""

    def __init__(self, tick_s, *, rate=5, start=20, jitter_s=0.0, supposed_s=60.2):
        self.clock = ManualClock(START_NS)
        plan = Plan(rate=rate, tick_period_ns=round(tick_s * NS_PER_S), tick_jitter_ns=round(jitter_s * NS_PER_S))
        self.bucket = Bucket(plan, first_tick_ns=START_NS + plan.tick_period_ns // 3, start=start)
        self.ledger = TokenLedger.in_memory(DEFAULT_TIERS, self.clock, tick_period_s=supposed_s)
        self.ledger.observe(self.reading())
        self.largest_drift = 0.0

    def reading(self):
        now_ns = self.clock.now_ns()
        self.bucket.advance(now_ns)
        refill_ms = self.bucket.refill_in_ms(now_ns)
        return Reading(self.bucket.balance, self.bucket.plan.rate, refill_ms, EPOCH_MS + now_ns // NS_PER_MS)

    def call(self, cost):
        try:
            lease = self.ledger.try_reserve("interactive", cost)
        except NeedsReading:
            self.ledger.observe(self.reading())
            return
        if isinstance(lease, Lease):
            lease.commit()
            self.bucket.advance(self.clock.now_ns())
            if is_admitted := self.bucket.is_admitting:
                self.bucket.charge(cost)
            lease.settle(cost if is_admitted else 0, self.reading(), refused=not is_admitted)
        self.largest_drift = max(self.largest_drift, abs(self.ledger.snapshot().bucket.drift))

    def live(self, calls, pauses, cost=5, seed=0):
        chance = random.Random(seed)
        for _ in range(calls):
            self.clock.advance_s(chance.uniform(*pauses))
            self.call(cost)
        return self.ledger.snapshot().bucket


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("tick_s", "supposed_s", "pauses"),
    [
        (3, 60.2, (0.2, 9)),
        (3, 60.2, (20, 90)),
        (0.5, 60.2, (0.1, 2)),
        (60.208, 3, (1, 90)),
        (60.208, 0.05, (1, 200)),
        (60.208, 3600, (1, 90)),
        (300, 60.2, (10, 400)),
        (55, 60.2, (1, 100)),
        (120, 60.2, (1, 300)),
        (10, 60.2, (1, 60)),
    ],
)
def test_whatever_the_settings_say_the_tick_is_the_servers_and_nobody_else_is_blamed(tick_s, supposed_s, pauses, seed):
    server = Server(tick_s, supposed_s=supposed_s)
    cost = max(1, round(5 * sum(pauses) / 2 / tick_s * 0.9))
    bucket = server.live(300, pauses, cost=cost, seed=seed)
    assert bucket.tick_period_s == pytest.approx(tick_s, rel=0.02)
    assert server.largest_drift <= 2 * 5  # a refill counted a little early or late, and taken back with the next reply
    assert bucket.drift == 0


def test_a_wait_longer_than_the_period_gives_way_to_what_the_balance_says_of_it():
    """Two readings are enough: the second announces 55 s, and the balance rose by four refills meanwhile."""
    server = Server(60.208, supposed_s=3, start=-100)
    server.clock.advance_s(3 * 60.208 + 25)
    server.ledger.observe(server.reading())
    assert server.ledger.snapshot().bucket.tick_period_s == pytest.approx(60.208, rel=0.001)


def test_a_period_that_the_replies_have_taught_survives_other_settings():
    server = Server(3)
    server.live(100, (0.2, 9))
    server.ledger.configure(DEFAULT_TIERS, 45)
    assert server.ledger.snapshot().bucket.tick_period_s == pytest.approx(3, rel=0.02)


def test_settings_are_followed_until_a_reply_has_taught_something():
    server = Server(60.208)
    server.ledger.configure(DEFAULT_TIERS, 45)
    assert server.ledger.snapshot().bucket.tick_period_s == 45


@pytest.mark.parametrize("seed", range(4))
def test_a_server_that_changes_its_pace_for_good_is_followed(seed):
    server = Server(60.208)
    server.live(200, (1, 90), cost=3, seed=seed)
    slow = server.bucket
    plan = Plan(rate=5, tick_period_ns=3 * NS_PER_S)
    server.bucket = Bucket(plan, first_tick_ns=server.clock.now_ns() + NS_PER_S, start=slow.balance)
    bucket = server.live(400, (0.2, 9), cost=6, seed=seed)
    assert bucket.tick_period_s == pytest.approx(3, rel=0.02)


@pytest.mark.parametrize("seed", range(4))
def test_jitter_of_half_a_second_and_odd_waits_now_and_then_teach_no_other_period(seed):
    server = Server(60.208, jitter_s=0.5)
    chance = random.Random(seed)
    true = server.reading
    odd = [0, 522, 20_000, 30_104, 59_000, 400_000]

    def sometimes_odd():
        reading = true()
        refill_ms = chance.choice(odd) if chance.random() < 0.1 else reading.refill_in_ms
        return Reading(reading.tokens_left, 5, refill_ms, reading.server_ms)

    server.live(60, (1, 90), cost=3, seed=seed)
    server.reading = sometimes_odd
    for _ in range(40):
        bucket = server.live(10, (1, 90), cost=3, seed=chance.random())
        assert 45 < bucket.tick_period_s < 75
    server.reading = true
    assert server.live(60, (1, 90), cost=3, seed=seed).tick_period_s == pytest.approx(60.208, rel=0.02)
