"""How readings are counted in ticks, and what they teach of the period: the model by itself."""

import pytest

from ledger.model import tick_period
from ledger.model.book import Book
from ledger.model.tick_period import Step

# A book with a period of a minute and a plan of 5 tokens a tick.

S = 10**9
RATE_MT = 5_000


def book_with(**changed):
    given = {"period_ns": 60 * S, "nominal_period_ns": 60 * S, "rate_mt": RATE_MT}
    return Book(**given | changed)


def counted(distance_s, refills, *, wait_s=0.0, is_full=False, **changed):
    """Ticks and the period that explains them, in seconds; 0 for the present one."""
    found = tick_period.count(
        book_with(**changed),
        round(distance_s * S),
        round(wait_s * S),
        round(refills * RATE_MT),
        is_full=is_full,
    )
    assert found.distance_ns == round(distance_s * S)
    assert isinstance(found.guess_ns, int)
    return found.ticks, found.guess_ns / S


@pytest.mark.parametrize(
    ("distance_s", "refills", "expected"),
    [
        (0, 0, (0, 0)),
        (0, 7, (0, 0)),
        (-61, 0, (-1, 0)),
        (-50, 0, (-1, 0)),
        (60, 1, (1, 0)),
        (91, 2, (2, 0)),
        (89, 1, (1, 0)),
        (66, 0, (1, 0)),  # off by no more than a tenth, so somebody else took a refill
        (66.001, 0, (0, 0)),
        (54, 2, (1, 0)),
        (93, 1, (1, 0)),
        (87, 2, (2, 0)),
        (87, 3, (1, 0)),  # the balance is two refills off
        (87, 1.5, (1, 0)),  # and here no whole number
        (20, -1, (0, 0)),
        (20, 1, (1, 0)),
    ],
)
def test_a_trusted_period_counts_ticks_by_time_and_by_the_balance_where_that_is_off_by_one(
    distance_s, refills, expected
):
    assert counted(distance_s, refills, period_trust=3) == expected


@pytest.mark.parametrize(
    ("distance_s", "refills", "wait_s", "expected"),
    [
        (91, 2, 10, (2, 0)),
        (120, 2, 10, (2, 0)),
        (60, 4, 10, (4, 15)),  # four refills in a minute are four ticks of 15 s
        (60, 4, 15.789, (4, 15)),  # which may be announced for a twentieth longer than they last
        (60, 4, 15.79, (1, 0)),
        (60, 3.5, 10, (1, 0)),
        (0.08, 4, 0, (4, 0.02)),
        (0.079, 4, 0, (0, 0)),  # no tick is shorter than 20 ms
        (240, 2, 10, (2, 120)),  # the period is a part of the true one
        (240, 3, 10, (4, 0)),  # it is not, so somebody took a refill
        (600, 5, 10, (5, 120)),
        (600, 1, 10, (1, 600)),
        (660, 1, 10, (11, 0)),  # over more than ten ticks the period itself may be off so far
        (240, 0, 10, (4, 0)),
        (240, -1, 10, (4, 0)),
        (90, 1, 10, (1, 90)),
    ],
)
def test_while_the_period_is_not_trusted_whole_refills_tell_another(distance_s, refills, wait_s, expected):
    ticks, guess_s = counted(distance_s, refills, wait_s=wait_s)
    assert (ticks, guess_s) == expected


def test_a_period_that_is_no_longer_the_one_of_the_settings_gives_way_to_any_whole_number_of_refills():
    assert counted(240, 3, wait_s=10, nominal_period_ns=61 * S) == (3, 80)
    assert counted(240, 3, wait_s=10, nominal_period_ns=61 * S, period_trust=1) == (4, 0)
    assert counted(240, 2, wait_s=10, period_trust=1) == (4, 0)


def test_a_period_foretold_twice_gives_way_to_a_balance_and_one_foretold_three_times_does_not():
    assert counted(60, 4, wait_s=10, period_trust=2) == (4, 15)
    assert counted(60, 4, wait_s=10, period_trust=3) == (1, 0)


def test_while_a_charge_is_not_known_the_balance_tells_nothing_of_the_period():
    assert counted(60, 4, wait_s=10, unknown_mt=1) == (1, 0)


@pytest.mark.parametrize(("refills", "expected"), [(1, (2, 0)), (2, (2, 0)), (2.5, (3, 0)), (3, (3, 0)), (4, (4, 0))])
def test_a_full_bucket_hides_refills_and_shows_that_there_were_at_least_so_many(refills, expected):
    assert counted(120, refills, is_full=True) == expected


def test_a_full_bucket_does_not_tell_that_there_was_a_tick_less():
    assert counted(156, 2, is_full=True) == (3, 0)


def learned(distance_s, ticks, refills, *, wait_s=30.0, guess_s=0.0, is_full=False, **changed):
    book = book_with(**{"longest_wait_ns": 30 * S} | changed)
    step = Step(round(distance_s * S), ticks, round(guess_s * S))
    tick_period.learn(book, step, round(wait_s * S), round(refills * RATE_MT), is_full=is_full)
    return book


def test_the_longest_wait_announced_fades_by_a_sixteenth_with_each_reading():
    assert learned(0, 0, 0, wait_s=31).longest_wait_ns == 31 * S
    assert learned(0, 0, 0, wait_s=1).longest_wait_ns == 30 * S - 30 * S // 16


def test_nobody_waits_longer_for_a_tick_than_a_period_and_a_twentieth():
    assert learned(0, 0, 0, wait_s=63).period_ns == 60 * S
    longer = learned(0, 0, 0, wait_s=63.001, period_trust=5, guess_count=2, guess_ns=99 * S)
    assert (longer.period_ns, longer.period_trust, longer.guess_count) == (63_001_000_000, 0, 0)
    assert learned(0, 0, 0, wait_s=100, guess_s=120).period_ns == 120 * S
    assert learned(0, 0, 0, wait_s=5_000).period_ns == 4_000 * S


def test_a_tick_before_the_one_announced_takes_back_what_a_wait_had_taught():
    given = {"period_ns": 600 * S, "wait_s": 20.0}
    assert learned(-60, 0, 0, **given).period_ns == 600 * S
    early = learned(-60.001, 0, 0, **given)
    assert (early.period_ns, early.longest_wait_ns) == (60 * S, 20 * S)
    assert learned(-601, 0, 0, period_ns=600 * S, wait_s=90.0).period_ns == 90 * S
    assert learned(-601, 0, 0, period_ns=40 * S, wait_s=20.0).period_ns == 40 * S
    assert learned(-601, 0, 0, period_trust=1, **given).period_ns == 600 * S


@pytest.mark.parametrize(
    ("trust", "ticks", "seen_s", "expected_s"),
    [(0, 1, 63, 61), (2, 1, 63, 61), (4, 1, 65, 61), (4, 4, 61, 60.5), (0, 1, 57, 59)],
)
def test_a_refill_that_was_foretold_exactly_moves_the_period_by_its_weight(trust, ticks, seen_s, expected_s):
    book = learned(seen_s * ticks, ticks, ticks, period_trust=trust, guess_count=1)
    assert book.period_ns == expected_s * S
    assert (book.period_trust, book.guess_count) == (trust + 1, 0)


def test_one_that_only_fits_moves_a_trusted_period_little_and_is_no_proof():
    book = learned(63, 1, 2, period_trust=4)
    assert (book.period_ns / S, book.period_trust) == (pytest.approx(60 + 3 / 61), 4)
    assert learned(63, 1, 1, period_trust=60).period_trust == 60


@pytest.mark.parametrize(
    ("distance_s", "ticks", "trust", "fits"),
    [
        (66, 1, 0, True),
        (66.001, 1, 0, False),
        (606, 10, 0, True),
        (606.001, 10, 0, False),
        (606, 10, 1, True),
        (1_212, 20, 1, True),  # twice as far over twice ten ticks
        (1_212.001, 20, 1, False),
        (1_206.001, 20, 0, False),
    ],
)
def test_ticks_fit_within_a_tenth_of_a_period_and_more_of_them_within_more_where_it_was_measured(
    distance_s, ticks, trust, fits
):
    book = learned(distance_s, ticks, ticks, period_trust=trust)
    moved_s = (distance_s / ticks - 60) * ticks / (ticks + 2)
    assert (book.period_ns == round((60 + moved_s) * S)) is fits


def test_a_balance_that_proves_another_period_is_believed_at_once_while_none_was_measured():
    book = learned(60, 4, 4, guess_s=15, wait_s=10)
    assert (book.period_ns, book.period_trust, book.guess_count) == (15 * S, 1, 0)


@pytest.mark.parametrize(("trust", "needed"), [(1, 2), (2, 2), (3, 4), (9, 4)])
def test_against_a_period_that_was_measured_it_takes_several(trust, needed):
    book = book_with(period_trust=trust, longest_wait_ns=10 * S)
    for nth in range(1, needed + 1):
        assert book.period_ns == 60 * S
        tick_period.learn(book, Step(60 * S, 4, 15 * S), 10 * S, 4 * RATE_MT, is_full=False)
        assert book.guess_count == (nth if nth < needed else 0)
    assert (book.period_ns, book.period_trust) == (15 * S, 1)


def test_guesses_that_contradict_each_other_begin_to_be_counted_anew():
    book = book_with(period_trust=2, longest_wait_ns=10 * S)
    for guess_s in (15, 17):
        tick_period.learn(book, Step(guess_s * S, 1, guess_s * S), 10 * S, RATE_MT, is_full=False)
        assert (book.guess_count, book.guess_ns, book.period_ns) == (1, guess_s * S, 60 * S)


@pytest.mark.parametrize(
    ("first_s", "second_s", "kept_s"), [(15, 15.75, 15), (15.75, 15, 15), (15, 30.75, 15), (45.75, 15, 15)]
)
def test_guesses_are_alike_within_a_twentieth_and_so_are_multiples_of_one_of_which_the_shorter_is_kept(
    first_s, second_s, kept_s
):
    book = book_with(period_trust=3, longest_wait_ns=10 * S)
    for guess_s in (first_s, second_s):
        guess_ns = round(guess_s * S)
        tick_period.learn(book, Step(guess_ns, 1, guess_ns), 10 * S, RATE_MT, is_full=False)
    assert (book.guess_count, book.guess_ns) == (2, kept_s * S)
    unlike_ns = round(kept_s * S * 1.0501)
    tick_period.learn(book, Step(unlike_ns, 1, unlike_ns), 10 * S, RATE_MT, is_full=False)
    assert (book.guess_count, book.guess_ns) == (1, unlike_ns)


def test_a_guess_shorter_than_a_wait_that_is_announced_now_is_dropped():
    book = learned(0, 0, 0, wait_s=30, guess_count=2, guess_ns=28_500_000_000, period_trust=1)
    assert book.guess_count == 2
    assert learned(0, 0, 0, wait_s=30, guess_count=2, guess_ns=28_499_999_999, period_trust=1).guess_count == 0


def test_what_announced_times_alone_speak_for_takes_three_and_eight_where_it_is_long():
    for longest_ns, needed in ((53_333_333_333, 3), (53_333_333_332, 8)):  # a sixteenth of it fades
        book = book_with(longest_wait_ns=longest_ns, nominal_period_ns=1_000 * S, period_ns=1_000 * S)
        seen = 0
        while not book.period_trust:
            seen += 1
            book.longest_wait_ns = longest_ns
            tick_period.learn(book, Step(100 * S, 0, 0), 0, RATE_MT // 2, is_full=False)
        assert (seen, book.period_ns) == (needed, 100 * S)


def test_the_first_reading_of_all_is_no_guess():
    book = learned(0, 0, 0, wait_s=0, longest_wait_ns=0)
    assert (book.guess_count, book.period_ns) == (0, 60 * S)


@pytest.mark.parametrize(
    ("refills", "is_full", "guess_s"), [(3, False, 30), (3, True, 90), (2.5, False, 90), (2.5, True, 90)]
)
def test_whole_refills_divide_what_does_not_fit_unless_the_bucket_is_full(refills, is_full, guess_s):
    book = learned(90, 2, refills, is_full=is_full, period_trust=3)
    assert (book.guess_count, book.guess_ns) == (1, guess_s * S)


def test_a_single_refill_says_more_than_what_a_guess_before_has_in_common_with_it():
    book = learned(90, 2, 1, period_trust=3, guess_count=1, guess_ns=40 * S)
    assert (book.guess_count, book.guess_ns) == (1, 90 * S)


def test_the_same_tick_announced_twice_says_little():
    """A fortieth of the longest wait, or of a trusted period, is jitter."""
    book = book_with(longest_wait_ns=40 * S)
    tick_period.learn(book, Step(round(0.99 * S), 0, 0), 40 * S, 0, is_full=True)
    assert (book.guess_count, book.period_ns) == (0, 60 * S)
    given = {"wait_s": 30, "longest_wait_ns": 40 * S, "guess_count": 2, "guess_ns": 45 * S}
    for distance_s, trust, left in ((0.937, 0, 2), (0.938, 0, 0), (1.499, 1, 2), (1.5, 1, 0)):
        assert learned(distance_s, 0, 0.5, period_trust=trust, **given).guess_count == left, distance_s


def test_a_tick_so_far_that_a_trusted_period_tells_it_better_says_little():
    given = {"wait_s": 30, "guess_count": 2, "guess_ns": 45 * S, "period_trust": 1}
    assert [learned(60 * ticks + 31, ticks, 0.5, **given).guess_count for ticks in (10, 11)] == [0, 2]


def test_before_a_period_was_measured_none_is_shorter_than_the_longest_wait_of_late():
    given = {"wait_s": 10, "guess_count": 2, "guess_ns": 20 * S}
    assert learned(0, 0, 0, period_trust=1, **given).guess_count == 2
    assert learned(0, 0, 0, period_trust=0, **given).guess_count == 0


@pytest.mark.parametrize(
    ("first_s", "second_s", "error_s", "expected_s"),
    [
        (90, 60, 1, 30),
        (60, 90, 1, 30),
        (60, 60, 1, 60),
        (61, 30, 2, 30.5),
        (100, 35, 6, 33.333333333),
        (100, 35, 5, 33.333333333),
        (100, 35, 4, 5),
        (7, 3, 0.1, 1),
    ],
)
def test_two_spans_have_a_longest_one_in_common(first_s, second_s, error_s, expected_s):
    found = tick_period._common(round(first_s * S), round(second_s * S), round(error_s * S))
    assert found / S == pytest.approx(expected_s, abs=1e-9)


def test_a_first_guess_is_what_was_seen_and_a_second_what_both_have_in_common():
    book = book_with(longest_wait_ns=20 * S)
    assert tick_period._guess(book, 90 * S, 45 * S) == 45 * S
    book.guess_count, book.guess_ns = 1, 60 * S
    assert tick_period._guess(book, 90 * S, 45 * S) == 30 * S
