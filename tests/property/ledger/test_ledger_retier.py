"""Floors and shares are changed while calls are open and requests wait: nothing is lost, the new rules hold at once."""

import threading

import pytest
from hypothesis import example
from hypothesis import strategies as st

from ledger import DEFAULT_TIERS, Lease, ManualClock, Reading, SystemClock, Tier, TokenLedger
from tests.fakes.waiting import LIMIT_S
from tests.fixtures.ledger.ledgers import examples, holds_in_every_home, new_ledger

TICK_S = 60
SERVER_MS = 1_700_000_000_000
NAMES = ("upper", "middle", "lower")


@st.composite
def rules(draw):
    """Three tiers of the same names, with any floors and any shares that come to less than 1."""
    parts = draw(st.lists(st.sampled_from([0, 0, 2, 3, 5]), min_size=3, max_size=3))
    total = sum(parts) + draw(st.integers(1, 5))
    return tuple(
        Tier(
            name=name,
            floor=draw(st.sampled_from([0, 10, 50, 150])),
            floor_part=draw(st.sampled_from([0, 1 / 6, 1 / 2])),
            share=part / total,
        )
        for name, part in zip(NAMES, parts, strict=True)
    )


class Town:
    """One ledger, places in its queues, and calls that are open."""

    def __init__(self, first, rate, fullness):
        self.clock, self.rate = ManualClock(10**12), rate
        self.ledger = new_ledger(first, self.clock, tick_period_s=TICK_S)
        self.ledger.observe(Reading(round(60 * rate * fullness), rate, TICK_S * 1000, SERVER_MS))
        self.places = {name: self.ledger.place(name) for name in NAMES}
        self.wanted, self.calls = {}, []

    def ask(self, name, part):
        most = self.ledger.headroom(name).ever
        cost = self.wanted.get(name) or max(1, round(most * part))
        if cost > most:
            self.places[name].leave()
            self.wanted.pop(name, None)
            return
        outcome = self.places[name].poll(cost)
        self.wanted[name] = 0 if isinstance(outcome, Lease) else cost
        if isinstance(outcome, Lease):
            self.calls.append(outcome)

    def end(self, part):
        if self.calls:
            call = self.calls.pop(0)
            call.cancel() if part < 0.3 else (call.commit(), call.settle(round(call.cost * part)))

    def act(self, steps):
        for name, part, ticks in steps:
            self.ask(name, part) if name in NAMES else self.end(part)
            self.clock.advance_s(ticks * TICK_S)

    def books(self):
        taken = self.ledger.snapshot()
        return (taken.bucket.balance, taken.totals, taken.leases, {(one.tier, one.cost) for one in taken.waiters})


STEPS = st.lists(st.tuples(st.sampled_from([*NAMES, "end", "end"]), st.floats(0.01, 1), st.integers(0, 3)), max_size=14)
GIVEN = {
    "first": rules(),
    "second": rules(),
    "rate": st.sampled_from([1, 5, 20, 60, 1200]),
    "fullness": st.floats(0, 1),
    "before": STEPS,
}


@holds_in_every_home(examples(150, on_file=30, on_row=20), **GIVEN, after=STEPS)
def test_a_change_keeps_balance_calls_and_queues_and_what_comes_after_goes_by_the_new_rules(
    first, second, rate, fullness, before, *, after
):
    changed = Town(first, rate, fullness)
    changed.act(before)
    books = changed.books()
    changed.ledger.configure(second, TICK_S)
    assert changed.books() == books
    taken = changed.ledger.snapshot()
    assert [tier.floor for tier in taken.tiers] == [min(tier.floor, tier.floor_on(rate)) for tier in second]
    for state, tier in zip(taken.tiers, second, strict=True):
        waiting = max((one.cost for one in taken.waiters if one.tier == tier.name), default=0)
        assert state.earmark <= max(tier.share * 60 * rate, waiting) + 0.001
        assert tier.share or not state.earmark
    changed.act(after)
    while changed.calls:
        changed.end(0.1)
    for place in changed.places.values():
        place.leave()
    changed.clock.advance_s(2 * TICK_S)
    changed.act([("upper", 0.01, 1), ("end", 0.1, 2), ("upper", 0.01, 0), ("end", 0.1, 0)])
    taken = changed.ledger.snapshot()
    assert round(taken.totals.credited + taken.bucket.drift, 6) == round(
        taken.bucket.balance + taken.totals.spent + taken.totals.expired, 6
    )
    assert all(tier.share or not state.earmark for tier, state in zip(second, taken.tiers, strict=True))


def flat(*shares):
    """Tiers without floors."""
    return tuple(Tier(name=name, floor=0, floor_part=0, share=share) for name, share in zip(NAMES, shares, strict=True))


# A full bucket, and the tier below keeps two thirds of a token until the next tick.
KEPT = example(
    first=flat(0, 0, 2 / 3),
    second=flat(0.4, 0, 0.4),
    rate=1,
    fullness=1.0,
    before=[("upper", 1.0, 0), ("upper", 1.0, 0), ("lower", 0.5, 0), ("end", 0.25, 2), ("lower", 1.0, 0)],
    part=1.0,
    watched="upper",
)


@holds_in_every_home(
    examples(100, on_file=20, on_row=15),
    explicit=[KEPT],
    **GIVEN,
    part=st.floats(0.05, 1),
    watched=st.sampled_from(NAMES),
)
def test_the_time_that_is_told_after_a_change_is_exact_when_nobody_else_is_there(
    first, second, rate, fullness, before, *, part, watched
):
    town = Town(first, rate, fullness)
    town.act(before)
    town.ledger.configure(second, TICK_S)
    for call in town.calls:
        call.cancel()
    for name in set(NAMES) - {watched}:
        town.places[name].leave()
    most = town.ledger.headroom(watched).ever
    if not most:
        return
    cost = max(1, round(most * part))
    told = town.places[watched].poll(cost)
    if isinstance(told, Lease):
        return
    assert told.until_ns is not None
    assert told.latest_ns is None or told.until_ns <= told.latest_ns
    town.clock.advance_to_ns(told.until_ns - 1)
    assert not isinstance(town.places[watched].poll(cost), Lease)
    town.clock.advance_to_ns(told.until_ns)
    assert isinstance(town.places[watched].poll(cost), Lease)


def with_share(share):
    return (
        Tier(name="upper", floor=0, floor_part=0, share=0.3),
        Tier(name="lower", floor=0, floor_part=0, share=share),
    )


def empty_ledger(share):
    """A ledger of nothing yet, in which the lower of two tiers has this share, and its clock."""
    clock = ManualClock(10**12)
    ledger = new_ledger(with_share(share), clock, tick_period_s=TICK_S)
    ledger.observe(Reading(0, 10, TICK_S * 1000, SERVER_MS))
    return ledger, clock


def test_a_share_that_is_given_does_not_count_for_the_time_before():
    ledger, clock = empty_ledger(0)
    upper, lower = ledger.place("upper"), ledger.place("lower")
    upper.poll(400)
    lower.poll(100)
    clock.advance_s(20 * TICK_S + 2)
    ledger.configure(with_share(0.5), TICK_S)
    lower.poll(100)
    assert ledger.snapshot().tiers[1].earmark == 0
    clock.advance_s(2 * TICK_S)
    lower.poll(100)
    assert ledger.snapshot().tiers[1].earmark == 10


def test_what_was_saved_by_the_old_share_stays_as_far_as_the_new_one_may_save_it():
    clock = ManualClock(10**12)
    ledger = new_ledger(with_share(0.5), clock, tick_period_s=TICK_S)
    ledger.observe(Reading(-1_000, 10, TICK_S * 1000, SERVER_MS))  # a debt, so that nothing is granted meanwhile
    place = ledger.place("lower")
    place.poll(20)
    clock.advance_s(4 * TICK_S + 2)
    ledger.configure(with_share(0.1), TICK_S)
    assert ledger.snapshot().tiers[1].earmark == 4 * 10 * 0.5
    ledger.configure(with_share(0.5), TICK_S)
    clock.advance_s(40 * TICK_S)
    ledger.configure(with_share(0.1), TICK_S)
    assert ledger.snapshot().tiers[1].earmark == 60 * 10 * 0.1


def test_a_share_that_is_taken_leaves_nothing_saved_whatever_open_calls_give_back():
    ledger, clock = empty_ledger(0.5)
    upper, lower = ledger.place("upper"), ledger.place("lower")
    upper.poll(400)
    lower.poll(20)
    clock.advance_s(8 * TICK_S)
    lease = lower.poll(20)
    assert isinstance(lease, Lease)
    ledger.configure(with_share(0), TICK_S)
    lease.cancel()
    assert ledger.snapshot().tiers[1].earmark == 0


def test_one_who_waits_is_woken_by_a_lower_floor(tmp_path, mocker):
    """In another process it would be: here in another thread, with a ledger object of its own."""
    mocker.patch("ledger.bookings._LOOK_NS", 3600 * 10**9)  # it does not look by itself
    path = tmp_path / "ledger"
    ledger = TokenLedger.create(path, clock=SystemClock(), tick_period_s=3600)
    ledger.observe(Reading(100, 20, 3_600_000, SERVER_MS))
    got, waits = [], threading.Event()

    def wait():
        mine = TokenLedger.attach(path)
        lease = mine.reserve("backfill", 10, timeout_s=3600, on_wait=lambda _: waits.set())
        got.append(lease.cost)
        lease.cancel()
        mine.close()

    thread = threading.Thread(target=wait)
    thread.start()
    assert waits.wait(LIMIT_S)
    ledger.configure([*DEFAULT_TIERS[:2], Tier(name="backfill", floor=60, floor_part=1 / 2, share=0.2)], 3600)
    thread.join(LIMIT_S)
    assert got == [10]
    ledger.close()


def test_names_cannot_change_while_somebody_waits():
    ledger, _ = empty_ledger(0.5)
    ledger.place("lower").poll(5)
    with pytest.raises(ValueError, match="cannot change while calls are open"):
        ledger.configure(DEFAULT_TIERS, TICK_S)
