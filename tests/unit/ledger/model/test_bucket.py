"""The bucket follows the server exactly, whatever order its words arrive in."""

import pytest

from ledger import Reading
from ledger.model import bucket
from ledger.model.book import MT
from ledger.model.bucket import Arrival
from ledger.model.entries import COMMITTED, RESERVED
from ledger.model.tick_period import Step

SERVER_MS = 1_700_000_000_000
S = 10**9
NOW_NS = 10**12


def arrival(left, *, after_s=0.0, rate=5, refill_in_ms=30_000, cost=0, sent_s=None, server_ms=None):
    """A reading that came so long after the first one."""
    told_ms = SERVER_MS + round(after_s * 1000) if server_ms is None else server_ms
    sent_ns = None if sent_s is None else NOW_NS + round(sent_s * S)
    return Arrival(Reading(left, rate, refill_in_ms, told_ms), NOW_NS + round(after_s * S), cost * MT, sent_ns)


def sums(book):
    assert book.credited_mt + book.drift_mt == book.balance_mt + book.spent_mt + book.expired_mt
    return book.balance_mt, book.spent_mt, book.expired_mt, book.drift_mt


def test_the_bucket_is_the_one_documented():
    assert (bucket.TICK_PERIOD_S, bucket.CAPACITY_TICKS, bucket.MAX_RATE_SEARCH) == (60.2, 60, 240)


def test_the_first_reading_is_the_opening_credit(fresh):
    book = fresh.book
    book.spent_mt, book.expired_mt, book.drift_mt, book.unknown_mt, book.unread_mt = 7, 20, 300, 8, 9
    book.needs_reading, book.reader_pid = 1, 4
    assert bucket.apply(fresh, arrival(120, cost=5), None) == 0
    assert (book.balance_mt, book.rate_mt, book.synced, book.needs_reading, book.reader_pid) == (
        120_000,
        5_000,
        1,
        0,
        0,
    )
    assert (book.spent_mt, book.unknown_mt, book.unread_mt) == (5_007, 0, 0)
    assert book.credited_mt == 120_000 + 5_007 + 20 - 300
    assert (book.quiet_drift_mt, book.quiet_expired_mt) == (300, 20)
    assert (book.server_ms, book.synced_ns, book.late_ns) == (SERVER_MS, NOW_NS, 0)
    assert book.next_tick_ns == NOW_NS + 31 * S, "a second later than announced"
    assert book.next_tick_server_ms == SERVER_MS + 30_000


def test_ticks_are_due_from_the_announced_time_on_and_the_period_apart(view):
    book = view.book
    assert [bucket.ticks_due(book, book.next_tick_ns + ns) for ns in (-1, 0, 60 * S - 1, 60 * S, 120 * S)] == [
        0,
        1,
        1,
        2,
        3,
    ]
    assert [bucket.tick_at_ns(book, ticks) - book.next_tick_ns for ticks in (0, 1, 3)] == [-60 * S, 0, 120 * S]
    book.synced = 0
    assert bucket.ticks_due(book, book.next_tick_ns + 120 * S) == 0


def test_the_balance_grows_to_the_capacity_and_never_before_a_tick(view):
    assert bucket.capacity_mt(view.book) == 300_000
    assert [bucket.balance_after(view.book, ticks) for ticks in (-1, 0, 1, 20, 21)] == [
        200_000,
        200_000,
        205_000,
        300_000,
        300_000,
    ]


def test_ticks_are_booked_with_their_times_and_what_finds_no_room_expires(view):
    book = view.book
    first_ns, first_ms = book.next_tick_ns, book.next_tick_server_ms
    bucket.materialise(book, first_ns - 1)
    assert (book.tick_index, book.next_tick_ns, sums(book)) == (0, first_ns, (200_000, 0, 0, 0))
    bucket.materialise(book, first_ns + 20 * 60 * S)
    assert (book.tick_index, sums(book)) == (21, (300_000, 0, 5_000, 0))
    assert (book.next_tick_ns, book.next_tick_server_ms) == (first_ns + 21 * 60 * S, first_ms + 21 * 60_000)
    assert book.credited_mt == 305_000


def test_a_charge_without_a_reading_comes_after_the_ticks_before_it(view):
    book = view.book
    bucket.charge_unread(book, 5_000, book.next_tick_ns, is_certain=True)
    assert (sums(book), book.unknown_mt, book.needs_reading) == ((200_000, 5_000, 0, 0), 0, 0)
    for turn in (1, 2):
        bucket.charge_unread(book, 7_000, NOW_NS + turn, is_certain=False)
        assert (book.unknown_mt, book.unknown_ns, book.needs_reading) == (turn * 7_000, NOW_NS + turn, 1)
    assert sums(book) == (186_000, 19_000, 0, 0)


def test_two_clocks_may_differ_by_half_a_minute_the_way_of_the_replies_and_a_thousandth_of_the_time(view):
    assert bucket.clock_slack_ns(0, 0) == 30 * S
    assert bucket.clock_slack_ns(7 * S, 1_000 * S) == bucket.clock_slack_ns(7 * S, -1_000 * S) == 38 * S
    book = view.book
    for off_ms in (-30_100, 30_100):
        assert bucket.is_timely(book, arrival(200, after_s=100, server_ms=SERVER_MS + 100_000 + off_ms))
    for off_ms in (-30_101, 30_101):
        assert not bucket.is_timely(book, arrival(200, after_s=100, server_ms=SERVER_MS + 100_000 + off_ms))
    late = SERVER_MS + 100_000 - 30_100 - 3_000 - 2_000
    book.late_ns = 2 * S
    assert bucket.is_timely(book, arrival(200, after_s=100, server_ms=late, sent_s=97))
    assert not bucket.is_timely(book, arrival(200, after_s=100, server_ms=late - 1, sent_s=97))


def test_the_way_to_a_reading_is_counted_by_the_servers_clock_and_by_ours_where_that_is_off(view):
    reply = arrival(210, after_s=95, refill_in_ms=55_000, server_ms=SERVER_MS + 95_500)
    assert bucket.step_to(view.book, reply, is_timely=True) == Step(120_500 * 10**6, 2, 0)
    assert bucket.step_to(view.book, reply, is_timely=False) == Step(120 * S, 2, 0)


def test_the_balance_tells_of_a_tick_more_or_less_where_time_does_not(view):
    view.book.period_trust = 3
    reply = arrival(205, after_s=63, refill_in_ms=60_000)
    assert bucket.step_to(view.book, reply, is_timely=True) == Step(93 * S, 1, 0)


def test_the_way_to_another_plan_is_counted_by_time_alone(view):
    reply = arrival(120, after_s=95, refill_in_ms=55_000, rate=20)
    assert bucket.step_to(view.book, reply, is_timely=True) == Step(120 * S, 2, 0)


def test_a_reply_is_older_by_its_time_unless_it_was_sent_after_the_last_had_come(view):
    book = view.book
    assert not bucket.is_older(book, arrival(200, after_s=9, server_ms=SERVER_MS + 1))
    assert bucket.is_older(book, arrival(200, after_s=9, server_ms=SERVER_MS - 1))
    assert bucket.is_older(book, arrival(200, after_s=9, server_ms=SERVER_MS - 1, sent_s=0))
    assert not bucket.is_older(book, arrival(200, after_s=9, server_ms=SERVER_MS - 1, sent_s=0.1))


def test_of_two_paid_replies_in_one_millisecond_the_poorer_is_the_later(view):
    assert bucket.is_older(view.book, arrival(196, server_ms=SERVER_MS, cost=5, sent_s=0))
    assert not bucket.is_older(view.book, arrival(195, server_ms=SERVER_MS, cost=5, sent_s=0))
    assert not bucket.is_older(view.book, arrival(300, server_ms=SERVER_MS)), "a free one was asked for after it"


def test_an_older_reply_books_its_charge_alone(view):
    assert bucket.apply(view, arrival(190, after_s=1, server_ms=SERVER_MS - 5, cost=10), None) == 10_000
    assert sums(view.book) == (200_000, 10_000, 0, 10_000)
    assert (view.book.server_ms, view.book.synced_ns) == (SERVER_MS, NOW_NS)


def test_a_reply_that_follows_the_book_leaves_no_drift_and_sets_the_next_tick(view):
    book = view.book
    book.needs_reading, book.reader_pid, book.unread_mt = 1, 4, 9
    reply = arrival(200, after_s=35, refill_in_ms=55_000, cost=5, sent_s=33)
    assert bucket.apply(view, reply, Step(60 * S, 1, 0)) == 0
    assert (sums(book), book.tick_index, book.credited_mt) == ((200_000, 5_000, 0, 0), 1, 205_000)
    assert book.next_tick_ns == NOW_NS + (35 + 55 + 1) * S
    assert book.next_tick_server_ms == SERVER_MS + 90_000
    assert (book.server_ms, book.synced_ns, book.late_ns) == (SERVER_MS + 35_000, NOW_NS + 35 * S, 2 * S)
    assert (book.needs_reading, book.reader_pid, book.unread_mt) == (0, 0, 0)


def test_what_nothing_explains_is_drift_as_soon_as_nothing_is_on_the_wire(view):
    book = view.book
    lease = view.add_lease()
    lease.state = COMMITTED
    assert bucket.apply(view, arrival(190, after_s=1, refill_in_ms=29_000), Step(0, 0, 0)) == 0, "the call may be it"
    assert sums(book) == (190_000, 0, 0, -10_000)
    lease.state = RESERVED
    assert bucket.apply(view, arrival(185, after_s=2, refill_in_ms=28_000), Step(0, 0, 0)) == -15_000
    assert (book.drift_mt, book.quiet_drift_mt) == (-15_000, -15_000)
    assert bucket.apply(view, arrival(185, after_s=3, refill_in_ms=27_000), Step(0, 0, 0)) == 0, "it is told once"


def test_a_lost_charge_is_settled_by_what_the_balance_says(view):
    book = view.book
    bucket.charge_unread(book, 30_000, NOW_NS, is_certain=False)
    assert bucket.apply(view, arrival(190, after_s=1, refill_in_ms=29_000), Step(0, 0, 0)) == 0
    assert (sums(book), book.unknown_mt) == ((190_000, 10_000, 0, 0), 0)
    bucket.charge_unread(book, 30_000, NOW_NS, is_certain=False)
    assert bucket.apply(view, arrival(200, after_s=2, refill_in_ms=28_000), Step(0, 0, 0)) == 10_000
    assert sums(book) == (200_000, 10_000, 0, 10_000), "more came back than was charged"


def test_a_reply_to_a_call_sent_before_another_was_lost_says_nothing_of_the_lost_one(view):
    book = view.book
    bucket.charge_unread(book, 30_000, NOW_NS + S, is_certain=False)
    assert bucket.apply(view, arrival(195, after_s=2, refill_in_ms=28_000, cost=5, sent_s=1), Step(0, 0, 0)) == 0
    assert (book.unknown_mt, book.needs_reading, sums(book)) == (30_000, 1, (195_000, 35_000, 0, 30_000))
    assert bucket.apply(view, arrival(190, after_s=3, refill_in_ms=27_000, cost=5, sent_s=1.1), Step(0, 0, 0)) == 0
    assert (book.unknown_mt, book.needs_reading, sums(book)) == (0, 0, (190_000, 10_000, 0, 0))


def test_tokens_thought_to_have_expired_are_given_back_before_any_are_called_drift(view):
    book = view.book
    bucket.materialise(book, book.next_tick_ns + 20 * 60 * S)
    book.balance_mt -= 50_000
    book.spent_mt += 50_000
    back = arrival(253, after_s=1_300, refill_in_ms=0)
    assert bucket.apply(view, back, Step(0, 0, 0)) == 0
    assert sums(book) == (253_000, 50_000, 2_000, 0)
    assert book.quiet_expired_mt == 2_000
    assert bucket.apply(view, arrival(256, after_s=1_301, refill_in_ms=0), Step(0, 0, 0)) == 3_000
    assert sums(book) == (256_000, 50_000, 2_000, 3_000), "what was settled before is not given back again"


@pytest.mark.parametrize(
    ("rate", "ticks", "left", "credited", "expired"),
    [
        (20, 3, 200 + 3 * 20, 60, 0),  # all ticks of the new plan
        (20, 3, 200 + 2 * 5 + 20, 30, 0),  # the last one
        (20, 3, 200 + 3 * 5, 15, 0),  # none
        (20, 3, 777, 60, 0),  # no placement explains it: all
        (1, 2, 60, 6, 146),  # a smaller plan: with its first tick expires what is above its capacity
        (20, -1, 195, -5, 0),
        (20, 0, 215, 0, 0),  # no tick has been, so none is of the new plan
    ],
)
def test_a_change_of_plan_is_placed_where_it_explains_the_reading(view, rate, ticks, left, credited, expired):
    book = view.book
    reply = arrival(left, after_s=1, rate=rate, refill_in_ms=29_000)
    bucket.apply(view, reply, Step(60 * S, ticks, 0))
    assert (book.rate_mt, book.tick_index, book.balance_mt) == (rate * MT, ticks, left * MT)
    assert (book.credited_mt - 200_000, book.expired_mt) == (credited * MT, expired * MT)
    assert book.drift_mt == (left * MT - 200_000 - credited * MT + expired * MT)


def test_a_change_of_plan_is_looked_for_among_240_ticks(view):
    for ticks, found in ((240, True), (241, True), (500, False)):
        view.book.balance_mt, view.book.rate_mt, view.book.credited_mt = -100_000_000, 5_000, 0
        bucket._change_plan(view.book, 20_000, ticks, -100_000_000 + (ticks - 240) * 5_000 + 240 * 20_000)
        assert (view.book.credited_mt == (ticks - 240) * 5_000 + 240 * 20_000) is (found or ticks == 500)
    view.book.balance_mt, view.book.rate_mt, view.book.credited_mt = -100_000_000, 5_000, 0
    bucket._change_plan(view.book, 20_000, 500, -100_000_000 + 259 * 5_000 + 241 * 20_000)
    assert view.book.credited_mt == 500 * 20_000, "none is found, so all ticks are the new plan's"


def test_a_wait_is_cut_to_a_period_and_a_twentieth_and_a_tick_counts_a_sixtieth_of_one_later(view):
    book = view.book
    assert bucket.wait_ns(book, Reading(1, 5, 63_000, 0)) == 63 * S
    assert bucket.wait_ns(book, Reading(1, 5, 63_001, 0)) == 63 * S
    assert bucket.wait_ns(book, Reading(1, 5, 62_999, 0)) == 62_999 * 10**6
    assert bucket.guard_ns(book) == S
    book.period_ns = 3 * S
    assert bucket.guard_ns(book) == S // 20


def test_a_wait_of_no_more_than_550_ms_a_minute_says_only_that_the_tick_is_near(view):
    book = view.book
    assert bucket.refill_floor_ns(book) == 550 * 10**6
    book.period_ns = 3 * S
    assert bucket.refill_floor_ns(book) == 27_500_000
    book.period_ns = 300 * S
    assert bucket.refill_floor_ns(book) == 550 * 10**6
