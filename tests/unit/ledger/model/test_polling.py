"""The server is asked by one caller at a time, ever more rarely where it does not help, and rarely in long waits."""

import pytest

from ledger.model import polling
from ledger.model.journal import NO_TIER, Event
from ledger.types import Owner, Wait

S = 10**9
NOW_NS = 10**12
TICK_NS = 60 * S
ME, OTHER = Owner(host=0, pid=7, started=70), Owner(host=0, pid=8, started=80)


def alive(_owner):
    return True


def dead(_owner):
    return False


def wait_until(seconds):
    return Wait(until_ns=None if seconds is None else NOW_NS + seconds * S, latest_ns=None, reason="floor")


def test_before_the_first_reading_one_caller_asks_and_says_so_in_the_book(fresh):
    assert polling.claim_reading(fresh, ME, NOW_NS, alive)
    book = fresh.book
    assert (book.reader_pid, book.reader_start, book.reader_since_ns, book.asked_ns) == (7, 70, NOW_NS, NOW_NS)
    assert fresh.events == [(Event.READING, NO_TIER, 0, ME)]
    assert not polling.claim_reading(fresh, OTHER, NOW_NS + 1, alive)


def test_who_asks_may_ask_again_and_another_only_after_half_a_minute_or_its_death(fresh):
    polling.claim_reading(fresh, ME, NOW_NS, alive)
    assert not polling.claim_reading(fresh, OTHER, NOW_NS + 30 * S - 1, alive)
    assert polling.claim_reading(fresh, ME, NOW_NS + 1, alive)
    assert polling.claim_reading(fresh, OTHER, NOW_NS + 30 * S + 1, alive)
    assert fresh.book.reader_pid == 8
    assert polling.claim_reading(fresh, ME, NOW_NS + 30 * S + 2, dead)


def test_another_process_with_the_number_of_who_asked_is_another(fresh):
    polling.claim_reading(fresh, ME, NOW_NS, alive)
    assert not polling.claim_reading(fresh, Owner(host=0, pid=7, started=71), NOW_NS + 1, alive)


def test_with_a_balance_nobody_asks_unless_a_reading_is_needed(view):
    assert not polling.claim_reading(view, ME, NOW_NS, alive)
    view.book.needs_reading = 1
    assert polling.claim_reading(view, ME, NOW_NS, alive)


def test_after_answers_that_do_not_help_the_pause_doubles_from_a_tick_to_a_quarter_of_an_hour(fresh):
    pauses = []
    for _ in range(8):
        polling.answered_badly(fresh, NOW_NS)
        pauses.append((polling.next_ask_ns(fresh) - NOW_NS) // S)
        assert not polling.claim_reading(fresh, ME, polling.next_ask_ns(fresh) - 1, alive)
    assert pauses == [60, 120, 240, 480, 900, 900, 900, 900]
    assert polling.claim_reading(fresh, ME, polling.next_ask_ns(fresh), alive)


def test_questions_in_vain_are_counted_to_twenty_and_the_claim_is_released(fresh):
    polling.claim_reading(fresh, ME, NOW_NS, alive)
    for _ in range(25):
        polling.answered_badly(fresh, NOW_NS + S)
    assert (fresh.book.asks, fresh.book.reader_pid, fresh.book.asked_ns) == (20, 0, NOW_NS + S)
    polling.answered_badly(fresh, 0)
    assert fresh.book.asked_ns == 1, "0 stands for never"


def test_the_first_question_may_be_asked_at_once(fresh):
    assert polling.next_ask_ns(fresh) == 0


def test_an_answer_that_is_only_odd_is_put_to_the_test_at_once(view):
    view.book.doubt_count, view.book.doubt_ns, view.book.asked_ns, view.book.asks = 1, NOW_NS, NOW_NS, 4
    polling.answered_badly(view, NOW_NS + S)
    assert (view.book.asks, view.book.needs_reading) == (1, 1)
    assert polling.next_ask_ns(view) == NOW_NS + S


def test_an_odd_answer_from_before_the_question_does_not_excuse_what_came_to_it(view):
    view.book.doubt_count, view.book.doubt_ns, view.book.asked_ns, view.book.asks = 1, NOW_NS - 1, NOW_NS, 4
    polling.answered_badly(view, NOW_NS)
    assert (view.book.asks, view.book.needs_reading) == (5, 1)
    assert polling.next_ask_ns(view) == NOW_NS + 900 * S


def test_an_answer_that_says_nothing_asks_for_no_other_where_the_balance_is_known(view):
    polling.answered_badly(view, NOW_NS)
    assert (view.book.asks, view.book.needs_reading) == (1, 0)
    assert polling.next_ask_ns(view) == NOW_NS + TICK_NS


def test_an_odd_answer_makes_no_reading_needed_where_there_is_none_yet(fresh):
    fresh.book.doubt_count = 1
    polling.answered_badly(fresh, NOW_NS)
    assert fresh.book.needs_reading == 0


@pytest.mark.parametrize(("seconds", "is_long"), [(180, False), (181, True), (None, False)])
def test_who_waits_longer_than_three_ticks_looks_at_the_balance_meanwhile(view, seconds, is_long):
    assert polling.claim_look(view, wait_until(seconds), ME, NOW_NS) is is_long
    assert (view.book.reader_pid, view.book.asked_ns) == ((7, NOW_NS) if is_long else (0, 0))


@pytest.mark.parametrize(("seconds", "is_long"), [(900, False), (901, True)])
def test_where_ticks_are_long_a_wait_of_more_than_a_quarter_of_an_hour_is_worth_a_look(view, seconds, is_long):
    view.book.period_ns = 3600 * S
    assert polling.claim_look(view, wait_until(seconds), ME, NOW_NS) is is_long


@pytest.mark.parametrize(("age_s", "is_long"), [(899, False), (900, True)])
def test_a_wait_without_an_end_is_worth_a_look_when_the_last_reading_is_a_quarter_of_an_hour_old(view, age_s, is_long):
    assert polling.claim_look(view, wait_until(None), ME, NOW_NS + age_s * S) is is_long


def test_all_together_look_once_in_a_quarter_of_an_hour(view):
    assert polling.next_look_ns(view) == 0
    assert polling.claim_look(view, wait_until(9_000), ME, NOW_NS)
    assert polling.next_look_ns(view) == NOW_NS + 900 * S
    assert not polling.claim_look(view, wait_until(9_000), OTHER, NOW_NS + 900 * S - 1)
    assert polling.claim_look(view, wait_until(9_000), OTHER, NOW_NS + 900 * S)


def test_nobody_looks_where_a_reading_is_needed_anyway(view):
    view.book.needs_reading = 1
    assert not polling.claim_look(view, wait_until(9_000), ME, NOW_NS)
    view.book.needs_reading, view.book.synced = 0, 0
    assert not polling.claim_look(view, wait_until(9_000), ME, NOW_NS)


def test_a_blind_call_is_made_once_a_tick_after_a_question_in_vain_with_no_other_call_open(fresh):
    assert not polling.claim_blind(fresh, NOW_NS), "nobody has asked yet"
    polling.answered_badly(fresh, NOW_NS)
    assert polling.may_go_blind(fresh, NOW_NS)
    assert polling.claim_blind(fresh, NOW_NS)
    assert not polling.claim_blind(fresh, NOW_NS + TICK_NS - 1)
    assert polling.claim_blind(fresh, NOW_NS + TICK_NS)
    fresh.add_lease()
    assert not polling.claim_blind(fresh, NOW_NS + 9 * TICK_NS)


def test_with_a_balance_no_call_is_blind(view):
    view.book.asks = 5
    assert not polling.may_go_blind(view, NOW_NS + 9 * TICK_NS)


def test_the_next_try_is_a_look_a_question_or_a_blind_call(view):
    view.book.asked_ns = NOW_NS
    assert polling.next_try_ns(view, NOW_NS) == NOW_NS + 900 * S
    assert polling.next_try_ns(view, NOW_NS + 901 * S) == NOW_NS + 901 * S
    view.book.needs_reading = view.book.asks = 1
    assert polling.next_try_ns(view, NOW_NS) == NOW_NS + TICK_NS
    view.book.synced, view.book.asks, view.book.blind_ns = 0, 3, NOW_NS + S
    assert polling.next_try_ns(view, NOW_NS) == NOW_NS + S + TICK_NS, "the blind call comes first"
    view.book.blind_ns = NOW_NS + 900 * S
    assert polling.next_try_ns(view, NOW_NS) == NOW_NS + 4 * TICK_NS
