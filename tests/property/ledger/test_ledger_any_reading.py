"""No number from outside can stop a tier: once sane readings come again every waiter is served, and floors hold.

Three workers with budgets of their own work against the simulator's bucket. For a while any reply may be spoiled with
any numbers; then all are sane. The bucket of the simulator is the truth.
"""

import io
import math
import random
import threading
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from ledger import DEFAULT_TIERS, NS_PER_S, ManualClock, Reading, Shape
from tasks.calls.budget import Budget, Reservation
from tasks.runtime.heartbeat_writer import HeartbeatWriter
from tasks.runtime.job import JobContext
from tasks.runtime.log import stream_logger
from tasks.simulator.bucket import NS_PER_MS, Bucket, Plan
from tests.fixtures.ledger.ledgers import new_ledger
from tests.fixtures.settings import worker_settings

START_NS = 10**15
EPOCH_MS = 1_700_000_000_000
LOOK_S = 900
MAX_PERIOD_NS = 1 << 62
QUICK = (Phase.explicit, Phase.reuse, Phase.generate)  # to shrink a run of hours takes minutes, and tells little
NAMES = ("tokens_left", "refill_rate", "refill_in_ms", "server_ms", "consumed")


@dataclass
class Lie:
    """What is done to one reply: numbers set, or added to the true ones."""

    put: dict = field(default_factory=dict)
    add: dict = field(default_factory=dict)

    def told(self, name, true):
        return self.put.get(name, true + self.add.get(name, 0))


def numbers():
    near = st.integers(-1_000, 1_000)
    wide = st.integers(-2_000_000, 2_000_000)
    clock = st.integers(EPOCH_MS - 10**12, EPOCH_MS + 3 * 10**12)
    endless = st.sampled_from([10**399, -(10**399), 2**31, 2**63, -(2**63), -1_000_000_000, 0, -1, 1])
    return st.one_of(near, wide, clock, endless)


def lies():
    some = st.dictionaries(st.sampled_from(NAMES), numbers(), max_size=5)
    return st.builds(Lie, put=some, add=some)


class World:
    """Server, ledger and one worker a tier, on one clock."""

    def __init__(self, *, rate, start, tick_s, supposed_s, costs, seed, tiers=DEFAULT_TIERS):
        self.chance = random.Random(seed)
        self.supposed_s = supposed_s
        self.clock = ManualClock(START_NS)
        plan = Plan(rate=rate, tick_period_ns=round(tick_s * NS_PER_S))
        self.bucket = Bucket(plan, first_tick_ns=START_NS + plan.tick_period_ns // 2, start=start)
        self.ledger = new_ledger(tiers, self.clock, tick_period_s=supposed_s)
        self.spoil = lambda: None
        self.free_questions = []
        self.workers = [Worker(self, tier.name, cost) for tier, cost in zip(tiers, costs, strict=True)]

    def reply(self, cost, *, is_free=False):
        """What a call that is made now costs, and the reading of its reply, spoiled or not."""
        now_ns = self.clock.now_ns()
        self.bucket.advance(now_ns)
        consumed = 0 if is_free or not self.bucket.is_admitting else cost
        self.bucket.charge(consumed)
        true = {
            "tokens_left": self.bucket.balance,
            "refill_rate": self.bucket.plan.rate,
            "refill_in_ms": self.bucket.refill_in_ms(now_ns),
            "server_ms": EPOCH_MS + now_ns // NS_PER_MS,
        }
        lie = self.spoil() or Lie()
        told = {name: lie.told(name, value) for name, value in true.items()}
        return lie.told("consumed", consumed), Reading(**told) if told["refill_rate"] else None

    def read_balance(self):
        self.free_questions.append(self.clock.now_ns())
        reading = self.reply(0, is_free=True)[1]
        return reading or Reading(0, 0, 0, 0)

    def step(self):
        """Everybody does what he can; then time passes until somebody has something to do.

        A change wakes those who wait, as it does in processes that wait.
        """
        is_changed = True
        while is_changed:
            self.chance.shuffle(self.workers)
            is_changed = sum(worker.act() for worker in self.workers) > 0
        ends_ns = min(worker.until_ns for worker in self.workers)
        now_ns = self.clock.now_ns()
        self.clock.advance_to_ns(max(now_ns + NS_PER_S, min(ends_ns, now_ns + self.bucket.plan.tick_period_ns)))
        self.bucket.advance(self.clock.now_ns())

    def live(self, steps):
        for _ in range(steps):
            self.step()

    @property
    def in_flight(self):
        return sum(worker.shape.prior for worker in self.workers if worker.reservation is not None)


class Worker:
    """One tier's: asks for a request of one size again and again; the reply comes at its next turn."""

    def __init__(self, world, tier, cost):
        self.world, self.tier = world, tier
        self.shape = Shape(name=f"{tier}:{cost}", items=cost, prior=1)
        context = JobContext(
            role="backfill", settings=worker_settings(), ledger=world.ledger, clock=world.clock, stop=threading.Event(),
            log=stream_logger(io.StringIO()), beat=HeartbeatWriter(lambda _message: None, world.clock),
            blocking=False, worker=tier,
        )  # fmt: skip
        self.budget = Budget(context)
        self.reservation = None
        self.until_ns = 0
        self.grants = []

    def act(self):
        """Whether this changed anything for the others."""
        world = self.world
        was_granted = self.reservation is not None
        if self.reservation is not None:
            if world.clock.now_ns() < self.until_ns:
                return False
            consumed, reading = world.reply(self.shape.items)
            with self.reservation:
                self.reservation.lease.settle(consumed, reading, refused=consumed == 0)
            self.reservation = None
        outcome = self.budget.reserve(self.tier, lambda: self.shape, world.read_balance, may_wait=True)
        if isinstance(outcome, Reservation):
            outcome.commit()
            self.reservation = outcome
            self.grants.append((world.clock.now_ns(), world.bucket.balance))
            self.until_ns = world.clock.now_ns() + round(world.chance.uniform(0, 20) * NS_PER_S)
            return True
        self.until_ns = outcome.until_ns
        return was_granted


def knows_the_truth(world):
    known = world.ledger.snapshot().bucket
    plan = world.bucket.plan
    is_near = abs(known.balance - world.bucket.balance) <= 2 * plan.rate
    is_in_time = abs(known.tick_period_s * NS_PER_S / plan.tick_period_ns - 1) < 0.05
    return known.refill_rate == plan.rate and is_near and is_in_time


def looks_needed(supposed_part):
    """One reading does not tell how long a tick is: where that was supposed wrongly it takes one look more.

    A tick supposed somewhat too short may fit some looks by chance, and then another program has spent the difference.
    """
    if abs(supposed_part - 1) < 0.05:
        return 1
    return 5 if 0.5 < supposed_part < 1 else 2


def serve_all(world):
    """With sane replies the ledger knows the truth within 15 minutes, and serves each tier within its bound."""
    world.spoil = lambda: None
    began_ns = world.clock.now_ns()
    tick_ns = world.bucket.plan.tick_period_ns
    # What the lies made of the period is as wrongly supposed as what the settings said.
    supposed = (world.supposed_s, world.ledger.snapshot().bucket.tick_period_s)
    looks = max(looks_needed(period_s * NS_PER_S / tick_ns) for period_s in supposed)
    learned_ns = began_ns + looks * LOOK_S * NS_PER_S + 2 * tick_ns
    waits = {worker.tier: None for worker in world.workers if worker.tier != "interactive"}
    is_known = False
    while waits:
        for worker in world.workers:
            if any(at_ns >= began_ns for at_ns, _ in worker.grants):
                waits.pop(worker.tier, None)
        was_known, is_known = is_known, knows_the_truth(world)
        if None in waits.values() and is_known and was_known:  # so that every waiter has asked anew, knowing it
            for waiter in world.ledger.snapshot().waiters:
                if waits.get(waiter.tier, 0) is None:
                    ticks = math.ceil(waiter.latest_in_s / world.ledger.snapshot().bucket.tick_period_s)
                    waits[waiter.tier] = world.clock.now_ns() + ticks * tick_ns
        state = (world.ledger.snapshot().bucket, world.bucket.balance, waits)
        assert all(world.clock.now_ns() <= (until_ns or MAX_PERIOD_NS) + tick_ns for until_ns in waits.values()), state
        assert None not in waits.values() or world.clock.now_ns() <= learned_ns, state
        world.step()


plans = st.sampled_from([(5, 60.208, 60.2), (5, 60.208, 3), (20, 60.208, 60.2), (5, 3, 60.2), (1_200, 60.208, 60.2)])


def once_sane(plan, fullness, palette, part, steps, seed):
    rate, tick_s, supposed_s = plan
    costs = (5, min(20, 4 * rate), min(60, 12 * rate))
    start = round(60 * rate * fullness)
    world = World(rate=rate, start=start, tick_s=tick_s, supposed_s=supposed_s, costs=costs, seed=seed)
    world.spoil = lambda: world.chance.choice(palette) if world.chance.random() < part else None
    world.live(steps)
    serve_all(world)
    world.live(60)
    known = world.ledger.snapshot().bucket
    assert known.aside_in_a_row == 0
    assert known.refill_rate == rate


ONCE_SANE = {
    "plan": plans,
    "fullness": st.floats(-1, 1),
    "palette": st.lists(lies(), min_size=1, max_size=5),
    "part": st.sampled_from([0.05, 0.3, 0.7, 1]),
    "steps": st.integers(1, 120),
    "seed": st.integers(0, 10_000),
}


@settings(max_examples=10, deadline=None, phases=QUICK)
@given(**ONCE_SANE)
@example((5, 60.208, 60.2), 0.5, [Lie(put={"tokens_left": -5_000})], 1, 40, 1)
@example((5, 60.208, 60.2), 0.5, [Lie(put={"tokens_left": -800_000})], 1, 40, 1)
@example((5, 60.208, 60.2), 0.5, [Lie(put={"server_ms": 4_102_444_800_000})], 1, 40, 1)
@example((5, 60.208, 60.2), 0.5, [Lie(put={"refill_rate": 100_000})], 0.3, 40, 1)
@example((1_200, 60.208, 60.2), 0.5, [Lie(put={"refill_rate": 1})], 0.3, 40, 1)
@example((5, 60.208, 60.2), 0.5, [Lie(put={"refill_in_ms": 3_600_000})], 1, 40, 1)
@example((5, 60.208, 60.2), 0.5, [Lie(put={"refill_in_ms": 0})], 1, 100, 1)
@example((5, 60.208, 60.2), 0.5, [Lie(put={"consumed": 1_000})], 1, 100, 1)
@example((5, 60.208, 60.2), 0.5, [Lie(put={"refill_rate": 0})], 1, 100, 1)
def test_once_sane_readings_come_again_every_waiter_is_served(plan, fullness, palette, part, steps, seed):
    once_sane(plan, fullness, palette, part, steps, seed)


@pytest.mark.kill
@settings(max_examples=75, deadline=None, phases=QUICK)
@given(**ONCE_SANE)
def test_once_sane_readings_come_again_every_waiter_is_served_many_times(plan, fullness, palette, part, steps, seed):
    once_sane(plan, fullness, palette, part, steps, seed)


def whatever_period(rate, tick_s, supposed_s, fullness, seed):
    costs = (5, min(20, 4 * rate), min(60, 12 * rate))
    start = round(60 * rate * fullness)
    world = World(rate=rate, start=start, tick_s=tick_s, supposed_s=supposed_s, costs=costs, seed=seed)
    serve_all(world)
    world.live(60)
    assert knows_the_truth(world), (world.ledger.snapshot().bucket, world.bucket.balance)


WORLDS = {
    "rate": st.sampled_from([5, 20, 1_200]),
    "tick_s": st.sampled_from([60.208, 60.208, 3]),
    "supposed_s": st.floats(0, 1).map(lambda part: round(0.05 * 72_000**part, 3)),
    "fullness": st.floats(-1, 1),
    "seed": st.integers(0, 10_000),
}


@settings(max_examples=12, deadline=None, phases=QUICK)
@given(**WORLDS)
@example(20, 60.208, 45.336, -0.8395959423385795, 1893)
@example(5, 60.208, 53.231, -0.8920418871788756, 6969)
@example(1_200, 3, 1_084.338, -0.4982120875179319, 7583)
def test_whatever_period_the_settings_suppose_the_truth_is_reached(rate, tick_s, supposed_s, fullness, seed):
    whatever_period(rate, tick_s, supposed_s, fullness, seed)


@pytest.mark.kill
@settings(max_examples=75, deadline=None, phases=QUICK)
@given(**WORLDS)
def test_whatever_period_the_settings_suppose_the_truth_is_reached_in_many_worlds(
    rate, tick_s, supposed_s, fullness, seed
):
    whatever_period(rate, tick_s, supposed_s, fullness, seed)


def lone_lies(plan, fullness, palette, seed):
    rate, tick_s, supposed_s = plan
    costs = (5, min(20, 4 * rate), min(60, 12 * rate))
    floors = (0, 25, 50)
    world = World(
        rate=rate, start=round(60 * rate * fullness), tick_s=tick_s, supposed_s=supposed_s, costs=costs, seed=seed,
        tiers=[
            # What is saved up may go below a floor, and a floor that hangs on the plan is what a reply says it is.
            replace(tier, share=0.0, floor=floor, floor_part=0.9, floor_ticks=0.0)
            for tier, floor in zip(DEFAULT_TIERS, floors, strict=True)
        ],
    )  # fmt: skip
    replies = iter(range(10**9))

    def now_and_then():
        """A lie that stands alone: what the one before has cost has come in again."""
        is_due = next(replies) % 7 == 3 and world.bucket.balance >= floors[-1]
        return world.chance.choice(palette) if is_due else None

    world.spoil = now_and_then
    world.live(200)
    for tier, floor in zip(DEFAULT_TIERS, floors, strict=True):
        worker = next(worker for worker in world.workers if worker.tier == tier.name)
        for _, balance in worker.grants:
            assert balance - worker.shape.items >= floor - max(costs)


LONE_LIES = {
    "plan": plans,
    "fullness": st.floats(0, 1),
    "palette": st.lists(lies(), min_size=1, max_size=5),
    "seed": st.integers(0, 10_000),
}


@settings(max_examples=12, deadline=None, phases=QUICK)
@given(**LONE_LIES)
def test_lone_lies_cost_no_floor_more_than_a_batch_of_each_worker(plan, fullness, palette, seed):
    lone_lies(plan, fullness, palette, seed)


@pytest.mark.kill
@settings(max_examples=60, deadline=None, phases=QUICK)
@given(**LONE_LIES)
def test_lone_lies_cost_no_floor_more_than_a_batch_of_each_worker_many_times(plan, fullness, palette, seed):
    lone_lies(plan, fullness, palette, seed)


def test_the_server_is_asked_at_most_once_in_a_quarter_of_an_hour_while_everybody_waits():
    world = World(rate=5, start=60, tick_s=60.208, supposed_s=60.2, costs=(5, 200, 140), seed=1)
    world.workers = [worker for worker in world.workers if worker.tier != "interactive"]
    world.live(60 * 24)
    gaps = [later - earlier for earlier, later in zip(world.free_questions, world.free_questions[1:], strict=False)]
    assert len(world.free_questions) > 5
    assert min(gaps) >= LOOK_S * NS_PER_S


@pytest.mark.kill
@pytest.mark.parametrize("ledger_home", ["file", "row"], indirect=True)
@pytest.mark.parametrize(
    ("check", "drawn"), [(once_sane, ONCE_SANE), (whatever_period, WORLDS), (lone_lies, LONE_LIES)]
)
def test_it_holds_in_every_home(ledger_home, check, drawn):
    rules = {"deadline": None, "phases": QUICK, "suppress_health_check": list(HealthCheck)}
    settings(max_examples={"file": 10, "row": 2}[ledger_home], **rules)(given(**drawn)(check))()
