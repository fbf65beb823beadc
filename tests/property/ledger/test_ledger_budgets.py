"""Budgets and hours of tiers: the server never charges more on a day, nobody else waits for them, bounds hold."""

import dataclasses
import random
from collections import Counter

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ledger import Hours, Lease, ManualClock, NeedsReading, NeverEnough, Reading, Tier, TokenLedger, Wait
from ledger.model.tiers import DEFAULT_TIERS
from tests.fixtures.ledger.ledger_queues import Others, WatchedQueue

TICK_S = 1_800
DAY_S = 86_400
MIDNIGHT_MS = 1_700_006_400_000  # 2023-11-15T00:00:00Z
NAMES = [tier.name for tier in DEFAULT_TIERS]


class Server:
    """The account's bucket, and what it charged on each day of UTC."""

    def __init__(self, rate, balance, begin_s):
        self.rate, self.balance, self.now_s, self.next_s = rate, balance, begin_s, begin_s + TICK_S
        self.charged = Counter()

    def advance(self, seconds):
        self.now_s += seconds
        while self.now_s >= self.next_s:
            self.balance = min(60 * self.rate, self.balance + self.rate)
            self.next_s += TICK_S

    def call(self, tier, cost):
        if self.balance <= 0:
            return 0
        self.balance -= cost
        self.charged[int(self.now_s // DAY_S), tier] += cost
        return cost

    def reading(self):
        now_ms = round(self.now_s * 1000)
        return Reading(self.balance, self.rate, round(self.next_s * 1000) - now_ms, MIDNIGHT_MS + now_ms)


hours = st.one_of(
    st.none(),
    st.tuples(st.integers(0, 1439), st.integers(0, 1439)).filter(lambda h: h[0] != h[1]).map(lambda h: Hours(*h)),
)


@st.composite
def ruled(draw, budgets=(0, 1, 30, 100, 400)):
    """The tiers, each with tokens a day and hours, or without."""
    return [
        dataclasses.replace(tier, tokens_per_day=draw(st.sampled_from(budgets)), hours=draw(hours))
        for tier in DEFAULT_TIERS
    ]


class Worker:
    """Keeps requests of one tier in the queue, sends what it gets, and settles it later, never, or after its death."""

    def __init__(self, ledger, server, tier, chance):
        self.ledger, self.server, self.tier, self.chance = ledger, server, tier, chance
        self.place, self.cost, self.open = ledger.place(tier.name), 0, []

    def act(self):
        while self.open and self.chance.random() < 0.5:
            lease, consumed, reading = self.open.pop(self.chance.randrange(len(self.open)))
            lease.settle(None if self.chance.random() < 0.1 else consumed, reading)
        most = self.ledger.headroom(self.tier.name).ever
        self.cost = self.cost or self.chance.randint(1, max(1, most))
        try:
            lease = self.place.poll(self.cost)
        except NeverEnough:
            self.cost = 0
            return
        except NeedsReading:
            self.ledger.observe(self.server.reading())
            return
        if isinstance(lease, Wait):
            return
        self.cost = 0
        if self.chance.random() < 0.1:
            lease.cancel()
            return
        lease.commit()
        consumed = self.server.call(self.tier.name, self.chance.choice((lease.cost, lease.cost // 2)))
        self.open.append((lease, consumed, self.server.reading()))


@settings(max_examples=12)
@given(
    tiers=ruled(),
    rate=st.sampled_from([5, 20, 60]),
    begin_s=st.floats(0, DAY_S),
    slow_s=st.sampled_from([1, 120, 3_000]),
    seed=st.integers(0, 1_000),
)
def test_the_server_never_charges_more_on_a_day_than_the_budget(tiers, rate, begin_s, slow_s, seed):
    clock, server, chance = ManualClock(10**12), Server(rate, 30 * rate, begin_s), random.Random(seed)
    ledger = TokenLedger.in_memory(tiers, clock, tick_period_s=TICK_S)
    ledger.observe(server.reading())
    workers = [Worker(ledger, server, tier, chance) for tier in tiers for _ in range(2)]
    for step in range(150):
        chance.choice(workers).act()
        step_s = chance.choice((0.5, slow_s))
        server.advance(step_s)
        clock.advance_s(step_s)
        if step % 10:
            continue
        for tier, record in zip(tiers, ledger.snapshot().tiers, strict=True):
            if tier.tokens_per_day:
                assert record.spent_today + record.in_flight <= tier.tokens_per_day
    budgets = {tier.name: tier.tokens_per_day for tier in tiers}
    assert all(tokens <= budgets[name] or not budgets[name] for (_, name), tokens in server.charged.items())
    snapshot = ledger.snapshot()
    credited = snapshot.totals.credited + snapshot.bucket.drift
    assert round(credited, 6) == round(snapshot.bucket.balance + snapshot.totals.spent + snapshot.totals.expired, 6)


@settings(max_examples=30)
@given(
    rate=st.sampled_from([5, 20, 60]),
    fullness=st.floats(0, 1),
    begin_s=st.integers(0, DAY_S),
    tiers=ruled(),
    waits=st.lists(st.tuples(st.integers(0, 2), st.floats(0.01, 1)), max_size=4),
    watched=st.integers(0, 2),
    part=st.floats(0.01, 1),
)
def test_the_expected_time_is_exact_over_days_and_hours(rate, fullness, begin_s, tiers, waits, *, watched, part):
    clock, server = ManualClock(10**12), Server(rate, round(60 * rate * fullness), begin_s)
    ledger = TokenLedger.in_memory(tiers, clock, tick_period_s=TICK_S)
    ledger.observe(server.reading())
    for index, size in waits:
        most = ledger.headroom(NAMES[index]).ever
        if index != watched and most:
            outcome = ledger.place(NAMES[index]).poll(max(1, round(most * size)))
            if isinstance(outcome, Lease):
                outcome.cancel()
    most = ledger.headroom(NAMES[watched]).ever
    assume(most)
    place, cost = ledger.place(NAMES[watched]), max(1, round(most * part))
    told = place.poll(cost)
    if isinstance(told, Lease) or told.until_ns is None:
        return
    clock.advance_to_ns(told.until_ns - 1)
    assert isinstance(place.poll(cost), Wait)
    clock.advance_to_ns(told.until_ns)
    assert isinstance(place.poll(cost), Lease)


@settings(max_examples=12)
@given(
    rate=st.sampled_from([5, 20, 60]),
    fullness=st.floats(0, 1),
    begin_s=st.integers(0, DAY_S),
    tiers=ruled((0, 100, 400)),
    watched=st.sampled_from([1, 2]),
    parts=st.lists(st.floats(0.01, 1), min_size=1, max_size=3),
    seed=st.integers(0, 1_000),
)
def test_the_latest_time_holds_over_days_and_hours(rate, fullness, begin_s, tiers, *, watched, parts, seed):
    clock, server = ManualClock(10**12), Server(rate, round(60 * rate * fullness), begin_s)
    ledger = TokenLedger.in_memory(tiers, clock, tick_period_s=TICK_S)
    ledger.observe(server.reading())
    others = Others(ledger, [name for name in NAMES if name != NAMES[watched]], "any", seed)
    for _ in range(10):
        others.act()
        clock.advance_s(TICK_S)
    assume(ledger.headroom(NAMES[watched]).ever)
    queue = WatchedQueue(ledger, clock, NAMES[watched], parts)
    queue.ask()
    end_ns = clock.now_ns() + 20 * DAY_S * 10**9
    while queue.open:
        assert clock.now_ns() < end_ns
        others.act()
        clock.advance_s(TICK_S)
        queue.ask()


@settings(max_examples=20)
@given(st.integers(-50, 300), st.integers(0, 20), st.integers(1, 150))
def test_a_barred_tier_takes_nothing_from_the_others(balance, ticks, cost):
    """Another tier may spend the same, whether a tier that is out of its hours waits or is not there."""
    found = []
    for is_there in (False, True):
        clock = ManualClock(10**12)
        upsert = Tier(name="upsert", floor=50, floor_part=1 / 6, share=0.5, hours=Hours(12 * 60, 20 * 60))
        ledger = TokenLedger.in_memory((upsert, DEFAULT_TIERS[2]), clock, tick_period_s=TICK_S)
        ledger.observe(Reading(balance, 5, TICK_S * 1000, MIDNIGHT_MS))
        if is_there:
            assert ledger.place("upsert").poll(10).reason == "hours"
        clock.advance_s(ticks * TICK_S)
        found.append((ledger.headroom("backfill"), isinstance(ledger.try_reserve("backfill", cost), Lease)))
    assert found[0] == found[1]
