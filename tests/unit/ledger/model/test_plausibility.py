"""Each reading is weighed against the book: plain, news, odd or impossible, at the very edge of each."""

import pytest

from ledger import Reading
from ledger.model import plausibility
from ledger.model.book import MT
from ledger.model.bucket import Arrival
from ledger.model.entries import COMMITTED, RESERVED
from ledger.model.plausibility import Plausibility

# The model is asked about a book of 200 tokens on a plan of 5, half a minute before a tick of a minute.

S = 10**9
NOW_NS = 10**12
SERVER_MS = 1_700_000_000_000
PLAIN, NEWS, ODD, IMPOSSIBLE_ONE = Plausibility.PLAIN, Plausibility.NEWS, Plausibility.ODD, Plausibility.IMPOSSIBLE


def arrival(left=200, *, rate=5, refill_in_ms=29_000, after_s=1.0, off_ms=0, cost=0):
    told_ms = SERVER_MS + round(after_s * 1000) + off_ms
    return Arrival(Reading(left, rate, refill_in_ms, told_ms), NOW_NS + round(after_s * S), cost * MT, None)


def verdict(view, *args, **fields):
    return plausibility.weigh(view, arrival(*args, **fields))[0]


@pytest.mark.parametrize(
    ("edge", "beyond"),
    [
        ({"rate": 1}, {"rate": 0}),
        ({"rate": 100_000}, {"rate": 100_001}),
        ({"refill_in_ms": 0}, {"refill_in_ms": -1}),
        ({"refill_in_ms": 4_000_000}, {"refill_in_ms": 4_000_001}),
        ({"left": 6_000_000}, {"left": 6_000_001}),
        ({"left": -300 - 512 * 10_000}, {"left": -300 - 512 * 10_000 - 1}),
        ({"left": -1_200 - 512 * 10_000, "rate": 20}, {"left": -1_201 - 512 * 10_000, "rate": 20}),
        ({"left": -300 - 512 * 10_000, "rate": 1}, {"left": -301 - 512 * 10_000, "rate": 1}),
        ({"off_ms": -SERVER_MS - 1_000}, {"off_ms": -SERVER_MS - 1_001}),
        ({"off_ms": 2**50 - SERVER_MS - 1_000}, {"off_ms": 2**50 - SERVER_MS - 999}),
    ],
)
def test_a_number_is_possible_up_to_its_limit(view, edge, beyond):
    assert verdict(view, **edge) is not IMPOSSIBLE_ONE
    assert plausibility.weigh(view, arrival(**beyond)) == (IMPOSSIBLE_ONE, None)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"left": 200}, PLAIN),
        ({"left": 210}, PLAIN),  # a tick or two counted early
        ({"left": 211}, ODD),
        ({"left": 190}, PLAIN),
        ({"left": 189}, NEWS),  # somebody else's call
        ({"left": 200 - 800}, NEWS),  # an hour of the plan and a large call of somebody else
        ({"left": 200 - 801}, ODD),
        ({"left": 195, "cost": 5}, PLAIN),
        ({"rate": 20}, NEWS),
        ({"rate": 20, "left": 240}, NEWS),
        ({"rate": 20, "left": 241}, ODD),
        ({"rate": 100}, NEWS),
        ({"rate": 100, "left": 201}, NEWS),
        ({"rate": 101}, NEWS),
        ({"rate": 101, "left": 201}, ODD),  # so large a plan only with the balance that it explains
        ({"rate": 101, "left": 199}, ODD),
        ({"refill_in_ms": 630_000}, NEWS),  # ten minutes and a twentieth, while the period is not trusted
        ({"refill_in_ms": 630_001}, ODD),
        ({"off_ms": 30_001}, PLAIN),
        ({"off_ms": 30_002}, ODD),
        ({"after_s": 95, "refill_in_ms": 55_000, "left": 210}, PLAIN),
        ({"after_s": 95, "refill_in_ms": 55_000, "left": 220}, PLAIN),
        ({"after_s": 95, "refill_in_ms": 55_000, "left": 221}, ODD),
        ({"after_s": 95, "refill_in_ms": 55_000, "left": 199}, NEWS),
        ({"after_s": 95, "refill_in_ms": 55_000, "left": 240, "rate": 20}, NEWS),
        ({"after_s": 95, "refill_in_ms": 55_000, "left": 281, "rate": 20}, ODD),
    ],
)
def test_what_becomes_of_a_reading(view, fields, expected):
    assert verdict(view, **fields) is expected


def test_once_the_period_is_trusted_no_wait_is_longer_than_it_by_more_than_a_twentieth(view):
    view.book.period_trust = 2
    assert verdict(view, refill_in_ms=64_000) is PLAIN
    view.book.period_trust = 3
    assert verdict(view, refill_in_ms=63_000) is not ODD
    assert verdict(view, refill_in_ms=63_001) is ODD


def test_a_period_that_is_set_and_not_trusted_vouches_for_its_own_waits(view):
    view.book.nominal_period_ns = 1_000 * S
    assert verdict(view, refill_in_ms=1_050_000) is not ODD
    assert verdict(view, refill_in_ms=1_050_001) is ODD


def test_an_older_reply_is_explained_and_shows_no_way(view):
    view.book.server_ms += 2_000
    assert plausibility.weigh(view, arrival(190)) == (PLAIN, None)


def test_calls_on_the_wire_explain_what_they_may_have_cost_and_lost_or_unread_ones_what_may_come_back(view):
    for state in (RESERVED, COMMITTED):
        lease = view.add_lease()
        lease.cost_mt, lease.state = 70_000, state
    assert verdict(view, 120) is PLAIN
    assert verdict(view, 119) is NEWS, "the one that was sent, and two refills"
    view.book.unknown_mt, view.book.unread_mt = 20_000, 3_000
    view.book.expired_mt, view.book.quiet_expired_mt = 9_000, 2_000
    assert verdict(view, 240) is PLAIN
    assert verdict(view, 241) is ODD
    view.book.quiet_expired_mt = 99_000
    assert verdict(view, 233) is PLAIN
    assert verdict(view, 234) is ODD


def test_on_a_smaller_plan_what_is_above_its_capacity_may_be_there_still_or_gone(view):
    for left, expected in ((200, NEWS), (215, NEWS), (216, ODD), (60, NEWS)):
        assert verdict(view, left, rate=1, after_s=35, refill_in_ms=55_000) is expected, left


def test_what_was_above_the_capacity_stays_so_until_it_is_spent(view):
    view.book.balance_mt = 400_000
    assert verdict(view, 400, after_s=95, refill_in_ms=55_000) is PLAIN


def test_a_full_bucket_explains_no_refill(view):
    view.book.balance_mt = 300_000
    assert verdict(view, 310, after_s=35, refill_in_ms=55_000) is PLAIN
    assert verdict(view, 311, after_s=35, refill_in_ms=55_000) is ODD


def test_the_fall_to_another_plan_is_reckoned_from_the_smaller_of_the_two(view):
    fields = {"rate": 20, "after_s": 95, "refill_in_ms": 55_000}
    assert verdict(view, 210 - 1_200 - 500, **fields) is NEWS
    assert verdict(view, 210 - 1_200 - 501, **fields) is ODD


def test_a_tick_that_was_counted_too_early_is_taken_back_from_what_is_explained(view):
    for left, expected in ((205, PLAIN), (206, ODD)):
        reading = Reading(left, 5, 0, SERVER_MS - 29_000)
        assert plausibility.weigh(view, Arrival(reading, NOW_NS + S, 0, NOW_NS + 1))[0] is expected


@pytest.mark.parametrize(("left", "expected"), [(300, PLAIN), (301, ODD), (-800, PLAIN), (-801, ODD)])
def test_the_first_reading_is_believed_within_a_full_bucket_and_the_debt_of_one_large_call(fresh, left, expected):
    assert plausibility.weigh(fresh, arrival(left)) == (expected, None)


def test_the_first_reading_is_believed_with_a_wait_within_ten_minutes_and_a_twentieth(fresh):
    assert verdict(fresh, refill_in_ms=630_000) is PLAIN
    assert verdict(fresh, refill_in_ms=630_001) is ODD


def test_an_odd_first_reading_is_believed_when_the_next_says_about_the_same_or_as_the_third_of_three(fresh):
    plausibility.remember(fresh.book, arrival(1_000))
    for left, expected in ((1_333, PLAIN), (1_334, ODD), (800, PLAIN), (799, ODD)):
        assert verdict(fresh, left, after_s=2, refill_in_ms=28_000) is expected, "it may be off by a quarter of itself"
    plausibility.remember(fresh.book, arrival(5_000))
    assert verdict(fresh, 9_000, after_s=2, refill_in_ms=28_000) is PLAIN


def test_what_is_odd_is_kept_with_what_was_spent_until_then(view):
    book = view.book
    book.spent_mt = 7
    plausibility.remember(book, Arrival(Reading(400, 6, 29_000, SERVER_MS + 1_000), NOW_NS + S, 0, NOW_NS))
    assert (book.doubt_set, book.doubt_count, book.doubt_left_mt, book.doubt_rate_mt) == (1, 1, 400_000, 6_000)
    assert (book.doubt_server_ms, book.doubt_next_ms) == (SERVER_MS + 1_000, SERVER_MS + 30_000)
    assert (book.doubt_ns, book.doubt_late_ns, book.doubt_spent_mt) == (NOW_NS + S, S, 7)
    plausibility.remember(book, arrival(400))
    assert book.doubt_count == 2


def test_news_keep_the_book_as_the_other_possibility_and_what_is_plain_ends_all_doubt(view):
    book = view.book
    book.aside_in_a_row, book.asks, book.doubt_count, book.spent_mt, book.late_ns = 3, 4, 2, 9, 5
    plausibility.believe(book, arrival(150), NEWS)
    assert (book.aside_in_a_row, book.asks, book.probation, book.doubt_set, book.doubt_count) == (0, 0, 0, 1, 0)
    assert (book.doubt_left_mt, book.doubt_rate_mt, book.doubt_spent_mt) == (200_000, 5_000, 9)
    assert (book.doubt_server_ms, book.doubt_next_ms, book.doubt_ns, book.doubt_late_ns) == (
        SERVER_MS,
        SERVER_MS + 30_000,
        NOW_NS,
        5,
    )
    book.doubt_count = 1
    plausibility.believe(book, arrival(200), PLAIN)
    assert (book.doubt_set, book.doubt_count) == (0, 0)


def test_a_first_reading_that_is_news_leaves_no_other_possibility(fresh):
    plausibility.believe(fresh.book, arrival(200), NEWS)
    assert fresh.book.doubt_set == 0


@pytest.mark.parametrize(("rate", "probation"), [(100, 0), (101, 1)])
def test_a_plan_more_than_twenty_times_as_large_is_on_probation(view, rate, probation):
    plausibility.believe(view.book, arrival(200, rate=rate), NEWS)
    assert view.book.probation == probation


def test_the_first_plan_is_on_no_probation(fresh):
    plausibility.believe(fresh.book, arrival(200, rate=5_000), PLAIN)
    assert fresh.book.probation == 0


@pytest.mark.parametrize(
    ("fields", "agrees"),
    [
        ({"left": 1_000}, True),
        ({"left": 1_200}, True),  # off by a quarter of how far the two possibilities are apart
        ({"left": 1_201}, False),
        ({"left": 800}, True),
        ({"left": 798}, False),
        ({"left": 995, "cost": 5}, True),
        ({"left": 1_000, "rate": 6}, False),
        ({"left": 1_000, "off_ms": 30_001}, True),
        ({"left": 1_000, "off_ms": 30_002}, False),
        ({"left": 1_000, "refill_in_ms": 635_000}, False),  # a long wait, and for another tick than the one in doubt
    ],
)
def test_an_odd_reading_is_news_when_it_agrees_with_the_one_in_doubt(view, fields, agrees):
    plausibility.remember(view.book, arrival(1_000))
    assert verdict(view, **{"after_s": 2, "refill_in_ms": 28_000} | fields) is (NEWS if agrees else ODD)


def test_two_long_waits_agree_when_they_are_for_the_same_tick(view):
    plausibility.remember(view.book, arrival(refill_in_ms=900_000))
    assert verdict(view, after_s=2, refill_in_ms=899_000) is NEWS
    assert verdict(view, after_s=2, refill_in_ms=902_000) is NEWS, "three seconds of a minute are a twentieth"
    assert verdict(view, after_s=2, refill_in_ms=902_001) is ODD


def test_what_was_in_doubt_grows_by_its_own_plan_to_its_own_capacity_and_shrinks_by_what_was_spent(view):
    book = view.book
    plausibility.remember(book, arrival(1_000))
    fields = {"after_s": 62.0, "refill_in_ms": 28_000}
    assert plausibility._doubt_expects(book, arrival(0, **fields).reading) == 1_000_000, (
        "above its capacity nothing grows"
    )
    book.doubt_left_mt, book.spent_mt = 100_000, 30_000
    assert plausibility._doubt_expects(book, arrival(0, **fields).reading) == 105_000 - 30_000
    assert plausibility._doubt_expects(book, arrival(0, after_s=9_000).reading) == 300_000 - 30_000
    assert plausibility._doubt_expects(book, arrival(0, after_s=-99.0).reading) == 100_000 - 30_000


def test_three_odd_readings_in_a_row_are_believed_though_none_agrees(view):
    for left in (1_000, 3_000):
        assert verdict(view, left) is ODD
        plausibility.remember(view.book, arrival(left))
    assert verdict(view, 5_000) is NEWS


def test_calls_on_the_wire_widen_what_counts_as_agreeing(view):
    plausibility.remember(view.book, arrival(1_000))
    fields = {"after_s": 2, "refill_in_ms": 28_000}
    assert verdict(view, 1_250, **fields) is ODD
    lease = view.add_lease()
    lease.cost_mt, lease.state = 50_000, COMMITTED
    assert verdict(view, 1_250, **fields) is NEWS
    assert verdict(view, 1_251, **fields) is ODD
