"""The server's bucket under any sequence of events: tokens are conserved, and refill never overfills."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tasks.simulator.bucket import NS_PER_MS, NS_PER_S, SHORTEST_REFILL_IN_MS, TICK_PERIOD_NS, Bucket, Plan

plans = st.builds(
    Plan,
    rate=st.integers(1, 60),
    capacity_ticks=st.integers(1, 60),
    tick_period_ns=st.sampled_from([NS_PER_S // 2, 3 * NS_PER_S, 60 * NS_PER_S, TICK_PERIOD_NS]),
    tick_jitter_ns=st.sampled_from([0, NS_PER_S // 2]),
    seed=st.integers(0, 100),
)
events = st.one_of(
    st.tuples(st.just("wait"), st.integers(0, 600 * NS_PER_S)),
    st.tuples(st.just("charge"), st.integers(0, 500)),
    st.tuples(st.just("take"), st.integers(0, 100)),
    st.tuples(st.just("rate"), st.integers(1, 60)),
    st.tuples(st.just("balance"), st.integers(-400, 400)),
)


def play(bucket, script):
    """Apply events, yielding after each what it was, the balance before and the time after."""
    now_ns = 0
    for name, amount in script:
        before = bucket.balance
        if name == "wait":
            now_ns += amount
        elif name == "charge":
            bucket.charge(amount)
        elif name == "take":
            bucket.take(amount)
        elif name == "rate":
            bucket.set_rate(amount)
        else:
            bucket.set_balance(amount)
        bucket.advance(now_ns)
        yield name, before, now_ns


@given(plans, st.integers(1, 2 * TICK_PERIOD_NS), st.lists(events, max_size=40))
def test_every_token_is_accounted_for_after_every_event(plan, first_tick_ns, script):
    bucket = Bucket(plan, first_tick_ns=first_tick_ns)
    for _ in play(bucket, script):
        assert bucket.start + bucket.refilled == bucket.balance + bucket.spent + bucket.taken + bucket.expired
        assert bucket.expired >= 0


@given(plans, st.lists(events, max_size=40))
def test_refill_never_brings_the_balance_above_capacity(plan, script):
    bucket = Bucket(plan, first_tick_ns=plan.tick_period_ns)
    for name, before, _ in play(bucket, script):
        if name == "wait" and bucket.balance > before:
            assert bucket.balance <= bucket.plan.capacity


@given(plans, st.lists(events, max_size=40))
def test_the_next_tick_always_lies_ahead_and_refill_in_tells_when(plan, script):
    bucket = Bucket(plan, first_tick_ns=plan.tick_period_ns)
    for _, _, now_ns in play(bucket, script):
        ahead_ns = bucket.next_tick_ns - now_ns
        assert ahead_ns > 0
        told_ms = bucket.refill_in_ms(now_ns)
        assert told_ms * NS_PER_MS >= ahead_ns
        assert told_ms == -(-ahead_ns // NS_PER_MS) or told_ms <= SHORTEST_REFILL_IN_MS


@given(plans, st.integers(0, 50), st.lists(st.integers(0, 10 * TICK_PERIOD_NS), max_size=20))
def test_how_often_one_looks_changes_nothing(plan, debt, pauses):
    often, once = (Bucket(plan, first_tick_ns=plan.tick_period_ns, start=-debt) for _ in range(2))
    now_ns = 0
    for pause in pauses:
        now_ns += pause
        often.advance(now_ns)
    once.advance(now_ns)
    assert (often.balance, often.refilled, often.expired) == (once.balance, once.refilled, once.expired)
    assert often.next_tick_ns == once.next_tick_ns


@given(st.integers(1, 60), st.integers(1, 10_000))
def test_recovery_from_debt_is_linear(rate, debt):
    bucket = Bucket(Plan(rate=rate), first_tick_ns=TICK_PERIOD_NS, start=-debt)
    ticks = debt // rate + 1
    bucket.advance(ticks * TICK_PERIOD_NS - 1)
    assert not bucket.is_admitting
    bucket.advance(ticks * TICK_PERIOD_NS)
    assert bucket.is_admitting
    assert bucket.balance == ticks * rate - debt
