"""Workers that serve several keys: no key is neglected for others, whatever they earn and however long calls take."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import DEFAULT_TIERS, Lease, ManualClock, Reading
from tests.fixtures.ledger.ledgers import new_ledger
from tests.fixtures.simulated_keys import CAPACITY_TICKS, LOOK_NS, NS, Simulation

TICK_S = 60
BEGIN_NS = 10**15
FREE = tuple(replace(tier, floor=0, floor_ticks=0.0) for tier in DEFAULT_TIERS)
RATES = st.lists(st.sampled_from([1, 5, 20, 60, 300]), min_size=2, max_size=6)


@settings(deadline=None, max_examples=8)
@given(RATES, st.lists(st.sampled_from([1, 20, 90]), min_size=2, max_size=6), st.sampled_from([1, 2, 3]), st.data())
def test_no_key_waits_for_more_than_one_call_of_each_other_key(rates, lengths, workers, data):
    """The bound holds where the workers cannot serve all keys, which they cannot if a call takes longer than a tick."""
    longest_s = max(lengths)
    chance = data.draw(st.randoms(use_true_random=False))
    simulation = Simulation(
        ManualClock(BEGIN_NS), rates, ["backfill"] * workers, lambda *_: chance.choice(lengths),
        away_s=len(rates) * longest_s, rules=FREE,
    )  # fmt: skip
    simulation.run(15 * TICK_S)
    bound_ns = (len(rates) - 1) * longest_s * NS + (len(rates) + 1) * LOOK_NS
    for worker in simulation.workers:
        assert max(wait_ns for _, wait_ns in worker.waits) <= bound_ns


@settings(deadline=None, max_examples=4)
@given(RATES, st.sampled_from([("backfill",), ("backfill", "backfill"), ("upsert", "backfill", "backfill")]), st.data())
def test_each_key_spends_what_it_earns_when_its_workers_have_the_time(rates, tiers, data):
    chance = data.draw(st.randoms(use_true_random=False))
    simulation = Simulation(
        ManualClock(BEGIN_NS), rates, tiers, lambda *_: chance.choice([0.2, 1, 2]), away_s=600, rules=FREE
    )
    simulation.run(25 * TICK_S)
    for account in simulation.accounts:
        account.reading(simulation.clock.now_ns())
        assert account.refilled - account.spent <= 2 * account.rate + 100, "of two ticks, or of a batch under way"


@settings(deadline=None, max_examples=8)
@given(st.integers(2, 30), st.integers(0, 200))
def test_a_worker_that_is_busy_with_another_key_finds_what_its_tier_has_saved(ticks, chance):
    """Meanwhile another tier takes all that it can get."""
    clock = ManualClock(BEGIN_NS)
    ledger = new_ledger(FREE, clock, tick_period_s=TICK_S)
    ledger.observe(Reading(1, 20, TICK_S * 1_000, 10**12))
    place, cost = ledger.place("backfill", away_s=ticks * TICK_S), 4 * (1 + chance % 20)
    assert not isinstance(place.poll(min(cost, 4 * ticks)), Lease)
    hungry = ledger.place("upsert")
    for _ in range(ticks * 6 - 1):
        clock.advance_s(TICK_S / 6)
        hungry.poll(1)
        while isinstance(hungry.poll(1), Lease):
            pass
    clock.advance_s(TICK_S / 6 - 1)
    saved = min(4 * (ticks - 1), CAPACITY_TICKS * 4)
    assert isinstance(place.poll(max(1, min(cost, saved))), Lease)
