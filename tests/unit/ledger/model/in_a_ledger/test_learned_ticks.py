"""Beside a server the tick is learned from its replies, whatever the settings say of it."""

import itertools
import random

import pytest

from ledger import DEFAULT_TIERS, Lease, ManualClock, NeedsBlindCall, NeedsReading, Reading, TokenLedger
from tasks.simulator.bucket import NS_PER_MS, NS_PER_S, Bucket, Plan

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


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("pauses", [(20, 90), (100, 700)])
@pytest.mark.parametrize(
    ("tick_s", "supposed_s"), [(3, 60.2), (3, 3600), (10, 60.2), (20, 60.2), (45, 60.2), (60.208, 3600), (60.208, 3)]
)
def test_the_tick_is_learned_while_the_bucket_is_full_at_each_of_few_replies(tick_s, supposed_s, pauses, seed):
    """No balance tells it then, only the announced times do."""
    server = Server(tick_s, supposed_s=supposed_s, start=300)
    bucket = server.live(100, pauses, cost=1, seed=seed)
    assert bucket.balance == server.bucket.balance >= 290
    assert bucket.tick_period_s == pytest.approx(tick_s, rel=0.02)
    assert (server.largest_drift, bucket.drift) == (0, 0)


@pytest.mark.parametrize("seed", range(6))
def test_an_hour_between_replies_at_a_full_bucket_makes_no_multiple_of_the_tick_of_a_setting_that_is_near(seed):
    server = Server(60.208, supposed_s=60, start=300)
    assert server.live(60, (3_000, 4_000), cost=1, seed=seed).tick_period_s == pytest.approx(60.208, rel=0.02)


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


LONGEST_MS = 3_600_000
LOOK_S = 900
WAITS = {
    "one of an hour": lambda told, nth: LONGEST_MS if nth == 1 else told,
    "one of ten minutes": lambda told, nth: 590_000 if nth == 1 else told,
    "the first of all": lambda told, nth: LONGEST_MS if nth == 0 else told,
    "the first two": lambda told, nth: LONGEST_MS if nth < 2 else told,
    "ever an hour": lambda _told, _nth: LONGEST_MS,
    "an hour every other time": lambda told, nth: LONGEST_MS if nth % 2 else told,
    "ever none": lambda _told, _nth: 0,
    "ever less than none": lambda _told, _nth: -1,
}


def spoiled(server, told):
    """The server's readings with other waits for the next tick, the first of them counted as 0."""
    true, numbers = server.reading, itertools.count()

    def reading():
        reply = true()
        return Reading(reply.tokens_left, reply.refill_rate, told(reply.refill_in_ms, next(numbers)), reply.server_ms)

    return reading


def pay(server, lease, cost):
    lease.commit()
    server.bucket.advance(server.clock.now_ns())
    server.bucket.charge(cost)
    lease.settle(cost, server.reading())


def poll(server, place, cost):
    """A lease when the gate is open; the server is asked, or called blindly, when the ledger says so."""
    try:
        outcome = place.poll(cost)
        if isinstance(outcome, Lease):
            return outcome
        server.ledger.raise_if_due(outcome)
    except NeedsReading:
        server.ledger.observe(server.reading())
    except NeedsBlindCall:
        pay(server, server.ledger.lease_blind("interactive", 1), 1)
    return None


@pytest.mark.parametrize("supposed_s", [60.2, 3, 3600])
@pytest.mark.parametrize("told", WAITS.values(), ids=WAITS)
def test_whatever_wait_was_announced_a_waiter_is_served_one_look_after_the_tokens_came(told, supposed_s):
    server = Server(60.208, start=30)
    true = server.reading
    server.reading = spoiled(server, told)
    server.ledger = TokenLedger.in_memory(DEFAULT_TIERS, server.clock, tick_period_s=supposed_s)
    server.ledger.observe(server.reading())
    place = server.ledger.place("interactive")
    for _ in range(6):
        server.clock.advance_s(2)
        lease = poll(server, place, 5)
        if lease is not None:
            pay(server, lease, 5)
    server.reading = true
    lease, late_s, cost = None, 0, 15  # few ticks, for which alone nobody looks at the balance
    while lease is None:
        server.clock.advance_s(1)
        server.bucket.advance(server.clock.now_ns())
        late_s += server.bucket.balance >= cost
        assert late_s <= LOOK_S + 2, server.ledger.snapshot().bucket
        lease = poll(server, place, cost)
