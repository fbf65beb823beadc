"""The server's bucket against what was recorded of the real one."""

from __future__ import annotations

from tasks.simulator.bucket import NS_PER_MS, NS_PER_S, TICK_PERIOD_NS, Bucket, Plan


def test_a_long_idle_account_has_exactly_sixty_ticks_worth():
    bucket = Bucket(Plan(rate=5), first_tick_ns=1, start=0)
    bucket.advance(48 * 3600 * NS_PER_S)
    assert bucket.balance == 300


def test_a_balance_of_one_admits_a_call_of_any_cost():
    bucket = Bucket(Plan(rate=5), first_tick_ns=TICK_PERIOD_NS, start=6)
    assert bucket.is_admitting
    bucket.charge(356)
    assert bucket.balance == -350
    assert not bucket.is_admitting


def test_eighty_ticks_lead_from_350_below_to_50_above():
    bucket = Bucket(Plan(rate=5), first_tick_ns=TICK_PERIOD_NS, start=-350)
    bucket.advance(80 * TICK_PERIOD_NS)
    assert bucket.balance == 50


def test_a_balance_of_zero_is_refused():
    assert not Bucket(Plan(), first_tick_ns=1, start=0).is_admitting


def test_refill_in_stays_at_522_ms_just_before_a_tick_and_below_a_period_after_it():
    bucket = Bucket(Plan(), first_tick_ns=TICK_PERIOD_NS)
    assert bucket.refill_in_ms(TICK_PERIOD_NS - NS_PER_MS) == 522
    bucket.advance(TICK_PERIOD_NS)
    assert bucket.refill_in_ms(TICK_PERIOD_NS) == 60_208


def test_a_bucket_with_fast_ticks_never_tells_more_than_its_period():
    bucket = Bucket(Plan(tick_period_ns=NS_PER_S // 10), first_tick_ns=NS_PER_S // 10)
    assert bucket.refill_in_ms(NS_PER_S // 10 - NS_PER_MS) == 1


def test_a_new_rate_counts_from_the_next_tick_with_its_own_capacity():
    bucket = Bucket(Plan(rate=5), first_tick_ns=TICK_PERIOD_NS)
    bucket.set_rate(25)
    assert bucket.balance == 300
    bucket.advance(TICK_PERIOD_NS)
    assert bucket.balance == 325
    bucket.set_rate(5)
    bucket.advance(2 * TICK_PERIOD_NS)
    assert (bucket.balance, bucket.expired) == (300, 30)


def test_ticks_jitter_around_their_grid_without_wandering_off():
    plan = Plan(tick_jitter_ns=NS_PER_S // 2, seed=3)
    offsets = [plan.tick_at_ns(0, n) - n * plan.tick_period_ns for n in range(500)]
    assert max(map(abs, offsets)) <= NS_PER_S // 2
    assert len(set(offsets)) > 400
