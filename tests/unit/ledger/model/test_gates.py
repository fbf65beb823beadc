"""What each tier is kept, and how much is certain or left, by what its waiters and leases ask for."""

import pytest

from ledger import (
    NS_PER_S,
    Headroom,
)
from ledger.model import gates
from ledger.model.book import MT, PPM
from tests.fixtures.ledger.opened import joined, opened

pytestmark = pytest.mark.usefixtures("ledger_home")


TICK_S = 60.2


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
