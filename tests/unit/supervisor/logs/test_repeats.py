"""A line that comes again and again is written a few times and then counted."""

from hypothesis import given
from hypothesis import strategies as st

from supervisor.logs.repeats import RepeatFilter, key_of

S = 1_000_000_000


def key(text):
    return key_of({"level": "warning", "event": "away", "error": text, "ts": "now", "attempt": 3})


def test_lines_that_differ_in_digits_only_are_the_same():
    assert key("refused by 127.0.0.1:4000") == key("refused by 127.0.0.1:5001")
    assert key("refused") != key("timed out")


def test_the_first_few_pass_the_others_are_counted_when_the_window_is_over():
    repeats = RepeatFilter(window_s=60, allowed=3)
    passed = [repeats.lets_through(key("x"), at * S) for at in range(10)]
    assert passed == [True] * 3 + [False] * 7
    assert repeats.due_ns() == 60 * S
    assert repeats.take_due(59 * S) == []
    assert repeats.take_due(60 * S) == [(key("x"), 7)]
    assert repeats.due_ns() is None
    assert repeats.lets_through(key("x"), 61 * S)


def test_workers_of_one_role_that_fail_alike_share_a_number_and_one_alone_is_named():
    repeats = RepeatFilter(window_s=60, allowed=3)
    line = {"level": "warning", "event": "died", "role": "upsert", "words": "exit 70"}
    passed = [repeats.lets_through(key_of({**line, "slot": slot}), 0) for slot in range(20)]
    assert passed.count(True) == 3
    assert [(kind.role, kind.slot, count) for kind, count in repeats.take_due(None)] == [("upsert", None, 17)]
    alone = [repeats.lets_through(key_of({**line, "slot": 7}), 0) for _ in range(4)]
    assert alone == [True, True, True, False]
    assert [(kind.slot, count) for kind, count in repeats.take_due(None)] == [(7, 1)]


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 100)), max_size=200))
def test_no_line_is_lost_it_is_written_or_counted(stream):
    repeats = RepeatFilter(window_s=10, allowed=2, kinds=3)
    at, written, counted = 0, 0, 0
    for name, gap in stream:
        at += gap * S // 10
        counted += sum(count for _, count in repeats.take_due(at))
        written += repeats.lets_through(key(name), at)
    counted += sum(count for _, count in repeats.take_due(None))
    assert written + counted == len(stream)
