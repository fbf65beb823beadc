"""Floors, shares, earmarks and queues decide as documented."""

import pytest

from ledger import (
    DEFAULT_TIERS,
    NS_PER_S,
    Lease,
    ManualClock,
    NeedsReading,
    NeverEnough,
    Reading,
    Shape,
    Stopped,
    Tier,
    TimedOut,
    Wait,
)
from ledger.model import waiters
from ledger.storage.transaction import change
from tests.fixtures.ledger.ledgers import new_ledger
from tests.fixtures.ledger.opened import SERVER_MS, joined, opened

pytestmark = pytest.mark.usefixtures("ledger_home")


TICK_S = 60.2


def test_nobody_spends_before_the_first_reading_and_one_caller_is_sent_for_it():
    ledger = new_ledger(DEFAULT_TIERS, ManualClock(10**12))
    assert ledger.headroom("upsert").now == 0
    with pytest.raises(NeedsReading):
        ledger.try_reserve("upsert", 5)


def test_each_tier_leaves_its_floor():
    ledger, _ = opened(200)
    assert ledger.headroom("backfill").now == 50
    assert ledger.headroom("upsert").now == 150
    assert ledger.headroom("interactive").now == 90  # what it is certain of beside the others' earmarks
    assert isinstance(ledger.try_reserve("backfill", 51), Wait)
    assert isinstance(ledger.try_reserve("backfill", 50), Lease)


def test_open_leases_are_not_spent_twice():
    ledger, _ = opened(200)
    ledger.try_reserve("upsert", 100)
    assert ledger.headroom("upsert").now == 50
    assert ledger.headroom("backfill").now == 0


@pytest.mark.parametrize(
    ("rate", "upsert", "backfill"), [(1, 10, 30), (5, 50, 150), (50, 50, 150), (60, 60, 180), (4000, 4000, 12000)]
)
def test_floors_follow_the_plan(rate, upsert, backfill):
    ledger, _ = opened(10, rate)
    floors = {tier.name: tier.floor for tier in ledger.snapshot().tiers}
    assert floors == {"interactive": 0, "upsert": pytest.approx(upsert, abs=0.01), "backfill": backfill}


def test_what_can_never_be_granted_is_refused_with_the_most_that_can():
    ledger, _ = opened(300)
    with pytest.raises(NeverEnough, match="at most 150") as refusal:
        ledger.reserve("backfill", 151)
    assert refusal.value.max_cost == 150


def test_a_wait_tells_when_the_gate_opens():
    ledger, clock = opened(100)
    wait = ledger.try_reserve("backfill", 10)
    clock.advance_to_ns(wait.until_ns - 1)
    assert isinstance(ledger.try_reserve("backfill", 10), Wait)
    clock.advance_to_ns(wait.until_ns)
    assert isinstance(ledger.try_reserve("backfill", 10), Lease)


def test_a_place_saves_its_share_and_moves_though_the_common_pool_is_shut():
    ledger, clock = opened(60)
    place = ledger.place("backfill")
    assert isinstance(place.poll(20), Wait)
    clock.advance_s(1)  # the guard against jitter: each advance below reaches the next tick
    for tick in range(1, 21):
        clock.advance_s(TICK_S)
        room = ledger.headroom("upsert").now
        if room:
            ledger.try_reserve("upsert", room).settle(room)
        outcome = place.poll(20)
        assert isinstance(outcome, Lease) == (tick == 20)  # one token a tick: a fifth of 5
    assert ledger.snapshot().tiers[2].earmark == 0
    assert ledger.snapshot().waiters == ()


def test_a_tick_that_a_reply_tells_of_before_the_clock_does_counts_for_the_earmark_once():
    ledger, clock = opened(0)
    with ledger.place("backfill") as place:
        place.poll(20)
        into = ledger.snapshot().bucket.next_tick_in_s
        clock.advance_s(into - 0.5)  # the tick has been, but it counts here only a second after it was announced
        passed_ms = round((into - 0.5) * 1000)
        ledger.observe(Reading(5, 5, 59_700, SERVER_MS + passed_ms))
        assert ledger.snapshot().tiers[2].earmark == 1
        clock.advance_s(1)
        assert ledger.snapshot().tiers[2].earmark == 1


def test_what_a_call_leaves_of_the_earmark_is_kept_until_the_tick_after_it():
    ledger, clock = opened(0)
    place = ledger.place("backfill")
    place.poll(5)
    clock.advance_s(8 * TICK_S + 1)
    assert ledger.snapshot().tiers[2].earmark == 8
    lease = place.poll(5)
    assert ledger.snapshot().tiers[2].earmark == 3
    clock.advance_s(TICK_S)
    assert ledger.snapshot().tiers[2].earmark == 3  # while its call is under way
    lease.settle(1)
    assert ledger.snapshot().tiers[2].earmark == 7  # a share is of tokens spent
    clock.advance_s(TICK_S)
    assert ledger.snapshot().tiers[2].earmark == 0


def test_what_a_tier_keeps_during_its_call_is_reckoned_with_by_the_others():
    ledger, clock = opened(0)
    place = ledger.place("backfill")
    place.poll(5)
    clock.advance_s(8 * TICK_S + 1)
    place.poll(5)  # 35 are left, 3 of them kept
    wait = ledger.try_reserve("interactive", 40)
    assert (wait.reason, round((wait.until_ns - clock.now_ns()) / TICK_S / 1e9, 1)) == ("floor", 2.0)
    clock.advance_to_ns(wait.until_ns - 1)
    assert isinstance(ledger.try_reserve("interactive", 40), Wait)
    clock.advance_to_ns(wait.until_ns)
    assert isinstance(ledger.try_reserve("interactive", 40), Lease)


def test_a_request_behind_others_of_its_tier_waits_for_them_whatever_else_it_waits_for():
    ledger, _ = opened(100)
    ledger.try_reserve("upsert", 40)
    places = [ledger.place("upsert"), ledger.place("upsert")]
    assert [place.poll(240).reason for place in places] == ["floor", "queue"]


def test_a_place_left_saves_nothing():
    ledger, clock = opened(60)
    with ledger.place("backfill") as place:
        place.poll(20)
        clock.advance_s(10 * TICK_S)
        assert ledger.snapshot().tiers[2].earmark > 0
    assert ledger.snapshot().tiers[2].earmark == 0
    assert ledger.snapshot().waiters == ()


def test_the_cost_of_a_place_may_change_without_losing_turn_or_earmark():
    ledger, clock = opened(60)
    first, second = ledger.place("backfill"), ledger.place("backfill")
    first.poll(20)
    second.poll(5)
    clock.advance_s(11 * TICK_S)
    saved = ledger.snapshot().tiers[2].earmark
    assert isinstance(first.poll(10), Lease)
    assert saved >= 10


def test_an_oldest_waiter_that_does_not_use_its_turn_loses_it_and_joins_at_the_end():
    ledger, clock = opened(200)
    change(ledger._home, lambda view: joined(view, 2, 10_000, clock))  # it stands still with its gate open
    mine = ledger.place("backfill")
    assert isinstance(mine.poll(10), Wait)
    clock.advance_s(4.9)
    assert isinstance(mine.poll(10), Wait)
    clock.advance_s(0.2)
    assert isinstance(mine.poll(10), Lease)
    assert "lapsed" in [entry.event for entry in ledger.snapshot().journal]


def test_a_waiter_that_asks_keeps_its_turn_though_its_gate_stood_open_for_moments_between():
    ledger, clock = opened(200)
    place = ledger.place("backfill")
    lent = ledger.try_reserve("interactive", 90)
    for _ in range(3):
        assert isinstance(place.poll(20), Wait)  # shut: what is lent may all be spent
        assert isinstance(lent, Lease)
        lent.settle(0)  # open for a moment, and somebody else's look sees it
        assert isinstance(ledger.try_reserve("backfill", 5), Wait)
        lent = ledger.try_reserve("interactive", 90)
        clock.advance_s(waiters.LAPSE_NS / NS_PER_S)
    assert isinstance(place.poll(20), Wait)
    assert "lapsed" not in [entry.event for entry in ledger.snapshot().journal]


def test_a_waiter_whose_gate_is_shut_keeps_its_turn_however_long():
    ledger, clock = opened(0)
    change(ledger._home, lambda view: joined(view, 2, 100_000, clock))
    mine = ledger.place("backfill")
    for _ in range(10):
        assert isinstance(mine.poll(1), Wait)
        clock.advance_s(TICK_S)
    assert len(ledger.snapshot().waiters) == 2


def test_a_lower_tier_spends_nothing_that_an_upper_one_waits_to_collect():
    ledger, _ = opened(245)
    upper = ledger.place("upsert")
    assert isinstance(upper.poll(200), Wait)
    assert isinstance(ledger.try_reserve("backfill", 20), Wait)
    upper.leave()
    assert isinstance(ledger.try_reserve("backfill", 20), Lease)


def test_stop_and_time_out_leave_no_place_in_the_queue_behind():
    ledger, _ = opened(0)

    class Stop:
        def is_set(self):
            return True

    with pytest.raises(Stopped):
        ledger.reserve("upsert", 5, stop=Stop())
    with pytest.raises(TimedOut) as ended:
        ledger.reserve("upsert", 5, timeout_s=0)
    assert ended.value.wait.until_ns is not None
    assert ledger.snapshot().waiters == ()


def test_costs_are_learned_and_a_wild_sample_moves_them_little():
    ledger, _ = opened(300)
    shape = Shape(name="product/offers", items=10, prior=10.0)
    assert ledger.estimate(shape) == 100
    for turn in range(30):
        ledger.observe(Reading(300, 5, 60_000, SERVER_MS + turn))
        ledger.try_reserve("upsert", 100, shape=shape).settle(70)
    ledger.observe(Reading(300, 5, 60_000, SERVER_MS + 100))
    usual = ledger.estimate(shape)
    assert 70 <= usual <= 95
    lease = ledger.try_reserve("upsert", 100, shape=shape)
    lease.settle(600)
    assert ledger.estimate(shape) < 2 * usual


def test_tiers_that_cannot_keep_their_promises_are_refused():
    clock = ManualClock(1)
    with pytest.raises(ValueError, match="less than 1 is expected"):
        new_ledger((Tier(name="a", floor=0, floor_part=0, share=1.0),), clock)
    with pytest.raises(ValueError, match="different names"):
        new_ledger((Tier(name="a", floor=0, floor_part=0, share=0.1),) * 2, clock)
