"""When notices become messages."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tasks.notify.pace import HOUR, plan, quiet_end
from tasks.rule_settings import Pace

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def run(arrivals, pace, minutes, every=1):
    """Every message that is made in so many minutes, as its minute and its size; the notices that are left."""
    waiting, made, found = [], [], []
    for minute in range(0, minutes, every):
        now = START + minute * MINUTE
        waiting += [now] * arrivals.get(minute, 0)
        for number, size in enumerate(plan(waiting, made, pace, now).sizes):
            del waiting[:size]
            made.append(now + timedelta(microseconds=number))
            found.append((minute, size))
    return found, len(waiting)


EVERY = 10  # minutes between two looks
ARRIVALS = st.dictionaries(st.integers(0, 30).map(lambda n: n * EVERY), st.integers(1, 30), max_size=30)
TENS = st.integers(0, 143).map(lambda n: n * EVERY)
PACES = st.builds(
    Pace,
    at_most=st.integers(1, 6),
    digest_s=st.sampled_from([0.0, 600.0, 3600.0]),
    quiet=st.none() | st.tuples(TENS, TENS).filter(lambda pair: pair[0] != pair[1]),
    zone=st.just("UTC"),
)


@given(ARRIVALS, PACES)
def test_no_notice_is_lost_and_no_hour_has_more_messages_than_it_may(arrivals, pace):
    messages, left = run(arrivals, pace, 3 * 24 * 60, EVERY)
    assert left == 0
    assert sum(size for _, size in messages) == sum(arrivals.values())
    minutes = [minute for minute, _ in messages]
    for minute in minutes:
        assert sum(minute - 60 < other <= minute for other in minutes) <= pace.at_most


@given(ARRIVALS, PACES)
def test_nothing_is_sent_in_quiet_hours(arrivals, pace):
    messages, _ = run(arrivals, pace, 24 * 60, EVERY)
    assert all(quiet_end(pace, START + minute * MINUTE) is None for minute, _ in messages)


@given(PACES, st.integers(0, 3 * 24 * 60))
def test_quiet_hours_end_when_they_say(pace, minute):
    now = START + minute * MINUTE
    ends = quiet_end(pace, now)
    if ends is not None:
        assert now < ends <= now + timedelta(days=1)
        assert quiet_end(pace, ends) is None
        assert quiet_end(pace, ends - MINUTE) is not None


def test_what_is_fresh_and_fits_comes_one_by_one():
    assert run({0: 3}, Pace(), 2)[0] == [(0, 1), (0, 1), (0, 1)]


def test_what_does_not_fit_comes_together():
    assert run({0: 30}, Pace(at_most=5), 2)[0] == [(0, 30)]


def test_what_the_limit_held_back_comes_together_when_the_hour_is_over():
    assert run(dict.fromkeys(range(10), 1), Pace(at_most=2), 90)[0] == [(0, 1), (1, 1), (60, 8)]


def test_a_digest_is_one_message():
    assert run({0: 1, 10: 2, 59: 1}, Pace(digest_s=3600), 100)[0] == [(60, 4)]


def test_what_waits_for_the_end_of_the_night_comes_together():
    night = Pace(quiet=(22 * 60, 7 * 60), zone="Europe/Berlin")  # 21:00 to 06:00 UTC in winter
    assert run({9 * 60: 2, 12 * 60: 1}, night, 24 * 60)[0] == [(18 * 60, 3)]


def test_it_says_when_to_look_again():
    pace = Pace(at_most=1)
    assert plan([START], [START - MINUTE], pace, START).until == START - MINUTE + HOUR
