"""A lease ends once, and its tokens are then spent, given back, or charged until a reading tells."""

import pytest

from ledger.model import gates, leases
from ledger.model.bucket import Arrival
from ledger.model.journal import NO_TIER, Event
from ledger.model.waiters import Request, join
from ledger.types import NOBODY, Owner, Reading, Shape, Wait

S = 10**9
NOW_NS = 10**12
SERVER_MS = 1_700_000_000_000
TICK_NS = 60 * S
INTERACTIVE, UPSERT, BACKFILL = 0, 1, 2
OWNER, OTHER = Owner(host=0, pid=7, started=70), Owner(host=0, pid=8, started=80)


def request(tokens, tier=UPSERT, owner=OWNER, shape=None):
    return Request(tier=tier, cost_mt=tokens * 1000, owner=owner, shape=shape)


def granted(view, tokens, **others):
    found = leases.grant(view, request(tokens, **others), NOW_NS, 0)
    assert not isinstance(found, Wait)
    return found


def test_a_lease_holds_its_tokens_and_says_whose_it_is(view):
    lease_id = granted(view, 30, shape=Shape(name="deal", items=6, prior=5.0))
    (lease,) = view.leases[: view.book.lease_count]
    assert (lease.id, lease.tier, lease.cost_mt, lease.at_ns) == (lease_id, UPSERT, 30_000, NOW_NS)
    assert (lease.owner_pid, lease.owner_start, lease.items, lease.shape) == (7, 70, 6, 0)
    assert (view.book.in_flight_mt, view.book.balance_mt, view.tiers[UPSERT].granted) == (30_000, 200_000, 1)
    assert view.events == [(Event.GRANTED, UPSERT, -30_000, OWNER)]


def test_a_lease_without_a_shape_teaches_nothing(view):
    lease_id = granted(view, 30)
    assert (view.leases[0].shape, view.leases[0].items) == (-1, 0)
    leases.settle(view, lease_id, 20, None, NOW_NS)
    assert view.book.shape_count == 0


def test_nothing_is_granted_before_the_first_reading(fresh):
    assert leases.grant(fresh, request(1), NOW_NS, 0).reason == "unsynced"


def test_nothing_is_granted_through_a_gate_that_is_shut_or_past_who_waits_for_one(view):
    assert leases.grant(view, request(151), NOW_NS, 0).reason == "floor"
    ticket = join(view, request(155), NOW_NS)
    behind = leases.grant(view, request(1), NOW_NS, 0)
    assert (behind.reason, behind.until_ns) == ("queue", view.book.next_tick_ns + view.book.period_ns)
    assert view.book.lease_count == 0
    assert not isinstance(leases.grant(view, request(150), NOW_NS, ticket), Wait)


def test_a_blind_lease_is_granted_without_a_balance_and_journalled_as_such(fresh):
    lease_id = leases.lend_blind(fresh, request(5), NOW_NS)
    assert fresh.leases[0].id == lease_id
    assert fresh.events == [(Event.BLIND, UPSERT, -5_000, OWNER), (Event.GRANTED, UPSERT, -5_000, OWNER)]


def test_a_sent_request_is_dated_by_its_sending(view):
    lease_id = granted(view, 30)
    assert leases.commit(view, lease_id, NOW_NS + 5)
    assert view.leases[0].at_ns == NOW_NS + 5
    assert not leases.commit(view, lease_id + 1, NOW_NS + 6)
    assert view.leases[0].at_ns == NOW_NS + 5


def test_what_is_cancelled_is_given_back_once_and_counted_as_refunded(view):
    lease_id = granted(view, 30)
    granted(view, 20)
    assert leases.cancel(view, lease_id, NOW_NS)
    assert not leases.cancel(view, lease_id, NOW_NS)
    assert (view.book.refunded_mt, view.book.in_flight_mt, view.book.balance_mt) == (30_000, 20_000, 200_000)
    assert view.events[-1] == (Event.CANCELLED, UPSERT, 30_000, OWNER)
    granted(view, 10)
    leases.cancel(view, view.leases[1].id, NOW_NS)
    assert view.book.refunded_mt == 40_000


def test_what_a_call_did_not_cost_is_refunded_and_what_it_cost_is_spent(view):
    lease_id = granted(view, 30)
    assert leases.settle(view, lease_id, 12, None, NOW_NS)
    book = view.book
    assert (book.refunded_mt, book.spent_mt, book.balance_mt, book.in_flight_mt) == (18_000, 12_000, 188_000, 0)
    assert (view.tiers[UPSERT].spent_mt, book.unread_mt, book.unknown_mt, book.needs_reading) == (12_000, 12_000, 0, 0)
    assert view.events[-1] == (Event.SETTLED, UPSERT, -12_000, OWNER)
    assert not leases.settle(view, lease_id, 12, None, NOW_NS)
    assert book.spent_mt == 12_000


def test_refunds_add_up_and_a_call_that_cost_more_than_was_reserved_refunds_nothing(view):
    for reserved, consumed in ((30, 12), (10, 40), (10, 9)):
        leases.settle(view, granted(view, reserved), consumed, None, NOW_NS)
    assert (view.book.refunded_mt, view.book.spent_mt, view.book.unread_mt) == (19_000, 61_000, 61_000)
    assert view.tiers[UPSERT].spent_mt == 61_000


def test_a_call_of_unknown_cost_is_charged_in_full_until_a_reading_tells(view):
    leases.settle(view, granted(view, 30), None, None, NOW_NS)
    book = view.book
    assert (book.spent_mt, book.unknown_mt, book.unread_mt, book.refunded_mt) == (30_000, 30_000, 0, 0)
    assert (book.needs_reading, book.unknown_ns) == (1, NOW_NS)
    assert view.events[-1] == (Event.UNKNOWN, UPSERT, -30_000, OWNER)


def test_a_reply_with_a_reading_leaves_nothing_unread(view):
    lease_id = granted(view, 30)
    leases.commit(view, lease_id, NOW_NS)
    leases.settle(view, lease_id, 12, Reading(188, 5, 29_000, SERVER_MS + 1_000), NOW_NS + S)
    book = view.book
    assert (book.balance_mt, book.spent_mt, book.unread_mt, book.drift_mt) == (188_000, 12_000, 0, 0)
    assert (book.refunded_mt, view.tiers[UPSERT].spent_mt, book.synced_ns) == (18_000, 12_000, NOW_NS + S)


@pytest.mark.parametrize(("consumed", "is_believed"), [(0, True), (600, True), (601, False), (-1, False)])
def test_a_cost_that_no_such_call_can_have_is_taken_for_unknown(view, consumed, is_believed):
    lease_id = granted(view, 30, shape=Shape(name="deal", items=6, prior=5.0))
    leases.settle(view, lease_id, consumed, None, NOW_NS)
    spent_mt = consumed * 1000 if is_believed else 30_000
    assert (view.book.spent_mt, view.book.aside_count) == (spent_mt, 0 if is_believed else 1)
    aside = [event for event in view.events if event[0] is Event.ASIDE]
    assert aside == ([] if is_believed else [(Event.ASIDE, UPSERT, -consumed * 1000, OWNER)])


def test_a_number_of_any_size_is_journalled_as_the_journal_can_hold_it(view):
    leases.settle(view, granted(view, 30), 10**30, None, NOW_NS)
    leases.settle(view, granted(view, 30), -(10**30), None, NOW_NS)
    asides = [event for event in view.events if event[0] is Event.ASIDE]
    assert asides == [(Event.ASIDE, UPSERT, -(10**15), OWNER), (Event.ASIDE, UPSERT, 10**15, OWNER)]


def test_a_refusal_teaches_nothing_about_what_an_answer_costs(view):
    shape = Shape(name="deal", items=6, prior=5.0)
    leases.settle(view, granted(view, 30, shape=shape), 0, None, NOW_NS)
    assert view.shapes[0].samples == 0
    leases.settle(view, granted(view, 30, shape=shape), 1, None, NOW_NS)
    assert view.shapes[0].samples == 1


def test_of_a_dead_process_what_was_not_sent_is_refunded_and_what_was_is_charged_in_full(view):
    sent, unsent = granted(view, 30), granted(view, 20, tier=BACKFILL)
    leases.commit(view, sent, NOW_NS)
    alive = granted(view, 10, owner=OTHER)
    view.events.clear()
    assert leases.resolve_dead(view, NOW_NS + S, lambda owner: owner == OTHER) == 2
    book = view.book
    assert [lease.id for lease in view.leases[: book.lease_count]] == [alive]
    assert unsent not in {lease.id for lease in view.leases[: book.lease_count]}
    assert (book.refunded_mt, book.spent_mt, book.unknown_mt, book.unknown_ns) == (20_000, 30_000, 30_000, NOW_NS + S)
    assert (book.balance_mt, book.in_flight_mt, book.needs_reading) == (170_000, 10_000, 1)
    assert [tier.spent_mt for tier in view.tiers[:3]] == [0, 30_000, 0]
    assert view.events == [(Event.DEAD_REFUNDED, BACKFILL, 20_000, OWNER), (Event.DEAD_CHARGED, UPSERT, -30_000, OWNER)]


def test_refunds_of_the_dead_add_to_those_before(view):
    leases.cancel(view, granted(view, 5), NOW_NS)
    granted(view, 20)
    granted(view, 30)
    assert leases.resolve_dead(view, NOW_NS, lambda _owner: False) == 2
    assert view.book.refunded_mt == 55_000


def test_a_dead_process_loses_its_places_in_the_queue_and_others_keep_theirs(view):
    for owner in (OWNER, OTHER, OWNER):
        join(view, request(290, owner=owner), NOW_NS)
    assert leases.resolve_dead(view, NOW_NS, lambda owner: owner == OTHER) == 2
    assert [waiter.owner_pid for waiter in view.waiters[: view.book.waiter_count]] == [8]
    assert view.events == [(Event.DEAD_WAITER, UPSERT, 290_000, OWNER)] * 2
    assert view.book.refunded_mt == 0


def test_who_holds_a_lease_or_a_place_is_an_owner(view):
    assert leases.owners(view) == set()
    granted(view, 10)
    join(view, request(290, owner=OTHER), NOW_NS)
    assert leases.owners(view) == {OWNER, OTHER}


def test_a_reply_of_unknown_cost_is_as_fresh_as_its_coming_and_explains_the_charge(view):
    lease_id = granted(view, 30)
    leases.commit(view, lease_id, NOW_NS)
    leases.settle(view, lease_id, None, Reading(190, 5, 29_000, SERVER_MS + 1_000), NOW_NS + S)
    book = view.book
    assert (book.balance_mt, book.spent_mt, book.unknown_mt, book.needs_reading) == (190_000, 10_000, 0, 0)
    assert book.late_ns == 0
    lease_id = granted(view, 30)
    leases.commit(view, lease_id, NOW_NS + S)
    leases.settle(view, lease_id, 5, Reading(185, 5, 27_000, SERVER_MS + 3_000), NOW_NS + 3 * S)
    assert book.late_ns == 2 * S


def test_a_reading_of_just_before_a_tick_that_was_counted_lets_it_be_saved_for_but_once(view):
    join(view, request(290), NOW_NS)
    view.tiers[UPSERT].earmark_tick = 9
    leases.observe(view, Reading(200, 5, 29_000, SERVER_MS + 1_000), NOW_NS + S)
    assert view.tiers[UPSERT].earmark_tick == view.book.tick_index + 1


def test_the_first_reading_opens_the_book_and_the_next_one_does_not(fresh):
    assert leases.observe(fresh, Reading(200, 5, 30_000, SERVER_MS), NOW_NS)
    assert leases.observe(fresh, Reading(200, 5, 29_000, SERVER_MS + 1_000), NOW_NS + S)
    assert fresh.events == [(Event.OPENED, NO_TIER, 200_000, NOBODY)]


def test_another_plan_and_what_nothing_explains_are_journalled(view):
    assert leases.observe(view, Reading(190, 5, 29_000, SERVER_MS + 1_000), NOW_NS + S)
    assert leases.observe(view, Reading(190, 25, 28_000, SERVER_MS + 2_000), NOW_NS + 2 * S)
    assert view.events == [(Event.DRIFT, NO_TIER, -10_000, NOBODY), (Event.PLAN, NO_TIER, 25_000, NOBODY)]


def test_ticks_of_another_pace_are_journalled_in_seconds(view):
    assert leases.observe(view, Reading(200, 5, 90_000, SERVER_MS + 1_000), NOW_NS + S)
    assert (Event.PERIOD, NO_TIER, 90_000, NOBODY) in view.events
    assert view.book.period_ns == 90 * S


def test_a_reading_that_cannot_be_is_set_aside_and_its_charge_is_booked(view):
    lease_id = granted(view, 30)
    leases.commit(view, lease_id, NOW_NS)
    leases.settle(view, lease_id, 12, Reading(10**9, 5, 29_000, SERVER_MS + 1_000), NOW_NS + S)
    book = view.book
    assert (book.balance_mt, book.spent_mt, book.aside_count, book.aside_in_a_row) == (188_000, 12_000, 1, 1)
    assert (book.unknown_mt, book.needs_reading, book.doubt_count) == (0, 0, 0)
    assert view.events[-1] == (Event.ASIDE, NO_TIER, 10**12, NOBODY)
    assert not leases.observe(view, Reading(10**9, 5, 29_000, SERVER_MS + 2_000), NOW_NS + 2 * S)
    assert (book.balance_mt, book.aside_count, book.aside_in_a_row) == (188_000, 2, 2)
    assert leases.observe(view, Reading(188, 5, 27_000, SERVER_MS + 3_000), NOW_NS + 3 * S)
    assert (book.aside_count, book.aside_in_a_row) == (2, 0)


def test_what_is_set_aside_in_a_row_is_counted_to_a_million(view):
    view.book.aside_in_a_row = 999_999
    for _ in range(3):
        leases.observe(view, Reading(10**9, 5, 29_000, SERVER_MS), NOW_NS)
    assert (view.book.aside_in_a_row, view.book.aside_count) == (1_000_000, 3)


def test_a_reading_that_is_only_odd_is_kept_in_doubt(view):
    assert not leases.observe(view, Reading(4_000, 5, 29_000, SERVER_MS + 1_000), NOW_NS + S)
    assert (view.book.doubt_set, view.book.doubt_count, view.book.doubt_left_mt) == (1, 1, 4_000_000)


def test_on_a_smaller_plan_every_tier_keeps_what_it_may_save_there(view):
    join(view, request(100, tier=UPSERT), NOW_NS)
    join(view, request(10, tier=BACKFILL), NOW_NS)
    view.tiers[UPSERT].earmark_nt = 140_000 * 10**6
    view.tiers[BACKFILL].earmark_nt = 50_000 * 10**6
    leases.observe(view, Reading(60, 1, 29_000, SERVER_MS + 1_000), NOW_NS + S)
    leases.observe(view, Reading(60, 1, 28_000, SERVER_MS + 2_000), NOW_NS + 2 * S)
    assert view.book.rate_mt == 1_000
    assert [tier.earmark_nt // 10**6 for tier in view.tiers[:3]] == [0, 100_000, 12_000]


def test_a_much_larger_plan_is_spent_from_one_call_at_a_time_until_it_is_confirmed(view):
    leases.observe(view, Reading(200, 500, 29_000, SERVER_MS + 1_000), NOW_NS + S)
    assert (view.book.rate_mt, view.book.probation) == (500_000, 1)
    granted(view, 10, tier=INTERACTIVE)
    assert leases.grant(view, request(10, tier=INTERACTIVE), NOW_NS + S, 0).reason == "in flight"
    leases.observe(view, Reading(200, 500, 28_000, SERVER_MS + 2_000), NOW_NS + 2 * S)
    assert not isinstance(leases.grant(view, request(10, tier=INTERACTIVE), NOW_NS + 2 * S, 0), Wait)


def test_what_paid_for_a_lease_from_the_earmark_is_saved_again_when_it_is_cancelled(view):
    ticket = join(view, request(30, tier=BACKFILL), NOW_NS)
    view.tiers[BACKFILL].earmark_nt = 20_000 * 10**6
    lease_id = leases.grant(view, request(30, tier=BACKFILL), NOW_NS, ticket)
    assert view.book.waiter_count == 0
    assert view.tiers[BACKFILL].earmark_nt == 0
    assert leases.cancel(view, lease_id, NOW_NS)
    assert (view.tiers[BACKFILL].earmark_nt, view.book.kept) == (20_000 * 10**6, 1)


def saved(view, tier=BACKFILL):
    return view.tiers[tier].earmark_nt // 10**6


def granted_from_earmark(view, tokens, now_ns=NOW_NS):
    ticket = join(view, request(tokens, tier=BACKFILL), now_ns)
    view.tiers[BACKFILL].earmark_nt += tokens * 1000 * 10**6
    return leases.grant(view, request(tokens, tier=BACKFILL), now_ns, ticket)


def test_what_a_call_did_not_cost_is_saved_again_beside_what_was_saved_meanwhile(view):
    lease_id = granted_from_earmark(view, 20)
    assert saved(view) == 0
    view.tiers[BACKFILL].earmark_nt = 3_000 * 10**6
    leases.settle(view, lease_id, 12, None, NOW_NS)
    assert saved(view) == 3_000 + 8_000
    leases.settle(view, granted_from_earmark(view, 5), 9, None, NOW_NS)
    assert saved(view) == 11_000, "what a call cost beyond its earmark is nobody's saving"


def test_an_earmark_pays_a_lease_first_and_the_common_pool_the_rest(view):
    ticket = join(view, request(30, tier=BACKFILL), NOW_NS)
    view.tiers[BACKFILL].earmark_nt = 20_000 * 10**6
    leases.grant(view, request(30, tier=BACKFILL), NOW_NS, ticket)
    assert (saved(view), view.leases[0].earmark_nt // 10**6) == (0, 20_000)
    ticket = join(view, request(5, tier=BACKFILL), NOW_NS)
    view.tiers[BACKFILL].earmark_nt = 20_000 * 10**6
    leases.grant(view, request(5, tier=BACKFILL), NOW_NS, ticket)
    assert (saved(view), view.leases[1].earmark_nt // 10**6) == (15_000, 5_000)
    assert view.book.kept == 1, "what one that was served leaves over stays while its call is under way"


def test_what_is_saved_again_while_nobody_waits_stays_until_the_tick_after(view):
    lease_id = granted_from_earmark(view, 20)
    now_ns = view.book.next_tick_ns + 3 * TICK_NS
    leases.cancel(view, lease_id, now_ns)
    assert view.tiers[BACKFILL].earmark_tick == view.book.tick_index + 4
    gates.advance(view, now_ns + TICK_NS - 1)
    assert (saved(view), view.book.kept) == (20_000, 1)
    gates.advance(view, now_ns + TICK_NS)
    assert (saved(view), view.book.kept) == (0, 0)


def test_what_is_saved_again_while_others_wait_goes_on_growing(view):
    lease_id = granted_from_earmark(view, 20)
    join(view, request(290, tier=BACKFILL), NOW_NS)
    tick = view.tiers[BACKFILL].earmark_tick
    leases.cancel(view, lease_id, NOW_NS)
    assert (saved(view), view.tiers[BACKFILL].earmark_tick, view.book.kept) == (20_000, tick, 0)
    gates.advance(view, view.book.next_tick_ns)
    assert saved(view) == 21_000


def test_a_reading_of_the_same_plan_cuts_no_earmark_and_counts_ticks_that_are_due(view):
    join(view, request(10, tier=BACKFILL), NOW_NS)
    view.tiers[BACKFILL].earmark_nt, view.tiers[BACKFILL].earmark_tick = 90_000 * 10**6, 99
    leases.observe(view, Reading(200, 5, 29_000, SERVER_MS + 1_000), NOW_NS + S)
    assert saved(view) == 90_000
    assert view.tiers[BACKFILL].earmark_tick == view.book.tick_index + 1
    late_ns = NOW_NS + 400 * S
    view.tiers[BACKFILL].earmark_tick = 99
    leases.observe(view, Reading(230, 5, 50_000, SERVER_MS + 400_000), late_ns)
    assert view.tiers[BACKFILL].earmark_tick == view.book.tick_index + 1


def test_a_period_is_journalled_in_whole_thousandths_and_only_when_it_moved_by_more_than_a_twentieth(view):
    view.book.period_ns = 63 * S
    leases._journal_news(view, 1, 5_000, 60 * S, 0)
    assert view.events == []
    view.book.period_ns = 63 * S + 1_500_000
    leases._journal_news(view, 1, 5_000, 60 * S, 0)
    assert view.events == [(Event.PERIOD, NO_TIER, 63_001, NOBODY)]
    assert isinstance(view.events[0][2], int)


def test_what_dead_processes_spent_adds_to_what_their_tier_had_spent(view):
    leases.settle(view, granted(view, 5), 5, None, NOW_NS)
    leases.commit(view, granted(view, 20), NOW_NS)
    leases.resolve_dead(view, NOW_NS, lambda _owner: False)
    assert view.tiers[UPSERT].spent_mt == 25_000


def test_an_arrival_is_as_old_as_its_call_took_and_never_younger_than_now():
    reading = Reading(100, 5, 30_000, SERVER_MS)
    assert (Arrival(reading, 50).late_ns, Arrival(reading, 50).opening_mt) == (0, 100_000)
    assert Arrival(reading, 50, 0, 20).late_ns == 30
    assert Arrival(reading, 50, 0, 70).late_ns == 0
    assert Arrival(reading, 50, 7_000).opening_mt == 107_000
