"""Floors, shares, earmarks and queues decide as documented."""

import pytest

from ledger import (
    DEFAULT_TIERS,
    NS_PER_S,
    Headroom,
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
from ledger.model import gates, waiters
from ledger.model.book import MT, PPM
from ledger.model.waiters import Request
from ledger.storage.transaction import change
from ledger.types import Owner
from tests.fixtures.ledger.ledgers import new_ledger

pytestmark = pytest.mark.usefixtures("ledger_home")

SERVER_MS = 1_700_000_000_000
TICK_S = 60.2


def opened(left, rate=5, tiers=DEFAULT_TIERS):
    clock = ManualClock(10**12)
    ledger = new_ledger(tiers, clock)
    ledger.observe(Reading(left, rate, 60_000, SERVER_MS))
    return ledger, clock


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


def joined(view, tier, cost_mt, clock):
    owner = Owner(host=0, pid=1, started=0)
    return waiters.join(view, Request(tier=tier, cost_mt=cost_mt, owner=owner, shape=None), clock.now_ns())


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


def wait_in(view, tier, tokens, clock):
    return joined(view, tier, tokens * MT, clock)


@pytest.fixture
def queued():
    """A book with 200 tokens of a plan of 5, and a clock."""
    ledger, clock = opened(200)
    yield ledger._home.begin(), clock
    ledger._home.end()


def test_the_oldest_of_a_tier_is_the_one_with_the_smallest_ticket_wherever_it_stands(queued):
    view, clock = queued
    assert [gates.oldest_waiter(view, tier) for tier in range(3)] == [-1, -1, -1]
    for tier in (2, 1, 2):
        wait_in(view, tier, 10, clock)
    assert [gates.oldest_waiter(view, tier) for tier in range(3)] == [-1, 1, 0]
    view.waiters[0].ticket, view.waiters[2].ticket = view.waiters[2].ticket, view.waiters[0].ticket
    assert gates.oldest_waiter(view, 2) == 2


def test_a_tier_asks_for_what_all_its_waiters_want_together(queued):
    view, clock = queued
    for tier, tokens in ((2, 10), (1, 20), (2, 40)):
        wait_in(view, tier, tokens, clock)
    assert [gates.demand_mt(view, tier) for tier in range(3)] == [0, 20 * MT, 50 * MT]


def test_a_tier_is_at_work_while_one_of_its_leases_is_open(queued):
    view, _ = queued
    view.add_lease().tier = 1
    assert [gates.has_lease(view, tier) for tier in range(3)] == [False, True, False]


def test_a_tier_saves_up_to_its_share_of_the_capacity_or_what_its_oldest_asks_for(queued):
    view, clock = queued
    assert [gates.earmark_cap_mt(view, tier) for tier in range(3)] == [0, 150 * MT, 60 * MT]
    wait_in(view, 2, 100, clock)
    wait_in(view, 2, 140, clock)
    wait_in(view, 1, 100, clock)
    assert [gates.earmark_cap_mt(view, tier) for tier in range(3)] == [0, 150 * MT, 100 * MT]


def test_an_earmark_grows_by_the_share_of_each_refill_to_its_cap_and_is_never_cut(queued):
    view, _ = queued
    assert [gates.earmark_mt(view, 1, ticks) for ticks in (0, 1, 10, 60, 61)] == [0, 2_500, 25_000, 150_000, 150_000]
    view.tiers[1].earmark_nt = 160_000 * PPM
    assert gates.earmark_mt(view, 1, 5) == 160_000


def test_earmarks_grow_once_a_tick_for_who_waits_and_stay_for_who_is_at_work(queued):
    view, clock = queued
    wait_in(view, 1, 100, clock)
    for tier in range(3):
        view.tiers[tier].earmark_nt, view.tiers[tier].earmark_tick = 4 * MT * PPM, view.book.tick_index
    view.book.kept = 1
    view.add_lease().tier = 2
    clock.advance_s(2 * TICK_S + 1)
    for _ in range(2):
        gates.advance(view, clock.now_ns())
        assert [view.tiers[tier].earmark_nt // PPM for tier in range(3)] == [4 * MT, 9 * MT, 4 * MT]
    assert view.book.kept == 2, "interactive has no share that could be taken back, backfill is at work"
    assert [view.tiers[tier].earmark_tick - view.book.tick_index for tier in range(3)] == [0, 2, 2]


def test_who_neither_waits_nor_works_loses_at_a_tick_what_it_kept(queued):
    view, clock = queued
    view.tiers[2].earmark_nt, view.tiers[2].earmark_tick, view.book.kept = 5, view.book.tick_index, 1
    gates.advance(view, clock.now_ns())
    assert (view.tiers[2].earmark_nt, view.book.kept) == (5, 1), "not before the tick"
    clock.advance_s(TICK_S + 1)
    gates.advance(view, clock.now_ns())
    assert (view.tiers[2].earmark_nt, view.book.kept) == (0, 0)


def test_the_most_that_is_certain_is_what_floor_and_shares_of_others_leave(queued):
    view, _ = queued
    assert [gates.max_grant_mt(view, tier) for tier in range(3)] == [90 * MT, 250 * MT, 150 * MT]
    view.tiers[0].floor_mt, view.tiers[0].floor_ppm = 500 * MT, PPM
    assert gates.max_grant_mt(view, 0) == 0


def test_headroom_is_nothing_while_one_of_the_tier_waits_and_what_holds_leave_else(queued):
    view, clock = queued
    now_ns = clock.now_ns()
    assert gates.headroom(view, 1, now_ns) == Headroom(now=150, ever=250)
    wait_in(view, 1, 20, clock)
    assert gates.headroom(view, 1, now_ns) == Headroom(now=0, ever=250)
    assert gates.headroom(view, 2, now_ns) == Headroom(now=30, ever=150), "a tier below leaves what is asked for"
    assert gates.headroom(view, 0, now_ns) == Headroom(now=90, ever=90)
    view.tiers[1].earmark_nt = 125 * MT * PPM
    assert gates.headroom(view, 2, now_ns) == Headroom(now=0, ever=150)
    assert gates.headroom(view, 0, now_ns) == Headroom(now=75, ever=90), "a tier above leaves what is saved"
    view.book.balance_mt = 126_999
    assert gates.headroom(view, 0, now_ns) == Headroom(now=1, ever=90)


def test_headroom_is_nothing_before_the_first_reading(queued):
    view, clock = queued
    view.book.synced = 0
    assert gates.headroom(view, 1, clock.now_ns()) == Headroom(now=0, ever=250)


def test_the_common_pool_serves_down_to_the_floor_and_to_what_others_wait_for(queued):
    view, clock = queued
    assert gates.has_common(view, 2, 50 * MT, 0, 0)
    assert not gates.has_common(view, 2, 50 * MT + 1, 0, 0)
    assert gates.has_common(view, 2, 55 * MT, 1, 0)
    wait_in(view, 1, 20, clock)
    assert gates.has_common(view, 2, 30 * MT, 0, 0)
    assert not gates.has_common(view, 2, 30 * MT + 1, 0, 0)
    view.tiers[1].earmark_nt = 30 * MT * PPM
    assert gates.has_common(view, 2, 20 * MT, 0, 0)
    assert not gates.has_common(view, 2, 20 * MT + 1, 0, 0)
    assert gates.has_common(view, 2, 20 * MT, 1, 2), "two ticks bring five and upsert saves five"
    assert not gates.has_common(view, 2, 20 * MT + 1, 1, 2)


def test_the_common_pool_never_lends_what_is_not_there(queued):
    view, _ = queued
    assert gates.has_common(view, 0, 200 * MT, 0, 0)
    assert not gates.has_common(view, 0, 200 * MT + 1, 0, 0)
    view.tiers[2].earmark_nt, view.book.kept = 10 * MT * PPM, 1
    assert not gates.has_common(view, 0, 190 * MT + 1, 0, 0)
    assert gates.has_common(view, 0, 190 * MT, 0, 0)
    assert gates.has_common(view, 0, 200 * MT, 0, 1), "what is kept is free at the next tick"
    view.add_lease().tier = 2
    assert not gates.has_common(view, 0, 200 * MT, 0, 1), "but while its tier is at work"


def test_an_earmark_pays_up_to_what_it_is_and_the_bucket_holds(queued):
    view, clock = queued
    view.tiers[2].earmark_nt = 10 * MT * PPM
    assert gates.has_earmark(view, 2, 10 * MT, 0, 0)
    assert not gates.has_earmark(view, 2, 10 * MT + 1, 0, 0)
    assert not gates.has_earmark(view, 2, 11 * MT, 1, 1), "nobody of the tier waits, so nothing is saved"
    wait_in(view, 2, 100, clock)
    assert not gates.has_earmark(view, 2, 11 * MT, 1, 0)
    assert gates.has_earmark(view, 2, 11 * MT, 1, 1)
    assert not gates.has_earmark(view, 2, 11 * MT + 1, 1, 1)
    view.book.balance_mt = 10 * MT
    assert gates.has_earmark(view, 2, 10 * MT, 0, 0)
    view.book.in_flight_mt = 1
    assert not gates.has_earmark(view, 2, 10 * MT, 0, 0)


def test_a_gate_is_open_when_the_common_pool_or_the_earmark_pays(queued):
    view, clock = queued
    now_ns = clock.now_ns()
    assert gates.is_open(view, 2, 50 * MT, now_ns)
    assert not gates.is_open(view, 2, 51 * MT, now_ns)
    assert gates.is_open(view, 2, 51 * MT, now_ns + round((TICK_S + 1) * NS_PER_S))
    view.tiers[2].earmark_nt = 60 * MT * PPM
    assert gates.is_open(view, 2, 60 * MT, now_ns)
